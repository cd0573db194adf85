"""Where something was said in other words: vectors of what was said against the vector of the question.

Every window of some twenty words has a vector in the library (`indexing/gist.py`), mapped, not read; all of them are
compared: 100,000 take some tens of milliseconds. How near two texts are says how probable it is that one is about the
other, by a logistic fitted on the answers of `bench/meaning.py`: seldom more than even chances, so that such places
come after words that were said, and are mostly shown as the nearest where nothing is certain.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from earmark.engines import registry
from earmark.engines.text import TextEncoder, similarities
from earmark.library import Catalogue
from earmark.records import Moment, Word
from earmark.settings import FindSettings
from earmark.timeline import Span

__all__ = ["find_meant", "load_reader", "probability", "words_in"]

LEAST_KNOWN = 0.6
"""A text of which the reader knows less is not asked: another language, or names it cannot spell."""
MOST_MOMENTS = 20
LEAST_PROBABILITY = 0.02
"""Less probable places are not even near: of their like, one in a hundred was right."""
BIAS, PER_COSINE = -7.4, 19.0
"""Fitted on 50 questions, 20 of them about nothing in there, in two libraries of 118 windows: 14 of 28 places of a
cosine of 0.35 or more were right, 23 of 145 between 0.25 and 0.35."""
SMALL_LIBRARY, PER_DOUBLING = 118, 0.5
"""In a larger library more is near by chance: of the nearest places to those 20 questions among 22,000 windows of read
books, judged by hand, those above 0.59 were mostly about them, those below mostly not, so even chances lie there."""


@cache
def load_reader() -> tuple[TextEncoder, str]:
    """The text engine, and the name its vectors are stored under."""
    name = registry.names("text")[0]
    reader: TextEncoder = registry.load("text", name)
    return reader, registry.stored_name("text", name)


def find_meant(
    text: str, catalogue: Catalogue, recordings: Collection[str] | None, settings: FindSettings
) -> list[Moment]:
    """Places about the same, most probable first, none overlapping a better one by half.

    At most `MOST_MOMENTS`, or as many as are asked for, and none below `LEAST_PROBABILITY`. The span is that of the
    window: some twenty words. Nothing for a text the reader cannot read.
    """
    if not catalogue.gists.num_rows:
        return []
    reader, engine = load_reader()
    if reader.known_share(text) < LEAST_KNOWN:
        return []
    rows, vectors = _vectors(catalogue, engine, reader.dim)
    if not rows.size:
        return []
    cosines = similarities(vectors, reader.embed([text])[0])
    if recordings is not None:
        ids = catalogue.gists["recording_id"].to_pylist()
        inside = np.array([ids[row] in recordings for row in rows], bool)
        rows, cosines = rows[inside], cosines[inside]
        if not rows.size:
            return []
    most = max(MOST_MOMENTS, settings.limit)
    least = min(LEAST_PROBABILITY, settings.min_probability)
    count = min(4 * most, cosines.size)
    chosen = np.argpartition(-cosines, count - 1)[:count]
    chosen = chosen[np.lexsort((chosen, -cosines[chosen]))]
    moments: list[Moment] = []
    for at in chosen.tolist():
        cosine = float(cosines[at])
        if len(moments) == most or probability(cosine, rows.size) < least or cosine <= 0.0:
            break
        moment = _moment(catalogue, int(rows[at]), cosine, rows.size, engine)
        if moment is not None and not any(_same_place(moment, better) for better in moments):
            moments.append(moment)
    return moments


def probability(cosine: float, windows: int = SMALL_LIBRARY) -> float:
    """How probable it is that a passage so near to a question is about it, in (0, 1).

    Args:
        windows: how many were compared.
    """
    logit = BIAS + PER_COSINE * cosine - PER_DOUBLING * math.log2(max(1.0, windows / SMALL_LIBRARY))
    return 1.0 / (1.0 + math.exp(-logit))


def _vectors(catalogue: Catalogue, engine: str, dim: int) -> tuple[NDArray[np.int64], NDArray[np.int8]]:
    """Rows of the gists this engine made, and their vectors ``(rows, dim)`` as they lie in the mapped file.

    Read from the buffers: pyarrow's own comparisons import pandas where there is one, which takes a third of a second.
    """
    parts, rows, first = [np.zeros((0, dim), np.int8)], [np.zeros(0, np.int64)], 0
    columns = (catalogue.gists["vector"].chunks, catalogue.gists["engine"].chunks)
    for vectors, engines in zip(*columns, strict=True):
        begins, data = _binary(vectors)
        own = _binary(engines)[1].tobytes() == engine.encode() * len(engines)  # all of one engine: the usual case
        made = np.full(len(engines), own) if own else np.array([name == engine for name in engines.to_pylist()], bool)
        usable = made & (np.diff(begins) == dim)
        if usable.all():
            parts.append(data.reshape(-1, dim))
        else:
            places = begins[:-1][usable, None] + np.arange(dim)
            parts.append(data[places])
        rows.append(first + np.flatnonzero(usable))
        first += len(vectors)
    return np.concatenate(rows), parts[1] if len(parts) == 2 else np.concatenate(parts)


def _binary(chunk: Any) -> tuple[NDArray[np.int64], NDArray[np.int8]]:
    """Where each value of a chunk of bytes begins (and the last ends), and all their bytes, not copied."""
    if not len(chunk):
        return np.zeros(1, np.int64), np.zeros(0, np.int8)
    _, offsets, data = chunk.buffers()
    begins = np.frombuffer(offsets, np.int32)[chunk.offset : chunk.offset + len(chunk) + 1].astype(np.int64)
    held = np.zeros(0, np.int8) if data is None else np.frombuffer(data, np.int8)
    return begins - begins[0], held[begins[0] : begins[-1]]


def _moment(catalogue: Catalogue, row: int, cosine: float, windows: int, engine: str) -> Moment | None:
    gist = catalogue.gists.slice(row, 1).to_pylist()[0]
    recording = catalogue.recordings.get(gist["recording_id"])
    if recording is None:
        return None
    span = Span(gist["start"], gist["end"])
    text = " ".join(word.text for word in words_in(catalogue, recording.id, span))
    evidence = {"way": "meaning", "similarity": round(cosine, 3), "engine": engine}
    return Moment(recording, span, probability(cosine, windows), "said", text, None, evidence)


def words_in(catalogue: Catalogue, recording_id: str, span: Span) -> list[Word]:
    """The words said in `span`; passages lie in order of recording and time."""
    import bisect

    ids, starts = catalogue.column("recording_id"), catalogue.column("start")
    first, last = bisect.bisect_left(ids, recording_id), bisect.bisect_right(ids, recording_id)
    at = max(first, bisect.bisect_right(starts, span.start, first, last) - 1)
    words: list[Word] = []
    while at < last and starts[at] < span.end:
        segment = catalogue.segment(at)
        words += segment.words or (Word(segment.text, segment.span),)
        at += 1
    return [word for word in words if span.start - 1e-3 <= word.span.start < span.end]


def _same_place(moment: Moment, better: Moment) -> bool:
    shared = moment.span.overlap(better.span)
    return moment.recording.id == better.recording.id and shared >= 0.4 * moment.span.duration
