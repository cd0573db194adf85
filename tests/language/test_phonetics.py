"""How words sound, in one alphabet for both languages."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from earmark.language.phonetics import coarse, phones_of


@pytest.mark.parametrize(
    ("word", "phones"),
    [
        ("cat", "kat"),
        ("knight", "nYt"),
        ("phone", "fOn"),
        ("church", "CRC"),
        ("judge", "JVJ"),
        ("nation", "nASVn"),
        ("thinking", "TINkIN"),
        ("making", "mAkIN"),
        ("foxes", "foksIz"),
        ("wanted", "wontId"),
        ("walked", "wokt"),
        ("city", "sIti"),
        ("queue", "kwu"),
        ("26", "twentisIks"),
        ("3.5", "TripXntfYv"),
        ("سلام", "slom"),
        ("خواب", "xvob"),
        ("خانه", "xone"),
        ("غذا", "qzo"),
        ("یخ", "yx"),
        ("東", "東"),
    ],
)
def test_spelling_to_phones(word: str, phones: str) -> None:
    assert phones_of(word) == phones


@pytest.mark.parametrize(
    ("left", "right"),
    [("their", "there"), ("plane", "plain"), ("gym", "jim"), ("night", "knight"), ("قاز", "غاذ"), ("صبر", "سبر")],
)
def test_words_that_sound_the_same(left: str, right: str) -> None:
    assert phones_of(left) == phones_of(right)


def test_classes_join_what_is_taken_for_each_other() -> None:
    assert coarse(phones_of("bad")) == coarse(phones_of("pat"))
    assert coarse(phones_of("cat")) != coarse(phones_of("mat"))
    assert len(coarse("pbtdkgCJfvTDszSZhxqmnNlrwyiIeAaoOuUVYWXR")) == 40


def test_a_dictionary_is_asked_first_and_unknown_phones_are_left_out() -> None:
    spoken = {"worcestershire": "W UH1 S T ER0 SH ER0", "odd": "QQ"}
    assert phones_of("worcestershire", spoken) == "wUstRSR"
    assert phones_of("odd", spoken) == "odd"
    assert phones_of("cat", spoken) == "kat"


@settings(max_examples=150, deadline=None)
@given(st.text("abcdefghijklmnopqrstuvwxyz", min_size=1, max_size=12))
def test_every_word_has_a_sound(word: str) -> None:
    assert phones_of(word)
    assert " " not in phones_of(word)
