"""AUROC and average precision against a twin that counts pairs, and the operating points against counting."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from earmark.evaluation.ranking import (
    auroc,
    average_precision,
    binned_auroc,
    binned_average_precision,
    operating_points,
)


def slow_auroc(scores: NDArray[np.float64], labels: NDArray[np.bool_]) -> float:
    wins = [1.0 if good > bad else 0.5 if good == bad else 0.0 for good in scores[labels] for bad in scores[~labels]]
    return sum(wins) / len(wins)


def slow_average_precision(scores: NDArray[np.float64], labels: NDArray[np.bool_]) -> float:
    total = 0.0
    for score in scores[labels]:
        above = scores >= score
        total += (above & labels).sum() / above.sum()
    return total / labels.sum()


def random_input(seed: int) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    rng = np.random.default_rng(seed)
    size = int(rng.integers(2, 60))
    labels = rng.random(size) < 0.4
    labels[:2] = [True, False]
    scores = np.round(rng.random(size) + 0.3 * labels, int(rng.integers(1, 6)))  # with ties
    return scores, labels


def test_both_agree_with_counting_on_200_inputs() -> None:
    for seed in range(200):
        scores, labels = random_input(seed)
        assert auroc(scores, labels) == pytest.approx(slow_auroc(scores, labels), abs=1e-12)
        assert average_precision(scores, labels) == pytest.approx(slow_average_precision(scores, labels), abs=1e-12)


def test_perfect_scores_1_and_a_constant_scores_chance() -> None:
    labels = np.array([True, True, False, False, False])
    perfect = labels.astype(np.float64)
    flat = np.zeros(5)
    assert auroc(perfect, labels) == 1.0
    assert average_precision(perfect, labels) == 1.0
    assert auroc(-perfect, labels) == 0.0
    assert auroc(flat, labels) == 0.5
    assert average_precision(flat, labels) == pytest.approx(0.4)


def test_one_kind_of_label_leaves_them_undefined() -> None:
    scores = np.array([0.1, 0.9])
    assert auroc(scores, np.array([True, True])) is None
    assert auroc(scores, np.array([False, False])) is None
    assert average_precision(scores, np.array([False, False])) is None


def test_a_histogram_with_one_bin_a_score_gives_the_same_figures() -> None:
    for seed in range(20):
        scores, labels = random_input(seed)
        bins = np.unique(scores, return_inverse=True)[1]
        histogram = np.zeros((bins.max() + 1, 2))
        np.add.at(histogram, (bins, labels.astype(int)), 1)
        assert binned_auroc(histogram.ravel()) == pytest.approx(slow_auroc(scores, labels), abs=1e-12)
        assert binned_average_precision(histogram.ravel()) == pytest.approx(
            slow_average_precision(scores, labels), abs=1e-12
        )


@pytest.mark.parametrize("max_points", [10, 2000])
def test_operating_points_count_what_lies_above(max_points: int) -> None:
    scores, labels = random_input(7)
    points = operating_points(scores, labels, max_points)
    assert (np.diff(points.thresholds) < 0).all()
    for i, threshold in enumerate(points.thresholds):
        above = scores >= threshold
        assert points.true_positives[i] == (above & labels).sum()
        assert points.false_positives[i] == (above & ~labels).sum()
        assert points.recall[i] == pytest.approx((above & labels).sum() / labels.sum())
        assert points.precision[i] == pytest.approx((above & labels).sum() / above.sum())
        assert points.miss_rate[i] + points.recall[i] == pytest.approx(1.0)
    assert points.f1.max() <= 1.0
