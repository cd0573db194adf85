"""Texts in every encoding people save them in; what they say is known."""

from __future__ import annotations

from pathlib import Path

import pytest

from earmark.errors import FormatError
from earmark.indexing.encoding import decode_text

PERSIAN = "امروز هوا خيلي خوبه و من مي\u200cخوام پياده\u200cروي کنم؛ چه گفت؟"
SUBTITLE = "1\n00:00:01,000 --> 00:00:02,500\n"


@pytest.mark.parametrize("head", ["", SUBTITLE])
@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "windows-1256"]
)
def test_persian_in_any_encoding(encoding: str, head: str) -> None:
    assert decode_text((head + PERSIAN).encode(encoding), "talk.srt") == head + PERSIAN


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("Voilà l'été où le garçon a mangé à Noël", "cp1252"),
        ("Über die Straße gehen schöne Mädchen, grüßt Jürgen", "cp1252"),
        ("¿Qué hora es? El niño está aquí", "cp1252"),
        ("Привет, как дела? Сегодня хорошая погода", "cp1251"),
        ("The price — “10” … naïve", "cp1252"),
    ],
)
def test_older_code_pages_are_told_by_their_letters(text: str, encoding: str) -> None:
    assert decode_text(text.encode(encoding), "talk.txt") == text


def test_a_language_names_the_code_page() -> None:
    assert decode_text("Zażółć gęślą jaźń".encode("cp1250"), "talk.pl.txt", "pl") == "Zażółć gęślą jaźń"
    assert decode_text("Καλημέρα".encode("cp1253"), "talk.el.txt", "el") == "Καλημέρα"


def test_newlines_become_one_kind() -> None:
    assert decode_text(b"a\r\nb\rc\n", "talk.txt") == "a\nb\nc\n"


def test_utf8_cut_off_inside_a_letter_is_still_utf8() -> None:
    assert decode_text("سلام دنیا".encode()[:-1], "talk.txt") == "سلام دنی"


@pytest.mark.parametrize("data", [b"RIFF\0\0\0\0WAVE\0\0", bytes(range(256)) * 4, b"\0" * 40])
def test_bytes_that_are_no_text(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "talk.txt"
    with pytest.raises(FormatError) as caught:
        decode_text(data, path)
    assert str(caught.value) == (
        f"{path}: expected text in UTF-8, UTF-16 or a Windows code page, found bytes that are none of these. "
        "Save it as UTF-8."
    )
