"""Polyphonic sound detection score: the area under the curve of found events over false alarms per hour.

An operating point is a threshold; every threshold that changes anything is one, so the curve is exact.
A detection counts when enough of it lies in reference events (`dtc`), a reference event is found when
enough of it is covered by detections that count (`gtc`), a detection that does not count is a false
alarm, and a cross trigger too when enough of it lies in events of another class (`cttc`).

Sources: Bilen et al., ICASSP 2020 (the score); Ebbers, Serizel & Haeb-Umbach, ICASSP 2022 (all
thresholds at once). Conventions, with the rounding to a microsecond, follow sed_scores_eval.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from earmark.evaluation.scores import Floats
from earmark.timeline import ScoreCurve

__all__ = [
    "AUDIO_GROUNDING",
    "PSDS1",
    "PSDS2",
    "Changes",
    "ClassCurve",
    "Detections",
    "PsdsSettings",
    "changes_of",
    "detections_of",
    "psds",
]

DECIMALS = 6


@dataclass(frozen=True)
class PsdsSettings:
    """One variant of the score."""

    dtc: float
    """Share of a detection that must lie in reference events."""
    gtc: float
    """Share of a reference event that detections must cover."""
    cttc: float | None = None
    """Share of a false detection in another class's events that makes a cross trigger; None counts none."""
    alpha_ct: float = 0.0
    """Weight of the cross triggers, averaged over the other classes."""
    alpha_st: float = 0.0
    """Weight of the spread between classes."""
    max_per_hour: float = 100.0
    """Effective false alarms per hour up to which the area is taken."""


PSDS1 = PsdsSettings(dtc=0.7, gtc=0.7, alpha_st=1.0)
"""DCASE task 4, scenario 1: react fast, edges matter."""
PSDS2 = PsdsSettings(dtc=0.1, gtc=0.1, cttc=0.3, alpha_ct=0.5, alpha_st=1.0)
"""DCASE task 4, scenario 2: do not confuse classes."""
AUDIO_GROUNDING = PsdsSettings(dtc=0.5, gtc=0.5, max_per_hour=800.0)
"""The AudioGrounding setting: every pair is a file of its own, all queries one class (Xu et al., 2021)."""


@dataclass(frozen=True)
class Detections:
    """Every detection of one curve at every threshold that is one of its scores.

    Attributes:
        levels: the distinct scores, falling, shape (levels,).
        level: the index into `levels` of each detection's threshold, rising, shape (detections,).
        first, last: the edges between which each detection lies.
        edges: seconds of the edges between neighbouring frames of different score.
    """

    levels: Floats
    level: NDArray[np.int64]
    first: NDArray[np.int64]
    last: NDArray[np.int64]
    edges: Floats


def detections_of(curve: ScoreCurve) -> Detections:
    """A detection at a threshold is a longest run of frames that score at least as much.

    One that starts at frame i exists for the thresholds above score i - 1 and up to score i, and ends alike:
    so starts and ends are listed without looking at the curve once per threshold, and sorting pairs them.
    """
    levels, ranks = np.unique(curve.values, return_inverse=True)
    if not len(ranks):
        none = np.zeros(0, dtype=np.int64)
        return Detections(np.zeros(0), none, none, none, np.array([curve.start_seconds]))
    starts = np.flatnonzero(np.append(True, np.diff(ranks) != 0))
    frames = np.append(starts, len(ranks)).astype(np.float64)
    edges = curve.start_seconds + frames * curve.step_seconds
    ranks = np.concatenate([[-1], ranks[starts], [-1]]).astype(np.int64)
    top = len(levels) - 1
    level, first = _crossings(ranks[:-1], ranks[1:], top)
    same, last = _crossings(ranks[1:], ranks[:-1], top)
    assert np.array_equal(level, same)
    return Detections(levels[::-1].astype(np.float64), level, first, last, edges)


