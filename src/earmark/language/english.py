"""English words to keys and stems: contractions opened, symbols and numbers said, inflection taken off.

Stems are those of ``snowballstemmer`` (Porter's second English stemmer): pure Python, a few hundred
kilobytes, and the stemmer full-text engines use, so that what they propose is what matches here.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from earmark.language.numbers import ENGLISH, spell_number
from earmark.language.tokens import Piece

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["english_pieces", "ordinal_pieces", "spell_english", "stem_english", "symbol_piece"]

_ENDINGS = {"n't": "not", "'re": "are", "'ve": "have", "'ll": "will", "'d": "would", "'m": "am"}
# Written without their apostrophe, as many people type and some recognisers write; only those that are no
# word of their own ("wont", "well", "were", "ill", "shed" are).
_BARE = {
    word: (stem, ending)
    for stem, ending, spellings in (
        ("do", "not", "dont"), ("does", "not", "doesnt"), ("did", "not", "didnt"), ("is", "not", "isnt"),
        ("are", "not", "arent"), ("was", "not", "wasnt"), ("were", "not", "werent"), ("have", "not", "havent"),
        ("has", "not", "hasnt"), ("had", "not", "hadnt"), ("could", "not", "couldnt"), ("would", "not", "wouldnt"),
        ("should", "not", "shouldnt"), ("can", "not", "cannot"), ("i", "am", "im"), ("i", "have", "ive"),
        ("you", "are", "youre"), ("they", "are", "theyre"), ("you", "have", "youve"), ("they", "have", "theyve"),
        ("we", "have", "weve"), ("you", "will", "youll"), ("they", "will", "theyll"), ("that", "is", "thats"),
        ("going", "to", "gonna"), ("want", "to", "wanna"), ("got", "to", "gotta"),
    )
    for word in spellings.split()
}  # fmt: skip
_IRREGULAR = {"won't": ("will", "not"), "can't": ("can", "not"), "shan't": ("shall", "not"), "let's": ("let", "us"),
              "ain't": ("is", "not"), "y'all": ("you", "all"), "ma'am": ("madam",), "o'clock": ("oclock",)}  # fmt: skip
# After these "'s" is "is" (or "has", which sounds the same); after anything else it is a possessive.
_S_IS = frozenset("it he she that there here what where who how when why this everything nothing one".split())
_SYMBOLS = {"$": "dollars", "£": "pounds", "€": "euros", "%": "percent", "&": "and", "@": "at"}
_VARIANTS = {"ok": "okay", "mr": "mister", "mrs": "missus", "dr": "doctor", "vs": "versus", "till": "until",
             "grey": "gray", "alright": "allright"}  # fmt: skip
_ORDINALS = {
    1: "first", 2: "second", 3: "third", 4: "fourth", 5: "fifth", 6: "sixth", 7: "seventh", 8: "eighth",
    9: "ninth", 10: "tenth", 11: "eleventh", 12: "twelfth", 13: "thirteenth", 14: "fourteenth",
    15: "fifteenth", 16: "sixteenth", 17: "seventeenth", 18: "eighteenth", 19: "nineteenth", 20: "twentieth",
    30: "thirtieth", 40: "fortieth", 50: "fiftieth", 60: "sixtieth", 70: "seventieth", 80: "eightieth",
    90: "ninetieth", 100: "hundredth", 1000: "thousandth",
}  # fmt: skip


def english_pieces(piece: Piece) -> list[Piece]:
    """One folded Latin word as one or more pieces: "don't" is ``do`` and ``not``, "John's" is ``johns``."""
    word = piece.key
    if "'" not in word:
        opened = _BARE.get(word)
        if opened is None:
            return [Piece(_VARIANTS.get(word, word), piece.first, piece.last)]
        return _shared(opened, piece)
    if word in _IRREGULAR:
        return _shared(_IRREGULAR[word], piece)
    for ending, spoken in _ENDINGS.items():
        if word.endswith(ending) and len(word) > len(ending):
            cut = piece.last - len(ending)
            return [*english_pieces(Piece(word[: -len(ending)], piece.first, cut)), Piece(spoken, cut, piece.last)]
    head, _, tail = word.rpartition("'")
    if tail == "s" and head in _S_IS:
        cut = piece.last - 2
        return [Piece(head, piece.first, cut), Piece("is", cut, piece.last)]
    return [Piece(word.replace("'", ""), piece.first, piece.last)]


def _shared(keys: tuple[str, ...], piece: Piece) -> list[Piece]:
    """Pieces that all cover the same characters, because no letter of the word belongs to one of them alone."""
    return [Piece(key, piece.first, piece.last) for key in keys]


def symbol_piece(piece: Piece) -> Piece:
    return Piece(_SYMBOLS[piece.key], piece.first, piece.last)


def ordinal_pieces(piece: Piece) -> list[Piece]:
    """ "21st" as it is said: ``20`` and ``first``."""
    value = int(piece.key[:-2]) if len(piece.key) <= 8 else 0
    last = next((v for v in (value % 100, value % 10, value) if v in _ORDINALS), 0)
    if not last:
        return [Piece(piece.key, piece.first, piece.last)]
    keys = ([str(value - last)] if value > last else []) + [_ORDINALS[last]]
    return _shared(tuple(keys), piece)


def spell_english(key: str) -> str:
    """A key as it is said: digits in words, everything else as it is."""
    return " ".join(spell_number(key, ENGLISH)) if key[:1].isdigit() else key


@lru_cache(maxsize=1)
def _stemmer() -> Callable[[str], str]:
    import snowballstemmer

    return snowballstemmer.stemmer("english").stemWord  # type: ignore[no-any-return]


# British spellings to American ones, for stems only: a word that merely looks British gets an odd stem, the same odd
# one everywhere.
_AMERICAN = (
    (re.compile(r"(?<=[a-z]{3})is(?=(?:e|ed|es|er|ers|ing|ation|ations)$)"), "iz"),
    (re.compile(r"(?<=[a-z]{3})our(?=(?:s|ed|ing|ful|able|ite|ites|hood)?$)"), "or"),
    (re.compile(r"(?<=[a-z]{2})tre(?=s?$)"), "ter"),
    (re.compile(r"ae(?=[a-z]{5})"), "e"),
    (re.compile(r"ogue(?=s?$)"), "og"),
    (re.compile(r"(?<=gra)mme(?=s?$)"), "m"),
)


@lru_cache(maxsize=65536)
def stem_english(key: str) -> str:
    """The stem of a key: "running" ``run``, "colour" and "colors" ``color``; irregular forms stay as they are."""
    if not key.isalpha() or len(key) > 40:
        return key
    word = key
    if len(word) >= 5:
        for british, american in _AMERICAN:
            word = british.sub(american, word)
    stem = _stemmer()(word) or word
    if stem.endswith("ll"):
        return stem[:-1]  # "travelled" and "traveled"
    return stem[:-1] + "s" if stem.endswith("enc") and len(stem) > 4 else stem  # "offence" and "offense"
