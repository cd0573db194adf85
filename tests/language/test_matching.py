"""Words found exactly, inflected, nearly and by their sound; and not found where they were not said."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from earmark.language import (
    Match,
    fulltext_query,
    match,
    matching,
    normalise,
    passage_strings,
    probability,
    search_passages,
    spoken_query,
)
from earmark.language.matching import PassageTable, Way


def found(query: str, text: str) -> list[tuple[str, str]]:
    """The matched characters and the way, for every match."""
    tokens = normalise(text)
    return [
        (text[tokens[m.first_token].span[0] : tokens[m.last_token].span[1]], m.way)
        for m in match(spoken_query(query), passage_strings(text))
    ]


@pytest.mark.parametrize(
    ("query", "text", "marked"),
    [
        ("season of darkness", "It was the season of Darkness, it was", "season of Darkness"),
        ("1984", "back in nineteen eighty-four.", "nineteen eighty-four"),
        ("nineteen eighty four", "in 1984 again", "1984"),
        ("laptop", "my lap top broke", "lap top"),
        ("lap-top", "my laptop broke", "laptop"),
        ("do not", "I don't know", "don't"),
        ("می خواهم", "من می‌خواهم بروم", "می‌خواهم"),
        ("ميخواهم", "من می‌خواهم بروم", "می‌خواهم"),
        ("پیادهروی", "امروز پیاده‌روی کنم", "پیاده‌روی"),
        ("پياده روي", "امروز پیاده‌روی کنم", "پیاده‌روی"),
        ("سال 1398", "بین سال ۱۳۹۸ تا", "سال ۱۳۹۸"),
        ("لپتاپ", "این لپ‌تاپ حدود", "لپ‌تاپ"),
    ],
)
def test_exact_words_are_marked_however_they_are_written(query: str, text: str, marked: str) -> None:
    assert found(query, text) == [(marked, "exact")]


@pytest.mark.parametrize(
    ("query", "text", "marked"),
    [
        ("story", "two stories here", "stories"),
        ("the seasons of darkness", "the season of darkness", "the season of darkness"),
        ("کتاب", "آن کتاب‌هایشان را", "کتاب‌هایشان"),
        ("می‌خواهد", "من می‌خواهم", "می‌خواهم"),
    ],
)
def test_inflected_words_match_by_their_stem(query: str, text: str, marked: str) -> None:
    assert found(query, text) == [(marked, "stem")]


@pytest.mark.parametrize(
    ("query", "text", "marked"),
    [
        ("quaterly budjet", "the quarterly budget is late", "quarterly budget"),
        ("best of times", "it was the best off times and", "best off times"),
        ("worst of times", "it was the worst times and", "worst times"),
        ("برنامه نویسی", "درس برنامه‌نویس را", "برنامه‌نویس"),
    ],
)
def test_near_words_match_with_edges_on_the_words_that_matched(query: str, text: str, marked: str) -> None:
    ((words, way),) = found(query, text)
    assert words == marked
    assert way in ("near", "sound-alike", "stem")


@pytest.mark.parametrize(
    ("query", "text", "marked"),
    [
        ("quarterly budget", "the quarterly marketing and sales budgets", "quarterly marketing and sales budgets"),
        ("season darkness", "a season, then the season of darkness", "season of darkness"),
        ("کتاب تاریخ", "کتاب‌های خوب تاریخ", "کتاب‌های خوب تاریخ"),
    ],
)
def test_words_in_order_may_have_others_between_them(query: str, text: str, marked: str) -> None:
    assert found(query, text) == [(marked, "in order")]
    (place,) = match(spoken_query(query), passage_strings(text))
    assert 0.2 < probability(place) < 0.9


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("budget quarterly", "the quarterly big budget"),
        ("a b", "a x x x x x x x b"),
    ],
)
def test_words_out_of_order_or_far_apart_are_not_in_order(query: str, text: str) -> None:
    assert all(way != "in order" for _, way in found(query, text))


@pytest.mark.parametrize(
    ("query", "text", "marked"),
    [
        ("Kowalski", "yes, mister Cole wall ski is here", "Cole wall ski"),
        ("Jim", "I saw a gym there", "gym"),
        ("four people came", "for people came", "for people came"),
        ("Norwegian", "Nor wee tian sweaters", "Nor wee tian"),
        ("betide", "we'll be tied now", "be tied"),
        ("قاز", "یک غاذ دیدم", "غاذ"),
    ],
)
def test_words_that_sound_alike_match(query: str, text: str, marked: str) -> None:
    assert [words for words, _ in found(query, text)] == [marked]


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("cat", "he bought the cake"),
        ("hard", "a straightforward answer"),
        ("1984", "in 1985 and 1894"),
        ("سال ۱۳۹۸", "در سال ۱۳۹۷"),
        ("money problems", "the weather was fine"),
        ("of the", "a theft"),
        ("سیر", "یک شیر دیدم"),
        ("zebra", ""),
        ("", "anything"),
        ("😀 …", "anything 😀"),
        ('"', "anything"),
    ],
)
def test_what_was_not_said_is_not_found(query: str, text: str) -> None:
    assert found(query, text) == []


@pytest.mark.parametrize(("query", "text"), [("cat", "he cut the cake"), ("ran", "the man"), ("hat", "a hut")])
def test_a_neighbour_of_a_short_word_is_hardly_an_answer(query: str, text: str) -> None:
    assert all(probability(m, 0.9) < 0.35 for m in match(spoken_query(query), passage_strings(text)))


def test_every_exact_place_of_a_passage_is_found() -> None:
    assert found("the best", "the best of the best") == [("the best", "exact"), ("the best", "exact")]
    assert found("year", "year, years; year") == [("year", "exact"), ("years", "stem"), ("year", "exact")]


def test_exact_comes_before_stem_before_near() -> None:
    texts = ["the quarterly budgets", "no such thing", "a quaterly budget", "The quarterly budget!"]
    strings = [passage_strings(text) for text in texts]
    results = search_passages(
        spoken_query("quarterly budget"),
        [s.keys for s in strings],
        [s.stems for s in strings],
        [s.phones for s in strings],
    )
    assert [index for index, _ in results] == [3, 0, 2]
    chances = [probability(m) for _, m in results]
    assert chances == sorted(chances, reverse=True)
    assert all(0.0 < chance < 1.0 for chance in chances)


def test_words_said_often_are_less_likely_a_misheard_query() -> None:
    rare = Match(0, 0, 0.85, "near", 8)
    assert probability(rare) > probability(Match(0, 0, 0.85, "near", 8, rivals=20))
    assert probability(rare) > probability(Match(0, 0, 0.85, "near", 8, known=True))
    assert probability(rare) > probability(Match(0, 0, 0.75, "near", 8))
    assert probability(rare) > probability(Match(0, 0, 0.85, "near", 5))
    strings = [passage_strings("the commission met")] * 5
    columns = ([s.keys for s in strings], [s.stems for s in strings], [s.phones for s in strings])
    assert {m.rivals for _, m in search_passages(spoken_query("commissioner"), *columns)} == {5}


@pytest.mark.parametrize("way", ["exact", "stem", "near", "sound-alike"])
def test_a_recogniser_sure_of_its_words_changes_the_chance(way: Way) -> None:
    found = Match(0, 0, 0.85, way, 8)
    sure, unsure = probability(found, 0.99), probability(found, 0.3)
    if way in ("exact", "stem"):
        assert sure > unsure
    else:
        assert unsure > probability(found) > sure
    assert probability(found, 1.0) == pytest.approx(sure)
    assert 0.0 < probability(found, 0.0) < 1.0


def test_very_many_passages_are_searched_by_their_signatures(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [f"number {i} of the dull sentences about weather and trains" for i in range(200)]
    texts[20] = "yes, mister Cole wall ski is here"
    texts[150] = "the quarterly budgets"
    texts[151] = "a quaterly budget"
    strings = [passage_strings(text) for text in texts]
    table = PassageTable([s.keys for s in strings], [s.stems for s in strings], [s.phones for s in strings])
    queries = [spoken_query(text) for text in ("Kowalski", "quarterly budget", "weather", "of", "zebra", "150")]
    scanned = [table.search(query) for query in queries]
    monkeypatch.setattr(matching, "SCANNED", 10)
    proposed = [table.search(query) for query in queries]
    assert [index for index, _ in proposed[0]] == [20]
    assert {150, 151} <= {index for index, _ in proposed[1]}
    for all_of_them, quick in zip(scanned, proposed, strict=True):
        sure = [(i, m) for i, m in all_of_them if m.way in ("exact", "stem")]
        assert [(i, m) for i, m in quick if m.way in ("exact", "stem")] == sure


def test_a_limit_keeps_the_best() -> None:
    strings = [passage_strings(text) for text in ("budgets", "budget", "budget")]
    columns = ([s.keys for s in strings], [s.stems for s in strings], [s.phones for s in strings])
    assert [index for index, _ in search_passages(spoken_query("budget"), *columns, limit=2)] == [1, 2]


def test_columns_must_be_as_long_as_each_other() -> None:
    with pytest.raises(ValueError, match="as many keys as stems and phones, got 1, 2 and 1"):
        search_passages(spoken_query("a"), ["a"], ["a", "b"], ["a"])


def test_a_very_long_query_takes_bounded_time() -> None:
    strings = [passage_strings("it was the best of times it was the worst of times")] * 300
    columns = ([s.keys for s in strings], [s.stems for s in strings], [s.phones for s in strings])
    for text in ("best of times " * 800, "x" * 10_000, "می‌خواهم " * 1_000, '"' * 10_000):
        start = time.perf_counter()
        search_passages(spoken_query(text), *columns)
        assert time.perf_counter() - start < 3.0, text[:20]


def test_fulltext_terms_propose_other_spacings() -> None:
    assert fulltext_query(spoken_query("Lap tops")) == "lap top laptop"
    terms = fulltext_query(spoken_query("پیادهروی")).split()
    assert {"پیاده", "روی"} <= set(terms)
    assert fulltext_query(spoken_query("😀")) == ""


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=20), st.lists(st.text(max_size=40), max_size=5))
def test_anything_may_be_asked_of_anything(query: str, texts: list[str]) -> None:
    strings = [passage_strings(text) for text in texts]
    columns = ([s.keys for s in strings], [s.stems for s in strings], [s.phones for s in strings])
    for index, place in search_passages(spoken_query(query), *columns):
        tokens = normalise(texts[index])
        assert 0 <= place.first_token <= place.last_token < len(tokens)
        assert 0.0 < place.similarity <= 1.0
        assert 0.0 < probability(place) < 1.0
