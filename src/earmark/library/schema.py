"""What the library's tables hold, column by column.

LanceDB tables and one folder of tracks:

    recordings   one row a recording: its newest path, its duration
    files        one row a path ever seen, with the size and time that make hashing it again needless
    hearings     one row a recording and job: which engine listened, with which settings, how far, what was odd
    passages     one row an utterance: its text, its words with times, the strings a search compares
    gists        one row a window of some twenty words: the vector of what it means
    keywords     one row a keyword: of a whole recording, or of a chunk of it
    chunks       one row a stretch of some ten seconds: the words of its keywords, and their vector
    tracks/      fixed-rate arrays (frame embeddings, activity), one append-only file each

`hearings.position` is the commit: rows and track frames at or past it belong to a run that was
interrupted, and are dropped when the recording is listened to again.

Gists, keywords and chunks are made from passages, and say from whose: `source` is the engine the words came from. They
count as long as that engine's passages do, and are made again otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from earmark.records import Segment, Word
from earmark.timeline import Span

if TYPE_CHECKING:
    import pyarrow as pa

FORMAT_VERSION = 1
"""Raised when an older earmark could not read what this one writes."""

TABLES = ("recordings", "files", "hearings", "passages", "gists", "keywords", "chunks")


@dataclass(frozen=True, slots=True)
class Hearing:
    """How far one job has listened to one recording.

    `position` is in seconds on the recording's clock; everything before it is stored for good.
    `settings` is the JSON text of what the job was set to; `note` what the user should know of it.
    """

    recording_id: str
    job: str
    engine: str
    settings: str
    position: float
    complete: bool
    note: str = ""


@dataclass(frozen=True, slots=True)
class Passage:
    """An utterance as stored: the segment, and the strings a search compares (made by `language`)."""

    recording_id: str
    segment: Segment
    keys: str
    stems: str
    phones: str


@dataclass(frozen=True, slots=True)
class Gist:
    """What a stretch of speech means: the vector of its words, one signed byte a dimension, as bytes."""

    span: Span
    vector: bytes


@dataclass(frozen=True, slots=True)
class StoredKeyword:
    """A keyword of the stretch `span`; `chunk` counts the chunks of a recording from 1, and 0 is all of it."""

    text: str
    score: float
    chunk: int
    span: Span


@dataclass(frozen=True, slots=True)
class Summary:
    """What was made of a recording's words: `source` is the engine they came from, `engine` the one for text.

    A recording in which nothing was said has neither gists nor keywords.
    """

    recording_id: str
    source: str
    engine: str
    gists: tuple[Gist, ...] = ()
    keywords: tuple[StoredKeyword, ...] = ()


@dataclass(frozen=True, slots=True)
class StoredChunk:
    """Some ten seconds of speech: the words of its keywords, each once, and their vector as bytes."""

    span: Span
    terms: str
    vector: bytes


@dataclass(frozen=True, slots=True)
class Chunked:
    """The chunks of a recording, made from the words of `source` with the text engine `engine`."""

    recording_id: str
    source: str
    engine: str
    chunks: tuple[StoredChunk, ...] = ()


def schemas() -> dict[str, pa.Schema]:
    """The Arrow schema of each table. Paths are bytes, as the system has them: not every name is text.

    pyarrow is imported here so that `--help` need not wait for it.
    """
    import pyarrow as pa

    return {
        "recordings": pa.schema(
            {
                "id": pa.string(),
                "path": pa.binary(),
                "duration_seconds": pa.float64(),
                "start_seconds": pa.float64(),
                "audio_stream": pa.int32(),
            }
        ),
        "files": pa.schema(
            {
                "path": pa.binary(),
                "size": pa.int64(),
                "mtime_ns": pa.int64(),
                "audio_stream": pa.int32(),
                "recording_id": pa.string(),
            }
        ),
        "hearings": pa.schema(
            {
                "recording_id": pa.string(),
                "job": pa.string(),
                "engine": pa.string(),
                "settings": pa.string(),
                "position": pa.float64(),
                "complete": pa.bool_(),
                "note": pa.string(),
            }
        ),
        "passages": pa.schema(
            {
                "recording_id": pa.string(),
                "start": pa.float64(),
                "end": pa.float64(),
                "text": pa.string(),
                "language": pa.string(),
                "engine": pa.string(),
                "keys": pa.string(),
                "stems": pa.string(),
                "phones": pa.string(),
                "word_texts": pa.list_(pa.string()),
                "word_starts": pa.list_(pa.float32()),
                "word_ends": pa.list_(pa.float32()),
                "word_probabilities": pa.list_(pa.float32()),
                "word_aligned": pa.list_(pa.bool_()),
            }
        ),
        "gists": pa.schema(
            {
                "recording_id": pa.string(),
                "source": pa.string(),
                "engine": pa.string(),
                "start": pa.float64(),
                "end": pa.float64(),
                "vector": pa.binary(),
            }
        ),
        "chunks": pa.schema(
            {
                "recording_id": pa.string(),
                "source": pa.string(),
                "engine": pa.string(),
                "start": pa.float64(),
                "end": pa.float64(),
                "terms": pa.string(),
                "vector": pa.binary(),
            }
        ),
        "keywords": pa.schema(
            {
                "recording_id": pa.string(),
                "source": pa.string(),
                "chunk": pa.int32(),
                "start": pa.float64(),
                "end": pa.float64(),
                "text": pa.string(),
                "score": pa.float64(),
            }
        ),
    }


def row_of(passage: Passage) -> dict[str, object]:
    """Word times are stored relative to the passage, where float32 keeps a ten-hour file exact to a microsecond."""
    segment = passage.segment
    start = segment.span.start
    return {
        "recording_id": passage.recording_id,
        "start": start,
        "end": segment.span.end,
        "text": segment.text,
        "language": segment.language,
        "engine": segment.engine,
        "keys": passage.keys,
        "stems": passage.stems,
        "phones": passage.phones,
        "word_texts": [word.text for word in segment.words],
        "word_starts": [word.span.start - start for word in segment.words],
        "word_ends": [word.span.end - start for word in segment.words],
        "word_probabilities": [word.probability for word in segment.words],
        "word_aligned": [word.aligned for word in segment.words],
    }


def segment_of(row: dict[str, Any]) -> Segment:
    """The inverse of `row_of`, for the segment's columns."""
    start = float(row["start"])
    columns = ("word_texts", "word_starts", "word_ends", "word_probabilities", "word_aligned")
    words = tuple(
        Word(text, Span(start + first, start + max(first, last)), probability, aligned)
        for text, first, last, probability, aligned in zip(
            *(row[column] for column in columns),
            strict=True,
        )
    )
    return Segment(
        Span(start, float(row["end"])),
        str(row["text"]),
        words,
        str(row["language"]),
        str(row["engine"]),
    )
