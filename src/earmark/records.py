"""The words everyone in the house uses: recording, word, segment, moment.

All are frozen and checked once, when made. None of them knows how it is stored or printed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from earmark.timeline import Span

__all__ = ["Kind", "Moment", "Recording", "Segment", "Word"]

Kind = Literal["said", "heard"]


@dataclass(frozen=True, slots=True)
class Recording:
    """One media file.

    `id` is a hash of the file's content and the audio stream, so that a file that moved is the same
    recording and a file that changed is another one. Times of everything heard in it lie in
    ``[start_seconds, start_seconds + duration_seconds)``, on the clock a player shows.
    """

    id: str
    path: str
    duration_seconds: float
    start_seconds: float = 0.0
    audio_stream: int = 0

    def __post_init__(self) -> None:
        if self.duration_seconds < 0:
            raise ValueError(f"Recording duration_seconds must not be negative, got {self.duration_seconds}")

    @property
    def span(self) -> Span:
        return Span(self.start_seconds, self.start_seconds + self.duration_seconds)


@dataclass(frozen=True, slots=True)
class Word:
    """One word as written, with its time.

    `probability` in [0, 1] says how sure the recogniser is of it. `aligned` is False where no aligner
    could place the word and its time was interpolated between its neighbours.
    """

    text: str
    span: Span
    probability: float = 1.0
    aligned: bool = True


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of speech as one engine heard it: what becomes a caption, a passage, a row of the library."""

    span: Span
    text: str
    words: tuple[Word, ...] = ()
    language: str = ""
    engine: str = ""

    def __post_init__(self) -> None:
        if any(a.span.start > b.span.start for a, b in zip(self.words, self.words[1:], strict=False)):
            raise ValueError(f"Segment words must be in the order of their onsets: {self.text!r}")


@dataclass(frozen=True, slots=True)
class Moment:
    """An answer that can be played as it stands.

    Attributes:
        span: the words that matched, or the sound itself; context is the caller's to add.
        probability: in [0, 1], calibrated: of moments given 0.8, eight in ten are right.
        kind: ``said`` for words, ``heard`` for sounds.
        text: the text around a said moment; the query for a heard one.
        match: where in `text` the match lies, as ``(first, last)`` character offsets; None when all of it is.
        evidence: what speaks for it, by name: how the words matched, the peak of the curve.
    """

    recording: Recording
    span: Span
    probability: float
    kind: Kind
    text: str
    match: tuple[int, int] | None = None
    evidence: Mapping[str, object] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not 0.0 <= self.probability <= 1.0:
            raise ValueError(f"Moment probability must lie in [0, 1], got {self.probability}")
