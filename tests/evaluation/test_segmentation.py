"""Seconds in the right class against counting frames, and boundaries."""

from __future__ import annotations

import numpy as np
import pytest

from earmark.evaluation.inputs import Answers, Estimates, Pair, References, answers_from
from earmark.evaluation.scores import Score
from earmark.evaluation.segmentation import boundary_errors, segmentation_scores
from earmark.timeline import ScoreCurve, Span


def truth() -> References:
    return References(
        {
            ("a.wav", "speech"): (Span(0, 4), Span(6, 8)),
            ("a.wav", "music"): (Span(4, 6),),
            ("b.wav", "music"): (Span(0, 10),),
        },
        {"a.wav": 10.0, "b.wav": 10.0},
        {},
    )


def estimates(spans: dict[Pair, list[Span]]) -> Estimates:
    return Estimates({pair: answers_from(s, [1.0] * len(s)) for pair, s in spans.items()}, {})


def measure(spans: dict[Pair, list[Span]], curves: dict[Pair, ScoreCurve] | None = None) -> dict[str, Score]:
    return {s.name: s for s in segmentation_scores(truth(), estimates(spans), curves, repeats=30)}


def test_perfect_segments_score_1_and_none_score_0() -> None:
    perfect = measure({pair: list(spans) for pair, spans in truth().spans.items()})
    nothing = measure({})
    for name in ("precision", "recall", "F1"):
        for label in ("all", "speech", "music"):
            assert perfect[f"{label}: {name}"].value == 1.0
            assert nothing[f"{label}: {name}"].value == 0.0
    assert perfect["speech: boundary error (s)"].value == 0.0
    assert nothing["speech: boundary error (s)"].value is None


def test_seconds_agree_with_counting_frames() -> None:
    rng = np.random.default_rng(0)
    step = 0.01
    times = (np.arange(1000) + 0.5) * step
    for _ in range(20):
        said: dict[Pair, list[Span]] = {}
        for pair in (("a.wav", "speech"), ("b.wav", "speech"), ("b.wav", "music")):
            edges = np.sort(rng.choice(1000, 4, replace=False)) / 100
            said[pair] = [Span(float(a), float(b)) for a, b in edges.reshape(-1, 2)]
        found = measure(said)
        for label in ("speech", "music"):
            flags = []
            for spans in (truth().spans, said):
                lists = [spans.get((name, label), []) for name in ("a.wav", "b.wav")]
                flags.append(
                    np.concatenate(
                        [
                            np.any([(times >= s.start) & (times < s.end) for s in kept] or [times < 0], axis=0)
                            for kept in lists
                        ]
                    )
                )
            true, answered = flags
            right = (true & answered).sum()
            assert found[f"{label}: recall"].value == pytest.approx(right / true.sum(), abs=1e-9)
            assert found[f"{label}: F1"].value == pytest.approx(2 * right / (true.sum() + answered.sum()), abs=1e-9)


def test_a_class_said_where_it_is_not_lowers_precision() -> None:
    said = {pair: list(spans) for pair, spans in truth().spans.items()}
    said["b.wav", "speech"] = [Span(0, 6)]
    assert measure(said)["speech: precision"].value == pytest.approx(0.5)
    assert measure(said)["all: precision"].value == pytest.approx(18 / 24)


def test_boundaries_by_hand() -> None:
    errors = boundary_errors([Span(0, 4), Span(4, 8)], [Span(0.1, 4.5)])
    assert errors.tolist() == pytest.approx([0.1, 0.5, 3.5])
    assert boundary_errors([], [Span(0, 1)]).tolist() == []


def test_auc_needs_scores_of_the_class() -> None:
    times = (np.arange(100) + 0.5) * 0.1
    curves: dict[Pair, ScoreCurve] = {
        ("a.wav", "speech"): ScoreCurve(((times < 4) | ((times > 6) & (times < 8))).astype(np.float32), 0.1),
        ("b.wav", "speech"): ScoreCurve(np.zeros(100, np.float32), 0.1),
    }
    found = measure({}, curves)
    assert found["speech: ROC AUC"].value == 1.0
    assert found["speech: ROC AUC"].chance == 0.5
    assert found["music: ROC AUC"].value is None
    assert "speech: ROC AUC" not in measure({})


def test_chance_is_the_segments_of_another_recording() -> None:
    found = measure({pair: list(spans) for pair, spans in truth().spans.items()})
    assert found["music: recall"].chance == pytest.approx((2 + 2) / 12)
    assert found["speech: recall"].chance == 0.0
    assert found["music: boundary error (s)"].chance == pytest.approx(4.0)  # 4, 6 from 0, 10; and back


def test_answers_need_a_probability_each() -> None:
    with pytest.raises(ValueError, match="one probability per span, got 0 and 1"):
        Answers((Span(0, 1),), ())
