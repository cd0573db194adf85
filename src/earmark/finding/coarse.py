"""Where to look: of very much audio, only the stretches whose coarse vectors speak for the sound.

Every frame of a day of audio is asked in a third of a second, and asking all of them misses nothing. Beyond that, the
stretches are ranked by their coarse vectors (one for ten seconds, two thousandths of the frames' bytes) and as many
of them are looked at as fit into the same time.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from earmark.engines.sound import SoundEngine, dequantise
from earmark.library import Catalogue, Hearing, read_track, track_path
from earmark.records import Recording

__all__ = ["EVERY_HOURS", "stretches"]

EVERY_HOURS = 24.0
"""Up to this much audio every frame is asked; of more, the best this much."""


def stretches(
    text: str, catalogue: Catalogue, heard: Sequence[tuple[Recording, Hearing]], engine: SoundEngine,
    hours: float = EVERY_HOURS,
) -> list[list[tuple[int, int]]]:  # fmt: skip
    """For each recording, the half-open ranges of frames worth asking, in order; those of all make about `hours`.

    A recording without coarse vectors (heard in part, or by an engine that makes none) is asked as a whole, and so is
    everything where all of it is no more than `hours`. A chosen stretch comes with its neighbours.

    Raises:
        QueryError: if the engine cannot read the text.
    """
    everything = [[(0, sys.maxsize)] for _ in heard]
    total = sum(hearing.position - recording.start_seconds for recording, hearing in heard)
    if total <= 3600 * hours or not engine.clip_frames:
        return everything
    scores = [_scores(text, catalogue, recording, hearing, engine) for recording, hearing in heard]
    known = [each for each in scores if each is not None]
    if not known:
        return everything
    ranked = np.concatenate(known)
    count = max(1, int(3600 * hours / (engine.clip_frames * engine.step_seconds)))
    if count >= len(ranked):
        return everything
    least = float(np.partition(ranked, len(ranked) - count)[len(ranked) - count])
    return [
        whole if each is None else _ranges(each >= least, engine.clip_frames)
        for whole, each in zip(everything, scores, strict=True)
    ]


def _scores(
    text: str, catalogue: Catalogue, recording: Recording, hearing: Hearing, engine: SoundEngine
) -> NDArray[np.float32] | None:
    """One for each coarse vector of a recording; None where there are none, or not for all of its frames."""
    if not hearing.complete:
        return None
    try:
        _, clips = read_track(track_path(catalogue.folder, recording.id, "clips", hearing.engine))
        _, frames = read_track(track_path(catalogue.folder, recording.id, "sounds", hearing.engine))
    except FileNotFoundError:
        return None
    if clips.shape[0] != -(-frames.shape[0] // engine.clip_frames):
        return None
    return engine.clip_scores(dequantise(np.asarray(clips).view(np.int8)), text)


def _ranges(chosen: NDArray[np.bool_], clip_frames: int) -> list[tuple[int, int]]:
    """Runs of chosen stretches, each widened by one on both sides, in frames."""
    wide = chosen.copy()
    wide[1:] |= chosen[:-1]
    wide[:-1] |= chosen[1:]
    turns = np.flatnonzero(np.diff(np.concatenate([[False], wide, [False]]).astype(np.int8)))
    return [(int(a) * clip_frames, int(b) * clip_frames) for a, b in zip(turns[::2], turns[1::2], strict=True)]
