"""Retrieval against sorting by hand, and the candidate protocols against drawing candidates one by one."""

from __future__ import annotations

import numpy as np
import pytest

from earmark.errors import EarmarkError, FormatError
from earmark.evaluation.inputs import References
from earmark.evaluation.retrieval import (
    average_precision_at,
    candidate_scores,
    ranks_of,
    retrieval_scores,
)
from earmark.evaluation.scores import Score


def square(size: int) -> tuple[References, list[str], list[str]]:
    """One caption for each clip."""
    queries, recordings = [f"caption {i}" for i in range(size)], [f"{i}.wav" for i in range(size)]
    truth = References({(r, q): () for r, q in zip(recordings, queries, strict=True)}, {}, {})
    return truth, queries, recordings


def measure(scores: np.ndarray, size: int) -> dict[str, Score]:  # type: ignore[type-arg]
    truth, queries, recordings = square(size)
    return {s.name: s for s in retrieval_scores(truth, scores, queries, recordings, repeats=50)}


PERFECT = ["R@1", "R@5", "R@10", "mAP@10", "R@1 of 30", "R@5 of 30", "Hits@1 of 6", "MRR of 6"]


@pytest.mark.parametrize("name", PERFECT + ["a2c " + name for name in PERFECT])
def test_perfect_scores_1(name: str) -> None:
    score = measure(np.eye(40), 40)[name]
    assert score.value == 1.0
    assert score.chance is not None and score.chance < 0.5


@pytest.mark.parametrize("name", ["R@1", "R@5", "R@10", "mAP@10", "R@1 of 30", "a2c R@1", "Hits@1 of 6"])
def test_scoring_everything_alike_scores_0(name: str) -> None:
    assert measure(np.zeros((40, 40)), 40)[name].value == 0.0


def test_ranks_agree_with_sorting_and_ties_count_against() -> None:
    rng = np.random.default_rng(0)
    for _ in range(200):
        scores = np.round(rng.random((3, 12)), 1)
        right = rng.random((3, 12)) < 0.3
        for row, flags, ranks in zip(scores, right, ranks_of(scores, right), strict=True):
            order = sorted(range(12), key=lambda i: (-row[i], flags[i]))  # wrong first among equals
            assert ranks.tolist() == [place for place, i in enumerate(order, start=1) if flags[i]]


def test_average_precision_by_hand() -> None:
    assert average_precision_at(np.array([1, 3, 20])) == pytest.approx((1 / 1 + 2 / 3) / 3)
    assert average_precision_at(np.array([11])) == 0.0
    with pytest.raises(ValueError, match="needs at least one right answer"):
        average_precision_at(np.zeros(0, dtype=np.int64))


def test_chance_of_recall_is_what_random_scores_reach() -> None:
    rng = np.random.default_rng(1)
    found = measure(rng.random((300, 300)), 300)
    assert found["R@10"].chance == pytest.approx(10 / 300)
    assert found["R@1 of 30"].chance == pytest.approx(1 / 30)
    assert found["R@1 of 30"].value == pytest.approx(1 / 30, abs=0.01)
    assert found["MRR of 6"].value == pytest.approx(found["MRR of 6"].chance, abs=0.03)
    assert found["median rank"].value == pytest.approx(150, abs=30)


def test_candidates_agree_with_drawing_them_one_by_one() -> None:
    rng = np.random.default_rng(2)
    size = 60
    scores = rng.random((size, size)) + 0.5 * np.eye(size)
    flags = np.eye(size, dtype=bool)
    fast = candidate_scores(scores, flags, 30, 400, seed=0)
    slow = np.empty((100, size))
    for run in range(100):
        for i in range(size):
            others = rng.choice(np.flatnonzero(~flags[i]), 29, replace=False)
            slow[run, i] = 1 + (scores[i, others] >= scores[i, i]).sum()
    assert fast.mean(axis=0) == pytest.approx(slow.mean(axis=0), abs=1.0)
    assert (fast <= 1).mean() == pytest.approx((slow <= 1).mean(), abs=0.02)
    assert fast.min() >= 1 and fast.max() <= 30


def test_too_few_clips_for_a_protocol_leave_it_undefined() -> None:
    found = measure(np.eye(8), 8)
    assert found["R@1 of 30"].value is None
    assert found["R@1 of 30"].note == "fewer than 30 candidates"
    assert found["Hits@1 of 6"].value == 1.0


def test_a_right_pair_without_a_score_is_named() -> None:
    truth, queries, recordings = square(5)
    with pytest.raises(FormatError) as caught:
        retrieval_scores(truth, np.eye(4), queries[:4], recordings[:4])
    assert str(caught.value) == (
        "'caption 4' of 4.wav: expected a score for every query and recording of the reference, "
        "found none for this query. Score every query against every recording."
    )
    broken: list[EarmarkError] = []
    retrieval_scores(truth, np.eye(4), queries[:4], recordings[:4], on_broken=broken.append)
    assert len(broken) == 1
    with pytest.raises(FormatError, match="at least one right pair that was scored, found none"):
        retrieval_scores(truth, np.eye(1), ["x"], ["y"], on_broken=broken.append)
