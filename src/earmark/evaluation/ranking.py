"""Figures of a score against a yes or no: AUROC, average precision, and the curves they are areas of.

Ties are exact: equal scores cross a threshold together. Fifteen million frames take a few seconds, since
the positives and the negatives are sorted apart, as plain floats.

Source: Fawcett, "An introduction to ROC analysis", 2006; average precision without interpolation as in
scikit-learn; DET curves after Martin et al., Eurospeech 1997.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from earmark.evaluation.scores import Floats, ratio

__all__ = [
    "OperatingPoints",
    "auroc",
    "average_precision",
    "binned_auroc",
    "binned_average_precision",
    "operating_points",
]

Scores = NDArray[np.float32] | NDArray[np.float64]


def auroc(scores: Scores, labels: NDArray[np.bool_]) -> float | None:
    """The chance that a positive scores above a negative, ties counting half; None without both kinds."""
    positives, negatives = np.sort(scores[labels]), np.sort(scores[~labels])
    if len(positives) == 0 or len(negatives) == 0:
        return None
    below = np.searchsorted(negatives, positives, side="left").sum(dtype=np.int64)
    not_above = np.searchsorted(negatives, positives, side="right").sum(dtype=np.int64)
    return float(below + not_above) / 2 / len(positives) / len(negatives)


def average_precision(scores: Scores, labels: NDArray[np.bool_]) -> float | None:
    """The mean over positives of the precision where each is found; None without positives."""
    positives, negatives = np.sort(scores[labels]), np.sort(scores[~labels])
    if len(positives) == 0:
        return None
    first = np.concatenate([[True], positives[1:] != positives[:-1]])
    starts = np.flatnonzero(first)
    found = np.diff(np.append(starts, len(positives)))
    true = len(positives) - starts
    false = len(negatives) - np.searchsorted(negatives, positives[starts], side="left")
    return float((found * (true / (true + false))).sum() / len(positives))


def binned_auroc(histogram: Floats) -> Floats:
    """AUROC of a histogram of scores, for resampling.

    Args:
        histogram: shape (..., bins * 2): per bin, rising, its negatives and its positives.
    """
    counts = histogram.reshape(*histogram.shape[:-1], -1, 2)
    negatives, positives = counts[..., 0], counts[..., 1]
    below = np.cumsum(negatives, axis=-1) - negatives / 2
    return ratio((positives * below).sum(-1), positives.sum(-1) * negatives.sum(-1), empty=0.5)


def binned_average_precision(histogram: Floats) -> Floats:
    """Average precision of a histogram of scores, shaped as in `binned_auroc`."""
    counts = histogram.reshape(*histogram.shape[:-1], -1, 2)[..., ::-1, :]
    totals = np.cumsum(counts, axis=-2)
    precision = ratio(totals[..., 1], totals.sum(-1))
    return ratio((counts[..., 1] * precision).sum(-1), counts[..., 1].sum(-1))


@dataclass(frozen=True)
class OperatingPoints:
    """What every threshold does, falling; each array has shape (points,)."""

    thresholds: Floats
    true_positives: Floats
    false_positives: Floats
    num_positives: int
    num_negatives: int

    @property
    def precision(self) -> Floats:
        return ratio(self.true_positives, self.true_positives + self.false_positives, empty=1.0)

    @property
    def recall(self) -> Floats:
        return ratio(self.true_positives, np.array(float(self.num_positives)))

    @property
    def miss_rate(self) -> Floats:
        return 1.0 - self.recall

    @property
    def false_alarm_rate(self) -> Floats:
        return ratio(self.false_positives, np.array(float(self.num_negatives)))

    @property
    def f1(self) -> Floats:
        return ratio(2 * self.true_positives, self.true_positives + self.false_positives + self.num_positives)


def operating_points(scores: Scores, labels: NDArray[np.bool_], max_points: int = 2000) -> OperatingPoints:
    """The curve behind PR and DET plots.

    Args:
        max_points: with more distinct scores than this, thresholds are taken at equal steps of rank among
            the positives and among all, which is where the curve bends.
    """
    positives, negatives = np.sort(scores[labels]), np.sort(scores[~labels])
    thresholds = np.unique(positives)
    if len(scores) <= max_points:
        thresholds = np.unique(scores)
    elif len(thresholds) > max_points // 2:
        thresholds = thresholds[np.linspace(0, len(thresholds) - 1, max_points // 2).astype(np.int64)]
    if len(scores) > max_points and len(negatives):
        steps = np.linspace(0, len(negatives) - 1, max_points // 2).astype(np.int64)
        thresholds = np.union1d(thresholds, negatives[steps])
    thresholds = thresholds[::-1].astype(np.float64)
    return OperatingPoints(
        thresholds,
        (len(positives) - np.searchsorted(positives, thresholds, side="left")).astype(np.float64),
        (len(negatives) - np.searchsorted(negatives, thresholds, side="left")).astype(np.float64),
        len(positives),
        len(negatives),
    )
