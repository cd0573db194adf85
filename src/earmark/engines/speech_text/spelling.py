"""Texts as the text tower reads them: words by their letters, and which words each text has.

Letters are those of English and Persian, with the digits; what else a word holds is passed over. A word is known by
its spelling alone, so there is none the tower cannot read in these two scripts.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["LETTERS", "MOST_LETTERS", "spell", "words_of"]

ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789'" + "ءآئؤابپتثجچحخدذرزژسشصضطظعغفقکگلمنوهی"
_ROW = {letter: number for number, letter in enumerate(ALPHABET, start=1)}
LETTERS = len(ALPHABET) + 1
"""Rows of the table of letters; 0 is "no letter"."""
MOST_LETTERS = 16
"""Of a word; the rest of a longer one is passed over."""
_WORD = re.compile(f"[{ALPHABET}]+")
_ONE_SPELLING = str.maketrans("يكۀةأإ۰۱۲۳۴۵۶۷۸۹٠١٢٣٤٥٦٧٨٩’", "یکههاا01234567890123456789'", "\u0640")


def words_of(text: str) -> list[str]:
    """The words of a text, in lower case and one spelling of the Arabic letters; half spaces divide."""
    return _WORD.findall(text.lower().translate(_ONE_SPELLING))


def spell(texts: Sequence[str]) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Different words ``(words, MOST_LETTERS)``, and how often each stands in each text, ``(texts, words)``.

    There is at least one word: where no text has any, it has no letter and counts nowhere.
    """
    rows: dict[str, int] = {}
    found = [[rows.setdefault(word, len(rows)) for word in words_of(text)] for text in texts]
    letters = np.zeros((max(1, len(rows)), MOST_LETTERS), np.int64)
    for word, row in rows.items():
        known = [_ROW[letter] for letter in word[:MOST_LETTERS]]
        letters[row, : len(known)] = known
    counts = np.zeros((len(texts), max(1, len(rows))), np.float32)
    for text, its in enumerate(found):
        np.add.at(counts[text], its, 1.0)
    return letters, counts
