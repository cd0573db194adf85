"""How loud a recording is, 50 times a second: the level a person sees on a meter, in dB below full scale.

Source: root mean square per frame; 0 dBFS is a square wave of full scale, a full-scale sine lies at −3.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from earmark.settings import SAMPLE_RATE
from earmark.timeline import ScoreCurve, to_seconds

__all__ = ["SILENCE_DB", "LevelMeter"]

FRAME_SAMPLES = SAMPLE_RATE // 50
SILENCE_DB = -120.0
"""The level of exact digital silence, and the lowest there is; 16-bit audio has nothing below −96."""


class LevelMeter:
    """One pass over one recording: mono samples in, levels in dBFS out, one every 20 ms.

    It holds less than one frame.
    """

    step_seconds = FRAME_SAMPLES / SAMPLE_RATE

    def __init__(self, start_seconds: float = 0.0) -> None:
        self._start_seconds = start_seconds
        self._frames = 0
        self._rest = np.zeros(0, np.float32)

    def feed(self, samples: NDArray[np.float32]) -> ScoreCurve:
        """The levels of the frames that `samples`, shape ``(n,)``, completed, in [`SILENCE_DB`, …].

        NaN and infinity count as silence.
        """
        clean = np.where(np.isfinite(samples), samples, np.float32(0))
        audio = np.concatenate([self._rest, clean])
        whole = audio.size - audio.size % FRAME_SAMPLES
        self._rest = audio[whole:].copy()
        return self._measure(audio[:whole].reshape(-1, FRAME_SAMPLES))

    def flush(self) -> ScoreCurve:
        """The level of the last, unfilled frame, from the samples it has; nothing if there are none."""
        curve = self._measure(self._rest.reshape(1, -1) if self._rest.size else np.zeros((0, 1), np.float32))
        self._rest = np.zeros(0, np.float32)
        return curve

    def _measure(self, frames: NDArray[np.float32]) -> ScoreCurve:
        power = np.einsum("ij,ij->i", frames, frames, dtype=np.float64) / max(1, frames.shape[1])
        levels = 10.0 * np.log10(np.maximum(power, 10.0 ** (SILENCE_DB / 10)))
        start = self._start_seconds + to_seconds(self._frames * FRAME_SAMPLES, SAMPLE_RATE)
        self._frames += levels.size
        return ScoreCurve(levels.astype(np.float32), self.step_seconds, start)
