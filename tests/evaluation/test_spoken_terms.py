"""Term-weighted values against counting at every threshold; WER and CER by hand."""

from __future__ import annotations

import numpy as np
import pytest

from earmark.errors import FormatError
from earmark.evaluation.inputs import Answers, Estimates, Pair, References, answers_from
from earmark.evaluation.scores import Score
from earmark.evaluation.spoken_terms import (
    BETA,
    detections_of,
    spoken_term_scores,
    term_operating_points,
    term_weighted_values,
    words_of,
)
from earmark.timeline import Span


def truth(seconds: float = 600.0) -> References:
    return References(
        {
            ("a.wav", "yes"): (Span(1, 1.5), Span(10, 10.5)),
            ("b.wav", "yes"): (),
            ("a.wav", "no"): (Span(20, 20.5),),
            ("b.wav", "no"): (Span(3, 3.5),),
            ("b.wav", "never"): (),
        },
        {"a.wav": seconds, "b.wav": seconds},
        {},
    )


def measure(answers: dict[Pair, Answers], threshold: float = 0.5) -> dict[str, Score]:
    scores = spoken_term_scores(truth(), Estimates(answers, {}), threshold=threshold, repeats=40)
    return {score.name: score for score in scores}


def perfect() -> dict[Pair, Answers]:
    return {pair: answers_from(spans, [0.9] * len(spans)) for pair, spans in truth().spans.items()}


def test_perfect_hits_score_1_and_none_score_0() -> None:
    for name in ("ATWV", "MTWV", "precision at N"):
        assert measure(perfect())[name].value == pytest.approx(1.0)
        assert measure({})[name].value == pytest.approx(0.0)
    assert measure(perfect(), threshold=0.95)["ATWV"].value == pytest.approx(0.0)
    assert measure(perfect(), threshold=0.95)["MTWV"].value == pytest.approx(1.0)


def test_one_false_alarm_costs_what_the_plan_says() -> None:
    answers = perfect()
    answers["b.wav", "yes"] = answers_from([Span(50, 50.5)], [0.6])
    cost = BETA / (1200 - 2) / 2  # one of two terms that occur
    found = measure(answers)
    assert found["ATWV"].value == pytest.approx(1 - cost)
    assert found["MTWV"].value == pytest.approx(1.0)
    assert found["MTWV"].note == "threshold 0.9"


def test_a_hit_may_be_half_a_second_off_and_counts_once() -> None:
    answers = perfect()
    answers["a.wav", "no"] = answers_from([Span(20.8, 21.2)], [0.9])  # middle 0.5 s behind the end
    assert measure(answers)["ATWV"].value == pytest.approx(1.0)
    answers["a.wav", "no"] = answers_from([Span(20.9, 21.3)], [0.9])
    assert measure(answers)["ATWV"].value == pytest.approx(1 - 0.25 - BETA / (1200 - 2) / 2)
    answers["a.wav", "no"] = answers_from([Span(20, 20.5), Span(20.1, 20.6)], [0.9, 0.8])
    assert measure(answers)["ATWV"].value == pytest.approx(1 - BETA / (1200 - 2) / 2)


def test_values_agree_with_counting_at_every_threshold() -> None:
    rng = np.random.default_rng(0)
    for _ in range(50):
        spans: dict[Pair, tuple[Span, ...]] = {}
        answers: list[Answers] = []
        for recording in "ab":
            for term in ("x", "y"):
                true = tuple(Span(float(t), float(t) + 0.3) for t in rng.uniform(0, 500, rng.integers(0, 4)))
                spans[recording, term] = true
                said = [Span(s.start, s.end) for s in true if rng.random() < 0.7] + [
                    Span(float(t), float(t) + 0.3) for t in rng.uniform(500, 900, rng.integers(0, 3))
                ]
                answers.append(answers_from(said, np.round(rng.random(len(said)), 1).tolist()))
        references = References(spans, {"a": 1000.0, "b": 1000.0}, {})
        found = detections_of(references, answers)
        thresholds, values = term_weighted_values(found, 2000.0)
        for threshold, value in zip(thresholds, values, strict=True):
            losses = []
            for term in (0, 1):
                count = found.true_counts[term].sum()
                if count:
                    used = (found.term == term) & (found.probability >= threshold)
                    miss = 1 - (used & found.right).sum() / count
                    losses.append(miss + BETA * (used & ~found.right).sum() / (2000 - count))
            expected = 1 - np.mean(losses) if losses else 0.0
            assert value == pytest.approx(expected, abs=1e-9)


def test_misses_of_the_det_curve_are_out_of_all_occurrences() -> None:
    answers = [answers_from([Span(1, 1.5), Span(90, 91)], [0.9, 0.3]), *[Answers()] * 4]
    points = term_operating_points(detections_of(truth(), answers), 1200.0)
    assert points.miss_rate.tolist() == [0.75, 0.75]
    assert points.false_alarm_rate.tolist() == [0.0, pytest.approx(1 / (3600 - 4))]


def test_a_recording_needs_its_duration() -> None:
    references = References(truth().spans, {"a.wav": 60.0}, {})
    with pytest.raises(FormatError) as caught:
        spoken_term_scores(references, Estimates({}, {}))
    assert str(caught.value) == (
        'b.wav: expected a "duration" of every recording, found none for 1 of 2. '
        "False alarms count per second: write each file's length on one of its lines."
    )


def test_word_and_character_errors_by_hand() -> None:
    references = References({}, {}, {"a": "The dog barks!", "b": "It's five o'clock."})
    said = {"a": "the dog bark", "b": "it\u2019s five oclock"}
    scores = {s.name: s for s in spoken_term_scores(references, Estimates({}, said), repeats=20)}
    assert scores["WER"].value == pytest.approx(2 / 6)
    assert scores["CER"].value == pytest.approx(2 / (13 + 17))
    assert scores["WER"].chance == pytest.approx(1.0)
    assert not scores["WER"].higher_is_better
    silent = {s.name: s.value for s in spoken_term_scores(references, Estimates({}, {}), repeats=0)}
    assert silent == {"WER": 1.0, "CER": 1.0}


def test_words_drop_case_and_punctuation_but_no_letters() -> None:
    assert words_of("Well, IT'S “fine” — isn’t it?") == ["well", "it's", "fine", "isn't", "it"]
    assert words_of("او می\u200cرود؛ باشد؟") == ["او", "می\u200cرود", "باشد"]
    assert words_of(" … ") == []
