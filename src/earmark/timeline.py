"""Time: spans in seconds, score curves and waveforms on regular grids, and the arithmetic between them.

Conventions: seconds everywhere, on the clock of the media file itself; spans are half-open
``[start, end)``; a sample or frame ``i`` of a grid begins at ``start_seconds + i * step_seconds``.
Pure numpy, no input or output.

Source: the half-open convention and the two set operations follow pyannote.core; the hysteresis
follows Gelly & Gauvain, Interspeech 2015 ("Minimum Word Error Training of RNN-based Voice Activity Detection").
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "ScoreCurve",
    "Span",
    "Waveform",
    "clip_spans",
    "drop_short",
    "intersect_spans",
    "invert_spans",
    "merge_spans",
    "spans_above",
    "to_samples",
    "to_seconds",
]


def to_samples(seconds: float, sample_rate: int) -> int:
    """The sample nearest to a time; the one place where seconds become samples."""
    return round(seconds * sample_rate)


def to_seconds(samples: int, sample_rate: int) -> float:
    return samples / sample_rate


@dataclass(frozen=True, order=True, slots=True)
class Span:
    """The time from `start` up to, not including, `end`, in seconds.

    Raises:
        ValueError: if a bound is not finite, or `end` is before `start`.
    """

    start: float
    end: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.start) and math.isfinite(self.end)):
            raise ValueError(f"Span bounds must be finite, got {self.start} and {self.end}")
        if self.end < self.start:
            raise ValueError(f"Span must not end before it starts, got {self.start} to {self.end}")

    @property
    def duration(self) -> float:
        return self.end - self.start

    @property
    def middle(self) -> float:
        return (self.start + self.end) / 2

    def shift(self, seconds: float) -> Span:
        return Span(self.start + seconds, self.end + seconds)

    def widen(self, seconds: float) -> Span:
        """`seconds` more on both sides, never before zero."""
        return Span(max(0.0, self.start - seconds), self.end + seconds)

    def overlap(self, other: Span) -> float:
        """Seconds both share; 0.0 where they only touch."""
        return max(0.0, min(self.end, other.end) - max(self.start, other.start))

    def union(self, other: Span) -> Span:
        """The shortest span that holds both, the gap between them included."""
        return Span(min(self.start, other.start), max(self.end, other.end))

    def iou(self, other: Span) -> float:
        """Intersection over union, in [0, 1]; 0.0 when both are empty."""
        shared = self.overlap(other)
        total = self.duration + other.duration - shared
        return shared / total if total > 0 else 0.0


@dataclass(frozen=True, slots=True)
class Waveform:
    """Samples in [-1, 1] as float32, shape ``(channels, n)``, the first one at `start_seconds`."""

    samples: NDArray[np.float32]
    sample_rate: int
    start_seconds: float = 0.0

    def __post_init__(self) -> None:
        if self.samples.ndim != 2:
            raise ValueError(f"Waveform samples must have shape (channels, n), got {self.samples.shape}")
        if self.samples.dtype != np.float32:
            raise ValueError(f"Waveform samples must be float32, got {self.samples.dtype}")
        if self.sample_rate <= 0:
            raise ValueError(f"Waveform sample_rate must be positive, got {self.sample_rate}")

    @property
    def num_samples(self) -> int:
        return int(self.samples.shape[1])

    @property
    def num_channels(self) -> int:
        return int(self.samples.shape[0])

    @property
    def span(self) -> Span:
        return Span(self.start_seconds, self.start_seconds + self.num_samples / self.sample_rate)

    def mono(self) -> NDArray[np.float32]:
        """The mean of the channels, shape ``(n,)``."""
        mixed: NDArray[np.float32] = self.samples[0]
        if self.num_channels > 1:
            mixed = self.samples.mean(axis=0, dtype=np.float32)
        return mixed

    def cut(self, span: Span) -> Waveform:
        """The part of it inside `span`, to the nearest sample; empty where they do not meet."""
        first = min(max(0, to_samples(span.start - self.start_seconds, self.sample_rate)), self.num_samples)
        last = min(max(first, to_samples(span.end - self.start_seconds, self.sample_rate)), self.num_samples)
        start = self.start_seconds + to_seconds(first, self.sample_rate)
        return Waveform(self.samples[:, first:last], self.sample_rate, start)

    def __repr__(self) -> str:
        return f"Waveform(shape={self.samples.shape}, sample_rate={self.sample_rate}, {self.span})"


@dataclass(frozen=True, slots=True)
class ScoreCurve:
    """Scores on a regular time grid, float32, shape ``(frames,)``; frame ``i`` covers one step from its start."""

    values: NDArray[np.float32]
    step_seconds: float
    start_seconds: float = 0.0

    def __post_init__(self) -> None:
        if self.values.ndim != 1:
            raise ValueError(f"ScoreCurve values must have shape (frames,), got {self.values.shape}")
        if not self.step_seconds > 0:
            raise ValueError(f"ScoreCurve step_seconds must be positive, got {self.step_seconds}")

    @property
    def num_frames(self) -> int:
        return int(self.values.shape[0])

    @property
    def span(self) -> Span:
        return Span(self.start_seconds, self.start_seconds + self.num_frames * self.step_seconds)

    def time_of(self, frame: int) -> float:
        """The second at which frame `frame` begins; ``num_frames`` gives the end of the curve."""
        return self.start_seconds + frame * self.step_seconds

    def frame_of(self, seconds: float) -> int:
        """The frame that holds a time, clipped into the curve; 0 for an empty one."""
        frame = math.floor((seconds - self.start_seconds) / self.step_seconds + 1e-9)
        return min(max(0, frame), max(0, self.num_frames - 1))

    def cut(self, span: Span) -> ScoreCurve:
        """The frames that begin inside `span`."""
        first = math.ceil((span.start - self.start_seconds) / self.step_seconds - 1e-9)
        last = math.ceil((span.end - self.start_seconds) / self.step_seconds - 1e-9)
        first = min(max(0, first), self.num_frames)
        last = min(max(first, last), self.num_frames)
        return ScoreCurve(self.values[first:last], self.step_seconds, self.time_of(first))

    def __repr__(self) -> str:
        return f"ScoreCurve(frames={self.num_frames}, step_seconds={self.step_seconds}, {self.span})"


def spans_above(curve: ScoreCurve, on: float, off: float) -> list[Span]:
    """Hysteresis: a span opens where the curve reaches `on` and closes where it falls below `off`.

    Args:
        curve: shape (frames,).
        on, off: thresholds, off <= on; 0.0 is a valid threshold.

    Returns:
        Disjoint spans in seconds, sorted; none for an empty curve.

    Raises:
        ValueError: if off > on.
    """
    if off > on:
        raise ValueError(f"spans_above needs off <= on, got off={off} and on={on}")
    if curve.num_frames == 0:
        return []
    held = (curve.values >= off).astype(np.int8)
    edges = np.diff(held, prepend=0, append=0)
    starts, ends = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
    spans = []
    for start, end in zip(starts, ends, strict=True):
        opened = np.flatnonzero(curve.values[start:end] >= on)
        if opened.size:
            spans.append(Span(curve.time_of(int(start + opened[0])), curve.time_of(int(end))))
    return spans


def merge_spans(spans: Iterable[Span], gap_seconds: float = 0.0) -> list[Span]:
    """Disjoint spans, sorted; neighbours no more than `gap_seconds` apart become one."""
    merged: list[Span] = []
    for span in sorted(spans):
        if merged and span.start - merged[-1].end <= gap_seconds:
            merged[-1] = merged[-1].union(span)
        else:
            merged.append(span)
    return merged


def drop_short(spans: Iterable[Span], min_seconds: float) -> list[Span]:
    return [span for span in spans if span.duration >= min_seconds]


def intersect_spans(left: Sequence[Span], right: Sequence[Span]) -> list[Span]:
    """What both sets cover; each argument sorted and disjoint. Touching spans share nothing."""
    shared: list[Span] = []
    i = j = 0
    while i < len(left) and j < len(right):
        start, end = max(left[i].start, right[j].start), min(left[i].end, right[j].end)
        if start < end:
            shared.append(Span(start, end))
        if left[i].end <= right[j].end:
            i += 1
        else:
            j += 1
    return shared


def invert_spans(spans: Sequence[Span], within: Span) -> list[Span]:
    """What `spans` (sorted, disjoint) leave free inside `within`."""
    free: list[Span] = []
    cursor = within.start
    for span in clip_spans(spans, within):
        if span.start > cursor:
            free.append(Span(cursor, span.start))
        cursor = max(cursor, span.end)
    if cursor < within.end:
        free.append(Span(cursor, within.end))
    return free


def clip_spans(spans: Iterable[Span], within: Span) -> list[Span]:
    """The parts of `spans` inside `within`; what lies outside, or is left empty, is gone."""
    clipped = []
    for span in spans:
        start, end = max(span.start, within.start), min(span.end, within.end)
        if start < end:
            clipped.append(Span(start, end))
    return clipped
