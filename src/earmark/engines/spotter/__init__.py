"""Spotting: words looked for in the sound itself, for those that no recogniser would write."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from earmark.timeline import Span, Waveform

__all__ = ["Hit", "Spotter"]


@dataclass(frozen=True, slots=True)
class Hit:
    """A place that sounds like a keyword.

    `score` is the natural log-likelihood ratio of the keyword to any other sounds, with a bonus for each phone;
    the higher the surer. Scores of one engine compare between keywords.
    """

    keyword: str
    span: Span
    score: float


class Spotter(Protocol):
    """Loaded once, shared by threads."""

    @property
    def name(self) -> str: ...

    @property
    def sample_rate(self) -> int: ...

    def pronunciations(self, word: str) -> list[str]:
        """How the engine's own dictionary says a word, as phones parted by spaces; none where it does not know it."""

    def spot(self, waveform: Waveform, keywords: Mapping[str, Sequence[str]]) -> list[Hit]:
        """Places that sound like one of the keywords, in order of time, those of one keyword disjoint.

        Args:
            waveform: mono, at most a minute or so.
            keywords: each with its pronunciations, phones parted by spaces (``"S AE L AA M"``).

        Raises:
            EngineError: if a pronunciation names a phone the engine does not know.
        """
