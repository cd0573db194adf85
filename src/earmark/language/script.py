"""Which script a character is of, and which language a text is in by its script.

Two languages have rules of their own (English and Persian); a text of another script is folded, split and
matched without them. Telling languages of one script apart is not tried: that is what ``--language`` is for.
"""

from __future__ import annotations

import re
from collections.abc import Callable

__all__ = ["ARABIC", "CJK", "LATIN", "language_of", "script_of"]

LATIN = "latin"
ARABIC = "arabic"
CJK = "cjk"

_RANGES: tuple[tuple[int, int, str], ...] = (
    (0x0041, 0x024F, LATIN),
    (0x0600, 0x06FF, ARABIC),
    (0x0750, 0x077F, ARABIC),
    (0x08A0, 0x08FF, ARABIC),
    (0x1E00, 0x1EFF, LATIN),
    (0x3040, 0x30FF, CJK),  # kana; like ideographs, written without spaces
    (0x3400, 0x4DBF, CJK),
    (0x4E00, 0x9FFF, CJK),
    (0xF900, 0xFAFF, CJK),
    (0xFB50, 0xFDFF, ARABIC),
    (0xFE70, 0xFEFC, ARABIC),
    (0x20000, 0x3FFFF, CJK),
)
_LANGUAGES = {LATIN: "en", ARABIC: "fa"}
# The letters of each script of `_LANGUAGES`, for counting without looking at characters one by one.
_LETTERS: dict[str, Callable[[str], list[str]]] = {
    LATIN: re.compile("[A-Za-z\u00c0-\u024f\u1e00-\u1eff]").findall,
    ARABIC: re.compile("[\u0620-\u065f\u0670-\u06d3\u0750-\u077f\ufb50-\ufdff\ufe70-\ufefc]").findall,
}


def script_of(character: str) -> str:
    """``"latin"``, ``"arabic"`` or ``"cjk"``; empty for every other script and for what is no letter."""
    code = ord(character)
    for first, last, script in _RANGES:
        if first <= code <= last:
            return script if character.isalpha() or script == ARABIC else ""
    return ""


def language_of(text: str) -> str:
    """``"en"`` or ``"fa"``, by the script most of the letters are in; empty where neither is there.

    A text of both scripts is Persian as soon as a third of its letters is: Persian speech carries Latin
    names and terms, English text carries no Persian ones.
    """
    latin, arabic = len(_LETTERS[LATIN](text)), len(_LETTERS[ARABIC](text))
    if not latin and not arabic:
        return ""
    return _LANGUAGES[ARABIC] if 2 * arabic >= latin else _LANGUAGES[LATIN]
