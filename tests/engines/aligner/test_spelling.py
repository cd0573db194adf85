from __future__ import annotations

import pytest

from earmark.engines.aligner.pronouncing import RULES, phones_of
from earmark.engines.aligner.spelling import spoken_words

PHONES = set(
    "AA AE AH AO AW AY B CH D DH EH ER EY F G HH IH IY JH K L M N NG OW OY P R S SH T TH UH UW V W Y Z ZH".split()
)


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("Hello,", "hello"),
        ("don\u2019t", "don't"),
        ("\u2018quoted\u2019", "quoted"),
        ("before-mentioned", "before mentioned"),
        ("—", ""),
        ("0", "zero"),
        ("13", "thirteen"),
        ("21", "twenty one"),
        ("100", "one hundred"),
        ("115", "one hundred fifteen"),
        ("1,234,567", "one million two hundred thirty four thousand five hundred sixty seven"),
        ("1984", "nineteen eighty four"),
        ("1905", "nineteen oh five"),
        ("1900", "nineteen hundred"),
        ("2000", "two thousand"),
        ("2005", "two thousand five"),
        ("2014", "twenty fourteen"),
        ("1480s", "fourteen eighties"),
        ("1st", "first"),
        ("12th", "twelfth"),
        ("20th", "twentieth"),
        ("23rd", "twenty third"),
        ("3.14", "three point one four"),
        ("007", "zero zero seven"),
        ("$5", "five dollars"),
        ("$1", "one dollar"),
        ("$3.50", "three dollars fifty"),
        ("$2.5", "two point five dollars"),
        ("£20", "twenty pounds"),
        ("50%", "fifty percent"),
        ("AT&T", "at and t"),
        ("10:30", "ten thirty"),
        ("MP3", "mp three"),
        ("2x", "two x"),
        ("9" * 16, " ".join(["nine"] * 16)),
    ],
)
def test_how_it_is_said(written: str, said: str) -> None:
    assert " ".join(spoken_words(written)) == said


@pytest.mark.parametrize(
    ("word", "phones"),
    [
        ("blick", "B L IH K"),
        ("zane", "Z EY N"),
        ("shoop", "SH UW P"),
        ("bagger", "B AE G ER"),
        ("fb", "EH F B IY"),
        ("btw", "B IY T IY D AH B AH L Y UW"),
        ("x", "EH K S"),
        ("nation", "N AE SH AH N"),
        ("'", ""),
        ("é", ""),
    ],
)
def test_letters_to_sounds(word: str, phones: str) -> None:
    assert " ".join(phones_of(word)) == phones


def test_rules_use_only_phones_of_the_model() -> None:
    used = {phone for _, said in RULES for phone in said.split()} - {"="}
    assert used <= PHONES
