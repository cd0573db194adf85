"""Spoken terms: how well words are found in what a recogniser made of them.

    python bench/terms.py --pairs FILE [--data DIR --sets timit-nltk en-read-pm]

FILE holds one JSON object a line: ``reference`` (what was said), ``recognised`` (what the recogniser wrote),
``words`` (the same as pairs of a word and the recogniser's probability of it; may be left out), ``seconds`` and
``set``. Where FILE is not there yet, it is made with the built-in recogniser from the sets below DIR that have a
manifest.csv with the columns ``file`` and ``transcript``. Each utterance is one passage. Printed, for each set:

- every content word of the references as a query: MTWV (the maximum over one threshold for all terms of
  ``1 - mean over terms of (misses / true + 999.9 * false alarms / (seconds - true))``, NIST STD 2006), for exact
  matches alone and for all ways together;
- words that stand in no recognised utterance where they were said: how many are found in the first three;
- three words in a row of every reference: how many have their utterance first;
- how far the probabilities are to be trusted: expected calibration error over ten bins.
"""

from __future__ import annotations

import argparse
import csv
import json
import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from earmark.language import (
    Match,
    SpokenQuery,
    normalise,
    passage_strings,
    probability,
    spoken_query,
    word_offsets,
    words_between,
)
from earmark.language.matching import PassageTable

STOP = frozenset(
    "a an the and or but of to in on at by for with from as is are was were be been am it its this that these those "
    "i you he she we they me him her us them my your his our their not no do does did have has had will would can "
    "could should may might must there what which who whom when where how if so than then up out into "
    "about over".split()
)  # fmt: skip


@dataclass(frozen=True)
class Utterance:
    reference: str
    recognised: str
    seconds: float
    words: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True)
class Detection:
    term: str
    passage: int
    match: Match
    probability: float
    true: bool


class Corpus:
    """Utterances, and a table of what was recognised."""

    def __init__(self, utterances: Sequence[Utterance]) -> None:
        self.utterances = utterances
        self.tokens = [normalise(item.recognised) for item in utterances]
        self.offsets = [word_offsets(item.recognised, [word for word, _ in item.words]) for item in utterances]
        self.seconds = sum(item.seconds for item in utterances)
        self.said = [{token.stem for token in normalise(item.reference)} for item in utterances]
        self.said_keys = [[token.key for token in normalise(item.reference)] for item in utterances]
        self.heard = [{token.stem for token in normalise(item.recognised)} for item in utterances]
        strings = [passage_strings(item.recognised) for item in utterances]
        self.table = PassageTable(
            [item.keys for item in strings], [item.stems for item in strings], [item.phones for item in strings]
        )

    def terms(self) -> dict[str, set[int]]:
        """Content words of the references, with the utterances they were said in (in any inflection)."""
        stems: dict[str, str] = {}
        for keys in self.said_keys:
            for token in normalise(" ".join(keys)):
                if token.key not in STOP and len(token.key) > 2:
                    stems.setdefault(token.stem, token.key)
        return {key: {i for i, said in enumerate(self.said) if stem in said} for stem, key in stems.items()}

    def find(self, text: str) -> list[tuple[int, Match, float]]:
        """The best match of each passage that has one, the most probable first: passage, match, probability."""
        query: SpokenQuery = spoken_query(text)
        best: dict[int, tuple[Match, float]] = {}
        for index, match in self.table.search(query):
            chance = probability(match, self.certainty(index, match))
            if index not in best or chance > best[index][1]:
                best[index] = (match, chance)
        return sorted(((i, match, chance) for i, (match, chance) in best.items()), key=lambda item: -item[2])

    def certainty(self, index: int, match: Match) -> float | None:
        """The lowest probability of a matched word."""
        words = self.utterances[index].words
        tokens = self.tokens[index]
        span = (tokens[match.first_token].span[0], tokens[match.last_token].span[1])
        touched = words_between(self.offsets[index], span) if words else None
        return None if touched is None else min(words[i][1] for i in range(touched[0], touched[1] + 1))


