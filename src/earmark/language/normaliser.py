"""One normaliser for index and query: text to tokens, by the rules of the language each word is written in.

The rules follow the script of the word, not of the text, so that the Latin names in a Persian sentence are
treated as English words and a query means the same whatever it is typed beside. `language` says otherwise:
with ``"de"`` no English contraction is opened.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from earmark.language.english import english_pieces, ordinal_pieces, stem_english, symbol_piece
from earmark.language.numbers import ENGLISH, NO_WORDS, PERSIAN, join_numbers, number_key
from earmark.language.persian import join_affixes, persian_pieces, stem_persian
from earmark.language.script import ARABIC, LATIN, script_of
from earmark.language.tokens import Piece, Token, fold, split

__all__ = ["normalise", "word_offsets", "words_between"]

_BETWEEN = re.compile("[\\s\u200c]*[-\u2010\u2011]?[\\s\u200c]*").fullmatch


def normalise(text: str, language: str | None = None) -> list[Token]:
    """The tokens of a text, in order.

    Args:
        text: any characters; what is neither letter, digit nor one of ``$£€%&@`` is left out, so a text of
            only punctuation or emoji gives no token.
        language: ``"en"``, ``"fa"`` or another code; None tells it by the script of each word.

    Returns:
        Tokens whose spans are offsets into `text`, sorted, disjoint except where one word gives several
        tokens that share its characters ("won't").
    """
    folded = fold(text)
    english = language in (None, "en", "fa")
    persian = language in (None, "en", "fa")
    pieces: list[Piece] = []
    is_persian = is_english = currency = False
    for kind, piece in split(folded.text):
        script = script_of(piece.key[0]) if kind == "word" else ""
        if kind == "symbol":
            if english:
                pieces.append(symbol_piece(piece))
                currency = piece.key in "$£€"
                continue
        elif kind == "ordinal":
            pieces.extend(ordinal_pieces(piece) if english else [piece])
        elif kind == "number":
            number = Piece(number_key(piece.key), piece.first, piece.last)
            if currency and pieces[-1].last == piece.first:  # "$5" is said "five dollars"
                pieces[-1:] = [Piece(p.key, pieces[-1].first, piece.last) for p in (number, pieces[-1])]
            else:
                pieces.append(number)
        elif script == ARABIC and persian:
            pieces.extend(persian_pieces(piece))
            is_persian = True
        elif script == LATIN and english:
            pieces.extend(english_pieces(piece))
            is_english = True
        else:
            pieces.append(Piece(re.sub("['\u200c]", "", piece.key), piece.first, piece.last))
        currency = False

    def adjacent(left: Piece, right: Piece) -> bool:
        return left.last <= right.first and _BETWEEN(folded.text, left.last, right.first) is not None

    if is_persian:
        pieces = join_numbers(join_affixes(pieces, adjacent), PERSIAN, adjacent)
    if is_english or not is_persian:
        pieces = join_numbers(pieces, ENGLISH if english else NO_WORDS, adjacent)

    tokens = []
    for piece in pieces:
        span = (folded.starts[piece.first], folded.ends[piece.last - 1])
        stem = _stem(piece, english, persian)
        tokens.append(Token(text[span[0] : span[1]], piece.key, stem, span))
    return tokens


def _stem(piece: Piece, english: bool, persian: bool) -> str:
    script = script_of(piece.key[0])
    if script == LATIN and english:
        return stem_english(piece.key)
    if script == ARABIC and persian:
        return stem_persian(piece.stem or piece.key)
    return piece.key


def word_offsets(text: str, words: Sequence[str]) -> list[tuple[int, int]]:
    """Where each word of a transcript lies in its text, as ``(first, last)`` character offsets.

    Words are looked for in order; one that is not there gets an empty place where it would have been.
    """
    offsets, cursor = [], 0
    for word in words:
        word = word.strip()
        found = text.find(word, cursor) if word else -1
        if found < 0:
            offsets.append((cursor, cursor))
        else:
            cursor = found + len(word)
            offsets.append((found, cursor))
    return offsets


def words_between(offsets: Sequence[tuple[int, int]], span: tuple[int, int]) -> tuple[int, int] | None:
    """The first and last word (inclusive) that share a character with `span`; None where none does."""
    touched = [i for i, (first, last) in enumerate(offsets) if first < span[1] and last > span[0]]
    return (touched[0], touched[-1]) if touched else None
