"""Right-to-left script in subtitles, whose players lay every line out from the left.

A line that begins in Persian or Arabic is embedded right-to-left as a whole, so that its full stop stands
at its left end; runs of such script inside a line of another are isolated, so that they do not reorder
what surrounds them.

Source: Unicode Standard Annex 9, rules P2 (the first strong character decides) and X5 (isolates).
"""

from __future__ import annotations

import re
import unicodedata

__all__ = ["direction", "isolate", "strip_marks"]

RLE, PDF = "\u202b", "\u202c"  # right-to-left embedding ... pop; older players know these, not isolates
RLI, PDI = "\u2067", "\u2069"
_MARKS = re.compile("[\u202a-\u202e\u2066-\u2069]")


def direction(text: str) -> str:
    """``"rtl"`` or ``"ltr"`` by the first strong character; empty where there is none."""
    return next((side for side in map(_side, text) if side), "")


def isolate(text: str) -> str:
    """The text with its right-to-left parts marked, line by line; a text without any comes back as it is."""
    if not any(_side(char) == "rtl" for char in text):
        return text
    return "\n".join(_mark_line(line) for line in strip_marks(text).split("\n"))


def strip_marks(text: str) -> str:
    """Without embeddings and isolates; joiners and single marks, which are spelling, stay."""
    return _MARKS.sub("", text)


def _mark_line(line: str) -> str:
    if direction(line) == "rtl":
        return f"{RLE}{line}{PDF}"
    marked, run = [], ""
    for part in re.split(r"(\s+)", line):
        if direction(part) == "rtl" or (run and part.isspace()):
            run += part
        else:
            marked += [_close(run), part]
            run = ""
    return "".join([*marked, _close(run)])


def _close(run: str) -> str:
    words = run.rstrip()
    return f"{RLI}{words}{PDI}{run[len(words) :]}" if words else run


def _side(char: str) -> str:
    kind = unicodedata.bidirectional(char)
    return "rtl" if kind in ("R", "AL") else "ltr" if kind == "L" else ""