def mtwv(detections: Sequence[Detection], terms: dict[str, set[int]], seconds: float) -> tuple[float, float]:
    """The best term-weighted value over all thresholds, and the threshold."""
    by_score = sorted(detections, key=lambda item: -item.probability)
    value, best, at = 0.0, 0.0, 1.0
    for number, item in enumerate(by_score):
        true = len(terms[item.term])
        value += (1 / true if item.true else -999.9 / (seconds - true)) / len(terms)
        score = item.probability
        last = number + 1 == len(by_score) or by_score[number + 1].probability != score
        if last and value > best:
            best, at = value, score
    return best, at


def calibration_error(detections: Sequence[Detection]) -> float:
    bins: dict[int, list[tuple[float, bool]]] = defaultdict(list)
    for item in detections:
        bins[min(9, int(10 * probability(item.match)))].append((probability(item.match), item.true))
    total = sum(len(members) for members in bins.values())
    return sum(abs(sum(p for p, _ in members) - sum(t for _, t in members)) / total for members in bins.values())


def report(name: str, utterances: Sequence[Utterance], seed: int) -> list[Detection]:
    corpus = Corpus(utterances)
    terms = corpus.terms()
    detections = [
        Detection(term, index, match, chance, index in places)
        for term, places in terms.items()
        for index, match, chance in corpus.find(term)
    ]
    exact = [item for item in detections if item.match.way == "exact"]
    print(f"{name}: {len(utterances)} utterances, {corpus.seconds:.0f} s, {len(terms)} terms")
    for label, chosen in (
        ("exact", exact),
        ("exact and stem", [d for d in detections if d.match.way in ("exact", "stem")]),
        ("without sound", [d for d in detections if d.match.way != "sound-alike"]),
        ("all ways", detections),
    ):
        value, threshold = mtwv(chosen, terms, corpus.seconds)
        print(f"  MTWV {label:15} {value:.3f} at {threshold:.2f}")

    lost = []
    for term, places in terms.items():
        stem = normalise(term)[0].stem
        if not any(stem in corpus.heard[place] for place in places) and len(places) <= 2:
            found = [index for index, _, _ in corpus.find(term)][:3]
            lost.append((term, bool(set(found) & places), sorted(places)[0]))
    print(f"  misheard words found in the first three: {sum(hit for _, hit, _ in lost)} of {len(lost)}")

    draw = random.Random(seed)
    first = found_at_all = asked = 0
    for index, keys in enumerate(corpus.said_keys):
        if len(keys) >= 3:
            at = draw.randrange(len(keys) - 2)
            found = [place for place, _, _ in corpus.find(" ".join(keys[at : at + 3]))]
            asked += 1
            first += found[:1] == [index]
            found_at_all += index in found
    print(f"  three words in a row: {first} of {asked} first, {found_at_all} found")
    print(f"  calibration error {calibration_error(detections):.3f} over {len(detections)} detections")
    return detections


def recognise(data: Path, sets: Sequence[str], pairs: Path) -> None:
    """Writes the pairs: every file of the sets, heard whole by the built-in recogniser."""
    from earmark.engines.recogniser.moonshine import Moonshine
    from earmark.media.decode import decode

    engine = Moonshine()
    with pairs.open("w", encoding="utf-8") as out:
        for name in sets:
            with (data / name / "manifest.csv").open(encoding="utf-8", newline="") as file:
                rows = list(csv.DictReader(file))
            for row in rows:
                (waveform,) = decode(data / name / row["file"], block_seconds=engine.max_seconds)
                (heard,) = engine.transcribe([waveform])
                words = [(word.text, word.probability) for word in heard.words]
                pair = {"set": name, "reference": row["transcript"], "recognised": heard.text, "words": words}
                pair["seconds"] = waveform.span.duration
                out.write(json.dumps(pair, ensure_ascii=False) + "\n")


def _utterance(row: dict[str, Any]) -> Utterance:
    words = tuple((word, float(chance)) for word, chance in row.get("words", ()))
    return Utterance(row["reference"], row["recognised"], row["seconds"], words)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=Path, required=True)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--sets", nargs="+", default=["timit-nltk", "en-read-pm"])
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    if arguments.data is not None and not arguments.pairs.exists():
        recognise(arguments.data, arguments.sets, arguments.pairs)
    sets: dict[str, list[Utterance]] = defaultdict(list)
    for line in arguments.pairs.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        sets[row["set"]].append(_utterance(row))
    for name, utterances in sets.items():
        report(name, utterances, arguments.seed)


if __name__ == "__main__":
    main()
