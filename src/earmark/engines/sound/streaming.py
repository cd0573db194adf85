"""A sound engine on a stream: frames of a recording of any length in bounded memory.

The engine hears windows with context on both sides and the frames of the context are dropped, so that the result is
the one a single call on the whole recording would give.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from earmark.timeline import to_samples

if TYPE_CHECKING:
    from earmark.engines.sound import SoundEngine

__all__ = ["SoundStream"]


class SoundStream:
    """Feed samples in blocks of any size; the frames come out as soon as their context is complete.

    The frames of all calls together are those of the recording, ``ceil(n / (sample_rate * step_seconds))`` of them.
    """

    def __init__(self, engine: SoundEngine) -> None:
        self._engine = engine
        self._hop = to_samples(engine.step_seconds, engine.sample_rate)
        self._context = -(-to_samples(engine.context_seconds, engine.sample_rate) // self._hop) * self._hop
        self._window = -(-to_samples(engine.window_seconds, engine.sample_rate) // self._hop) * self._hop
        self._blocks: list[NDArray[np.float32]] = []
        self._held = 0
        self._before = 0  # samples of left context at the head of what is held

    def feed(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """Mono samples ``(n,)``; returns the frames that are now certain, shape ``(frames, dim)``, often none."""
        self._blocks.append(np.asarray(samples, dtype=np.float32))
        self._held += len(samples)
        ready: list[NDArray[np.float32]] = []
        while self._held >= self._before + self._window + self._context:
            ready.append(self._window_frames(self._window, self._window + self._context))
        return self._joined(ready)

    def flush(self) -> NDArray[np.float32]:
        """The rest; afterwards the stream begins anew."""
        rest = self._held - self._before
        ready = [self._window_frames(rest, rest)] if rest > 0 else []
        self._blocks, self._held, self._before = [], 0, 0
        return self._joined(ready)

    def _window_frames(self, size: int, heard: int) -> NDArray[np.float32]:
        """Frames of the next `size` samples, listening on up to `heard`; both count from the end of the context."""
        held = np.concatenate(self._blocks) if len(self._blocks) != 1 else self._blocks[0]
        frames = self._engine.embed_audio(held[: self._before + heard])
        first = self._before // self._hop
        frames = frames[first : first + -(-size // self._hop)]
        done = self._before + size
        keep = max(0, done - self._context)
        self._blocks = [held[keep:].copy()]
        self._held, self._before = len(held) - keep, done - keep
        return frames

    def _joined(self, parts: list[NDArray[np.float32]]) -> NDArray[np.float32]:
        return np.concatenate(parts) if parts else np.zeros((0, self._engine.dim), dtype=np.float32)
