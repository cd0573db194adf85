"""From a curve to moments: where a described sound begins and ends, and how sure one can be of it.

Short sounds are read from the raw curve, long ones from a smoothed one: the expected duration decides. A moment needs
strong evidence to open and weaker evidence to go on; its end is looked for apart from its start, since sounds start
abruptly and fade. Pauses shorter than the sound itself is long do not split it. Edges are set between frames, where
the curve crosses the threshold. Thresholds are relative to the moment's own peak, so that a faint but clear moment
gets edges as good as a loud one; how probable it is is a separate, calibrated question.

Source: two thresholds after Gelly & Gauvain, Interspeech 2015; edges at a share of the peak, as a peak's width is.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from earmark.timeline import ScoreCurve, Span

__all__ = ["LocateSettings", "evidence_of", "locate"]


@dataclass(frozen=True)
class LocateSettings:
    """How moments are cut out of a curve.

    The weights are fitted by ``bench/sound.py --calibrate`` for each model and stored with it; these are a start.
    """

    floor: float = 0.02
    """Moments less probable than this are not reported at all."""
    onset_drop: float = 0.15
    """A moment starts where the curve has risen to this share of its peak (in probability)."""
    offset_drop: float = 0.15
    """And ends where it has fallen to this share."""
    smooth_share: float = 0.15
    """Width of the smoothing as a share of the expected duration."""
    gap_share: float = 0.5
    """Pauses up to this share of the expected duration do not split a moment."""
    max_gap_seconds: float = 1.0
    """Nor do longer ones join two."""
    min_share: float = 0.1
    """Moments shorter than this share of the expected duration are not reported."""
    peak_weight: float = 0.5
    mean_weight: float = 0.6
    length_weight: float = 0.15
    offset: float = 1.2
    """Probability of a moment: sigmoid of weighted log-odds of its peak and mean, and log of its length in frames."""


def _odds(p: NDArray[np.float32]) -> NDArray[np.float64]:
    p = np.clip(p.astype(np.float64), 1e-6, 1 - 1e-6)
    return np.asarray(np.log(p / (1 - p)))


def _smooth(values: NDArray[np.float64], width: int) -> NDArray[np.float64]:
    """Centred mean over an odd number of frames; at the ends, over those there are."""
    if width <= 1:
        return values
    half = width // 2
    sums = np.concatenate([[0.0], np.cumsum(values)])
    index = np.arange(len(values))
    first, last = np.maximum(index - half, 0), np.minimum(index + half + 1, len(values))
    return np.asarray((sums[last] - sums[first]) / (last - first))


def _crossing(values: NDArray[np.float64], inside: int, outside: int, level: float) -> float:
    """Where between two neighbouring frame centres the curve passes `level`, in frames."""
    if not 0 <= outside < len(values):
        return inside + 0.5
    a, b = values[inside], values[outside]
    share = 0.5 if a <= b else float(np.clip((a - level) / (a - b), 0.0, 1.0))
    return inside + 0.5 + share * (outside - inside)


def locate(
    curve: ScoreCurve, expected_seconds: float = 2.0, settings: LocateSettings = LocateSettings()
) -> list[tuple[Span, float]]:
    """Moments on a curve of probabilities, the most probable first.

    Args:
        curve: from `SoundEngine.curve`; what is not finite counts as 0.
        expected_seconds: from `SoundEngine.expected_seconds`.

    Returns:
        Disjoint spans with a calibrated probability in [0, 1].
    """
    if curve.num_frames == 0:
        return []
    step, s = curve.step_seconds, settings
    odds, smooth = _read(curve, expected_seconds, s)  # (frames,)
    chance = 1.0 / (1.0 + np.exp(-smooth))  # (frames,)
    gap = min(s.gap_share * expected_seconds, s.max_gap_seconds) / step
    moments: list[tuple[Span, float]] = []
    free = np.ones(len(chance), dtype=bool)
    starts: list[float] = []  # of the moments so far, in frames
    ends: list[float] = []
    for peak in np.argsort(-chance):
        peak = int(peak)
        if not free[peak]:
            continue
        height = float(chance[peak])
        if height < s.floor:
            break
        first, start = _reach(chance, free, peak, -1, s.onset_drop * height, gap)
        last, end = _reach(chance, free, peak, +1, s.offset_drop * height, gap)
        free[first : last + 1] = False
        # An edge set between frames may reach into a neighbour that was there first.
        start = max([start, *[other for other in ends if other <= peak + 0.5]])
        end = min([end, *[other for other in starts if other >= peak + 0.5]])
        starts.append(start)
        ends.append(end)
        if (end - start) * step < s.min_share * expected_seconds and end - start < 3:
            continue
        span = Span(curve.start_seconds + start * step, curve.start_seconds + max(end, start) * step)
        features = _features(odds, smooth, first, last, step, expected_seconds)
        evidence = float(features @ (s.peak_weight, s.mean_weight, s.length_weight)) + s.offset
        probability = float(1.0 / (1.0 + np.exp(-np.clip(evidence, -30, 30))))
        if probability >= s.floor:
            moments.append((span, probability))
    return sorted(moments, key=lambda moment: -moment[1])


def _features(
    odds: NDArray[np.float64], smooth: NDArray[np.float64], first: int, last: int, step: float, expected: float
) -> NDArray[np.float64]:
    """What the probability of a moment is judged by: log-odds of its peak and mean, log of its relative length."""
    length = np.log((last - first + 1) * step / expected)
    return np.array([smooth[first : last + 1].max(), odds[first : last + 1].mean(), length])


def evidence_of(
    curve: ScoreCurve, span: Span, expected_seconds: float, settings: LocateSettings = LocateSettings()
) -> NDArray[np.float64]:
    """The three features of a moment, shape ``(3,)``, for whoever calibrates their weights."""
    odds, smooth = _read(curve, expected_seconds, settings)
    first, last = curve.frame_of(span.start), curve.frame_of(span.end - 1e-6)
    return _features(odds, smooth, first, max(first, last), curve.step_seconds, expected_seconds)


def _read(
    curve: ScoreCurve, expected_seconds: float, settings: LocateSettings
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Log-odds of the frames, and the same smoothed as the expected duration asks."""
    odds = _odds(np.nan_to_num(curve.values, nan=0.0, posinf=0.0, neginf=0.0))
    width = int(round(settings.smooth_share * expected_seconds / curve.step_seconds)) | 1
    return odds, _smooth(odds, width)


def _reach(
    chance: NDArray[np.float64], free: NDArray[np.bool_], peak: int, way: int, level: float, gap: float
) -> tuple[int, float]:
    """The last frame from `peak` in direction `way` that is above `level`, pauses up to `gap` frames bridged; and
    the edge beyond it, in frames from the start of the curve."""
    reached = at = peak
    while 0 <= at + way < len(chance) and free[at + way]:
        at += way
        if chance[at] >= level:
            reached = at
        elif abs(at - reached) > gap:
            break
    return reached, _crossing(chance, reached, reached + way, level)
