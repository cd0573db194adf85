"""Engines that read: texts as vectors, near each other where they mean the like, whatever their words.

Queries and passages are read the same way. Vectors are kept as one signed byte a dimension (`pack`), mapped and
compared as they lie (`similarities`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

__all__ = ["TextEncoder", "pack", "similarities"]

_SCALE = 381.0
"""A byte's 127 stands for a third: of a unit vector of some hundred dimensions, hardly one is larger."""
_CHUNK_ROWS = 8_192
"""Rows made into floating point at a time, so that they stay in the cache."""


class TextEncoder(Protocol):
    """What finding and indexing need of an engine.

    Attributes:
        name: stored with what the engine produced.
        dim: size of its vectors.
    """

    name: str
    dim: int

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Unit rows ``(len(texts), dim)``; a row of zeros where nothing of a text is known."""
        ...

    def known_share(self, text: str) -> float:
        """The share of a text the engine can read, in [0, 1]; 0.0 for an empty one, or a script it does not know."""
        ...


def pack(vectors: NDArray[np.float32]) -> NDArray[np.int8]:
    """Unit rows as bytes, of the same shape. Cosines change by about a hundredth at most."""
    return np.asarray(np.clip(np.rint(vectors * _SCALE), -127, 127), dtype=np.int8)


def similarities(rows: NDArray[np.int8], vector: NDArray[np.float32]) -> NDArray[np.float32]:
    """Cosine of each packed row ``(n, dim)`` with a unit vector ``(dim,)``, shape ``(n,)``, in about [-1, 1]."""
    parts = [
        rows[first : first + _CHUNK_ROWS].astype(np.float32) @ vector for first in range(0, len(rows), _CHUNK_ROWS)
    ]
    return np.asarray(np.concatenate([np.zeros(0, np.float32), *parts]) / np.float32(_SCALE), dtype=np.float32)
