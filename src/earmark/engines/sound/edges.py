"""Where exactly a moment begins and ends: of the edges between frames near where it was located, the likeliest one.

What the ears hear they hear a little before and after its time as well, so where a curve of probability crosses a
level is not yet where a sound begins. At its true onset the probability rises, what the frames say changes, and bands
of the spectrum grow louder; a conditional logit (McFadden 1974) weighs these, seen over several widths, against the
distance from where the moment was located. The bands are asked where the recording is at hand.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from earmark.timeline import ScoreCurve, Span

__all__ = ["EdgeSettings", "candidates", "edge_features", "sharpened"]

REACH_SECONDS = 1.2
"""How far from where a moment was located its edges are looked for."""
WIDTHS = (1, 2, 4, 8)
"""Frames on each side of an edge that are compared."""
FLOOR = 1e-3
"""Probabilities are taken for no surer than this, either way."""

Floats = NDArray[np.float64]
Places = NDArray[np.int_]
Frames = Callable[[int, int], NDArray[np.float32]]
"""Frames from one to before another, unit rows ``(last - first, dim)``; or log energies of bands, as many rows."""


@dataclass(frozen=True)
class EdgeSettings:
    """Weights of `edge_features`. Fitted by ``bench/sound.py --calibrate`` on recordings kept out of training."""

    onset: tuple[float, ...] = ()
    offset: tuple[float, ...] = ()


def sharpened(
    moments: Sequence[tuple[Span, float]],
    curve: ScoreCurve,
    frames: Frames,
    settings: EdgeSettings = EdgeSettings(),
    bands: Frames | None = None,
) -> list[tuple[Span, float]]:
    """The same moments with each edge at its likeliest place; disjoint where they were.

    Args:
        moments: from `locate`, on this curve.
        frames: of the recording, counted as the curve's are.
        settings: an engine's `edges`; with `bands`, its `band_edges`.
        bands: log energies of the recording's bands (`earmark.media.levels`), counted as the curve's frames are.
    """
    found = []
    for span, probability in moments:
        others = [other for other, _ in moments if other is not span]
        before = (other.end for other in others if other.end <= span.middle)
        after = (other.start for other in others if other.start >= span.middle)
        earliest = (max(before, default=-np.inf) + span.start) / 2  # half the way to the moment before
        latest = (min(after, default=np.inf) + span.end) / 2
        start = _likeliest(span, curve, frames, settings.onset, +1, earliest, bands)
        end = _likeliest(span, curve, frames, settings.offset, -1, latest, bands)
        found.append((Span(start, end) if start < end else span, probability))
    return found


def candidates(span: Span, curve: ScoreCurve, way: int, limit: float) -> range:
    """Edges between frames, 0 to ``num_frames``: of the onset (`way` +1) up to the middle, or of the offset (-1)."""
    if way > 0:
        low, high = max(span.start - REACH_SECONDS, limit), min(span.start + REACH_SECONDS, span.middle)
    else:
        low, high = max(span.end - REACH_SECONDS, span.middle), min(span.end + REACH_SECONDS, limit)
    first, last = (round((seconds - curve.start_seconds) / curve.step_seconds) for seconds in (low, high))
    first = min(max(0, first), curve.num_frames)
    return range(first, min(max(first, last), curve.num_frames) + 1)


def edge_features(
    edges: range, located: float, curve: ScoreCurve, frames: Frames, way: int, bands: Frames | None = None
) -> Floats:
    """What speaks for each edge, shape ``(edges, 2 * len(WIDTHS) + 5)``; with `bands` ``len(WIDTHS)`` more.

    Over each width, by how much the log-odds rise from outside to inside and how far apart the frames' means are; the
    distance outwards from where the moment was located, in seconds, its size and its square; the log-odds of the
    frame inside and of the one outside; with bands, over each width, by how much those that are louder inside are.

    Args:
        located: seconds.
        way: +1 for onsets, -1 for offsets.
    """
    reach = max(WIDTHS)
    first, last = max(0, edges.start - reach), min(curve.num_frames, edges[-1] + reach)
    at, count = np.arange(edges.start, edges[-1] + 1) - first, last - first
    p = np.clip(np.nan_to_num(curve.values[first:last]).astype(np.float64), FLOOR, 1 - FLOOR)
    odds = np.log(p / (1 - p))
    heard, told = _totals(odds[:, None]), _totals(frames(first, last))
    loud = None if bands is None else _totals(bands(first, last))
    rises, changes, swells = [], [], []
    for width in WIDTHS:
        before, after = np.maximum(0, at - width), np.minimum(count, at + width)
        rises.append(way * _steps(heard, before, at, after)[:, 0])
        changes.append(np.linalg.norm(_steps(told, before, at, after), axis=1))
        if loud is not None:
            swells.append(np.maximum(way * _steps(loud, before, at, after), 0.0).mean(axis=1))
    outwards = way * (located - curve.start_seconds - (at + first) * curve.step_seconds)
    inside, outside = (at, at - 1) if way > 0 else (at - 1, at)
    beside = [odds[np.clip(side, 0, count - 1)] for side in (inside, outside)]
    return np.stack([*rises, *changes, outwards, np.abs(outwards), outwards**2, *beside, *swells], axis=1)


def _totals(rows: NDArray[np.float32] | Floats) -> Floats:
    """What all rows before each one sum up to, from none on, shape ``(rows + 1, columns)``."""
    sums = np.cumsum(np.nan_to_num(rows), axis=0, dtype=np.float64)
    return np.concatenate([np.zeros((1, sums.shape[1])), sums])


def _steps(totals: Floats, before: Places, at: Places, after: Places) -> Floats:
    """The mean of the rows from `at` to `after` less that of those from `before` to `at`, for each place."""
    left, right = np.maximum(1, at - before), np.maximum(1, after - at)
    steps = (totals[after] - totals[at]) / right[:, None] - (totals[at] - totals[before]) / left[:, None]
    return np.asarray(steps, dtype=np.float64)


def _likeliest(
    span: Span, curve: ScoreCurve, frames: Frames, weights: Sequence[float], way: int, limit: float,
    bands: Frames | None,
) -> float:  # fmt: skip
    located = span.start if way > 0 else span.end
    edges = candidates(span, curve, way, limit)
    if not weights or curve.num_frames == 0:
        return located
    evidence = edge_features(edges, located, curve, frames, way, bands) @ np.array(weights)
    return curve.time_of(edges.start + int(np.argmax(evidence)))
