"""Text to pieces: characters folded to one spelling, then split, every piece knowing where it came from.

Folding is the part of normalising that no language owns: compatibility forms (NFKC, so that full-width
letters, ligatures and Arabic presentation forms are ordinary letters), case, accents on Latin letters, Arabic
vowel marks and kashida, every system of digits, the kinds of apostrophe, and invisible marks of direction.
It works on one base character with its combining marks at a time, so each folded character keeps the offsets
of the original ones it stands for, and NFC and NFD spellings come out alike.

Source: Unicode Standard Annex 15 (normalisation forms); the Arabic letters as in Lucene's PersianNormalizer.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

from earmark.language.script import CJK, script_of

__all__ = ["ZWNJ", "Folded", "Piece", "Token", "fold", "split"]

ZWNJ = "\u200c"
"""The zero-width non-joiner: the half space of Persian."""


@dataclass(frozen=True, slots=True)
class Token:
    """One unit of matching.

    Attributes:
        text: the original characters.
        key: the normalised form; equal keys are the same word.
        stem: the key without its inflection.
        span: ``(first, last)`` character offsets in the original text, `last` exclusive.

    Most tokens are one word. "don't" gives two (``do``, ``not``), each with its own characters; "twenty
    seven" and Persian «می خواهم» give one that covers both words.
    """

    text: str
    key: str
    stem: str
    span: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Folded:
    """A folded text; character ``i`` of it stands for ``original[starts[i]:ends[i]]``."""

    text: str
    starts: list[int]
    ends: list[int]


@dataclass(frozen=True, slots=True)
class Piece:
    """A token in the making: its key so far and its offsets ``[first, last)`` in the folded text."""

    key: str
    first: int
    last: int
    stem: str = ""


# Dropped wherever they stand: kashida, soft hyphen, joiner, marks and isolates of direction, variation selectors.
_DROPPED = frozenset("\u0640\u00ad\u200d\u200e\u200f\u061c\u2060\ufeff") | frozenset(
    chr(code)
    for first, last in ((0x202A, 0x202E), (0x2066, 0x2069), (0xFE00, 0xFE0F))
    for code in range(first, last + 1)
)
_MAPPED = {
    "\u2019": "'", "\u2018": "'", "\u02bc": "'", "\u00b4": "'", "`": "'", "\u2032": "'", "\u201b": "'",
    "\u200b": ZWNJ,  # some keyboards write the half space as a zero-width space
    "\u00ac": ZWNJ,  # some old Persian fonts as a "not" sign
    "\u066b": ".", "\u066c": ",", "\u066a": "%",
    "\u0131": "i", "\u00f8": "o", "\u0142": "l", "\u0111": "d", "\u00e6": "ae", "\u0153": "oe",
    "\u064a": "\u06cc", "\u0649": "\u06cc", "\u06d2": "\u06cc", "\u06cd": "\u06cc", "\u06d0": "\u06cc",  # yeh
    "\u0643": "\u06a9", "\u06aa": "\u06a9",  # kaf
    "\u0629": "\u0647", "\u06c1": "\u0647", "\u06be": "\u0647", "\u06d5": "\u0647", "\u06c3": "\u0647",  # heh
    "\u0624": "\u0648", "\u0671": "\u0627",  # waw, alef
}  # fmt: skip
# Marks dropped after decomposition: accents of Latin, Greek and Cyrillic; Arabic vowel signs. The marks of
# other scripts (Devanagari, Thai …) are part of their letters and stay.
_MARKS = re.compile(
    "[\u0300-\u036f\u0610-\u061a\u064b-\u0652\u0656-\u065f\u0670\u06d6-\u06dc\u06df-\u06e8\u06ea-\u06ed]"
)
_HAMZA_ABOVE = "\u0654"


def _is_mark(character: str) -> bool:
    return unicodedata.combining(character) != 0 or unicodedata.category(character) == "Mn"


@lru_cache(maxsize=4096)
def _fold_cluster(cluster: str) -> str:
    """One base character with its marks, folded; may be empty or several characters."""
    kept = "".join(c for c in cluster if c not in _DROPPED)
    if not kept:
        return ""
    kept = "".join(_MAPPED.get(c, c) for c in unicodedata.normalize("NFC", kept))
    text = "".join(_MAPPED.get(c, c) for c in _MARKS.sub("", unicodedata.normalize("NFKD", kept)))
    if any(c in "\u0654\u0655" for c in text):
        # Hamza over heh is the Persian ezafe, written out: "خانۀ" is "خانه‌ی". Over waw and alef it goes; alone
        # on yeh ("مسئول") it leaves the yeh.
        text = text.replace("\u0647" + _HAMZA_ABOVE, "\u0647" + ZWNJ + "\u06cc")
        text = text.replace(_HAMZA_ABOVE, "").replace("\u0655", "")
    text = unicodedata.normalize("NFC", text)
    text = "".join(_MAPPED.get(c, c) for c in text.casefold() if c not in _DROPPED)
    return "".join(str(unicodedata.decimal(c)) if c.isdecimal() else c for c in text)


def fold(text: str) -> Folded:
    """The folded text, with the original offsets of every character of it."""
    if text.isascii():
        return Folded(text.lower().replace("`", "'"), list(range(len(text))), list(range(1, len(text) + 1)))
    characters: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    at, length = 0, len(text)
    while at < length:
        end = at + 1
        # At most 16 marks belong to a base: more is noise ("Zalgo" text), and the cache keys stay short.
        while end < length and text[end] > "\u02ff" and end - at < 16 and _is_mark(text[end]):
            end += 1
        for character in _fold_cluster(text[at:end]):
            characters.append(character)
            starts.append(at)
            ends.append(end)
        at = end
    return Folded("".join(characters), starts, ends)


_TOKEN = re.compile(
    r"(?P<ordinal>\d+(?:st|nd|rd|th)(?![^\W_]))"
    r"|(?P<number>\d+(?:[.,:]\d+)*)"
    rf"|(?P<word>[^\W\d_]+(?:['{ZWNJ}]+[^\W\d_]+)*)"
    r"|(?P<symbol>[$£€%&@])"
)


def split(folded: str) -> list[tuple[str, Piece]]:
    """Folded text to raw pieces, each with its kind: ``ordinal``, ``number``, ``word`` or ``symbol``.

    Letters and digits part ("mp3" is ``mp``, ``3``), as do the characters of scripts written without
    spaces. Punctuation, emoji and everything else is left out.
    """
    pieces: list[tuple[str, Piece]] = []
    for found in _TOKEN.finditer(folded):
        kind = found.lastgroup or "word"
        word, first = found.group(), found.start()
        if kind == "word" and not word.isascii() and any(script_of(c) == CJK for c in word):
            pieces.extend((kind, Piece(c, first + i, first + i + 1)) for i, c in enumerate(word) if c.isalnum())
            continue
        pieces.append((kind, Piece(word, first, found.end())))
    return pieces
