"""Which of very many passages may hold a query: bits for the runs of three phones in each, kept slice by slice.

A passage sets one of `BITS` bits for every three neighbouring phones. The bits are stored as one row per bit over all
passages, so a query of ten phones reads eight rows of one bit a passage: a millisecond for 100,000. A misheard word
still shares some of its runs; the words that match exactly share them all.

Source: Goodwin et al., "BitFunnel: Revisiting signatures for search", SIGIR 2017 (bit-sliced signatures).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["Signatures"]

BITS = 2048
"""A passage of 80 phones sets one bit in 26, so chance agreement is rare. 256 bytes a passage."""
_BLOCK = 8192  # passages whose bits are unpacked at once while building: 16 MB


class Signatures:
    """Bits of passages.

    Args:
        lines: phones of each passage, in coarse classes and without spaces.
    """

    def __init__(self, lines: Sequence[str]) -> None:
        self._count = len(lines)
        blocks = [_packed(lines[at : at + _BLOCK]) for at in range(0, len(lines), _BLOCK)]
        self._rows = np.concatenate(blocks, axis=1) if blocks else np.zeros((BITS, 0), dtype=np.uint8)

    def shared(self, query: str) -> tuple[NDArray[np.uint8], int]:
        """How many of the query's runs each passage has, shape ``(passages,)``, and how many there are.

        At most 255 runs are looked at; none for fewer than three phones.
        """
        bits, _ = _runs([query])
        rows = np.unique(bits)[:255]
        counts = np.zeros(self._count, dtype=np.uint8)
        for row in rows:
            counts += np.unpackbits(self._rows[row], count=self._count)
        return counts, len(rows)


def _packed(lines: Sequence[str]) -> NDArray[np.uint8]:
    """One block: shape ``(BITS, ceil(passages / 8))``."""
    bits, passages = _runs(lines)
    table = np.zeros((BITS, len(lines)), dtype=np.bool_)
    table[bits, passages] = True
    return np.packbits(table, axis=1)


def _runs(lines: Sequence[str]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The bit of every run of three phones, and the passage it stands in."""
    text = np.frombuffer("\n".join(lines).encode("utf-32-le", "surrogatepass"), dtype="<u4").astype(np.uint64)
    if len(text) < 3:
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    ends = text == ord("\n")
    passages = np.cumsum(ends)[:-2]
    whole = ~(ends[:-2] | ends[1:-1] | ends[2:])
    # A multiplicative hash (Knuth, The Art of Computer Programming 3, section 6.4) of the three as one number.
    mixed = (text[:-2] * np.uint64(961) + text[1:-1] * np.uint64(31) + text[2:]) * np.uint64(2654435761)
    bits = (mixed >> np.uint64(13)) % np.uint64(BITS)
    return bits[whole].astype(np.int64), passages[whole].astype(np.int64)
