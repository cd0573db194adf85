"""What the models of speech, music and noise read: log-mel frames and, on the same grid, the logit of Silero."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from earmark.engines.activity import ActivityEngine
from earmark.media.logmel import HOP, log_mel
from earmark.settings import SAMPLE_RATE

__all__ = ["FRAME_SECONDS", "listen", "logits_at"]

FRAME_SECONDS = HOP / SAMPLE_RATE
CLAMP = 7.0
"""Logits beyond it say no more than one of it: p = 0.9991."""


def logits_at(
    scores: NDArray[np.float32], step_seconds: float, first: int, last: int, first_score: int = 0
) -> NDArray[np.float32]:
    """The logit of the speech score at the middle of each log-mel frame ``[first, last)``, shape ``(last - first,)``.

    `scores` begin with number `first_score` of their own grid; a frame past the last one has the last one's.
    """
    middles = (np.arange(first, last) + 0.5) * FRAME_SECONDS
    index = np.floor(middles / step_seconds + 1e-9).astype(np.int64) - first_score
    taken = scores[np.clip(index, 0, len(scores) - 1)] if len(scores) else np.zeros(last - first, np.float32)
    likely = np.clip(taken, 1e-6, 1 - 1e-6)
    return np.asarray(np.clip(np.log(likely / (1 - likely)), -CLAMP, CLAMP), dtype=np.float32)


def listen(samples: NDArray[np.float32], speech: ActivityEngine) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """All of a short recording at once: log-mel ``(frames, BANDS)`` and logits ``(frames,)``."""
    mel = log_mel(samples)
    stream = speech.stream()
    scores = np.concatenate([stream.feed(samples).values, stream.flush().values])
    return mel, logits_at(scores, speech.step_seconds, 0, len(mel))
