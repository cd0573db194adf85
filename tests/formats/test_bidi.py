"""Persian and Arabic in subtitles: marked so that players lay it out, and back to what it was."""

from __future__ import annotations

import pytest

from earmark.formats.bidi import direction, isolate, strip_marks

RLE, PDF, RLI, PDI = "\u202b", "\u202c", "\u2067", "\u2069"


@pytest.mark.parametrize(
    ("text", "side"),
    [("سلام.", "rtl"), ("1. سلام then", "rtl"), ("hello سلام", "ltr"), ("123 … ۴۵", ""), ("", ""), ("שלום", "rtl")],
)
def test_the_first_strong_letter_decides(text, side):
    assert direction(text) == side


@pytest.mark.parametrize(
    ("text", "marked"),
    [
        ("hello, world.", "hello, world."),
        ("سلام، دنیا.", f"{RLE}سلام، دنیا.{PDF}"),
        ("او گفت hello world.", f"{RLE}او گفت hello world.{PDF}"),
        ("he said سلام دنیا and left", f"he said {RLI}سلام دنیا{PDI} and left"),
        ("he said سلام", f"he said {RLI}سلام{PDI}"),
        ("[door]\nسلام", f"[door]\n{RLE}سلام{PDF}"),
        ("می‌شود", f"{RLE}می‌شود{PDF}"),  # its joiner stays
    ],
)
def test_lines_are_marked_and_unmarked(text, marked):
    assert isolate(text) == marked
    assert isolate(marked) == marked
    assert strip_marks(marked) == text
