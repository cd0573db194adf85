"""A recording cut into chunks for a data set: at its silences, or on a regular grid.

What counts as silence is relative to the recording itself: its noise floor is the level its quietest frames
have, and a pause is where the level stays near it. A fixed threshold would call a quiet recording one long
silence, and a noisy one all sound.

`chunks_at_silence` joins what lies between pauses until a chunk has its least length, and never beyond the
greatest. Where a long stretch has no pause it is cut at its quietest place, preferably where nobody speaks.
Chunks are disjoint and in order; every frame that sounds, and all speech, lies in exactly one of them.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from earmark.engines.activity.level import SILENCE_DB
from earmark.settings import ChunkSettings
from earmark.timeline import ScoreCurve, Span

__all__ = ["chunks_at_silence", "fixed_windows", "noise_floor", "pause_level"]

INAUDIBLE_DB = -85.0
"""Frames below this are digital silence, dither at most: they say nothing about the noise of a recording."""
FLOOR_PERCENTILE, PEAK_PERCENTILE = 5.0, 95.0
PAUSE_SHARE = 0.3
"""A pause lies below this share of the way from the noise floor to the loud frames, in dB …"""
PAUSE_LEAST_DB, PAUSE_MOST_DB = 3.0, 15.0
"""… but at least and at most so many dB above the floor …"""
PEAK_MARGIN_DB = 6.0
"""… and so many below the loud frames: a recording with hardly a pause has its "floor" among its sounds."""
QUIET_SECONDS = 0.1
"""Places to cut at are compared by their mean level over this long."""
SPEECH_PENALTY_DB = 60.0
"""A cut in speech is as bad as one in a place that much louder."""


def noise_floor(levels: ScoreCurve) -> float:
    """The level of the recording's own quietest frames in dBFS; `SILENCE_DB` where nothing is audible."""
    audible = levels.values[levels.values > INAUDIBLE_DB]
    return float(np.percentile(audible, FLOOR_PERCENTILE)) if audible.size else SILENCE_DB


def pause_level(levels: ScoreCurve) -> float:
    """The level in dBFS below which a frame belongs to a pause, for this recording."""
    audible = levels.values[levels.values > INAUDIBLE_DB]
    if not audible.size:
        return INAUDIBLE_DB
    floor, peak = np.percentile(audible, [FLOOR_PERCENTILE, PEAK_PERCENTILE])
    above_floor = floor + np.clip(PAUSE_SHARE * (peak - floor), PAUSE_LEAST_DB, PAUSE_MOST_DB)
    return float(min(above_floor, peak - PEAK_MARGIN_DB))


def chunks_at_silence(
    levels: ScoreCurve, speech: Sequence[Span] = (), settings: ChunkSettings | None = None
) -> list[Span]:
    """Cuts a recording at its pauses.

    Args:
        levels: dBFS of the whole recording, from `LevelMeter`.
        speech: where somebody speaks, sorted and disjoint; never counted as a pause, however quiet.

    Returns:
        Disjoint spans, in order. Each has `least_seconds` to `greatest_seconds`, but the last, which has what
        was left. Pauses at either end of a chunk are cut down to `pad_seconds`, unless it needs them to reach
        its least length. None where nothing sounds.

    Raises:
        ValueError: if the settings contradict each other.
    """
    settings = ChunkSettings() if settings is None else settings
    if not 0 < settings.least_seconds <= settings.greatest_seconds:
        raise ValueError(
            f"chunks need 0 < least <= greatest, got {settings.least_seconds} and {settings.greatest_seconds} s"
        )
    step = levels.step_seconds
    least = max(1, int(np.ceil(settings.least_seconds / step - 1e-9)))
    greatest = max(least, int(settings.greatest_seconds / step + 1e-9))
    if least * step > settings.greatest_seconds + 1e-9:
        raise ValueError(f"chunks need a greatest length of at least a frame ({step} s) over the least")
    spoken = _covered(speech, levels)
    sounding = spoken | (levels.values >= pause_level(levels))
    runs = _runs(sounding, round(settings.min_pause_seconds / step))
    cost = _cost(levels, spoken)
    return [
        Span(levels.time_of(first), levels.time_of(last))
        for first, last in _cut(runs, cost, least, greatest, round(settings.pad_seconds / step))
    ]


