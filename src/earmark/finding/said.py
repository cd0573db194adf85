"""Where words were said: matches in the passages of the library, each with the times of the words that matched."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from earmark import language
from earmark.language import Match
from earmark.language.matching import PassageTable
from earmark.library import Catalogue
from earmark.records import Moment, Segment
from earmark.settings import FindSettings
from earmark.timeline import Span

__all__ = ["find_said"]

MOST_MATCHES = 200
"""So many places are given times and a final probability; a word said more often than that is not missed for it."""
MOST_ALIKE = 60
"""So many of these may only be like the words: giving a place its times takes half a millisecond."""
BRIDGE_SECONDS = 3.0
"""A phrase may run over a pause between two passages, if the pause is no longer than this."""


KEPT = 8
"""So many prepared sets of lines a catalogue keeps: all recordings and a few choices of them, with their bridges."""


@dataclass(frozen=True)
class _Lines:
    """What is searched: passages, or bridges between two of them.

    Attributes:
        rows: the passages each line is of.
        table: the lines, prepared for many queries.
        tails: of a bridge, how many of its tokens lie before the pause.
        shifts: of a bridge, how many tokens of its first passage are not in it.
    """

    rows: Sequence[tuple[int, ...]]
    table: PassageTable
    tails: Sequence[int] = ()
    shifts: Sequence[int] = ()


def find_said(
    text: str, catalogue: Catalogue, recordings: Collection[str] | None, settings: FindSettings
) -> list[Moment]:
    """Every place where the words were said, exactly or nearly; unsorted."""
    query = language.spoken_query(text, settings.language)
    if not query.tokens or not catalogue.passages.num_rows:
        return []
    chosen = None if recordings is None else frozenset(recordings)
    passages = _kept(catalogue, (chosen, 0), lambda: _passages(catalogue, chosen))
    if not passages.rows:
        return []
    most = max(MOST_MATCHES, 10 * settings.limit)
    found = [(passages.rows[line], match) for line, match in passages.table.search(query, most)]
    if len(query.tokens) > 1:
        reach = (len(query.tokens) + 2) // 2 * 2  # the query and a word more; a few sizes serve all queries
        bridges = _kept(catalogue, (chosen, reach), lambda: _bridges(catalogue, passages.rows, reach))
        for line, match in bridges.table.search(query, most):
            if match.first_token < bridges.tails[line] <= match.last_token:  # it does cross
                shift = bridges.shifts[line]
                whole = replace(match, first_token=match.first_token + shift, last_token=match.last_token + shift)
                found.append((bridges.rows[line], whole))
    # A first look without the recogniser's certainty, which can raise a match a few places but not out of nowhere.
    found.sort(key=lambda item: -language.probability(item[1]))
    alike = [item for item in found if item[1].way in ("near", "sound-alike")][max(MOST_ALIKE, 4 * settings.limit) :]
    dropped = {id(item) for item in alike}
    return [_moment(catalogue, *item) for item in found[:most] if id(item) not in dropped]


def _kept(catalogue: Catalogue, key: tuple[frozenset[str] | None, int], make: Callable[[], _Lines]) -> _Lines:
    """Lines are prepared once a catalogue: 100,000 passages take seconds, and each query after that milliseconds."""
    known: _Lines | None = catalogue.prepared.get(key)
    if known is None:
        while len(catalogue.prepared) >= KEPT:
            del catalogue.prepared[next(iter(catalogue.prepared))]
        known = catalogue.prepared[key] = make()
    return known


def _passages(catalogue: Catalogue, recordings: Collection[str] | None) -> _Lines:
    ids = catalogue.column("recording_id")
    rows = range(len(ids)) if recordings is None else [row for row, id_ in enumerate(ids) if id_ in recordings]
    keys, stems, phones = (catalogue.column(name) for name in ("keys", "stems", "phones"))
    if recordings is not None:
        keys, stems, phones = ([values[row] for row in rows] for values in (keys, stems, phones))
    return _Lines([(row,) for row in rows], PassageTable(keys, stems, phones))


def _bridges(catalogue: Catalogue, passages: Sequence[tuple[int, ...]], reach: int) -> _Lines:
    """The last and first `reach` tokens around every short pause."""
    ids, starts, ends = (catalogue.column(name) for name in ("recording_id", "start", "end"))
    columns = [catalogue.column(name) for name in ("keys", "stems", "phones")]
    rows: list[tuple[int, ...]] = []
    tails, shifts = list[int](), list[int]()
    joined: list[list[str]] = [[], [], []]
    for (left,), (right,) in pairwise(passages):
        if right != left + 1 or ids[left] != ids[right] or starts[right] - ends[left] > BRIDGE_SECONDS:
            continue
        if not columns[0][left] or not columns[0][right]:
            continue
        rows.append((left, right))
        for column, lines in zip(columns, joined, strict=True):
            before = column[left].split(" ")
            lines.append(" ".join(before[-reach:] + column[right].split(" ", reach)[:reach]))
        tails.append(min(reach, len(before)))
        shifts.append(len(before) - tails[-1])
    return _Lines(rows, PassageTable(*joined), tails, shifts)


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
