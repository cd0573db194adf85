"""Words looked for in the sound itself (``--spot``): for names that no recogniser writes. It listens anew each time.

English words are said as the CMU dictionary has them, else by spelling rules; Persian ones by a table of letters,
the short vowels tried. Persian is experimental: the acoustic model is American.

Measured with ``bench/spot.py`` (words with no false alarm among the pairs of a clip and a word not said in it):
26 of 49 English words of five letters or more in TIMIT sentences, 19 of 49 by rules alone (3,151 pairs); 47 of 84
Persian words in clips of their own (426 pairs), 2 of 3 in sentences (57 pairs).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import islice, product
from pathlib import Path

import numpy as np

from earmark import language
from earmark.engines import registry
from earmark.engines.spotter import Hit, Spotter
from earmark.engines.spotter.phones import MOST_VARIANTS, variants_of
from earmark.errors import QueryError
from earmark.language.phonetics import phones_of
from earmark.language.script import language_of
from earmark.media.decode import decode
from earmark.progress import Progress, ignore
from earmark.records import Moment, Recording
from earmark.settings import FindSettings
from earmark.timeline import Span, Waveform

__all__ = ["find_spotted", "pronunciations"]

OVERLAP_SECONDS = 2.0
"""Heard again with the next block, so that no word is cut in two."""
LEAST_PHONES = 3
SURE = {"en": (0.039, 183.0), "fa": (0.055, 114.0)}
"""Slope and middle of the probability over the score: logistic fits to the pairs above, the Persian one moved to
the English rate of words said (1.5 % of pairs), which its own sentences agree with."""


def find_spotted(
    text: str,
    recordings: Iterable[Recording],
    settings: FindSettings | None = None,
    on_progress: Progress = ignore,
) -> list[Moment]:
    """Places that sound like the words, unsorted, those of at least `settings.min_probability`.

    Raises:
        QueryError: if the words cannot be said, or are too short to be told from other sounds.
        MediaError: if a recording cannot be decoded any more.
    """
    settings = FindSettings() if settings is None else settings
    spotter: Spotter = registry.load("spotter", "sphinx")
    spoken = settings.language or language_of(text) or "en"
    ways = pronunciations(text, spoken, spotter)
    slope, middle = SURE["fa" if spoken == "fa" else "en"]
    least = middle - math.log(1 / max(1e-6, settings.min_probability) - 1 + 1e-12) / slope
    moments = []
    for recording in recordings:
        for hit in _hits(recording, text, ways, spotter, on_progress):
            if hit.score >= least:
                probability = 1 / (1 + math.exp(-slope * (hit.score - middle)))
                evidence = {"way": "spotted", "score": round(hit.score, 1)}
                moments.append(Moment(recording, hit.span, probability, "said", text, None, evidence))
    return moments


def pronunciations(text: str, spoken: str, spotter: Spotter) -> list[str]:
    """Ways to say a word or phrase, as the spotter's phones, the likelier first.

    Raises:
        QueryError: as `find_spotted`.
    """
    parts: list[Sequence[str]] = []
    for token in language.normalise(text, spoken):
        if spoken == "fa":
            variants = variants_of(phones_of(token.key), persian=True)
        else:
            variants = spotter.pronunciations(token.key) or variants_of(phones_of(token.key))
        if variants:
            parts.append(variants)
    choices = islice(product(*(range(len(part)) for part in parts)), 5000)
    ordered = sorted(choices, key=lambda choice: (sum(choice), choice))[:MOST_VARIANTS]
    ways = [" ".join(part[n] for part, n in zip(parts, choice, strict=True)) for choice in ordered]
    if not parts or len(ways[0].split()) < LEAST_PHONES:
        raise QueryError(
            repr(text[:80]),
            expected=f"words of at least {LEAST_PHONES} sounds, in English or Persian letters",
            found="none to say" if not parts else f"one of {len(ways[0].split())}",
            hint="Spot a longer word or a phrase.",
        )
    return ways


def _hits(recording: Recording, text: str, ways: Sequence[str], spotter: Spotter, on_progress: Progress) -> list[Hit]:
    kept: list[Hit] = []
    tail: Waveform | None = None
    for block in decode(Path(recording.path), sample_rate=spotter.sample_rate, audio_stream=recording.audio_stream):
        heard = block
        if tail is not None:
            samples = np.concatenate([tail.samples, block.samples], axis=1)
            heard = Waveform(samples, block.sample_rate, tail.start_seconds)
        for hit in spotter.spot(heard, {text: ways}):
            twice = next((n for n, other in enumerate(kept) if other.span.overlap(hit.span) > 0), None)
            if twice is None:
                kept.append(hit)
            elif kept[twice].score < hit.score:
                kept[twice] = hit
        end = block.span.end
        tail = block.cut(Span(max(block.start_seconds, end - OVERLAP_SECONDS), end))
        on_progress(recording.path, end - recording.start_seconds, recording.duration_seconds)
    return kept
