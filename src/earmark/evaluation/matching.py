"""Which estimate answers which reference event: intersections over union, collars, one-to-one matching.

Source: event matching with collars follows mir_eval.transcription (Raffel et al., ISMIR 2014) and
sed_eval (Mesaros, Heittola & Virtanen, Applied Sciences 2016).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from earmark.timeline import Span

__all__ = ["bounds", "iou_matrix", "match_count", "match_events"]


def bounds(spans: Sequence[Span]) -> NDArray[np.float64]:
    """Starts and ends, shape (n, 2)."""
    return np.array([(span.start, span.end) for span in spans], dtype=np.float64).reshape(-1, 2)


def iou_matrix(estimated: NDArray[np.float64], reference: NDArray[np.float64]) -> NDArray[np.float64]:
    """Intersection over union of every estimate (m, 2) with every reference (n, 2), shape (m, n)."""
    start = np.maximum(estimated[:, None, 0], reference[None, :, 0])
    end = np.minimum(estimated[:, None, 1], reference[None, :, 1])
    shared = np.maximum(end - start, 0.0)
    lengths = (estimated[:, 1] - estimated[:, 0])[:, None] + (reference[:, 1] - reference[:, 0])[None, :]
    union = lengths - shared
    iou: NDArray[np.float64] = np.zeros_like(shared)
    np.divide(shared, union, out=iou, where=union > 0)
    return iou


def match_count(possible: NDArray[np.bool_]) -> int:
    """How many one-to-one pairs fit at most, of a (m, n) matrix of pairs allowed.

    Source: augmenting paths, Kuhn 1955; what mir_eval does with Hopcroft-Karp.
    """
    owner = [-1] * possible.shape[1]
    wishes = [np.flatnonzero(row).tolist() for row in possible]

    def place(row: int, seen: set[int]) -> bool:
        for column in wishes[row]:
            if column not in seen:
                seen.add(column)
                if owner[column] < 0 or place(owner[column], seen):
                    owner[column] = row
                    return True
        return False

    return sum(place(row, set()) for row in range(len(wishes)))


def match_events(
    reference: NDArray[np.float64],
    estimated: NDArray[np.float64],
    collar_seconds: float = 0.2,
    collar_share: float = 0.2,
) -> int:
    """Events that are right: onset within the collar, offset within the collar or a share of the length.

    Args:
        reference, estimated: (n, 2) and (m, 2), seconds.
        collar_share: the offset may be off by this share of the reference's length where that is more.

    Returns:
        the number of one-to-one matches, as many as there can be. Differences are rounded to 0.1 ms, as
        mir_eval does, so that 0.2 s is within 0.2 s.
    """
    if len(reference) == 0 or len(estimated) == 0:
        return 0
    onsets = np.round(np.abs(estimated[:, None, 0] - reference[None, :, 0]), 4)
    offsets = np.round(np.abs(estimated[:, None, 1] - reference[None, :, 1]), 4)
    allowed = np.maximum(collar_seconds, collar_share * (reference[:, 1] - reference[:, 0]))
    return match_count((onsets <= collar_seconds) & (offsets <= allowed[None, :]))
