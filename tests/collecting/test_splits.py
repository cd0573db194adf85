"""Splits: whole groups, near their shares, the same every time, and never moved by later arrivals."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from earmark.collecting.splits import SHARES, assign_splits

LENGTHS = st.lists(st.floats(0.1, 5_000), max_size=60)


def groups(lengths):
    return {f"g{n}": length for n, length in enumerate(lengths)}


@given(LENGTHS, st.integers(0, 5))
def test_every_group_has_a_split_whatever_their_order(lengths, seed):
    seconds = groups(lengths)
    chosen = assign_splits(seconds, seed=seed)
    assert chosen == assign_splits(dict(reversed(seconds.items())), seed=seed)
    assert set(chosen) == set(seconds) and set(chosen.values()) <= set(SHARES)
    if len(seconds) >= 3:
        assert set(chosen.values()) == set(SHARES)


def test_many_groups_come_near_their_shares():
    chosen = assign_splits(groups([600 + n % 7 for n in range(200)]))
    counts = Counter(chosen.values())
    assert counts["train"] == pytest.approx(160, abs=3) and counts["test"] == pytest.approx(20, abs=2)


def test_one_giant_is_for_training():
    chosen = assign_splits({"giant": 10_000.0} | groups([100.0] * 10))
    assert chosen["giant"] == "train"


@given(LENGTHS, LENGTHS)
def test_what_was_decided_stays(before, after):
    first = assign_splits(groups(before))
    grown = groups(before) | {f"new{n}": length for n, length in enumerate(after)}
    assert {group: split for group, split in assign_splits(grown, first).items() if group in first} == first


def test_the_seed_decides():
    seconds = groups([100.0] * 30)
    assert assign_splits(seconds, seed=1) != assign_splits(seconds, seed=2)


def test_shares_sum_to_one():
    with pytest.raises(ValueError, match="needs shares that sum to 1"):
        assign_splits({}, shares={"train": 0.5})
