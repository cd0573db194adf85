"""Text to tokens: equal spellings get equal keys, and every token knows its characters."""

from __future__ import annotations

import time
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from earmark.language import normalise, word_offsets, words_between


def keys(text: str, language: str | None = None) -> list[str]:
    return [token.key for token in normalise(text, language)]


def stems(text: str) -> list[str]:
    return [token.stem for token in normalise(text)]


SAME_ENGLISH = [
    ("It's", "it is", "IT IS!"),
    ("don't", "do not", "don\u2019t", "dont", "DON`T"),
    ("can't", "cannot", "can not"),
    ("won't", "will not"),
    ("let's", "let us"),
    ("I'm gonna", "I am going to", "im going to"),
    ("1984", "nineteen eighty-four", "nineteen eighty four", "one thousand nine hundred and eighty four", "1,984"),
    ("twenty-seven", "27", "twenty seven", "\uff12\uff17"),
    ("3.5", "three point five", "3.50"),
    ("$5", "five dollars", "5 dollars"),
    ("50%", "fifty percent"),
    ("10:30", "ten thirty"),
    ("a hundred people", "100 people", "one hundred people"),
    ("27 million", "twenty seven million", "27,000,000"),
    ("21st", "twenty first"),
    ("caf\u00e9", "cafe\u0301", "CAFE"),
    ("na\u00efve", "nai\u0308ve", "naive"),
    ("\ufb01nd", "find"),
    ("state-of-the-art", "state of the art", "state \u2013 of, the art"),
]
SAME_PERSIAN = [
    ("می\u200cخواهم", "می خواهم", "میخواهم", "مي\u200cخواهم", "می\u200bخواهم"),
    ("نمی\u200cدانم", "نمی دانم", "نمیدانم"),
    ("کتاب\u200cها", "کتاب ها", "کتابها", "كتاب\u200cها"),
    ("حوصله\u200cی", "حوصله ی", "حوصلۀ", "حوصله\u0654", "حوصلهی"),
    ("بزرگ\u200cترین", "بزرگ ترین", "بزرگترین"),
    ("عربی", "عربي", "عربى"),
    ("مسئله", "مسئلة"),
    ("لطفاً", "لطفا", "لطــفا"),
    ("۱۳۹۸", "١٣٩٨", "1398", "هزار و سیصد و نود و هشت"),
    ("بیست و هفت میلیون", "۲۷ میلیون", "27000000", "۲۷٬۰۰۰٬۰۰۰"),
    ("سلام، خوبی؟", "سلام خوبی"),
    ("خسته\u200cام", "خسته ام", "خستهام"),
    ("\ufefb", "لا"),
]


@pytest.mark.parametrize("spellings", SAME_ENGLISH + SAME_PERSIAN, ids=lambda spellings: spellings[0])
def test_spellings_of_the_same_words_have_the_same_keys(spellings: tuple[str, ...]) -> None:
    wanted = keys(spellings[0])
    assert wanted
    for spelling in spellings[1:]:
        assert keys(spelling) == wanted, spelling


@pytest.mark.parametrize(
    ("left", "right"),
    [("we're", "were"), ("five six", "56"), ("پنج و شش", "۱۱"), ("۹ و ۴۵", "۵۴"), ("ten five", "15"), ("شیر", "سیر")],
)
def test_different_words_keep_different_keys(left: str, right: str) -> None:
    assert keys(left) != keys(right)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("stories", "story"),
        ("running", "runs"),
        ("John's", "John"),
        ("colours", "color"),
        ("organisation", "organization"),
        ("travelled", "traveling"),
        ("offence", "offenses"),
        ("archaeological", "archeological"),
        ("theatre", "theaters"),
        ("کتاب\u200cهایم", "کتاب"),
        ("پروژه\u200cهای", "پروژه"),
        ("می\u200cخواهم", "می\u200cخواهد"),
        ("خانه\u200cی", "خانه"),
        ("آن", "ان"),
    ],
)
def test_inflections_share_a_stem_but_not_a_key(left: str, right: str) -> None:
    assert stems(left) == stems(right)
    assert keys(left) != keys(right)


@pytest.mark.parametrize("word", ["تنها", "دختر", "میدان", "مادر"])
def test_words_that_only_look_inflected_stay_whole(word: str) -> None:
    assert stems(word) == [word]


def test_tokens_carry_the_characters_they_stand_for() -> None:
    text = "Well — «می‌خواهم» don't, twenty-seven CAFE\u0301s"
    assert [(token.text, token.key) for token in normalise(text)] == [
        ("Well", "well"),
        ("می‌خواهم", "میخواهم"),
        ("do", "do"),
        ("n't", "not"),
        ("twenty", "20"),
        ("seven", "7"),
        ("CAFE\u0301s", "cafes"),
    ]


def test_a_spaced_persian_verb_is_one_token_over_both_words() -> None:
    (first, verb) = normalise("من می خواهم")
    assert (first.span, verb.span, verb.text) == ((0, 2), (3, 11), "می خواهم")


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=60))
def test_spans_lie_in_the_text_in_order(text: str) -> None:
    last = (0, 0)
    for token in normalise(text):
        first, end = token.span
        assert 0 <= first < end <= len(text)
        assert token.text == text[first:end]
        assert token.key and token.stem
        assert " " not in token.key + token.stem
        assert (first, end) == last or first >= last[0]
        last = token.span


@settings(max_examples=100, deadline=None)
@given(st.text(st.sampled_from("aeiounst éüمیخواهگئآ\u0301\u064b 19۷"), max_size=30))
def test_composed_and_decomposed_text_have_the_same_keys(text: str) -> None:
    assert keys(unicodedata.normalize("NFD", text)) == keys(unicodedata.normalize("NFC", text))


@pytest.mark.parametrize("text", ["", " \n\t", "😀👍🏽", "…?!«»", "\u200f\u202b\u2069", "\u0301\u064b", "\u0640"])
def test_text_without_words_has_no_tokens(text: str) -> None:
    assert normalise(text) == []


def test_marks_of_direction_and_isolates_do_not_count() -> None:
    assert keys("\u2067سلام\u2069 \u200fدنیا\u200e") == ["سلام", "دنیا"]


def test_scripts_mix_and_each_word_follows_its_own_rules() -> None:
    assert keys("پروژه\u200cی Whisper's don't ۳ 東京 Привет") == [
        "پروژهی", "whispers", "do", "not", "3", "東", "京", "привет",
    ]  # fmt: skip


def test_another_language_is_not_read_as_english() -> None:
    assert keys("d'accord dont five", "fr") == ["daccord", "dont", "five"]


def test_ten_thousand_characters_take_bounded_time() -> None:
    for text in ("a" * 10_000, "می " * 3_333, "one " * 2_500, "1" * 10_000, "e\u0301" * 5_000, "'" * 10_000):
        start = time.perf_counter()
        normalise(text)
        assert time.perf_counter() - start < 2.0, text[:10]


def test_words_of_a_transcript_are_found_by_their_characters() -> None:
    words = [" Twenty", "seven", "missing", "dollars,", ""]
    text = "Twenty seven dollars, he said"
    offsets = word_offsets(text, words)
    assert offsets == [(0, 6), (7, 12), (12, 12), (13, 21), (21, 21)]
    token = normalise(text)[0]
    assert token.key == "20"
    assert words_between(offsets, token.span) == (0, 0)
    assert words_between(offsets, (21, 29)) is None
