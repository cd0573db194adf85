"""The built-in reader: one vector for each word piece, added up. No network, no torch: some microseconds a text.

Each piece was put through a sentence encoder alone (all-MiniLM-L6-v2, Apache-2.0), reduced to its principal
components, weighted by how rare it is (SIF: Arora, Liang & Ma, "A simple but tough-to-beat baseline for sentence
embeddings", ICLR 2017), and the sums then fitted to what the encoder makes of whole sentences
(`training/text_table.py`; model2vec makes tables the same way). What all texts have in common, the mean and the first
principal component of running speech, is taken off every vector. How well it finds what was meant: `bench/meaning.py`.

The table knows English. Of a text in another script it knows nothing, and says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from earmark.errors import EngineError

__all__ = ["WordPieceEncoder"]

WEIGHTS = Path(__file__).parent / "weights"
_FILES = ("pieces.npy", "scales.npy", "common.npy", "tokenizer.json")
_BATCH_TEXTS = 1_024
"""Texts read at a time: 1,024 passages of 30 pieces and 256 dimensions take 31 MB."""


class WordPieceEncoder:
    """Texts to vectors by a folder with a word-piece table.

    The folder holds ``pieces.npy`` (int8, one row a piece) with ``scales.npy``, ``common.npy`` (the mean, then the
    unit rows taken off) and ``tokenizer.json``, whose ids are the rows.

    Raises:
        EngineError: if a file is missing.
    """

    name = "wordpieces"

    def __init__(self, folder: Path = WEIGHTS) -> None:
        for file in _FILES:
            if not (folder / file).is_file():
                raise EngineError(
                    folder / file,
                    expected="the word-piece table",
                    found="no such file",
                    hint="Reinstall earmark: pip install --force-reinstall earmark.",
                )
        from tokenizers import Tokenizer

        self._pieces = np.load(folder / "pieces.npy", mmap_mode="r")  # (pieces, dim) int8
        self._scales = np.load(folder / "scales.npy")  # (pieces,)
        common = np.load(folder / "common.npy").astype(np.float32)  # (1 + removed, dim)
        self._mean, self._removed = common[0], common[1:]
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._unknown = self._tokenizer.token_to_id("[UNK]")
        self.dim = int(self._pieces.shape[1])

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """See `TextEncoder`."""
        parts = [self._embed(texts[first : first + _BATCH_TEXTS]) for first in range(0, len(texts), _BATCH_TEXTS)]
        return np.concatenate([np.zeros((0, self.dim), np.float32), *parts])

    def known_share(self, text: str) -> float:
        """See `TextEncoder`."""
        (ids,) = self._ids([text])
        return sum(piece != self._unknown for piece in ids) / len(ids) if ids else 0.0

    def _ids(self, texts: Sequence[str]) -> list[list[int]]:
        lowered = [text.lower() for text in texts]
        return [encoded.ids for encoded in self._tokenizer.encode_batch(lowered, add_special_tokens=False)]

    def _embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        ids = [[piece for piece in pieces if piece != self._unknown] for pieces in self._ids(texts)]
        lengths = np.array([len(pieces) for pieces in ids])
        out = np.zeros((len(texts), self.dim), np.float32)
        some = lengths > 0
        if not some.any():
            return out
        flat = np.fromiter(chain.from_iterable(ids), np.int64)
        rows = self._pieces[flat].astype(np.float32) * self._scales[flat, None]  # (pieces of all texts, dim)
        starts = np.cumsum(lengths[some]) - lengths[some]
        vectors = _unit(np.add.reduceat(rows, starts, axis=0)) - self._mean
        vectors -= (vectors @ self._removed.T) @ self._removed
        out[some] = _unit(vectors)
        return out


def _unit(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(np.divide(rows, lengths, out=np.zeros_like(rows), where=lengths > 1e-9), dtype=np.float32)
