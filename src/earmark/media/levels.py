"""How loud each band of a recording is over time: for whoever has to know when something sets in."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from earmark.media.decode import decode
from earmark.media.logmel import BANDS, FLOOR, HOP, SAMPLE_RATE, log_mel
from earmark.progress import Progress, ignore
from earmark.records import Recording

__all__ = ["band_levels", "pooled"]

STEPS = 500
"""Steps heard at a time."""


def pooled(mel: NDArray[np.float32], rows: int) -> NDArray[np.float32]:
    """A log-mel with every `rows` of its frames averaged, shape ``(ceil(n / rows), BANDS)``."""
    short = -len(mel) % rows
    padded = np.pad(mel, ((0, short), (0, 0)), mode="edge") if short and len(mel) else mel
    return np.asarray(padded.reshape(-1, rows, mel.shape[1]).mean(axis=1), dtype=np.float32)


def band_levels(
    recording: Recording, count: int, step_seconds: float, start_seconds: float, on_progress: Progress = ignore
) -> NDArray[np.float16]:
    """Natural log of the energy in each mel band, shape ``(count, BANDS)``; where there is no audio, silence.

    Args:
        count: how many steps, from `start_seconds` on.
        step_seconds: the length of one, a multiple of 20 ms.

    Raises:
        MediaError: if the recording cannot be read.
    """
    rows = round(step_seconds * SAMPLE_RATE / HOP)
    levels = np.full((count, BANDS), np.log(FLOOR), np.float16)
    blocks = decode(recording.path, audio_stream=recording.audio_stream, block_seconds=STEPS * step_seconds)
    for block in blocks:
        first = round((block.start_seconds - start_seconds) / step_seconds)
        heard = pooled(log_mel(block.mono()), rows)
        kept = heard[max(0, -first) : max(0, count - first)]
        levels[max(0, first) : max(0, first) + len(kept)] = kept
        done = min(block.span.end - recording.start_seconds, recording.duration_seconds)
        on_progress(f"edges in {recording.path}", done, recording.duration_seconds)
    return levels
