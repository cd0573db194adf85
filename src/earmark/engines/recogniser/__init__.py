"""Recognisers: speech in, words out. One utterance, cut at pauses by the caller, at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from earmark.timeline import Span, Waveform

__all__ = ["HeardWord", "Recogniser", "Transcript"]


@dataclass(frozen=True, slots=True)
class HeardWord:
    """A word as written, punctuation included, with the recogniser's own certainty of it.

    `span` is its time on the clock of the media file, where the recogniser gives one.
    """

    text: str
    probability: float
    span: Span | None = None


@dataclass(frozen=True, slots=True)
class Transcript:
    """What a recogniser made of one utterance. Whether it was really spoken is not said yet.

    Attributes:
        text: the words, joined by single spaces; empty where nothing was heard.
        words: as many as `text` has, in order.
        language: ISO 639-1 code.
        mean_logprob: mean natural log-probability of the tokens, the end included; 0.0 for an empty text.
        num_tokens: how many tokens the text took.
        no_speech_probability: in [0, 1], where the recogniser gives one.
    """

    text: str
    words: tuple[HeardWord, ...]
    language: str
    mean_logprob: float
    num_tokens: int
    no_speech_probability: float | None = None


class Recogniser(Protocol):
    """Loaded once, shared by threads."""

    @property
    def name(self) -> str: ...

    @property
    def languages(self) -> frozenset[str] | None:
        """ISO 639-1 codes; None when it finds out by itself."""

    @property
    def sample_rate(self) -> int: ...

    @property
    def gives_word_times(self) -> bool: ...

    @property
    def max_seconds(self) -> float:
        """The longest utterance it takes."""

    def transcribe(self, waveforms: Sequence[Waveform], language: str | None = None) -> list[Transcript]:
        """One transcript an utterance, in their order; each is the same whatever its neighbours are.

        Raises:
            EngineError: if it does not know `language`.
            ValueError: if a waveform has another sample rate, or is longer than `max_seconds`.
        """
