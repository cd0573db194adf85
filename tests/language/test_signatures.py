"""Bits of passages: as many runs shared as there are, counted the plain way."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from earmark.language.signatures import Signatures

lines = st.lists(st.text("ptkasi", max_size=8), max_size=20)


def runs(line: str) -> set[str]:
    return {line[at : at + 3] for at in range(len(line) - 2)}


@settings(max_examples=100, deadline=None)
@given(lines, st.text("ptkasi", max_size=8))
def test_no_shared_run_is_missed(passages: list[str], query: str) -> None:
    counts, total = Signatures(passages).shared(query)
    assert counts.shape == (len(passages),)
    assert total <= len(runs(query))
    for count, passage in zip(counts, passages, strict=True):
        # Two runs on one bit can only add to what is shared, or count once in both.
        assert count >= min(total, len(runs(passage) & runs(query))) - (len(runs(query)) - total)


def test_runs_do_not_reach_into_the_next_passage() -> None:
    counts, total = Signatures(["pt", "kas", "", "ptk"]).shared("ptk")
    assert total == 1
    assert counts.tolist() == [0, 0, 0, 1]


@pytest.mark.parametrize("query", ["", "p", "pt"])
def test_a_query_of_two_phones_has_no_runs(query: str) -> None:
    counts, total = Signatures(["ptk", "kas"]).shared(query)
    assert total == 0 and counts.tolist() == [0, 0]


def test_more_passages_than_a_block_and_none() -> None:
    counts, _ = Signatures(["kas"] * 9000 + ["ptk"]).shared("ptk")
    assert counts.sum() == 1 and counts[9000] == 1
    assert Signatures([]).shared("ptk")[0].shape == (0,)
