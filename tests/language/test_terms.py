from __future__ import annotations

from earmark.language import terms


def test_words_of_keywords_each_once() -> None:
    found = terms("Movable types made printing cheap, and printing made books: movable types for books.", "en")
    assert {"movable", "types", "printing", "books"} <= set(found)
    assert len(found) == len(set(found)) and "and" not in found


def test_a_text_of_stop_words_is_told_by_all_of_them() -> None:
    assert terms("to be or not to be", "en") == ["to", "be", "or", "not"]
    assert terms("…", "en") == []


def test_persian_in_either_spelling() -> None:
    assert terms("كتاب‌هاي تاريخ ايران", "fa") == terms("کتاب‌های تاریخ ایران", "fa")