def _crossings(
    lower: NDArray[np.int64], upper: NDArray[np.int64], top: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The thresholds in (lower, upper] at each edge: levels from the highest down, and edges, sorted."""
    counts = np.maximum(upper - lower, 0)
    edge = np.repeat(np.arange(len(counts)), counts)
    step = np.arange(len(edge)) - np.repeat(np.cumsum(counts) - counts, counts)
    level = top - (np.repeat(upper, counts) - step)
    keys = np.sort(level * len(counts) + edge)
    return keys // len(counts), keys % len(counts)


@dataclass(frozen=True)
class Changes:
    """What changes in one curve as the threshold falls to a score; each array has shape (changes,).

    Attributes:
        scores: falling; the threshold that brings the change.
        true_positives, false_positives: more (or fewer) of them.
        cross_triggers: cross triggers per second of the other class's events, summed over other classes.
    """

    scores: Floats
    true_positives: Floats
    false_positives: Floats
    cross_triggers: Floats


def changes_of(
    found: Detections,
    reference: NDArray[np.float64],
    settings: PsdsSettings,
    others: Sequence[tuple[NDArray[np.float64], float]] = (),
) -> Changes:
    """One curve at every threshold.

    Args:
        reference: (n, 2), the events of the curve's class; they must not overlap.
        others: for each other class present in the recording its events (m, 2) and the seconds
            that class lasts in all recordings.
    """
    size, level, first, last = len(found.levels), found.level, found.first, found.last
    covered = _Cover(reference, found.edges)
    lengths = found.edges[last] - found.edges[first]
    share = np.round(settings.dtc * lengths, DECIMALS)
    relevant = np.round(covered.within(first, last), DECIMALS) >= share
    counts = np.zeros((3, size))
    counts[1] = np.bincount(level[~relevant], minlength=size)
    for event, (start, end) in enumerate(reference):
        inside = covered.within_event(event, first[relevant], last[relevant])
        held = np.round(np.bincount(level[relevant], weights=inside, minlength=size), DECIMALS)
        counts[0] += held >= np.round(settings.gtc * (end - start), DECIMALS)
    if settings.cttc is not None:
        share = np.round(settings.cttc * lengths, DECIMALS)
        for events, total in others:
            inside = np.round(_Cover(events, found.edges).within(first, last), DECIMALS)
            hit = ~relevant & (inside >= share) & (len(events) > 0)
            counts[2] += np.bincount(level[hit], minlength=size) / max(total, 1e-12)
    deltas = np.diff(counts, axis=1, prepend=0.0)
    kept = np.any(deltas != 0, axis=0)
    return Changes(found.levels[kept], *deltas[:, kept])


class _Cover:
    """How much of events lies between any two edges of a curve, by cumulative sums."""

    def __init__(self, events: NDArray[np.float64], edges: Floats) -> None:
        self.before = np.clip(edges[None, :] - events[:, :1], 0.0, (events[:, 1] - events[:, 0])[:, None])
        self.total = self.before.sum(axis=0)  # (edges,)

    def within(self, first: NDArray[np.int64], last: NDArray[np.int64]) -> Floats:
        seconds: Floats = self.total[last] - self.total[first]
        return seconds

    def within_event(self, event: int, first: NDArray[np.int64], last: NDArray[np.int64]) -> Floats:
        seconds: Floats = self.before[event, last] - self.before[event, first]
        return seconds


class ClassCurve:
    """One class over the pairs it was asked in, ready to be weighed again and again.

    Args:
        changes: of each pair.
        num_events, seconds: events and length of each pair, shape (pairs,).
        groups: the resampling group of each pair, shape (pairs,).
    """

    def __init__(
        self, changes: Sequence[Changes], num_events: Floats, seconds: Floats, groups: NDArray[np.int64]
    ) -> None:
        scores = np.concatenate([change.scores for change in changes] or [np.zeros(0)])
        levels, ranks = np.unique(-scores, return_inverse=True)
        self.num_levels = len(levels)
        self.ranks = ranks
        self.deltas = [
            np.concatenate([getattr(change, name) for change in changes] or [np.zeros(0)])
            for name in ("true_positives", "false_positives", "cross_triggers")
        ]
        self.owners = np.repeat(groups, [len(change.scores) for change in changes])
        self.num_events, self.seconds, self.groups = num_events, seconds, groups

    def roc(self, settings: PsdsSettings, num_others: int, weights: Floats | None = None) -> tuple[Floats, Floats]:
        """True positive ratio over effective false alarms per hour, both rising.

        Args:
            num_others: how many other classes cross triggers are averaged over.
            weights: how often each group counts, shape (groups,); None counts each once.
        """
        share = 1.0 if weights is None else weights[self.owners]
        true, false, cross = (
            np.cumsum(np.bincount(self.ranks, weights=delta * share, minlength=self.num_levels))
            for delta in self.deltas
        )
        once = np.ones(len(self.groups)) if weights is None else weights[self.groups]
        seconds, num_events = float(once @ self.seconds), float(once @ self.num_events)
        rates = np.append(0.0, false) / seconds if seconds > 0 else np.zeros(self.num_levels + 1)
        if settings.alpha_ct and num_others:
            rates = rates + settings.alpha_ct * np.append(0.0, cross) / num_others
        return envelope(np.append(0.0, true) / max(num_events, 1.0), rates * 3600, settings.max_per_hour)


def psds(classes: Sequence[ClassCurve], settings: PsdsSettings, weights: Floats | None = None) -> float:
    """The score, in [0, 1], over at least one class with an event.

    A class of which a resample drew no event is left out of it: nobody can find what is not there.
    """
    kept = [one for one in classes if weights is None or float(weights[one.groups] @ one.num_events) > 0]
    if not kept:
        return 0.0
    return area([one.roc(settings, len(kept) - 1, weights) for one in kept], settings)


def envelope(ratios: Floats, rates: Floats, max_rate: float) -> tuple[Floats, Floats]:
    """The best ratio reached at no more than each rate: rising, one point a rate, none past the limit."""
    order = np.lexsort((ratios, rates))
    best = np.maximum.accumulate(ratios[order])
    rates = rates[order]
    last = np.append(np.diff(rates) > 0, True)
    best, rates = best[last], rates[last]
    kept = rates <= max_rate
    return best[kept], rates[kept]


def area(rocs: Sequence[tuple[Floats, Floats]], settings: PsdsSettings) -> float:
    """Area under mean minus weighted deviation of the classes' curves, over the greatest rate."""
    grid = np.unique(np.concatenate([rates for _, rates in rocs]))

    def on_grid(best: Floats, rates: Floats) -> Floats:
        at = np.searchsorted(rates, grid, side="right") - 1
        return np.where(at >= 0, best[np.maximum(at, 0)], 0.0)

    mean, spread = np.zeros(len(grid)), np.zeros(len(grid))
    for roc in rocs:
        mean += on_grid(*roc) / len(rocs)
    if settings.alpha_st:
        for roc in rocs:
            spread += (on_grid(*roc) - mean) ** 2 / len(rocs)
    effective = np.maximum(mean - settings.alpha_st * np.sqrt(spread), 0.0)
    widths = np.diff(np.append(grid, settings.max_per_hour))
    return float((effective * widths).sum() / settings.max_per_hour)
