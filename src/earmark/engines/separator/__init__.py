"""Engines that pull a described sound out of a mixture: a text and audio in, a mask over time and frequency out.

An engine says which part of every cell of a short-time spectrum is the sound asked for. `masking` lays that mask on
the mixture at the mixture's own rate and on each of its channels, so that no engine has to know of resampling, of
stereo or of long recordings, and what is left over is the mixture minus the target, to the last sample.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

__all__ = ["Mask", "Separator"]

Mask = NDArray[Any]
"""Shape ``(frames, bins)``, float32 in [0, 1], or complex64 where the engine also turns phases.

Frame ``i`` is centred on sample ``i * step`` of the audio given, as many as ``n // step + 1``; bin ``k`` of ``bins``
lies at ``k / (bins - 1)`` of half the engine's sample rate.
"""


class Separator(Protocol):
    """What separating needs of an engine.

    Attributes:
        name: as in the registry; stored with what the engine produced.
        sample_rate: Hz it listens at, mono.
        frame_samples: length of its spectrum's window, at its own rate; even. The window is Hann.
        step_samples: from one frame to the next; so short that Hann windows overlap wherever they are added up (at most
            half of `frame_samples`).
        window_seconds, context_seconds: how to cut long audio: windows of the one, with the other on both sides,
            whose frames are discarded. Memory of a call grows with their sum, never with the recording.
    """

    @property
    def name(self) -> str: ...

    @property
    def sample_rate(self) -> int: ...

    @property
    def frame_samples(self) -> int: ...

    @property
    def step_samples(self) -> int: ...

    @property
    def window_seconds(self) -> float: ...

    @property
    def context_seconds(self) -> float: ...

    def mask(self, samples: NDArray[np.float32], text: str) -> Mask:
        """How much of each cell is `text`.

        Args:
            samples: mono ``(n,)`` at `sample_rate`, in [-1, 1]; any length, also 0 and less than a frame.
            text: what to pull out, as a user writes it.

        Returns:
            Shape ``(n // step_samples + 1, frame_samples // 2 + 1)``, finite.

        Raises:
            QueryError: if there is nothing in the text, or nothing in a script the engine reads.
        """
        ...
