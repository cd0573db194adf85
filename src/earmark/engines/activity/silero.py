"""Silero VAD v6: the probability of speech, 31.25 times a second, 16 kHz.

The model is the ONNX file inside the ``faster-whisper`` wheel (MIT), found without importing that
package, whose own imports take a third of a second. Each frame is 512 new samples after the last 64
of the frame before; the recurrent state is carried from call to call. One call takes a block of
frames: the convolutions, nine tenths of the time, then run once for all of them. Blocks of 64 to 256
frames were fastest (773 x real time on one core of an AMD EPYC Zen 4; 691 at 16 frames, 698 at 2,048).

Source: https://github.com/snakers4/silero-vad
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from earmark.engines.graphs import open_graph
from earmark.errors import EngineError
from earmark.settings import SAMPLE_RATE
from earmark.timeline import ScoreCurve, to_seconds

__all__ = ["Silero", "SileroStream"]

FRAME_SAMPLES = 512
CONTEXT_SAMPLES = 64
STATE_SIZE = 128
BLOCK_FRAMES = 128


class Silero:
    """Silero VAD v6 on one thread of ONNX Runtime.

    Raises:
        EngineError: if the package that carries the model is missing, or its model is.
    """

    name = "silero"
    sample_rate = SAMPLE_RATE
    step_seconds = FRAME_SAMPLES / SAMPLE_RATE

    def __init__(self) -> None:
        self._session: Any = open_graph(_model_path(), arena=False)

    def stream(self, start_seconds: float = 0.0) -> SileroStream:
        return SileroStream(self._session, start_seconds)


class SileroStream:
    """One pass over one recording: keeps the unfilled frame, its context and the recurrent state."""

    def __init__(self, session: Any, start_seconds: float) -> None:
        self._session = session
        self._start_seconds = start_seconds
        self._begin()

    def _begin(self) -> None:
        self._frames = 0
        self._rest = np.zeros(0, np.float32)  # fewer than FRAME_SAMPLES samples
        self._context = np.zeros(CONTEXT_SAMPLES, np.float32)
        self._h = np.zeros((1, 1, STATE_SIZE), np.float32)
        self._c = np.zeros((1, 1, STATE_SIZE), np.float32)

    def feed(self, samples: NDArray[np.float32]) -> ScoreCurve:
        """Scores in [0, 1] of the frames that `samples`, shape ``(n,)``, completed.

        NaN and infinity count as silence.
        """
        if samples.ndim != 1:
            raise ValueError(f"Silero hears mono samples of shape (n,), got {samples.shape}")
        clean = np.where(np.isfinite(samples), samples, np.float32(0)).astype(np.float32, copy=False)
        audio = np.concatenate([self._rest, clean])
        whole = audio.size - audio.size % FRAME_SAMPLES
        self._rest = audio[whole:].copy()
        return self._score(audio[:whole])

    def flush(self) -> ScoreCurve:
        """The last, unfilled frame, completed with silence."""
        missing = -self._rest.size % FRAME_SAMPLES
        curve = self._score(np.pad(self._rest, (0, missing)))
        self._begin()
        return curve

    def _score(self, audio: NDArray[np.float32]) -> ScoreCurve:
        start = self._start_seconds + to_seconds(self._frames * FRAME_SAMPLES, SAMPLE_RATE)
        padded = np.concatenate([self._context, audio])
        count = audio.size // FRAME_SAMPLES
        scores = np.zeros(count, np.float32)
        if count:
            windows = np.lib.stride_tricks.sliding_window_view(padded, CONTEXT_SAMPLES + FRAME_SAMPLES)
            windows = windows[::FRAME_SAMPLES]  # (count, 576)
            for first in range(0, count, BLOCK_FRAMES):
                block = np.ascontiguousarray(windows[first : first + BLOCK_FRAMES])
                inputs = {"input": block, "h": self._h, "c": self._c}
                speech, self._h, self._c = self._session.run(None, inputs)
                scores[first : first + BLOCK_FRAMES] = speech.reshape(-1)
            self._context = padded[-CONTEXT_SAMPLES:].copy()
            self._frames += count
        return ScoreCurve(scores, FRAME_SAMPLES / SAMPLE_RATE, start)


def _model_path() -> Path:
    spec = find_spec("faster_whisper")
    if spec is None or spec.origin is None:
        raise EngineError(
            "silero",
            expected="the package faster-whisper, which carries the model",
            found="no such package",
            hint="Run: pip install 'faster-whisper>=1.2,<2'",
        )
    path = Path(spec.origin).parent / "assets" / "silero_vad_v6.onnx"
    if not path.is_file():
        raise EngineError(
            "silero",
            expected=f"the model at {path}",
            found="no such file",
            hint="Run: pip install --force-reinstall 'faster-whisper>=1.2,<2'",
        )
    return path
