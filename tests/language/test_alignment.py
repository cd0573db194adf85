"""The alignment of many passages at once, against the recurrence written out cell by cell."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from earmark.language.alignment import PLAIN, UNIT, Costs, best_fits
from earmark.language.phonetics import phone_costs


def gap(character: str, costs: Costs) -> int:
    return int(costs.gap[ord(character)]) if ord(character) < len(costs.gap) else UNIT


def distance(left: str, right: str, costs: Costs) -> int:
    """Edit distance of two whole strings."""
    table = np.zeros((len(left) + 1, len(right) + 1), dtype=int)
    for i, a in enumerate(left, start=1):
        table[i, 0] = table[i - 1, 0] + gap(a, costs)
    for j, b in enumerate(right, start=1):
        table[0, j] = table[0, j - 1] + gap(b, costs)
    for i, a in enumerate(left, start=1):
        for j, b in enumerate(right, start=1):
            known = max(ord(a), ord(b)) < len(costs.gap)
            change = int(costs.substitute[ord(a), ord(b)]) if known else UNIT * (a != b)
            table[i, j] = min(
                table[i - 1, j - 1] + change,
                table[i - 1, j] + gap(a, costs),
                table[i, j - 1] + gap(b, costs),
            )
    return int(table[-1, -1])


def slow(query: str, passage: str, costs: Costs) -> float:
    """For every end the cheapest start, and of those the best similarity."""
    tokens = passage.split(" ") if passage else []
    weight = sum(gap(c, costs) for c in query)
    best = 0.0
    for last in range(len(tokens)):
        windows = ["".join(tokens[first : last + 1]) for first in range(last + 1)]
        cheapest = min((distance(query, w, costs), first) for first, w in enumerate(windows))
        heavier = max(weight, sum(gap(c, costs) for c in windows[cheapest[1]]))
        best = max(best, 1 - cheapest[0] / heavier)
    return best


words = st.lists(st.text("abc", min_size=1, max_size=4), max_size=5).map(" ".join)


@settings(max_examples=150, deadline=None)
@given(st.text("abc", min_size=1, max_size=6), st.lists(words, min_size=1, max_size=4))
def test_plain_costs_agree_with_the_slow_way(query: str, passages: list[str]) -> None:
    fits = best_fits(query, passages)
    for fit, passage in zip(fits, passages, strict=True):
        assert fit.similarity == pytest.approx(slow(query, passage, PLAIN), abs=1e-9)


sounds = st.lists(st.text("kgtdaiVR", min_size=1, max_size=3), max_size=4).map(" ".join)


@settings(max_examples=150, deadline=None)
@given(st.text("kgtdaiVR", min_size=1, max_size=6), st.lists(sounds, min_size=1, max_size=3))
def test_phone_costs_agree_with_the_slow_way(query: str, passages: list[str]) -> None:
    costs = phone_costs()
    for fit, passage in zip(best_fits(query, passages, costs), passages, strict=True):
        assert fit.similarity == pytest.approx(slow(query, passage, costs), abs=1e-9)


def test_the_place_is_the_words_that_fit() -> None:
    (fit,) = best_fits("kowalski", ["mister kowal ski came"])
    assert (fit.first_token, fit.last_token, fit.similarity) == (1, 2, 1.0)
    (fit,) = best_fits("hard", ["a straightforward b"])
    assert fit.similarity < 0.5


def test_a_query_never_reaches_from_one_passage_into_the_next() -> None:
    left, right = best_fits("abcd", ["x ab", "cd y"])
    assert left.similarity == right.similarity == 0.5


def test_letters_of_any_script_compare() -> None:
    (fit,) = best_fits("سلام", ["به سلم 東京"])
    assert (fit.first_token, fit.last_token, fit.similarity) == (1, 1, 0.75)


@pytest.mark.parametrize(("query", "passage"), [("", "a b"), ("a", ""), ("", "")])
def test_nothing_fits_nothing(query: str, passage: str) -> None:
    assert best_fits(query, [passage])[0].similarity == 0.0
    assert best_fits(query, []) == []


def test_costs_are_those_of_a_distance() -> None:
    costs = phone_costs()
    assert (costs.substitute == costs.substitute.T).all()
    assert (np.diag(costs.substitute) == 0).all()
    assert (costs.gap > 0).all()
