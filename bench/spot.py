"""Spotting: how well words are found in the sound itself, without a transcript.

    python bench/spot.py --data DIR [--out hits.json]

DIR holds sets with a manifest.csv. Persian: `fa-kws`, clips of six words and a few sentences; English:
`timit-nltk`, sentences of read speech, with 40 content words of at least five letters as keywords, chosen with a
seed, said as the dictionary has them and, separately, by spelling rules alone (as names would be). Each pair of a
clip and a keyword is one decision, by the best hit in the clip; a word that is said there is found if its best
score beats all but k of the pairs where it is not.
"""

from __future__ import annotations

import argparse
import csv
import json
import random
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from earmark.engines.spotter.phones import variants_of
from earmark.engines.spotter.sphinx import SphinxSpotter
from earmark.language.phonetics import phones_of
from earmark.media.decode import decode
from earmark.timeline import Waveform


@dataclass(frozen=True)
class Clip:
    name: str
    waveform: Waveform
    said: frozenset[str]


def read(path: Path) -> Waveform:
    blocks = list(decode(path))
    return Waveform(np.concatenate([block.samples for block in blocks], axis=1), 16_000)


def persian_clips(folder: Path) -> list[Clip]:
    clips = []
    with open(folder / "manifest.csv", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            events = json.loads(row["events"]) if row["events"] else []
            said = {event["word"] for event in events} or ({row["transcript"]} if row["label"] else set())
            clips.append(Clip(row["file"], read(folder / row["file"]), frozenset(said)))
    return clips


def english_clips(folder: Path) -> list[Clip]:
    clips = []
    with open(folder / "manifest.csv", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            words = frozenset(re.findall(r"[a-z']+", row["transcript"].lower()))
            clips.append(Clip(row["file"], read(folder / row["file"]), words))
    return clips


def pairs(
    spotter: SphinxSpotter, clips: Sequence[Clip], keywords: Mapping[str, Sequence[str]]
) -> list[tuple[str, str, bool, float]]:
    """Clip, keyword, whether it is said there, and the best score (-999 for no hit at all)."""
    found = []
    for clip in clips:
        best: dict[str, float] = {}
        for hit in spotter.spot(clip.waveform, keywords):
            best[hit.keyword] = max(best.get(hit.keyword, -999.0), hit.score)
        found += [(clip.name, word, word in clip.said, best.get(word, -999.0)) for word in keywords]
    return found


def report(title: str, found: Sequence[tuple[str, str, bool, float]]) -> None:
    yes = sorted((score for _, _, said, score in found if said), reverse=True)
    no = sorted((score for _, _, said, score in found if not said), reverse=True)
    wins = sum(float(np.mean([y > n for n in no])) for y in yes) / max(1, len(yes))
    print(f"{title}: {len(yes)} said, {len(no)} not said, AUROC {wins:.3f}")
    for allowed in (0, 1, 5, 20):
        if allowed < len(no):
            print(f"    {sum(score > no[allowed] for score in yes):>3} of {len(yes)} at {allowed} false alarms")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    spotter = SphinxSpotter()
    kept: dict[str, list[tuple[str, str, bool, float]]] = {}

    clips = persian_clips(options.data / "fa-kws")
    words = sorted({word for clip in clips for word in clip.said if clip.name.count("/") and word != "روشن"})
    keywords = {word: said_persian(word) for word in words}
    began = time.perf_counter()
    found = pairs(spotter, clips, keywords)
    seconds = sum(clip.waveform.span.duration for clip in clips)
    variants = sum(map(len, keywords.values()))
    speed = seconds / (time.perf_counter() - began)
    print(f"{len(words)} Persian words, {variants} pronunciations: {speed:.1f} × real time")
    kept["fa words"] = [pair for pair in found if pair[0].startswith("words/")]
    kept["fa sentences"] = [pair for pair in found if pair[0].startswith("sentences/")]

    clips = english_clips(options.data / "timit-nltk")
    known = sorted({word for clip in clips for word in clip.said if len(word) >= 5 and spotter.pronunciations(word)})
    chosen = random.Random(0).sample(known, 40)
    began = time.perf_counter()
    kept["en dictionary"] = pairs(spotter, clips, {word: spotter.pronunciations(word) for word in chosen})
    seconds = sum(clip.waveform.span.duration for clip in clips)
    print(f"40 English words: {seconds / (time.perf_counter() - began):.1f} × real time")
    kept["en by rule"] = pairs(spotter, clips, {word: variants_of(phones_of(word)) for word in chosen})
    for title, found in kept.items():
        report(title, found)
    if options.out is not None:
        options.out.write_text(json.dumps(kept, ensure_ascii=False), encoding="utf-8")


def said_persian(word: str) -> list[str]:
    """Pronunciations of a word or of several, each said as likely as not."""
    ways = [""]
    for part in word.split():
        variants = variants_of(phones_of(part), persian=True)
        ways = [f"{way} {variant}".strip() for way in ways for variant in variants]
    return ways[:24]


if __name__ == "__main__":
    main()
