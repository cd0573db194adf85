"""Which sounds of a vocabulary are heard in a recording, and when: from the frames the library holds.

Every sound is asked for by itself, so that several may be true at once. Then they have to agree: one noise answers
to several names (a dog, a wolf), of which the most probable stays; where a voice is heard, what claims to be another
sound is doubted. Where the recording is at hand, it is decoded once more to see when its bands grow louder: captions
have to be on time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from earmark.captioning.vocabulary import Caption, builtin_vocabulary
from earmark.engines import registry
from earmark.engines.sound import SoundEngine, dequantise, frames_between, locate, sharpened
from earmark.errors import LibraryError, MediaError
from earmark.library import Catalogue, read_track, track_path
from earmark.media.levels import band_levels
from earmark.progress import Progress, ignore
from earmark.records import Recording
from earmark.settings import CaptionSettings
from earmark.timeline import ScoreCurve, Span, merge_spans, spans_above

__all__ = ["Heard", "agreeing", "sounds_heard", "speech_in", "windowed"]

CHUNK_FRAMES = 4_096
"""Frames made into floating point at a time."""
SAME_PLACE = 0.5
"""Two sounds whose spans share at least this (intersection over union, or all of the shorter one) may be one noise."""
SAME_MEANING = 0.5
"""Their names then have at least this cosine for the ears, if they are one."""


@dataclass(frozen=True)
class Heard:
    """A sound with its caption, where it was heard, and how probable it is there."""

    caption: Caption
    span: Span
    probability: float


def sounds_heard(
    catalogue: Catalogue,
    recording: Recording,
    vocabulary: Sequence[Caption],
    settings: CaptionSettings,
    engine_name: str = "earmark",
    on_progress: Progress = ignore,
) -> tuple[list[Heard], list[str]]:
    """Every place where a sound of the vocabulary is heard, by onset; and notes for the user.

    Sounds of the built-in list that the engine has no notion of are not asked for.

    Raises:
        LibraryError: if the library has not heard the sounds of this recording with these ears.
        QueryError: if the engine cannot read the name of a sound.
    """
    engine: SoundEngine = registry.load("sound", engine_name)
    header_step, start, rows = _frames(catalogue, recording, engine_name)
    notes = []
    unknown = [each for each in vocabulary if not engine.knows(each.sound)]
    for each in unknown:
        if each not in builtin_vocabulary():  # what a user names is listened for all the same
            nearest = ", ".join(name for name, _ in engine.nearest(each.sound))
            notes.append(f"earmark's built-in ears do not know {each.sound!r}; nearest: {nearest}")
    vocabulary = [each for each in vocabulary if each not in unknown or each not in builtin_vocabulary()]
    curves = np.zeros((len(vocabulary), len(rows)), np.float32)
    for first in range(0, len(rows), CHUNK_FRAMES):
        frames = dequantise(np.asarray(rows[first : first + CHUNK_FRAMES]))
        for number, each in enumerate(vocabulary):
            curves[number, first : first + len(frames)] = engine.curve(frames, each.sound)
        on_progress(f"sounds of {recording.path}", min(first + CHUNK_FRAMES, len(rows)), len(rows))
    located = []
    for number, each in enumerate(vocabulary):
        curve = ScoreCurve(curves[number], header_step, start)
        if curve.num_frames and float(curve.values.max()) > 0.0:
            found = locate(curve, engine.expected_seconds(each.sound), engine.moments)
            found = [moment for moment in found if moment[1] >= settings.min_probability]
            located += [(each, found, curve)] if found else []
    levels = _levels(recording, engine, len(rows), header_step, start, on_progress) if located else None
    edges = engine.edges if levels is None else engine.band_edges
    bands = None if levels is None else lambda first, last: levels[first:last].astype(np.float32)
    heard = [
        Heard(each, span, probability)
        for each, found, curve in located
        for span, probability in sharpened(found, curve, frames_between(rows), edges, bands)
    ]
    vectors = engine.embed_text([each.sound for each in vocabulary])
    return agreeing(heard, _alike(vocabulary, vectors), settings), notes


def agreeing(heard: Sequence[Heard], alike: set[frozenset[str]], settings: CaptionSettings) -> list[Heard]:
    """Sounds that can be true together, by onset: equal neighbours are one, one noise has one name.

    Args:
        alike: pairs of captions so near in meaning that one noise answers to both.
    """
    merged: list[Heard] = []
    for text in dict.fromkeys(each.caption.text for each in heard):
        of_text = sorted((each for each in heard if each.caption.text == text), key=lambda each: each.span)
        for span in merge_spans([each.span for each in of_text], settings.merge_seconds):
            best = max((each for each in of_text if each.span.overlap(span) > 0), key=lambda each: each.probability)
            merged.append(replace(best, span=span))
    kept: list[Heard] = []
    for each in sorted(merged, key=lambda each: -each.probability):
        rivals = [other for other in kept if _same_place(each.span, other.span)]
        if any(frozenset({each.caption.text, other.caption.text}) in alike for other in rivals):
            continue
        if _most_at_once([other.span for other in kept], each.span) < settings.at_once:
            kept.append(each)
    return sorted(kept, key=lambda each: each.span)


def windowed(heard: Sequence[Heard], within: Span, settings: CaptionSettings) -> list[Heard]:
    """The same sounds once for every window they are in, from its start to the next one's."""
    length = settings.per_window_seconds
    assert length is not None
    hop = length if settings.hop_seconds is None else settings.hop_seconds
    found = []
    for number in range(int(np.ceil(max(0.0, within.duration - 1e-9) / hop))):
        start = within.start + number * hop
        window = Span(start, min(start + length, within.end))
        shown = Span(start, min(start + min(hop, length), within.end))
        inside: dict[str, Heard] = {}
        for each in heard:
            shared = each.span.overlap(window)
            if shared > min(0.2, 0.5 * each.span.duration):
                known = inside.get(each.caption.text)
                if known is None or each.probability > known.probability:
                    inside[each.caption.text] = replace(each, span=shown)
        found += sorted(inside.values(), key=lambda each: -each.probability)[: settings.at_once]
    return found


