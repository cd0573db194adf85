"""Persian words to keys and stems: one key however the word was spaced, plurals and clitics taken off.

The three ways to write a word of parts (joined «میخواهم», half-spaced «می‌خواهم», spaced «می خواهم») become one
token where the part is a verb prefix or an ending, because those cannot stand alone. Two parts that are words
of their own («پیاده‌روی») stay two tokens, and matching ignores the space between tokens (see `matching`), so
these too are found however they were written.

Why own rules: ``hazm`` pins numpy 1.24 and brings gensim, ``parsivar`` a pinned nltk, ``shekar`` (the best kept)
needs Python 3.11 and 130 MB, and all three *insert* half spaces by word lists that miss colloquial and new words.
Equality of spellings needs the opposite: to take every half space out. What is left is the letter table of
`tokens` and the endings below.

Source of the endings: Dastur-e Khatt-e Farsi (the Academy's orthography), and Taghva, Beckley and Sadeh,
"A stemming algorithm for the Farsi language", ITCC 2005.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from earmark.language.numbers import PERSIAN, spell_number
from earmark.language.script import ARABIC, script_of
from earmark.language.tokens import ZWNJ, Piece

__all__ = ["join_affixes", "persian_pieces", "spell_persian", "stem_persian"]

_PREFIXES = frozenset(("می", "نمی", "همی"))
_PLURALS = (
    "هایمان",
    "هایتان",
    "هایشان",
    "هامون",
    "هاتون",
    "هاشون",
    "هایم",
    "هایت",
    "هایش",
    "هایی",
    "های",
    "هام",
    "هات",
    "هاش",
    "ها",
)
_COMPARED = ("ترین", "تری", "تر")
_CLITICS = ("مان", "تان", "شان", "مون", "تون", "شون", "ام", "ات", "اش", "ایم", "اید", "اند", "ای", "ی")
_SUFFIXES = frozenset(_PLURALS) | frozenset(_COMPARED) | frozenset(_CLITICS)
_VERB_ENDINGS = ("یم", "ید", "ند", "ین", "ن", "م", "ی", "د", "ه", "ت")
# Words that only look inflected.
_WHOLE = frozenset(
    (
        "تنها بها انتها آنها اینها ماها شماها بعضیها خیلیها دختر پسر دفتر کمتر بیشتر بهتر برتر مادر پدر چتر متر لیتر "
        "کیلومتر تئاتر دکتر شتر تیتر فیلتر کنتر هلیکوپتر کامپیوتر مشتری دفتری میز میل میخ میان میدان میراث "
        "میلاد میلیون میلیارد میوه میهن "
        "میهمان میمون میکروفون میکروب میگو میله میدانی میانه نمیر سها رها"
    ).split()
)


def persian_pieces(piece: Piece) -> list[Piece]:
    """One folded word of Arabic script, parted at its half spaces."""
    pieces, at = [], piece.first
    for part in piece.key.replace("'", ZWNJ).split(ZWNJ):
        if part:
            pieces.append(Piece(part, at, at + len(part)))
        at += len(part) + 1
    return pieces


def join_affixes(pieces: list[Piece], adjacent: Callable[[Piece, Piece], bool]) -> list[Piece]:
    """Verb prefixes joined to what follows, endings to what stands before; the rest as it was.

    Args:
        pieces: of any script, in the order of the text.
        adjacent: whether nothing but space or a half space lies between two pieces.
    """
    joined: list[Piece] = []
    open_prefix = False
    for piece in pieces:
        before = joined[-1] if joined else None
        if before is None or not _is_persian(piece.key) or not _is_persian(before.key) or not adjacent(before, piece):
            joined.append(piece)
        elif open_prefix or piece.key in _SUFFIXES:
            stem = before.stem or before.key
            if open_prefix:
                stem = stem_persian(before.key + piece.key)
            elif piece.key in _CLITICS and before.stem:
                stem = before.stem
            joined[-1] = Piece(before.key + piece.key, before.first, piece.last, stem)
            open_prefix = False
            continue
        else:
            joined.append(piece)
        open_prefix = piece.key in _PREFIXES
    return joined


def _is_persian(key: str) -> bool:
    return script_of(key[0]) == ARABIC and not key[0].isdigit()


def spell_persian(key: str) -> str:
    """A key as it is said: digits in words, everything else as it is."""
    return " ".join(spell_number(key, PERSIAN)) if key[:1].isdigit() else key


@lru_cache(maxsize=65536)
def stem_persian(key: str) -> str:
    """The key without plural, comparison and verb endings; never shorter than two letters.

    Light on purpose: endings of one letter («کتابم») are only taken off verbs with «می», because on nouns they
    are mostly part of the word.
    """
    word = key.replace("آ", "ا")
    if key in _WHOLE or not key.isalpha() or len(key) > 40:
        return word
    for prefix in ("نمی", "می"):
        if word.startswith(prefix) and len(word) >= len(prefix) + 3:
            return _without(word[len(prefix) :], _VERB_ENDINGS, 2)
    stem = _without(word, _PLURALS, 2)
    if stem == word:
        stem = _without(word, _COMPARED, 3)
    if stem == word and len(word) >= 5 and word.endswith("هی"):
        stem = word[:-1]  # the ezafe of a word in heh, joined: «حوصلهی»
    return stem


def _without(word: str, endings: tuple[str, ...], shortest: int) -> str:
    for ending in endings:
        if word.endswith(ending) and len(word) - len(ending) >= shortest:
            return word[: -len(ending)]
    return word
