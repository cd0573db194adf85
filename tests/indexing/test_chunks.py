from __future__ import annotations

import numpy as np

from earmark.engines.text import TextEncoder
from earmark.indexing.chunks import chunks_of, load_reader, rows_of
from earmark.records import Segment
from earmark.timeline import Span


def said(start: float, end: float, text: str = "printing presses") -> Segment:
    return Segment(Span(start, end), text, language="en", engine="moonshine")


def test_utterances_are_joined_until_ten_seconds() -> None:
    rows = list(rows_of([said(0, 4), said(5, 9), said(9.5, 12), said(13, 15)]))
    assert [(span.start, span.end) for span, _ in rows] == [(0, 12), (13, 15)]


def test_no_chunk_reaches_over_a_long_silence_or_past_thirty_seconds() -> None:
    rows = list(rows_of([said(0, 4), said(20, 24), said(25, 53), said(54, 95)]))
    assert [(span.start, span.end) for span, _ in rows] == [(0, 4), (20, 24), (25, 53), (54, 95)]


def test_chunks_keep_words_and_their_vector() -> None:
    reader: TextEncoder = load_reader()
    (chunk,) = chunks_of([said(0, 11, "Printing presses stood in the old harbour.")], reader)
    assert {"printing", "presses", "harbour"} <= set(chunk.terms.split()) and "the" not in chunk.terms.split()
    vector = np.frombuffer(chunk.vector, np.int8).astype(np.float32)
    assert vector.shape == (reader.dim,)
    own = reader.embed([chunk.terms])[0]
    assert float(vector @ own) / float(np.linalg.norm(vector)) > 0.98


def test_nothing_said_has_no_chunk() -> None:
    assert list(chunks_of([], load_reader())) == []
    assert list(chunks_of([said(0, 11, "…")], load_reader())) == []
