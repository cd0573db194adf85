"""Engines that put speech and text into one space: what is said near what it says, without writing it down.

A recording is heard frame by frame by an encoder (`frames`), windows of frames become one vector each, and so does a
text, whatever its length. How near the two are is a cosine; `probability` is what it means.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

__all__ = ["FrameEncoder", "SpeechTextEngine"]


class FrameEncoder(Protocol):
    """What hears speech before anything is learnt about its words.

    Attributes:
        name: as configs and cards name it.
        dim: of a frame.
        step_seconds: from one frame to the next.
    """

    name: str
    dim: int
    step_seconds: float

    def frames(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """Mono samples at 16 kHz, up to 30 s, to frames ``(n, dim)``; at least one, whatever is given."""
        ...


class SpeechTextEngine(Protocol):
    """What indexing and finding need of an engine.

    Attributes:
        name: stored with what the engine produced.
        sample_rate: Hz of the samples it hears.
        dim: size of its vectors.
        window_seconds: how much speech one vector of `embed_windows` speaks for.
        hop_seconds: from one window to the next.
    """

    name: str
    sample_rate: int
    dim: int
    window_seconds: float
    hop_seconds: float

    def embed_speech(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """The unit vector ``(dim,)`` of all of these samples; zeros where there is nothing but silence."""
        ...

    def embed_windows(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """Unit rows ``(n, dim)`` for windows that begin every `hop_seconds` inside the samples.

        There are as many as hops begin in them, the last ones cut short by the end; rows of zeros for silence.
        """
        ...

    def embed_text(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Unit rows ``(len(texts), dim)``; zeros for a text without a letter the engine can read."""
        ...

    def probability(self, cosines: NDArray[np.float32]) -> NDArray[np.float32]:
        """How probable it is that a window so near to a text says it, in (0, 1), of the same shape."""
        ...
