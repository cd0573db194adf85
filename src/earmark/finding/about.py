"""What recordings are about: the keywords the library keeps of each, and of each of its chunks of some minutes."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from itertools import groupby

from earmark.library import Catalogue
from earmark.records import Moment, Recording
from earmark.timeline import Span

__all__ = ["Topic", "topics", "with_topics"]


@dataclass(frozen=True, slots=True)
class Topic:
    """What a stretch is about.

    Attributes:
        chunk: counted from 1; 0 is all of the recording.
        span: from the first word to the last.
        keywords: each with its score in (0, 1], the most telling first.
    """

    recording: Recording
    chunk: int
    span: Span
    keywords: tuple[tuple[str, float], ...]


def topics(catalogue: Catalogue, recordings: Collection[str] | None = None, chunks: bool = False) -> list[Topic]:
    """One topic a recording in which anything was said, in the order of their paths; with `chunks`, one a chunk."""
    found = [topic for topic in _all(catalogue, recordings) if (topic.chunk > 0) == chunks]
    return sorted(found, key=lambda topic: (topic.recording.path, topic.chunk))


def with_topics(moments: Collection[Moment], catalogue: Catalogue, most: int = 5) -> list[Moment]:
    """The same moments; the evidence of each also lists, as ``about``, keywords of the chunk it lies in."""
    of: dict[str, list[Topic]] = {}
    for topic in topics(catalogue, {moment.recording.id for moment in moments}, chunks=True):
        of.setdefault(topic.recording.id, []).append(topic)
    return [replace(m, evidence={**m.evidence, "about": _about(m, of.get(m.recording.id, []), most)}) for m in moments]


def _about(moment: Moment, chunks: list[Topic], most: int) -> list[str]:
    """Keywords of the chunk a moment begins in, else of the last one before it."""
    before = [topic for topic in chunks if topic.span.start <= moment.span.start] or chunks[:1]
    return [text for text, _ in before[-1].keywords[:most]] if before else []


def _all(catalogue: Catalogue, recordings: Collection[str] | None) -> Iterator[Topic]:
    known = catalogue.keywords.to_pylist()
    wanted = known if recordings is None else [row for row in known if row["recording_id"] in recordings]
    rows = sorted(wanted, key=lambda row: (row["recording_id"], row["chunk"], -row["score"]))
    for (id_, chunk), same in groupby(rows, key=lambda row: (row["recording_id"], row["chunk"])):
        kept = list(same)
        if id_ in catalogue.recordings:
            span = Span(kept[0]["start"], kept[0]["end"])
            words = tuple((row["text"], row["score"]) for row in kept)
            yield Topic(catalogue.recordings[id_], chunk, span, words)
