"""What was said, in chunks of some ten seconds: the words of their keywords, and the vector of these.

Made from the words once they are complete, as gists are, and ranked by `finding/cascade.py`. A chunk is a row of
utterances, never a part of one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cache

from earmark import language
from earmark.engines import registry
from earmark.engines.text import TextEncoder, pack
from earmark.library import Chunked, Library, StoredChunk
from earmark.progress import Progress, ignore
from earmark.records import Segment
from earmark.settings import ChunkSettings
from earmark.timeline import Span

__all__ = ["chunks_of", "divide", "rows_of"]

READER = "terms"
BREAK_SECONDS = 8.0
"""A chunk does not reach over a longer silence."""
BATCH = 64
"""Recordings stored at once."""


@cache
def load_reader() -> TextEncoder:
    reader: TextEncoder = registry.load("text", READER)
    return reader


def divide(library: Library, on_progress: Progress = ignore) -> int:
    """Makes the chunks of every recording whose words are complete and that has none yet.

    Returns:
        How many recordings they were made of.
    """
    engine = registry.stored_name("text", READER)
    todo = dict(library.unchunked(engine))
    batch: list[Chunked] = []
    for number, (recording_id, segments) in enumerate(library.segments(todo) if todo else (), 1):
        batch.append(Chunked(recording_id, todo[recording_id], engine, tuple(chunks_of(segments, load_reader()))))
        if len(batch) == BATCH or number == len(todo):
            library.keep_chunks(batch)
            batch = []
        on_progress("chunks", number, len(todo))
    return len(todo)


def chunks_of(segments: Sequence[Segment], reader: TextEncoder) -> Iterator[StoredChunk]:
    """Every chunk of a recording that has a word to tell it by."""
    spoken = Counter(segment.language for segment in segments).most_common(1)[0][0] if segments else ""
    parts = [(span, " ".join(language.terms(text, spoken or None))) for span, text in rows_of(segments)]
    vectors = pack(reader.embed([terms for _, terms in parts]))
    for (span, terms), vector in zip(parts, vectors, strict=True):
        if terms:
            yield StoredChunk(span, terms, vector.tobytes())


def rows_of(segments: Sequence[Segment], settings: ChunkSettings | None = None) -> Iterator[tuple[Span, str]]:
    """Utterances after each other until they last long enough, with their text."""
    settings = ChunkSettings() if settings is None else settings
    row: list[Segment] = []
    for segment in segments:
        if row:
            first, last = row[0].span.start, max(one.span.end for one in row)
            too_long = segment.span.end - first > settings.greatest_seconds
            if last - first >= settings.least_seconds or too_long or segment.span.start - last > BREAK_SECONDS:
                yield _row(row)
                row = []
        row.append(segment)
    if row:
        yield _row(row)


def _row(row: Sequence[Segment]) -> tuple[Span, str]:
    span = Span(row[0].span.start, max(segment.span.end for segment in row))
    return span, "\n".join(segment.text for segment in row)
