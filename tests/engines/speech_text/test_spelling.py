from __future__ import annotations

import numpy as np

from earmark.engines.speech_text.spelling import LETTERS, MOST_LETTERS, spell, words_of


def test_words_are_parted_by_anything_that_is_no_letter() -> None:
    assert words_of("Don't stop, No-1 («کتاب‌ها»)") == ["don't", "stop", "no", "1", "کتاب", "ها"]


def test_arabic_letters_and_digits_have_one_spelling() -> None:
    assert words_of("كتابي ۱۲") == words_of("کتابی 12")


def test_each_word_is_spelt_once_and_counted_where_it_stands() -> None:
    letters, counts = spell(["to be or to", "be", ""])
    assert letters.shape == (3, MOST_LETTERS) and counts.shape == (3, 3)
    assert counts.tolist() == [[2, 1, 1], [0, 1, 0], [0, 0, 0]]
    assert letters[0, :3].tolist() == [20, 15, 0]
    assert letters.max() < LETTERS


def test_a_long_word_keeps_its_beginning() -> None:
    letters, _ = spell(["a" * 40])
    assert np.array_equal(letters[0], np.ones(MOST_LETTERS))


def test_texts_without_a_word_still_have_a_row() -> None:
    letters, counts = spell(["", "…"])
    assert letters.shape == (1, MOST_LETTERS) and not letters.any() and not counts.any()
