"""Is the right place first? Three words out of every sentence, all sentences joined into one long file.

    python bench/phrases.py --data DIR      DIR holds timit-nltk/manifest.csv, with hand times of every word

Prints the share of phrases whose first answer overlaps a place where they were said by IoU 0.5 or more,
the mean reciprocal rank over the first ten answers, and what a guess would score: one phrase-long span
put down at random.
"""

from __future__ import annotations

import argparse
import csv
import json
import re
import tempfile
from pathlib import Path

import numpy as np

from earmark.finding import find
from earmark.indexing import index
from earmark.library import Catalogue
from earmark.media.decode import decode
from earmark.settings import SAMPLE_RATE, IndexSettings
from earmark.timeline import Span

PAUSE_SECONDS = 0.6
WORDS = 3


def join_sentences(manifest: Path, target: Path) -> list[tuple[list[str], list[Span]]]:
    """Writes all recordings of a manifest into one WAV file; returns each sentence's words with their times in it."""
    import wave

    sentences = []
    second = 0.0
    with wave.open(str(target), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE)
        for row in csv.DictReader(manifest.open(encoding="utf-8")):
            audio = np.concatenate([block.mono() for block in decode(manifest.parent / row["file"])])
            pause = np.zeros(round(PAUSE_SECONDS * SAMPLE_RATE), np.float32)
            samples = np.concatenate([audio, pause])
            file.writeframes((np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes())
            events = json.loads(row["events"])
            words = [re.sub(r"[^a-z']", "", event["word"].lower()) for event in events]
            spans = [Span(event["start"] + second, event["end"] + second) for event in events]
            sentences.append((words, spans))
            second += samples.size / SAMPLE_RATE
    return sentences


def places_of(phrase: list[str], sentences: list[tuple[list[str], list[Span]]]) -> list[Span]:
    """Every place where these words were said in a row."""
    places = []
    for words, spans in sentences:
        for first in range(len(words) - len(phrase) + 1):
            if words[first : first + len(phrase)] == phrase:
                places.append(spans[first].union(spans[first + len(phrase) - 1]))
    return places


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--misses", action="store_true", help="print the phrases whose first answer is wrong")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        joined = Path(folder) / "joined.wav"
        sentences = join_sentences(arguments.data / "timit-nltk" / "manifest.csv", joined)
        total = sentences[-1][1][-1].end
        index([joined], Path(folder) / "library", IndexSettings(sound=None))
        catalogue = Catalogue.load(Path(folder) / "library")
        first, ranks, lengths = 0, [], []
        for words, _ in sentences:
            middle = max(0, (len(words) - WORDS) // 2)
            phrase = words[middle : middle + WORDS]
            references = places_of(phrase, sentences)
            moments = find("said: " + " ".join(phrase), catalogue)
            hits = [any(moment.span.iou(place) >= 0.5 for place in references) for moment in moments]
            first += bool(hits and hits[0])
            ranks.append(1 / (hits.index(True) + 1) if True in hits else 0.0)
            lengths.append(references[0].duration)
            if arguments.misses and not (hits and hits[0]):
                found = f"{moments[0].text!r} {moments[0].span}" if moments else "nothing"
                print(f"  {' '.join(phrase)!r} at {references[0]}: found {found}")
    count = len(sentences)
    print(f"{count} phrases of {WORDS} words in one file of {total / 60:.1f} min")
    print(f"right place first (IoU >= 0.5)   {first / count:.3f}")
    print(f"mean reciprocal rank             {np.mean(ranks):.3f}")
    print(f"chance                           {np.mean(lengths) * 2 / 3 / total:.5f}")


if __name__ == "__main__":
    main()
