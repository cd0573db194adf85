"""Intervals, chance by dealing, tables."""

from __future__ import annotations

import json

import numpy as np
import pytest

from earmark.evaluation.scores import Resampler, Score, ratio, shuffled, with_chance
from earmark.evaluation.tables import json_lines, table


def test_nobody_keeps_their_answers() -> None:
    rng = np.random.default_rng(0)
    for count in (2, 3, 17):
        order = shuffled(count, rng)
        assert sorted(order) == list(range(count))
        assert (order != np.arange(count)).all()


def test_the_interval_of_a_mean_is_that_of_a_plain_bootstrap() -> None:
    rng = np.random.default_rng(1)
    values = rng.normal(3, 1, 80)
    score = Resampler([str(i) for i in range(80)], repeats=2000).mean("x", values, unit="things")
    means = [rng.choice(values, 80).mean() for _ in range(2000)]
    assert score.value == pytest.approx(values.mean())
    assert score.low == pytest.approx(np.percentile(means, 2.5), abs=0.05)
    assert score.high == pytest.approx(np.percentile(means, 97.5), abs=0.05)


def test_pairs_of_one_recording_move_together() -> None:
    """Twenty copies of a value in one recording are one value, not twenty."""
    values = np.repeat([0.0, 1.0, 0.0, 1.0, 1.0], 20)
    together = Resampler(np.repeat(list("abcde"), 20).tolist()).mean("x", values, unit="pairs")
    apart = Resampler([str(i) for i in range(100)]).mean("x", values, unit="pairs")
    assert together.high is not None and together.low is not None
    assert apart.high is not None and apart.low is not None
    assert together.high - together.low > 3 * (apart.high - apart.low)


def test_one_recording_has_no_interval() -> None:
    score = Resampler(["a", "a"]).mean("x", np.array([1.0, 0.0]), unit="pairs")
    assert (score.value, score.low, score.high) == (0.5, None, None)


def test_the_same_seed_gives_the_same_interval() -> None:
    values = np.random.default_rng(0).random(30)
    names = [str(i) for i in range(30)]
    first, again, other = (Resampler(names, 200, seed).mean("x", values, unit="") for seed in (4, 4, 5))
    assert first == again
    assert first.low != other.low


def test_the_interval_of_a_median_is_that_of_a_plain_bootstrap() -> None:
    rng = np.random.default_rng(2)
    values = rng.gamma(2, 1, 101)
    resampler = Resampler([str(i) for i in range(101)], repeats=2000)
    score = resampler.median("x", values, resampler.groups, unit="errors")
    medians = [np.median(rng.choice(values, 101)) for _ in range(2000)]
    assert score.value == np.median(values)
    assert score.low == pytest.approx(np.percentile(medians, 2.5), abs=0.1)
    assert score.high == pytest.approx(np.percentile(medians, 97.5), abs=0.1)


def test_nothing_to_measure_is_undefined_not_zero() -> None:
    resampler = Resampler(["a", "b"])
    assert resampler.mean("x", np.zeros(2), among=np.zeros(2, dtype=bool), unit="pairs").value is None
    assert resampler.median("x", np.zeros(0), np.zeros(0, dtype=np.int64), unit="pairs").value is None


def test_ratio_of_nothing_is_what_was_asked() -> None:
    assert ratio(np.array([1.0, 0.0]), np.array([2.0, 0.0]), empty=0.5).tolist() == [0.5, 0.5]


def test_chance_is_the_mean_of_the_dealt_runs_unless_known() -> None:
    scores = [Score("a", 0.9, 1, ""), Score("b", 0.9, 1, "", chance=0.5)]
    runs = [[Score("a", 0.1, 1, ""), Score("b", 0.0, 1, "")], [Score("a", 0.3, 1, "")]]
    assert [score.chance for score in with_chance(scores, runs)] == [pytest.approx(0.2), 0.5]


def test_a_table_prints_chance_beside_the_score_and_says_what_is_undefined() -> None:
    text = table(
        [
            Score("R1@0.5", 0.75, 1200, "pairs", 0.125, 0.7, 0.8),
            Score("WER", None, 0, "words", higher_is_better=False, note="no transcript"),
            Score("rank", 250.0, 3, "captions"),
        ]
    )
    lines = text.splitlines()
    assert lines[0].split("  ")[0] == "" and "score  chance" in lines[0]
    assert "0.750   0.125  0.700 to 0.800  1,200 pairs" in lines[1]
    assert lines[2].split() == ["WER", "–", "–", "–", "0", "words", *"lower is better; no transcript".split()]
    assert "250.0" in lines[3]


def test_json_has_one_object_a_line() -> None:
    lines = json_lines("grounding", [Score("R1@0.5", 0.5, 3, "pairs", 0.1, note="ß"), Score("x", None, 0, "")])
    first, second = (json.loads(line) for line in lines.splitlines())
    assert first == {
        "task": "grounding",
        "metric": "R1@0.5",
        "value": 0.5,
        "chance": 0.1,
        "low": None,
        "high": None,
        "count": 3,
        "unit": "pairs",
        "higher_is_better": True,
        "note": "ß",
    }
    assert second["value"] is None
