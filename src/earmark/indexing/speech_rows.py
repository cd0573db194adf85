"""What speech says as a track: a vector for about ten seconds, every five, whatever the recogniser made of them.

The ear for sounds keeps them (`SoundEar`), for they are the like: rows at a fixed rate, made from windows of the sound.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from earmark.engines import registry
from earmark.engines.speech_text import SpeechTextEngine

__all__ = ["SpeechRows", "stored_speech"]

HOPS_AT_ONCE = 6
"""Rows made in one piece of work: half a minute."""


class SpeechRows:
    """A speech–text engine as the ear for sounds wants one."""

    def __init__(self, engine: SpeechTextEngine) -> None:
        self._engine = engine
        self.sample_rate = engine.sample_rate
        self.dim = engine.dim
        self.step_seconds = engine.hop_seconds
        self.window_seconds = HOPS_AT_ONCE * engine.hop_seconds
        self.context_seconds = engine.window_seconds

    def embed_audio(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        return self._engine.embed_windows(samples)


def stored_speech(engine: str) -> str:
    """The name the vectors of a speech–text engine are stored under, with a digest of its weights."""
    from earmark.engines.speech_text.contrastive import digest_of

    _, _, model = engine.partition(":")
    return registry.stored_name("speech_text", engine.partition(":")[0], digest_of(model or None))
