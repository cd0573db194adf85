"""Speech activity: how likely each moment is speech, and the utterances that follow from it.

An activity engine listens to a stream of mono samples and answers with a curve; `Cutter` turns the
curve into utterances. Both keep only what they still need, so ten hours cost no more memory than one.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from earmark.timeline import ScoreCurve

__all__ = ["ActivityEngine", "ActivityStream"]


class ActivityStream(Protocol):
    """One pass over one recording. Used by one thread; streams of one engine may run in many."""

    def feed(self, samples: NDArray[np.float32]) -> ScoreCurve:
        """The scores of every frame that `samples`, shape ``(n,)``, completed; empty where none was.

        Curves of one stream follow each other without gap or overlap.
        """

    def flush(self) -> ScoreCurve:
        """The score of the last, unfilled frame, if there is one; the stream begins anew after it."""


class ActivityEngine(Protocol):
    """Says how likely each moment is speech. Loaded once, shared by threads."""

    @property
    def name(self) -> str: ...

    @property
    def sample_rate(self) -> int: ...

    @property
    def step_seconds(self) -> float: ...

    def stream(self, start_seconds: float = 0.0) -> ActivityStream:
        """A fresh pass whose first sample lies at `start_seconds`."""
