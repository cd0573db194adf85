"""Frames as bytes: unit vectors scaled to int8, a quarter of the size.

A component of a unit vector of 96 rarely passes 0.4, so a fixed scale loses less than one per vector would cost to
store; what passes it is clipped. The cosine of a restored vector with the original is above 0.999.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

__all__ = ["SCALE", "dequantise", "frames_between", "quantise"]

SCALE = 254.0
"""1 / SCALE is one step: components up to 0.5 fit."""


def quantise(frames: NDArray[np.float32]) -> NDArray[np.int8]:
    """Unit rows ``(frames, dim)`` to int8 of the same shape."""
    return np.clip(np.round(frames * SCALE), -127, 127).astype(np.int8)


def dequantise(stored: NDArray[np.int8]) -> NDArray[np.float32]:
    """Back to unit rows; a row of zeros stays zero."""
    frames = stored.astype(np.float32)
    lengths = np.linalg.norm(frames, axis=-1, keepdims=True)
    return np.asarray(np.divide(frames, lengths, out=np.zeros_like(frames), where=lengths > 0), dtype=np.float32)


def frames_between(stored: NDArray[np.int8]) -> Callable[[int, int], NDArray[np.float32]]:
    """Unit rows from one frame to before another, of stored ones that may be mapped from a file."""
    return lambda first, last: dequantise(np.asarray(stored[first:last]))
