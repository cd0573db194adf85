"""Where the sound is inside a clip: weak labels made strong by energy.

Clips of the collections hold one labelled sound somewhere, often followed by digital silence. Frames far below the
clip's own peak, and no louder than its floor, are not the sound.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from earmark.timeline import ScoreCurve, Span, drop_short, merge_spans, spans_above

__all__ = ["TrimSettings", "loud_spans"]


@dataclass(frozen=True)
class TrimSettings:
    """How energy becomes time."""

    below_peak_db: float = 32.0
    """Quieter than the loudest frames by more than this is not the sound."""
    above_floor: float = 0.25
    """Nor is what lies in the lowest quarter between the clip's floor and its peak."""
    steady_db: float = 12.0
    """A clip whose floor is this near its peak is the sound from end to end."""
    max_gap_seconds: float = 1.0
    """Shorter pauses belong to the sound: the gap between two barks, two ticks of a clock."""
    min_seconds: float = 0.06
    """Shorter bursts are clicks of the cut."""


def loud_spans(energy: NDArray[np.float32], step_seconds: float, settings: TrimSettings = TrimSettings()) -> list[Span]:
    """The spans in which the clip's sound is heard.

    Args:
        energy: power per frame, shape ``(frames,)``, not negative.

    Returns:
        Sorted, disjoint spans; none for a clip that is silent throughout.
    """
    if len(energy) == 0:
        return []
    level = 10.0 * np.log10(np.asarray(energy, dtype=np.float64) + 1e-9)
    peak, floor = float(np.percentile(level, 98)), float(np.percentile(level, 5))
    peak = max(peak, float(level.max()) - 6.0)
    if peak < -75.0:
        return []
    if peak - floor < settings.steady_db:
        return [Span(0.0, len(energy) * step_seconds)]
    floor = max(floor, -85.0)
    threshold = max(peak - settings.below_peak_db, floor + settings.above_floor * (peak - floor))
    curve = ScoreCurve(level.astype(np.float32), step_seconds)
    spans = spans_above(curve, threshold, threshold)
    return drop_short(merge_spans(spans, settings.max_gap_seconds), settings.min_seconds)
