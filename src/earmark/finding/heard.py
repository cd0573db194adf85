"""Where a sound was heard: the frames of each recording against the text, edges placed on the curve.

Frames lie in the library as bytes, mapped, not read: an hour is 4 MB and costs a few milliseconds, so every frame is
asked, and of more than a day of audio every frame of the stretches that `coarse` chooses.
"""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from functools import cache

import numpy as np
from numpy.typing import NDArray

from earmark.engines import registry
from earmark.engines.sound import SoundEngine, dequantise, frames_between, locate, sharpened
from earmark.finding.coarse import stretches
from earmark.library import Catalogue, Hearing, TrackHeader, read_track, track_path
from earmark.records import Moment, Recording
from earmark.settings import FindSettings
from earmark.timeline import ScoreCurve

__all__ = ["curve_of", "find_heard", "load_ears"]

PEAK_SHARE = 0.3
"""A moment whose peak is below this share of the probability asked for cannot reach it; it is not looked for."""
CHUNK_FRAMES = 4_096
"""Frames made into floating point at a time: small enough for the cache, where it is twice as fast as 65,536."""


@cache
def load_ears(name: str) -> SoundEngine:
    """The sound engine frames were stored with; `name` as in `Hearing.engine`."""
    engine: SoundEngine = registry.load("sound", name.partition("@")[0])
    return engine


def find_heard(
    text: str, catalogue: Catalogue, recordings: Collection[str] | None, settings: FindSettings
) -> list[Moment]:
    """Every place where the sound was heard; unsorted.

    Raises:
        QueryError: if the engine cannot read the text.
    """
    moments: list[Moment] = []
    for name, heard in _by_engine(listened(catalogue, recordings)).items():
        engine = load_ears(name)
        expected = engine.expected_seconds(text)
        least = max(engine.moments.floor, PEAK_SHARE * settings.min_probability)
        chosen = stretches(text, catalogue, heard, engine)
        for (recording, hearing), ranges in zip(heard, chosen, strict=True):
            for first, last in ranges:
                curve = curve_of(text, catalogue, recording, hearing, engine, first, last)
                found = locate(curve, expected, replace(engine.moments, floor=least))
                found = [moment for moment in found if moment[1] >= settings.min_probability]
                frames = frames_between(frames_of(catalogue, recording, hearing)[1][first:last])
                for span, probability in sharpened(found, curve, frames, engine.edges):
                    peak = float(curve.cut(span).values.max(initial=0.0))
                    evidence = {"engine": name, "peak": round(peak, 3)}
                    moments.append(Moment(recording, span, probability, "heard", text, evidence=evidence))
    return moments


def _by_engine(heard: Iterable[tuple[Recording, Hearing]]) -> dict[str, list[tuple[Recording, Hearing]]]:
    found: dict[str, list[tuple[Recording, Hearing]]] = {}
    for recording, hearing in heard:
        found.setdefault(hearing.engine, []).append((recording, hearing))
    return found


def unheard_of(text: str, catalogue: Catalogue, recordings: Collection[str] | None) -> str:
    """A note for the user where the ears have no notion of the sound; empty where they have, or nothing was heard.

    Raises:
        QueryError: if the engine cannot read the text.
    """
    for _, hearing in listened(catalogue, recordings):
        engine = load_ears(hearing.engine)
        if not engine.knows(text):
            nearest = ", ".join(name for name, _ in engine.nearest(text))
            return f"earmark's built-in ears do not know {text[:80]!r}; nearest: {nearest}"
        return ""
    return ""


def has_ears(catalogue: Catalogue, recordings: Collection[str] | None) -> bool:
    """Whether there is any recording whose sounds can be asked for."""
    return next(listened(catalogue, recordings), None) is not None


def stale(catalogue: Catalogue, recordings: Collection[str] | None) -> int:
    """How many recordings were heard with other ears than earmark has now, and cannot be asked."""
    chosen = [id_ for id_ in catalogue.recordings if recordings is None or id_ in recordings]
    found = [hearing for id_ in chosen if (hearing := catalogue.hearing_of(id_, "sounds")) is not None]
    return sum(not _is_current(hearing) for hearing in found)


@cache
def _current_name(engine: str) -> str:
    return registry.stored_name("sound", engine)


def _is_current(hearing: Hearing) -> bool:
    return _current_name(hearing.engine.partition("@")[0]) == hearing.engine


def listened(catalogue: Catalogue, recordings: Collection[str] | None) -> Iterator[tuple[Recording, Hearing]]:
    """The recordings whose sounds are stored and can be asked, with the hearing that stored them."""
    for recording_id, recording in catalogue.recordings.items():
        if recordings is None or recording_id in recordings:
            hearing = catalogue.hearing_of(recording_id, "sounds")
            if hearing is not None and _is_current(hearing):
                yield recording, hearing


def curve_of(
    text: str, catalogue: Catalogue, recording: Recording, hearing: Hearing, engine: SoundEngine,
    first: int = 0, last: int = sys.maxsize,
) -> ScoreCurve:  # fmt: skip
    """How probable the sound is in every frame of a recording, or in those from `first` to before `last`."""
    header, every = frames_of(catalogue, recording, hearing)
    rows = every[first:last]
    parts = [
        engine.curve(dequantise(np.asarray(rows[at : at + CHUNK_FRAMES])), text)
        for at in range(0, rows.shape[0], CHUNK_FRAMES)
    ]
    values = np.concatenate([np.zeros(0, np.float32), *parts])
    return ScoreCurve(values, header.step_seconds, header.start_seconds + first * header.step_seconds)


def frames_of(catalogue: Catalogue, recording: Recording, hearing: Hearing) -> tuple[TrackHeader, NDArray[np.int8]]:
    try:
        header, rows = read_track(
            track_path(catalogue.folder, recording.id, "sounds", hearing.engine), hearing.position
        )
    except FileNotFoundError:  # nothing was stored of it: it holds no audio
        return TrackHeader(hearing.engine, 1, 1.0), np.zeros((0, 1), np.int8)
    return header, rows.view(np.int8)
