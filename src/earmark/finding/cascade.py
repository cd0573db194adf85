"""Chunks ranked by their keywords: recogniser, keywords, text vectors, cosine.

Every ten seconds or so of speech have a vector of the words they are told by (`indexing/chunks.py`); the question is
brought to the same words, and all are compared. It asks what is talked about, where `said` asks for these words.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from earmark import language
from earmark.engines import registry
from earmark.engines.text import TextEncoder, similarities
from earmark.errors import LibraryError
from earmark.library import Catalogue
from earmark.records import Recording
from earmark.timeline import Span

__all__ = ["Scored", "cascade_scores", "load_terms"]


@dataclass(frozen=True, slots=True)
class Scored:
    """A stretch of a recording and how near it is to the question.

    Attributes:
        text: the words of its keywords; empty where no recogniser heard it.
        cascade, contrastive: cosines; None where that system has nothing to go by.
    """

    recording: Recording
    span: Span
    text: str = ""
    cascade: float | None = None
    contrastive: float | None = None


@cache
def load_terms() -> tuple[TextEncoder, str]:
    """The encoder of keywords, and the name its vectors are stored under."""
    reader: TextEncoder = registry.load("text", "terms")
    return reader, registry.stored_name("text", "terms")


def cascade_scores(
    text: str, catalogue: Catalogue, recordings: Collection[str] | None, spoken: str | None = None
) -> list[Scored]:
    """Every chunk with its cosine, in the order of the library; none where nothing was said.

    Raises:
        LibraryError: if words were heard, but by an earmark that kept no chunks.
    """
    reader, engine = load_terms()
    rows = [
        row
        for row in catalogue.chunks.to_pylist()
        if row["engine"] == engine
        and row["recording_id"] in catalogue.recordings
        and (recordings is None or row["recording_id"] in recordings)
    ]
    if not rows and _was_said(catalogue, recordings):
        raise LibraryError(
            catalogue.folder,
            expected="chunks with keywords",
            found="none: an older earmark indexed it",
            hint="Run: earmark index PATH… (nothing is listened to again)",
        )
    rows = [row for row in rows if len(row["vector"]) == reader.dim]
    asked = reader.embed([" ".join(language.terms(text, spoken))])[0]
    cosines = similarities(_stacked(rows, reader.dim), asked)
    return [
        Scored(catalogue.recordings[row["recording_id"]], Span(row["start"], row["end"]), row["terms"], float(cosine))
        for row, cosine in zip(rows, cosines, strict=True)
    ]


def _was_said(catalogue: Catalogue, recordings: Collection[str] | None) -> bool:
    ids = catalogue.column("recording_id")
    return bool(ids) if recordings is None else any(id_ in recordings for id_ in ids)


def _stacked(rows: list[dict[str, Any]], dim: int) -> NDArray[np.int8]:
    return np.frombuffer(b"".join(row["vector"] for row in rows), np.int8).reshape(len(rows), dim)
