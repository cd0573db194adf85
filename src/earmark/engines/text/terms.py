"""Keywords as one vector, in any script: the words themselves, parts of their spelling, and what they mean.

Words and the letter triples in them are hashed into a fixed number of places, with a sign, so that nothing has to be
listed beforehand and a word in another inflection, or misheard by a letter, is still near; beside these stands the
vector of the word-piece table (`wordpieces`), where it knows the words at all. A triple weighs what makes all those of
a word weigh as much as the word.

Source: hashing with signs is Weinberger et al., "Feature hashing for large scale multitask learning", ICML 2009.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from earmark.engines.text.wordpieces import WEIGHTS, WordPieceEncoder

__all__ = ["WEIGHTS", "TermEncoder"]

PLACES = 1_024
SPELLING = 0.7
"""Weight of a word's letter triples together; the word itself weighs 1. See `bench/speech_text.py`."""
MEANING = 0.5
"""Weight of the word-piece vector beside the hashed ones, both of length 1."""


class TermEncoder:
    """See `TextEncoder`. Texts are words as `language.normalise` gives their keys, parted by spaces."""

    name = "terms"

    def __init__(self) -> None:
        self._pieces = WordPieceEncoder()
        self.dim = PLACES + self._pieces.dim

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """See `TextEncoder`."""
        hashed = np.zeros((len(texts), PLACES), np.float32)
        for row, text in enumerate(texts):
            for word in text.split():
                places, values = _hashed(word)
                np.add.at(hashed[row], places, values)
        rows = np.concatenate([_unit(hashed), MEANING * self._pieces.embed(texts)], axis=1)
        return _unit(rows * (np.abs(hashed).max(axis=1, initial=0.0)[:, None] > 0))

    def known_share(self, text: str) -> float:
        """Every spelling is known: 1.0 for anything but an empty text."""
        return 1.0 if text.split() else 0.0


@lru_cache(maxsize=50_000)
def _hashed(word: str) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Places of a word and of its letter triples, and what is added there."""
    framed = f"<{word}>"
    triples = [framed[at : at + 3] for at in range(len(framed) - 2)] if len(word) > 1 else []
    features = [(f"={word}", 1.0), *((triple, SPELLING / math.sqrt(len(triples))) for triple in triples)]
    places, values = np.zeros(len(features), np.int64), np.zeros(len(features), np.float32)
    for at, (feature, weight) in enumerate(features):
        digest = int.from_bytes(hashlib.blake2b(feature.encode("utf-8", "replace"), digest_size=8).digest(), "big")
        places[at], values[at] = digest % PLACES, weight if digest >> 63 else -weight
    return places, values


def _unit(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(np.divide(rows, lengths, out=np.zeros_like(rows), where=lengths > 1e-9), dtype=np.float32)
