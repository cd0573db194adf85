"""Languages told by their script."""

from __future__ import annotations

import pytest

from earmark.language import language_of
from earmark.language.script import script_of


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("hello", "en"),
        ("Zürich", "en"),
        ("سلام", "fa"),
        ("پروژه Whisper و PyTorch روی", "fa"),
        ("a long English text with one سلام", "en"),
        ("Привет", ""),
        ("123 😀", ""),
        ("", ""),
    ],
)
def test_the_language_of_a_text(text: str, language: str) -> None:
    assert language_of(text) == language


@pytest.mark.parametrize(
    ("character", "script"),
    [
        ("a", "latin"),
        ("é", "latin"),
        ("×", ""),
        ("ی", "arabic"),
        ("\ufefb", "arabic"),
        ("東", "cjk"),
        ("1", ""),
        ("д", ""),
    ],
)
def test_the_script_of_a_character(character: str, script: str) -> None:
    assert script_of(character) == script
