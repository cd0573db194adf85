"""The one shape every format writes and reads: a labelled span."""

from __future__ import annotations

from dataclasses import dataclass

from earmark.records import Moment, Segment, Word
from earmark.timeline import Span

__all__ = ["Label", "label_of_moment", "label_of_segment"]


@dataclass(frozen=True, slots=True)
class Label:
    """What was said or heard in a span of a recording.

    Attributes:
        text: the words, or the description; may hold tabs and newlines.
        kind: its class: ``speech``, ``music``, ``noise``, ``said``, ``heard``; empty where there is none.
        recording: the path of the file it lies in; empty where it goes without saying.
        probability: in [0, 1]; None where nothing gave one.
        speaker: who says it, where that is known.
        words: the words of `text` with their times.
        language: the code of the words' language, ``en``, ``fa``.

    Raises:
        ValueError: if the probability lies outside of [0, 1].
    """

    span: Span
    text: str = ""
    kind: str = ""
    recording: str = ""
    probability: float | None = None
    speaker: str = ""
    words: tuple[Word, ...] = ()
    language: str = ""

    def __post_init__(self) -> None:
        if self.probability is not None and not 0.0 <= self.probability <= 1.0:
            raise ValueError(f"Label probability must lie in [0, 1], got {self.probability}")

    @property
    def title(self) -> str:
        """What a format with room for one string shows: the text, or the class where there is none."""
        return self.text or self.kind


def label_of_segment(segment: Segment, recording: str = "") -> Label:
    """A stretch of speech; its probability is the mean of its words'."""
    words = segment.words
    mean = sum(word.probability for word in words) / len(words) if words else None
    return Label(
        segment.span,
        segment.text,
        kind="said",
        recording=recording,
        probability=mean,
        words=words,
        language=segment.language,
    )


def label_of_moment(moment: Moment) -> Label:
    return Label(
        moment.span,
        moment.text,
        kind=moment.kind,
        recording=moment.recording.path,
        probability=moment.probability,
    )
