"""What a text is about, in both languages, and where it says so."""

from __future__ import annotations

import pytest

from earmark.language import keywords

ENGLISH = (
    "So, um, the quarterly budget was, you know, late. The board approved the quarterly budget in nineteen "
    "eighty four. "
    "Quarterly budgets need the board, and the board needs coffee."
)
PERSIAN = "هوش مصنوعی را دوست دارم. من می‌خواهم روی هوش مصنوعي کار کنم. کتاب‌های هوش مصنوعی و کتاب ها را می‌خوانم."


def test_english_keywords_leave_fillers_and_numbers_out() -> None:
    found = [keyword.text.lower() for keyword in keywords(ENGLISH)]
    assert "quarterly budget" in found[:3]
    assert "board" in found
    assert not {"um", "know", "nineteen", "eighty", "quarterly budgets"} & set(found)


def test_keywords_say_where_they_stand_in_any_inflection() -> None:
    (budget,) = [keyword for keyword in keywords(ENGLISH) if keyword.text.lower() == "quarterly budget"]
    assert [ENGLISH[first:last] for first, last in budget.spans] == [
        "quarterly budget",
        "quarterly budget",
        "Quarterly budgets",
    ]


def test_persian_keywords_count_spellings_together() -> None:
    found = keywords(PERSIAN)
    assert found[0].text == "هوش مصنوعی"
    assert len(found[0].spans) == 3
    assert not any("می‌خواهم" in keyword.text or "را" in keyword.text.split() for keyword in found)
    (book,) = [keyword for keyword in found if keyword.text.startswith("کتاب") and " " not in keyword.text]
    assert [PERSIAN[first:last] for first, last in book.spans] == ["کتاب‌های", "کتاب ها"]


def test_scores_fall_and_a_limit_holds() -> None:
    scores = [keyword.score for keyword in keywords(ENGLISH)]
    assert scores == sorted(scores, reverse=True)
    assert all(0.0 < score <= 1.0 for score in scores)
    assert len(keywords(ENGLISH, limit=2)) == 2
    assert keywords(ENGLISH, limit=0) == []
    assert max(len(keyword.text.split()) for keyword in keywords(ENGLISH, limit=50)) <= 3


@pytest.mark.parametrize("text", ["", "😀 …", "the of and", "um, you know", "و در به", "12 1984"])
def test_a_text_of_nothing_has_no_keywords(text: str) -> None:
    assert keywords(text) == []
