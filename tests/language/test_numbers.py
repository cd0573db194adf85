"""Numbers, read and written: what is written out is read back."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from earmark.language import normalise
from earmark.language.numbers import ENGLISH, PERSIAN, number_key, number_parts, spell_number


@settings(max_examples=200, deadline=None)
@given(st.one_of(st.integers(0, 3000), st.integers(0, 10**14)))
def test_what_is_spelt_is_read_back(value: int) -> None:
    digits = [token.key for token in normalise(str(value))]
    english = " ".join(spell_number(str(value), ENGLISH))
    assert [token.key for token in normalise(english)] == digits, english
    words = spell_number(str(value), PERSIAN)
    persian = words[0]
    for before, word in zip(words, words[1:], strict=False):
        # «و» stands between all parts but a number and the scale it multiplies.
        joined = word not in PERSIAN.scales
        persian += (" و " if joined else " ") + word
        assert before
    assert [token.key for token in normalise(persian)] == digits, persian


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 10**14), st.integers(0, 10**14))
def test_different_values_have_different_parts(left: int, right: int) -> None:
    assert (number_parts(str(left)) == number_parts(str(right))) == (left == right)


@pytest.mark.parametrize(
    ("digits", "key"),
    [
        ("1,984", "1984"),
        ("3.50", "3.5"),
        ("10:30", "1030"),
        ("007", "007"),
        ("1.2.3", "123"),
        ("2.0", "2"),
        ("12,5", "125"),
    ],
)
def test_written_digits_to_their_key(digits: str, key: str) -> None:
    assert number_key(digits) == key


@pytest.mark.parametrize(
    ("key", "parts"),
    [
        ("0", ["0"]),
        ("27", ["20", "7"]),
        ("1984", ["1000", "900", "80", "4"]),
        ("27000000", ["20", "7", "1000000"]),
        ("007", ["007"]),
        ("3.5", ["3.5"]),
        ("9" * 40, ["9" * 40]),
    ],
)
def test_the_parts_of_a_number(key: str, parts: list[str]) -> None:
    assert number_parts(key) == parts


def test_each_part_stands_on_the_words_that_say_it() -> None:
    text = "two hundred and five, twenty seven million; هزار و سیصد"
    assert [(token.key, token.text) for token in normalise(text) if token.key != "و"] == [
        ("200", "two hundred"),
        ("5", "five"),
        ("20", "twenty"),
        ("7", "seven"),
        ("1000000", "million"),
        ("1000", "هزار"),
        ("300", "سیصد"),
    ]


def test_commas_and_sentences_part_numbers() -> None:
    assert [token.key for token in normalise("twenty, five. Six hundred; and two")] == ["20", "5", "600", "and", "2"]
