"""Frames of speech, by name: what the audio tower stands on.

logmel            log-mel energies, every 20 ms: nothing learnt, for a tower trained from scratch
moonshine         the encoder of the recogniser in the install (Moonshine tiny, English, MIT), every 48 ms
wav2vec2:FOLDER   a wav2vec 2.0 checkpoint through `transformers` (`pretrained`), about every 40 ms

Frames of learnt encoders are the mean of two neighbours: a word lasts longer than that, and everything behind costs
half. Measured on one core: moonshine 140 times real time in pieces of 10 s, logmel 3,000 times.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from earmark.engines.graphs import open_graph
from earmark.engines.speech_text import FrameEncoder
from earmark.errors import EngineError
from earmark.media.logmel import BANDS, HOP, log_mel
from earmark.settings import SAMPLE_RATE

__all__ = ["LogMelFrames", "MoonshineFrames", "load_frames", "paired"]

LEAST_SAMPLES = SAMPLE_RATE // 2
"""Less is completed with silence: the convolutions need something to stand on."""


def load_frames(name: str) -> FrameEncoder:
    """The encoder a config or a card names.

    Raises:
        EngineError: if it is unknown, or what it needs is missing.
    """
    kind, _, where = name.partition(":")
    if name == "logmel":
        return LogMelFrames()
    if name == "moonshine":
        return MoonshineFrames()
    if kind == "wav2vec2" and where:
        from earmark.engines.speech_text.pretrained import Wav2Vec2Frames

        return Wav2Vec2Frames(where)
    raise EngineError(
        name,
        expected="an encoder of speech: logmel, moonshine or wav2vec2:FOLDER",
        found="an unknown name",
        hint="Write one of these as `encoder:` in the config.",
    )


class LogMelFrames:
    """Log-mel energies brought to about [-2, 2]."""

    name = "logmel"
    dim = BANDS
    step_seconds = HOP / SAMPLE_RATE

    def frames(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.asarray((log_mel(_completed(samples)) + 9.0) / 5.0, dtype=np.float32)


class MoonshineFrames:
    """Hidden states of Moonshine tiny's encoder; one thread a call, calls from several threads run at once.

    Raises:
        EngineError: if the package that carries the model is missing, or is one that does not.

    Source: Jeffries et al., Moonshine, arXiv:2410.15608, 2024.
    """

    name = "moonshine"
    dim = 288
    step_seconds = 2 * 384 / SAMPLE_RATE

    def __init__(self) -> None:
        spec = find_spec("moonshine_voice")
        path = Path(spec.origin).parent / "assets" / "tiny-en" / "encoder_model.ort" if spec and spec.origin else None
        if path is None or not path.is_file():
            raise EngineError(
                "moonshine",
                expected="the package moonshine-voice 0.0.x, which carries the model",
                found="no such package" if path is None else "a release that carries none",
                hint="Run: pip install 'moonshine-voice>=0.0.59,<0.1'",
            )
        self._session: Any = open_graph(path)

    def frames(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        samples = _completed(samples)
        feed = {"input_values": samples[None], "attention_mask": np.ones((1, samples.size), np.int64)}
        return paired(self._session.run(None, feed)[0][0])


def paired(frames: NDArray[np.float32]) -> NDArray[np.float32]:
    """The mean of every two neighbours, ``(n, dim)`` to ``(n // 2, dim)``; of one frame itself."""
    if len(frames) < 2:
        return frames
    return np.asarray(frames[: len(frames) // 2 * 2].reshape(len(frames) // 2, 2, -1).mean(axis=1), dtype=np.float32)


def _completed(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    samples = np.nan_to_num(np.asarray(samples, dtype=np.float32), nan=0.0, posinf=0.0, neginf=0.0)
    if samples.ndim != 1:
        raise ValueError(f"frames are made of mono samples of shape (n,), got {samples.shape}")
    return np.pad(samples, (0, max(0, LEAST_SAMPLES - samples.size)))
