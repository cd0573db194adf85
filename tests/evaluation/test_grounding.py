"""Grounding: a slow twin of mAP, perfect and empty answers, and each figure on a case worked by hand."""

from __future__ import annotations

import numpy as np
import pytest

from earmark.evaluation.grounding import (
    IOU_STEPS,
    calibration_error,
    grounding_average_precision,
    grounding_scores,
)
from earmark.evaluation.inputs import Answers, Estimates, Pair, References, answers_from
from earmark.timeline import Span


def slow_average_precision(estimated: list[Span], reference: list[Span], iou: float) -> float:
    """Walk down the list, keep precision and recall, take the area under the interpolated curve."""
    free = list(reference)
    points: list[tuple[float, float]] = []
    right = 0
    for rank, span in enumerate(estimated, start=1):
        fits = [one for one in free if span.iou(one) >= iou - 1e-12]
        if fits:
            free.remove(max(fits, key=span.iou))
            right += 1
        points.append((right / len(reference), right / rank))
    area, before = 0.0, 0.0
    for recall in sorted({recall for recall, _ in points}):
        area += (recall - before) * max(precision for r, precision in points if r >= recall)
        before = recall
    return area


def random_spans(rng: np.random.Generator, count: int) -> list[Span]:
    starts = rng.uniform(0, 20, count)
    return [Span(float(start), float(start + rng.uniform(0.5, 6))) for start in starts]


def test_average_precision_agrees_with_walking_down_the_list_on_200_inputs() -> None:
    rng = np.random.default_rng(1)
    for _ in range(200):
        reference = random_spans(rng, int(rng.integers(1, 4)))
        estimated = [
            Span(max(0.0, span.start + float(rng.normal(0, 0.5))), span.end + float(rng.uniform(0.5, 1.0)))
            for span in reference
        ] + random_spans(rng, int(rng.integers(0, 5)))
        rng.shuffle(estimated)  # type: ignore[arg-type]
        fast = grounding_average_precision(estimated, reference)
        slow = [slow_average_precision(estimated, reference, iou) for iou in IOU_STEPS]
        assert fast == pytest.approx(slow, abs=1e-12)


def two_recordings() -> References:
    return References(
        {
            ("a.wav", "dog"): (Span(1, 2), Span(5, 7)),
            ("a.wav", "cat"): (),
            ("b.wav", "dog"): (Span(0, 4),),
            ("b.wav", "cat"): (),
        },
        {},
        {},
    )


def value_of(references: References, answers: dict[Pair, Answers], name: str, threshold: float = 0.5) -> float:
    scores = grounding_scores(references, Estimates(answers, {}), threshold=threshold, repeats=50)
    found = {score.name: score.value for score in scores}[name]
    assert found is not None
    return found


def perfect_answers(references: References) -> dict[Pair, Answers]:
    return {pair: answers_from(spans, [1.0] * len(spans)) for pair, spans in references.spans.items() if spans}


UP = ("R1@0.5", "R1@0.7", "mAP", "mean IoU", "count accuracy", "found", "absent accuracy")
DOWN = (
    "calibration error (presence)",
    "calibration error (moments)",
    "onset error (s)",
    "offset error (s)",
)


@pytest.mark.parametrize("name", UP)
def test_perfect_answers_score_1(name: str) -> None:
    references = two_recordings()
    assert value_of(references, perfect_answers(references), name) == 1.0


@pytest.mark.parametrize("name", DOWN)
def test_perfect_answers_make_no_error(name: str) -> None:
    references = two_recordings()
    assert value_of(references, perfect_answers(references), name) == 0.0


@pytest.mark.parametrize("name", [name for name in UP if name != "absent accuracy"])
def test_no_answers_score_0(name: str) -> None:
    assert value_of(two_recordings(), {}, name) == 0.0


def test_saying_nothing_is_right_only_where_nothing_is() -> None:
    assert value_of(two_recordings(), {}, "absent accuracy") == 1.0
    assert value_of(two_recordings(), {}, "calibration error (presence)") == 0.5


def test_a_case_worked_by_hand() -> None:
    references = two_recordings()
    answers = {
        ("a.wav", "dog"): answers_from([Span(5.5, 7.0), Span(1.0, 2.0)], [0.9, 0.4]),  # IoU 0.75 first
        ("a.wav", "cat"): answers_from([Span(3, 4)], [0.6]),  # not here, and said to be
        ("b.wav", "dog"): answers_from([Span(2, 4)], [0.8]),  # IoU 0.5
    }
    assert value_of(references, answers, "R1@0.5") == 1.0
    assert value_of(references, answers, "R1@0.7") == 0.5
    assert value_of(references, answers, "mean IoU") == pytest.approx((0.75 + 0.5) / 2)
    assert value_of(references, answers, "absent accuracy") == 0.5
    assert value_of(references, answers, "count accuracy") == 0.5
    assert value_of(references, answers, "count accuracy", threshold=0.4) == 1.0
    assert value_of(references, answers, "onset error (s)") == pytest.approx((0.5 + 2.0) / 2)
    assert value_of(references, answers, "offset error (s)") == 0.0


def test_calibration_error_of_two_bins() -> None:
    # four at 0.9 of which two are right, two at 0.1 of which none is
    sums = np.zeros((10, 3))
    sums[9], sums[1] = (4, 3.6, 2), (2, 0.2, 0)
    assert calibration_error(sums.ravel()) == pytest.approx((1.6 + 0.2) / 6)


def test_presence_may_be_said_without_a_moment() -> None:
    references = two_recordings()
    answers = {pair: Answers(presence=0.5) for pair in references.pairs}
    assert value_of(references, answers, "calibration error (presence)") == 0.0


def test_chance_is_what_dealt_answers_are_worth_and_the_interval_holds_the_value() -> None:
    rng = np.random.default_rng(3)
    spans: dict[Pair, tuple[Span, ...]] = {}
    for i in range(60):
        start = float(rng.uniform(0, 58))
        spans[f"{i}.wav", "dog"] = (Span(start, start + 2.0),)
    references = References(spans, {}, {})
    right = perfect_answers(references)
    for i in range(20):  # a third answers elsewhere
        right[f"{i}.wav", "dog"] = answers_from([Span(100, 101)], [0.7])
    scores = {s.name: s for s in grounding_scores(references, Estimates(right, {}), repeats=300)}
    first = scores["R1@0.5"]
    assert first.value == pytest.approx(40 / 60)
    assert first.chance is not None and first.chance < 0.1
    assert first.low is not None and first.high is not None
    assert 0.5 < first.low < 40 / 60 < first.high < 0.8
    assert first.count == 60
    assert scores["absent accuracy"].value is None


def test_a_query_that_is_absent_has_no_average_precision() -> None:
    with pytest.raises(ValueError, match="needs a reference that has the query"):
        grounding_average_precision([Span(0, 1)], [])
