"""Where words were said: matches in the passages of the library, each with the times of the words that matched."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace

from earmark import language
from earmark.language import Match
from earmark.library import Catalogue
from earmark.records import Moment, Segment
from earmark.settings import FindSettings
from earmark.timeline import Span

__all__ = ["find_said"]

MOST_MATCHES = 200
"""So many places are given times and a final probability; a word said more often than that is not missed for it."""
BRIDGE_SECONDS = 3.0
"""A phrase may run over a pause between two passages, if the pause is no longer than this."""


@dataclass(frozen=True)
class _Lines:
    """What is searched: passages, or bridges between two of them; `rows` says which passages each line is of."""

    rows: Sequence[tuple[int, ...]]
    keys: Sequence[str]
    stems: Sequence[str]
    phones: Sequence[str]


def find_said(
    text: str, catalogue: Catalogue, recordings: Collection[str] | None, settings: FindSettings
) -> list[Moment]:
    """Every place where the words were said, exactly or nearly; unsorted."""
    query = language.spoken_query(text, settings.language)
    if not query.tokens or not catalogue.passages.num_rows:
        return []
    passages = _passages(catalogue, recordings)
    if not passages.rows:
        return []
    most = max(MOST_MATCHES, 10 * settings.limit)
    found: list[tuple[tuple[int, ...], Match]] = [
        (passages.rows[line], match)
        for line, match in language.search_passages(query, passages.keys, passages.stems, passages.phones, most)
    ]
    if len(query.tokens) > 1:
        reach = len(query.tokens) + 1
        bridges, tails = _bridges(catalogue, passages, reach)
        for line, match in language.search_passages(query, bridges.keys, bridges.stems, bridges.phones, most):
            if match.first_token < tails[line] <= match.last_token:  # it does cross
                found.append((bridges.rows[line], _rebased(match, passages, bridges.rows[line], tails[line])))
    # A first look without the recogniser's certainty, which can raise a match a few places but not out of nowhere.
    found.sort(key=lambda item: -language.probability(item[1]))
    return [_moment(catalogue, rows, match) for rows, match in found[:most]]


def _passages(catalogue: Catalogue, recordings: Collection[str] | None) -> _Lines:
    ids = catalogue.column("recording_id")
    rows = range(len(ids)) if recordings is None else [row for row, id_ in enumerate(ids) if id_ in recordings]
    columns = {name: catalogue.column(name) for name in ("keys", "stems", "phones")}
    if recordings is not None:
        columns = {name: [values[row] for row in rows] for name, values in columns.items()}
    return _Lines([(row,) for row in rows], columns["keys"], columns["stems"], columns["phones"])


def _bridges(catalogue: Catalogue, passages: _Lines, reach: int) -> tuple[_Lines, list[int]]:
    """The last and first `reach` tokens around every short pause, and how many of them lie before it."""
    ids, starts, ends = (catalogue.column(name) for name in ("recording_id", "start", "end"))
    rows: list[tuple[int, ...]] = []
    tails: list[int] = []
    lines: tuple[list[str], list[str], list[str]] = ([], [], [])
    columns = (passages.keys, passages.stems, passages.phones)
    for line in range(len(passages.rows) - 1):
        (left,), (right,) = passages.rows[line], passages.rows[line + 1]
        if right != left + 1 or ids[left] != ids[right] or starts[right] - ends[left] > BRIDGE_SECONDS:
            continue
        if not passages.keys[line] or not passages.keys[line + 1]:
            continue
        rows.append((left, right))
        for column, joined in zip(columns, lines, strict=True):
            tail = column[line].split(" ")[-reach:]
            joined.append(" ".join(tail + column[line + 1].split(" ")[:reach]))
        tails.append(len(tail))
    return _Lines(rows, *lines), tails


def _rebased(match: Match, passages: _Lines, rows: tuple[int, ...], tail: int) -> Match:
    """A match in a bridge, its tokens counted from the beginning of the first passage."""
    line = passages.rows.index(rows[:1])
    shift = len(passages.keys[line].split(" ")) - tail
    return replace(match, first_token=match.first_token + shift, last_token=match.last_token + shift)


def _moment(catalogue: Catalogue, rows: tuple[int, ...], match: Match) -> Moment:
    segments = [catalogue.segment(row) for row in rows]
    recording = catalogue.recordings[catalogue.column("recording_id")[rows[0]]]
    text, marks, words = "", [], []
    for segment in segments:
        shift = len(text) + 1 if text else 0
        text = f"{text} {segment.text}" if text else segment.text
        marks += [(first + shift, last + shift) for first, last in _token_spans(segment)]
        offsets = language.word_offsets(segment.text, [word.text for word in segment.words])
        words += [
            ((first + shift, last + shift), word) for (first, last), word in zip(offsets, segment.words, strict=True)
        ]
    mark = (
        marks[match.first_token][0],
        max(last for _, last in marks[match.first_token : match.last_token + 1]),
    )
    touched = [word for (first, last), word in words if first < mark[1] and last > mark[0]]
    if touched:
        span = Span(touched[0].span.start, max(word.span.end for word in touched))
        certainty: float | None = min(word.probability for word in touched)
    else:
        span, certainty = segments[0].span.union(segments[-1].span), None
    return Moment(
        recording,
        span,
        language.probability(match, certainty),
        "said",
        text,
        mark,
        {
            "way": match.way,
            "similarity": round(match.similarity, 3),
            "word_probability": None if certainty is None else round(certainty, 3),
            "aligned": all(word.aligned for word in touched),
            "engine": segments[0].engine,
        },
    )


def _token_spans(segment: Segment) -> Iterator[tuple[int, int]]:
    for token in language.normalise(segment.text, segment.language or None):
        yield token.span
