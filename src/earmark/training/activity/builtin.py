"""Lays out what the built-in model of speech, music and noise was trained on and measured with.

``python -m earmark.training.activity.builtin DATA OUT`` reads collections, each with a ``manifest.csv`` (file,
kind, label, licence, fold, transcript), and fills ``OUT/train`` and ``OUT/heldout`` with ``speech/``, ``music/``
and ``noise/``, the layout `earmark train activity` reads. Nothing lies in both: whole collections are held out
for speech, whole recordings for music, folds and kinds of sound for noise. Recordings whose licence forbids a use
in shipped weights are only ever held out. Sung music, bells, and babble of distant voices are in neither, for
it is open to which class they belong.
"""

from __future__ import annotations

import csv
import re
import subprocess
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path

from earmark.training.activity.music import render

__all__ = ["lay_out"]

Row = dict[str, str]

INSTRUMENTS = frozenset(
    "bass_drum bass_guitar cowbell didgeridoo snare_drum xylophone piano hi_hat cymbal drum_roll tom_drum guitar "
    "drum_kit tabla trumpet agogo_bells shaker castanets hand_drum drum guiro tambourine triangle vibraslap "
    "woodblock banjo bass_clarinet bassoon cello clarinet contrabassoon english_horn double_bass flute "
    "french_horn mandolin oboe saxophone trombone".split()
)
OPEN_QUESTIONS = frozenset(
    "choir singing call_to_prayer radio_chatter whisper mumbling crowd crowd_ooh crowd_scream bell church_bell "
    "doorbell wind_chimes singing_bowl gong sleigh_bells toy_train_whistle slide_whistle whistle whale parrot "
    "airport cafe carousel church crowded-bar library office restaurant subway-station supermarket temple "
    "singing-bowl wind-chimes tuning-radio crowd_cheering washboard flexatone vinyl_scratch vinyl".split()
)
HELD_OUT_MUSIC = re.compile(r"setuniman|lena-orsa|admiralbob|max-samples")
SUNG_MUSIC = re.compile(r"Karissa_Hobbs")


def lay_out(data: Path, out: Path) -> None:
    """Links the recordings and renders the rest; a few minutes, most of them fluidsynth's."""
    for part in ("train", "heldout"):
        for kind in ("speech", "music", "noise"):
            (out / part / kind).mkdir(parents=True, exist_ok=True)
    sentences: list[str] = []
    for manifest in sorted(data.glob("*/manifest.csv")):
        with manifest.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                place = _place(manifest.parent.name, row)
                if place is None:
                    continue
                if row.get("transcript") and place[0] == "train" and row.get("lang") == "en":
                    sentences.append(row["transcript"])
                name = f"{manifest.parent.name}-{row['file'].replace('/', '-')}"
                link = out / place[0] / place[1] / name
                if not link.exists():
                    link.symlink_to((manifest.parent / row["file"]).resolve())
    _speak(out / "train" / "speech", [text for text in sentences if 20 < len(text) < 160][:160])
    render(out / "train" / "music", minutes=60, seed=1)


def _place(collection: str, row: Row) -> tuple[str, str] | None:
    """``("train" or "heldout", class)``; None leaves the recording out."""
    kind, label, file = row.get("kind", ""), row.get("label", ""), row["file"]
    stem = Path(file).stem
    if label in OPEN_QUESTIONS or stem in OPEN_QUESTIONS or "Sampling+" in row["licence"]:
        return None
    if collection in {"timit-nltk", "fa-asr36"} or (collection == "misc-speech" and _librivox(row)):
        return "heldout", "speech"
    if collection in {"picovoice-s2i", "en-read-pm", "fa-kws", "speech-commands-mini", "misc-speech"}:
        if kind.startswith("speech"):
            return None if "unknown" in row["licence"] or "vad/" in file else ("train", "speech")
        return "train", "noise"
    if collection in {"librosa-data", "max-samples"} and kind == "music":
        held = HELD_OUT_MUSIC.search(f"{collection}/{file}")
        if held is None and (SUNG_MUSIC.search(file) or "by-nc" in row["licence"].lower()):
            return None
        return ("heldout" if held else "train"), "music"
    if collection == "esc10":
        return ("heldout" if row["fold"] == "4" else "train"), "noise"
    if collection == "kitchen20":
        return ("heldout" if row["fold"] == "5" else "train"), "noise"
    if collection in {"moodist", "max-samples"}:
        return ("heldout" if _share(stem) < 0.25 else "train"), "noise"
    if collection == "blanket":
        return "heldout", "noise"
    if collection == "donateacry":
        return ("train", "noise") if _share(file) < 0.15 else None
    if collection == "wide":
        if label in INSTRUMENTS:
            return ("heldout" if _share(label) < 0.2 else "train"), "music"
        return ("heldout" if _share(label) < 0.2 else "train"), "noise"
    return None


def _librivox(row: Row) -> bool:
    return "libri" in row["licence"].lower()


def _share(name: str) -> float:
    """The same number in [0, 1) for the same name, on every machine."""
    return zlib.crc32(name.encode()) / 2**32


def _speak(folder: Path, sentences: list[str]) -> None:
    """Each sentence once, by espeak-ng, in one of many voices."""
    for number, (sentence, voice) in enumerate(zip(sentences, _voices(), strict=False)):
        path = folder / f"espeak-{number:03d}-{voice.replace('+', '-')}.wav"
        if not path.exists():
            subprocess.run(["espeak-ng", "-v", voice, "-w", path, sentence], check=True, capture_output=True)


def _voices() -> Iterator[str]:
    while True:
        for language in ("en-us", "en-gb", "de", "fa", "fr", "es"):
            for variant in ("m1", "f1", "m3", "f2", "m7", "f4"):
                yield f"{language}+{variant}"


if __name__ == "__main__":
    lay_out(Path(sys.argv[1]), Path(sys.argv[2]))