def fixed_windows(within: Span, window_seconds: float, hop_seconds: float) -> list[Span]:
    """Windows of one length, each `hop_seconds` after the one before; the last, partial one is kept.

    Windows stop once one has reached the end, so none lies wholly inside the one before.

    Raises:
        ValueError: if a length is not positive, or the hop leaves gaps between the windows.
    """
    if not 0 < hop_seconds <= window_seconds:
        raise ValueError(f"windows need 0 < hop <= window, got {hop_seconds} and {window_seconds} s")
    windows: list[Span] = []
    while within.duration > 0 and (not windows or windows[-1].end < within.end - 1e-9):
        start = within.start + len(windows) * hop_seconds
        windows.append(Span(start, min(start + window_seconds, within.end)))
    return windows


def _covered(speech: Sequence[Span], levels: ScoreCurve) -> NDArray[np.bool_]:
    """The frames any part of which is speech, shape ``(frames,)``."""
    covered = np.zeros(levels.num_frames, dtype=np.bool_)
    for span in speech:
        first = int(np.floor((span.start - levels.start_seconds) / levels.step_seconds + 1e-6))
        last = int(np.ceil((span.end - levels.start_seconds) / levels.step_seconds - 1e-6))
        covered[max(0, first) : max(0, last)] = True
    return covered


def _runs(sounding: NDArray[np.bool_], min_pause: int) -> list[tuple[int, int]]:
    """Frames ``[first, last)`` of each stretch of sound; shorter silences do not part two of them."""
    edges = np.diff(sounding.astype(np.int8), prepend=0, append=0)
    runs: list[tuple[int, int]] = []
    for first, last in zip(np.flatnonzero(edges == 1), np.flatnonzero(edges == -1), strict=True):
        if runs and first - runs[-1][1] < max(1, min_pause):
            runs[-1] = (runs[-1][0], int(last))
        else:
            runs.append((int(first), int(last)))
    return runs


def _cost(levels: ScoreCurve, spoken: NDArray[np.bool_]) -> NDArray[np.float64]:
    """How bad a cut before each frame would be: the level around it, in dB, and much more in speech."""
    width = max(1, round(QUIET_SECONDS / levels.step_seconds))
    cost = levels.values.astype(np.float64) + SPEECH_PENALTY_DB * spoken
    padded = np.pad(cost, (width - width // 2, width // 2), mode="edge") if cost.size else np.zeros(width + 1)
    sums = np.concatenate([[0.0], np.cumsum(padded)])
    return np.asarray((sums[width:] - sums[:-width]) / width)  # (frames + 1,)


def _cut(
    runs: list[tuple[int, int]], cost: NDArray[np.float64], least: int, greatest: int, pad: int
) -> list[tuple[int, int]]:
    """Chunks as frames ``[first, last)``; `runs` are the stretches of sound."""
    total = cost.size - 1
    chunks: list[tuple[int, int]] = []
    taken = 0  # every frame before it is dealt with
    index = 0
    while index < len(runs):
        sound = max(runs[index][0], taken)
        # before a stretch, half the pause at most: the other half is the chunk before's
        begin = max(taken, sound - pad)
        last = index
        while runs[last][1] - begin < least and last + 1 < len(runs) and runs[last + 1][0] - begin < greatest:
            last += 1
        end = runs[last][1]
        following = runs[last + 1][0] if last + 1 < len(runs) else total
        if end - begin > greatest:  # no pause in time: the quietest place between least and greatest
            place = begin + least + int(np.argmin(cost[begin + least : begin + greatest + 1]))
            chunks.append((begin, place))
            taken = place
            while index < len(runs) and runs[index][1] <= taken:
                index += 1
            continue
        room = (following - end) // 2 if last + 1 < len(runs) else following - end
        stop = min(end + min(pad, room), begin + greatest)
        if last + 1 < len(runs) and stop - begin < least:
            stop = min(begin + least, following)
        chunks.append((begin, stop))
        taken, index = stop, last + 1
    return chunks
