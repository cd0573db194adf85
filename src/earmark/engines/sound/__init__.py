"""Engines that hear sounds: frames of audio and texts as vectors of one space.

An engine cuts nothing and stores nothing: callers give it windows with context (or a `SoundStream`) and keep the
frames. `curve` turns stored frames and a text into a calibrated probability over time; `locate` places edges on it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from earmark.engines.sound.edges import EdgeSettings, sharpened
from earmark.engines.sound.locating import LocateSettings, locate
from earmark.engines.sound.quantising import dequantise, frames_between, quantise
from earmark.engines.sound.streaming import SoundStream

__all__ = [
    "EdgeSettings", "LocateSettings", "SoundEngine", "SoundStream", "dequantise", "frames_between", "locate",
    "quantise", "sharpened",
]  # fmt: skip


class SoundEngine(Protocol):
    """What finding and indexing need of an engine.

    Attributes:
        name: stored with what the engine produced.
        sample_rate: Hz it listens at.
        step_seconds: length of a frame.
        dim: size of its vectors.
        window_seconds, context_seconds: how to cut long audio: windows of the one, with the other on both sides,
            whose frames are discarded.
        clip_frames: frames that make one coarse vector; 0 where the engine makes none.
        moments: how moments are cut out of its curves, and how probable they are.
        edges: where exactly they begin and end, by the frames.
        band_edges: the same by the frames and the recording's bands; without weights where the engine knows none.
    """

    name: str
    sample_rate: int
    step_seconds: float
    dim: int
    window_seconds: float
    context_seconds: float
    clip_frames: int
    moments: LocateSettings
    edges: EdgeSettings
    band_edges: EdgeSettings

    def embed_audio(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """Mono samples ``(n,)`` to unit rows ``(frames, dim)``, one for every begun `step_seconds`."""
        ...

    def embed_clips(self, frames: NDArray[np.float32]) -> NDArray[np.float32]:
        """Frames to coarse unit rows ``(ceil(frames / clip_frames), dim)``: what is heard in each stretch."""
        ...

    def clip_scores(self, clips: NDArray[np.float32], text: str) -> NDArray[np.float32]:
        """How much each coarse row speaks for `text` being heard somewhere in it, shape ``(clips,)``; for ranking."""
        ...

    def embed_text(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Unit rows ``(len(texts), dim)``."""
        ...

    def curve(self, frames: NDArray[np.float32], text: str) -> NDArray[np.float32]:
        """Calibrated probability in [0, 1] that `text` is heard, shape ``(frames,)``."""
        ...

    def expected_seconds(self, text: str) -> float:
        """About how long such a sound lasts; `locate` smooths and joins by it."""
        ...

    def vocabulary(self) -> Sequence[str]:
        """The sounds it was trained on, in words."""
        ...

    def nearest(self, text: str, k: int = 3) -> list[tuple[str, float]]:
        """The `k` sounds of the vocabulary nearest to a text, with their similarity in [-1, 1], nearest first."""
        ...

    def knows(self, text: str) -> bool:
        """Whether the text is near enough to anything trained on for an answer to mean something."""
        ...
