"""Texts to vectors by a static word-piece table: what the sound engine's text side reads.

The table was distilled from a sentence encoder (`training/text_table.py`); reading a text is tokenising it and adding
up rows, some microseconds. A script the table does not know leaves nothing but unknown pieces: `known_share` says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from earmark.errors import EngineError, QueryError

__all__ = ["WordPieces"]


class WordPieces:
    """A folder with ``pieces.npy`` (int8), ``scales.npy`` and ``tokenizer.json``.

    Raises:
        EngineError: if a file is missing.
    """

    def __init__(self, folder: Path) -> None:
        for name in ("pieces.npy", "scales.npy", "tokenizer.json"):
            if not (folder / name).is_file():
                raise EngineError(
                    folder / name,
                    expected="the word-piece table",
                    found="no such file",
                    hint="Reinstall earmark, or make it with `earmark train sound`.",
                )
        from tokenizers import Tokenizer

        self._pieces = np.load(folder / "pieces.npy", mmap_mode="r")  # (pieces, dim) int8
        self._scales = np.load(folder / "scales.npy")  # (pieces,)
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._unknown = self._tokenizer.token_to_id("[UNK]")

    @property
    def dim(self) -> int:
        return int(self._pieces.shape[1])

    def ids(self, text: str) -> list[int]:
        return list(self._tokenizer.encode(text.strip().lower(), add_special_tokens=False).ids)

    def known_share(self, text: str) -> float:
        """The share of the text's pieces that are in the table, in [0, 1]; 0.0 for an empty text."""
        ids = self.ids(text)
        return sum(1 for piece in ids if piece != self._unknown) / len(ids) if ids else 0.0

    def read(self, text: str, reader: str) -> NDArray[np.float32]:
        """The unit vector of a described sound, shape ``(dim,)``.

        Args:
            reader: who reads it, for the error: "ears do", say.

        Raises:
            QueryError: if there is nothing in it, or nothing in a script the table knows.
        """
        if len(text.strip()) < 2:
            raise QueryError(
                f"“{text}”",
                expected="a sound in words",
                found="an empty query" if not text.strip() else "a single character",
                hint="Describe it: “a baby crying”.",
            )
        if self.known_share(text) < 0.5:
            raise QueryError(
                f"“{text}”",
                expected="English words",
                found=f"a script earmark's built-in {reader} not read",
                hint="Describe the sound in English, or use an engine of `earmark models`.",
            )
        return np.asarray(self.embed([text])[0])

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Unit rows ``(len(texts), dim)``; a row of zeros where nothing of the text is known."""
        out = np.zeros((len(texts), self.dim), dtype=np.float32)
        for row, text in enumerate(texts):
            ids = [piece for piece in self.ids(text) if piece != self._unknown]
            if ids:
                out[row] = (self._pieces[ids].astype(np.float32) * self._scales[ids, None]).sum(axis=0)
        lengths = np.linalg.norm(out, axis=1, keepdims=True)
        return np.asarray(np.divide(out, lengths, out=np.zeros_like(out), where=lengths > 1e-9), dtype=np.float32)
