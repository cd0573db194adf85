"""Word times: where in the audio each word of a known text was said, and whether it was said at all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from earmark.records import Word
from earmark.timeline import Waveform

__all__ = ["Aligner", "Alignment"]


@dataclass(frozen=True, slots=True)
class Alignment:
    """The words of one utterance with their times.

    Attributes:
        words: as many as were given, in their order; ``aligned`` is False where a time was interpolated.
        score: mean natural log-likelihood of the aligned frames, relative to the best that any sound of the
            acoustic model gives the same frames: 0.0 fits perfectly, about -1 is common in clear speech,
            and text that was not spoken lies below. None where nothing could be aligned.
        frames: how many frames of 10 ms the score is a mean of.
    """

    words: tuple[Word, ...]
    score: float | None
    frames: int = 0


class Aligner(Protocol):
    """Loaded once, shared by threads."""

    @property
    def name(self) -> str: ...

    @property
    def languages(self) -> frozenset[str]:
        """ISO 639-1 codes."""

    @property
    def sample_rate(self) -> int: ...

    def align(
        self, waveform: Waveform, words: Sequence[str], probabilities: Sequence[float] | None = None
    ) -> Alignment:
        """Times on the clock of the media file for `words`, as a recogniser wrote them.

        Args:
            probabilities: of the words, passed on into the result; 1.0 each when not given.
        """
