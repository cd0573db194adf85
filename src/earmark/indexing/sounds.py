"""The ear for sounds: what every moment sounds like, as a row of bytes a frame. With another engine, what it says.

Each window is embedded on the pool with context on both sides, whose frames are dropped, so that the rows are those
of one pass over the whole recording, wherever it is cut and wherever a stopped run goes on.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from earmark.engines.sound import SoundEngine, dequantise, quantise
from earmark.indexing.ears import Harvest, InOrder, TrackRows
from earmark.library import Library, TrackHeader, read_track, track_path
from earmark.records import Recording
from earmark.timeline import Waveform, to_samples

__all__ = ["RowEngine", "SoundEar", "store_clips"]


class RowEngine(Protocol):
    """What makes the rows: a sound engine, or a speech–text engine in this guise."""

    sample_rate: int
    dim: int
    step_seconds: float
    window_seconds: float
    context_seconds: float

    def embed_audio(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """Mono samples to unit rows, one for each step that begins in them."""
        ...


CLIPS_AT_ONCE = 64
"""Coarse vectors made at a time, so that memory does not grow with the recording."""


def store_clips(library: Library, recording: Recording, engine: SoundEngine, engine_id: str) -> None:
    """Makes a heard recording's coarse vectors from its stored frames, all of them anew."""
    if not engine.clip_frames:
        return
    try:
        header, rows = read_track(track_path(library.folder, recording.id, "sounds", engine_id))
    except FileNotFoundError:  # it holds no audio
        return
    coarse = TrackHeader(engine_id, engine.dim, engine.clip_frames * header.step_seconds, header.start_seconds)
    many = CLIPS_AT_ONCE * engine.clip_frames
    stored = 0
    for first in range(0, rows.shape[0], many):
        frames = dequantise(np.asarray(rows[first : first + many]).view(np.int8))
        clips = quantise(engine.embed_clips(frames))
        stored = library.append_track(recording.id, "clips", engine_id, coarse, clips, stored)


class SoundEar:
    """Listens to one recording from `place` on, which lies on the grid of its track.

    `begin` is where it wants to be fed from: a little earlier, for context.
    """

    def __init__(
        self,
        engine: RowEngine,
        engine_id: str,
        pool: ThreadPoolExecutor,
        workers: int,
        place: float,
        start_seconds: float,
        job: str = "sounds",
    ) -> None:
        self._engine = engine
        self._job = job
        self._engine_id = engine_id
        self._hop = to_samples(engine.step_seconds, engine.sample_rate)
        self._window = to_samples(engine.window_seconds, engine.sample_rate) // self._hop * self._hop
        self._context = -(-to_samples(engine.context_seconds, engine.sample_rate) // self._hop) * self._hop
        self._header = TrackHeader(engine_id, engine.dim, engine.step_seconds, start_seconds)
        self._stored = round((place - start_seconds) / engine.step_seconds)  # rows harvested
        self._sent = self._stored * self._hop  # samples, from the recording's start, handed to the pool
        self._first = max(0, self._sent - self._context)  # of the samples held
        self._held: list[NDArray[np.float32]] = []
        self._held_samples = 0
        self._work: InOrder[NDArray[np.int8]] = InOrder(pool, limit=2 * workers)
        self.begin = start_seconds + self._first / engine.sample_rate

    def feed(self, block: Waveform) -> None:
        """Blocks follow each other without gap; what lies before `begin` is not listened to."""
        samples = block.mono()
        offset = to_samples(block.start_seconds - self._header.start_seconds, block.sample_rate)
        early = self._first + self._held_samples - offset
        if early > 0:
            samples = samples[early:]
        if samples.size:
            self._held.append(samples)
            self._held_samples += samples.size
        while self._first + self._held_samples >= self._sent + self._window + self._context:
            self._send(self._window)

    def finish(self) -> None:
        rest = self._first + self._held_samples - self._sent
        if rest > 0:
            self._send(rest)
        self._work.wait()

    def harvest(self) -> list[Harvest]:
        rows = list(self._work.ready())
        track = None
        if rows:
            track = TrackRows(self._header, np.concatenate(rows), self._stored)
            self._stored += track.rows.shape[0]
        position = self._header.start_seconds + self._stored * self._header.step_seconds
        return [Harvest(self._job, self._engine_id, position, track=track)]

    def _send(self, size: int) -> None:
        """Hands the next `size` samples to the pool, with what is held around them."""
        held = np.concatenate(self._held) if len(self._held) > 1 else self._held[0]
        before = self._sent - self._first
        heard = held[: before + size + self._context]
        skip, count = before // self._hop, -(-size // self._hop)
        engine = self._engine
        self._work.send(lambda: quantise(engine.embed_audio(heard)[skip : skip + count]))
        self._sent += size
        keep = max(0, self._sent - self._context - self._first)
        self._held, self._held_samples = [held[keep:]], held.size - keep
        self._first += keep