def speech_in(catalogue: Catalogue, recording: Recording, settings: CaptionSettings) -> list[Span]:
    """Where the activity engine heard somebody speak; nothing where it has not listened."""
    hearing = catalogue.hearing_of(recording.id, "activity")
    if hearing is None:
        return []
    try:
        path = track_path(catalogue.folder, recording.id, "activity", hearing.engine)
        header, rows = read_track(path, hearing.position)
    except FileNotFoundError:
        return []
    values = np.asarray(rows).reshape(-1).astype(np.float32) / 255.0
    curve = ScoreCurve(values, header.step_seconds, header.start_seconds)
    return spans_above(curve, settings.speech_probability, 0.7 * settings.speech_probability)


def _frames(catalogue: Catalogue, recording: Recording, engine_name: str) -> tuple[float, float, NDArray[np.int8]]:
    stored = registry.stored_name("sound", engine_name)
    hearing = catalogue.hearings.get((recording.id, "sounds", stored))
    if hearing is None:
        raise LibraryError(
            recording.path,
            expected="its sounds in the library",
            found="none that today's ears have heard",
            hint="Run: earmark index FILE",
        )
    try:
        header, rows = read_track(track_path(catalogue.folder, recording.id, "sounds", stored), hearing.position)
    except FileNotFoundError:  # nothing was stored of it: it holds no audio
        return 1.0, 0.0, np.zeros((0, 1), np.int8)
    return header.step_seconds, header.start_seconds, rows.view(np.int8)


def _levels(
    recording: Recording, engine: SoundEngine, count: int, step: float, start: float, on_progress: Progress
) -> NDArray[np.float16] | None:
    """The bands of the recording, where it is at hand and the engine can tell edges by them."""
    if not engine.band_edges.onset:
        return None
    try:
        return band_levels(recording, count, step, start, on_progress)
    except MediaError:
        return None


def _alike(vocabulary: Sequence[Caption], vectors: NDArray[np.float32]) -> set[frozenset[str]]:
    near = np.argwhere(np.triu(vectors @ vectors.T, 1) >= SAME_MEANING)
    return {frozenset({vocabulary[a].text, vocabulary[b].text}) for a, b in near.tolist()}


def _same_place(left: Span, right: Span) -> bool:
    shorter = min(left.duration, right.duration)
    return left.iou(right) >= SAME_PLACE or left.overlap(right) >= 0.8 * shorter > 0


def _most_at_once(spans: Sequence[Span], within: Span) -> int:
    """How many of the spans lie over one another somewhere in `within`."""
    inside = [span for span in spans if span.overlap(within) > 0]
    moments = [max(span.start, within.start) for span in inside]
    return max((sum(span.start <= at < span.end for span in inside) for at in moments), default=0)
