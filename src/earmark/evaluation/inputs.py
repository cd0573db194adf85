"""What an evaluation reads: references and estimates as JSON lines (scores: `score_files`).

One line is one moment of one (recording, query) pair, or the pair itself where the query is not there:

    {"recording": "a.wav", "query": "dog", "start": 1.2, "end": 2.0, "duration": 60.0}
    {"recording": "a.wav", "query": "cat", "start": null, "end": null}

An estimate adds ``probability``. A line with a ``text`` and no query is a transcript. ``docs/evaluate.md``
has an example of each, which a test runs. A manifest of `earmark dataset build` is a reference, too: each chunk
is a moment of its keywords, and its transcript a part of its recording's.

Every reader takes `on_broken`: it is called with the error of a line that cannot be read, and the line is
left out when it returns. The default raises it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from earmark.errors import EarmarkError, FormatError
from earmark.timeline import Span

__all__ = [
    "Answers",
    "Estimates",
    "Pair",
    "References",
    "read_estimates",
    "read_references",
    "refuse",
]

Pair: TypeAlias = tuple[str, str]
"""(recording, query): what was asked of what."""

OnBroken: TypeAlias = Callable[[EarmarkError], None]


def refuse(error: EarmarkError) -> None:
    """The `on_broken` of a caller who wants whole files only."""
    raise error


@dataclass(frozen=True)
class References:
    """What is true.

    Attributes:
        spans: for each pair asked, where it is: sorted spans, none for an absent query.
        durations: seconds of each recording whose length a line told.
        transcripts: the words of a recording, where a line told them.
    """

    spans: Mapping[Pair, tuple[Span, ...]]
    durations: Mapping[str, float]
    transcripts: Mapping[str, str]

    @property
    def pairs(self) -> list[Pair]:
        return list(self.spans)

    @property
    def recordings(self) -> list[str]:
        """Each recording once, in the order of the file."""
        return list(dict.fromkeys(recording for recording, _ in self.spans))

    @property
    def queries(self) -> list[str]:
        return list(dict.fromkeys(query for _, query in self.spans))


@dataclass(frozen=True)
class Answers:
    """What a system said of one pair: spans by falling probability, and whether the query is there at all."""

    spans: tuple[Span, ...] = ()
    probabilities: tuple[float, ...] = ()
    presence: float = 0.0

    def __post_init__(self) -> None:
        if len(self.spans) != len(self.probabilities):
            raise ValueError(
                f"Answers need one probability per span, got {len(self.probabilities)} and {len(self.spans)}"
            )


NOTHING = Answers()


@dataclass(frozen=True)
class Estimates:
    """What a system said of every pair it answered."""

    answers: Mapping[Pair, Answers]
    transcripts: Mapping[str, str]

    def of(self, pair: Pair) -> Answers:
        return self.answers.get(pair, NOTHING)


def answers_from(spans: Iterable[Span], probabilities: Iterable[float], presence: float | None = None) -> Answers:
    """Sorted by falling probability; equal ones keep their order. Presence is the greatest unless given."""
    order = sorted(zip(probabilities, spans, strict=True), key=lambda item: -item[0])
    best = order[0][0] if order else 0.0
    return Answers(
        tuple(span for _, span in order),
        tuple(probability for probability, _ in order),
        best if presence is None else presence,
    )


def read_references(path: Path, on_broken: OnBroken = refuse) -> References:
    """Reads the truth. Overlapping spans of one pair are kept as they are; a repeated line counts once.

    Raises:
        FormatError: for a file that is missing or empty, and (through `on_broken`) for each bad line.
    """
    spans: dict[Pair, list[Span]] = {}
    durations: dict[str, float] = {}
    transcripts: dict[str, str] = {}
    for place, row in lines_of(path, on_broken):
        try:
            recording = text_of(place, row, "recording")
            if _is_chunk(row):
                said = text_of(place, row, "transcript", may_be_empty=True).strip()
                transcripts[recording] = " ".join(filter(None, [transcripts.get(recording, ""), said]))
                words = row["keywords"]
                if not words or not isinstance(words, list):
                    continue
                row = {**row, "query": " ".join(map(str, words))}
            if "duration" in row and row["duration"] is not None:
                seconds = number_of(place, row, "duration")
                known = durations.setdefault(recording, seconds)
                if abs(known - seconds) > 1e-3:
                    raise FormatError(
                        place,
                        expected=f"one duration for {recording}",
                        found=f"{known:g} s before and {seconds:g} s here",
                        hint="Write the length of the file on every line of it, or on none.",
                    )
            if _is_transcript(row):
                transcripts[recording] = text_of(place, row, "text", may_be_empty=True)
                continue
            pair = (recording, query_of(place, row))
            span = _span(place, row)
            kept = spans.setdefault(pair, [])
            if span is not None and span not in kept:
                kept.append(span)
        except FormatError as error:
            on_broken(error)
    if not spans and not transcripts:
        raise FormatError(
            path, expected="at least one reference line", found="none", hint="See `earmark evaluate --help`."
        )
    return References({pair: tuple(sorted(found)) for pair, found in spans.items()}, durations, transcripts)


def read_estimates(
    path: Path, references: References | None, on_broken: OnBroken = refuse, crossed: bool = False
) -> Estimates:
    """Reads what a system said. A pair of the reference without a line here was answered with nothing.

    Args:
        references: pairs that are not in it are an error, since nobody knows whether they are right;
            None takes every pair.
        crossed: take every query of the reference in every recording of it, as segmentation does, where a
            class that has no line in a recording is not in it.
    """
    recordings = set(references.recordings) if references and crossed else set()
    queries = set(references.queries) if references and crossed else set()
    spans: dict[Pair, list[tuple[Span, float]]] = {}
    presence: dict[Pair, float] = {}
    transcripts: dict[str, str] = {}
    for place, row in lines_of(path, on_broken):
        try:
            recording = text_of(place, row, "recording")
            if _is_transcript(row):
                transcripts[recording] = text_of(place, row, "text", may_be_empty=True)
                continue
            pair = (recording, query_of(place, row))
            known = references is None or pair in references.spans
            if not known and not (pair[0] in recordings and pair[1] in queries):
                raise FormatError(
                    place,
                    expected="a recording and query the reference asks",
                    found=f"{pair[1]!r} of {pair[0]}",
                    hint="Add it to the reference, with start and end null where the query is not there.",
                )
            probability = number_of(place, row, "probability", default=1.0)
            if not 0.0 <= probability <= 1.0:
                raise FormatError(
                    place,
                    expected="a probability between 0 and 1",
                    found=f"{probability:g}",
                    hint="Map scores to probabilities first, say with a sigmoid.",
                )
            span = _span(place, row)
            if span is None:
                presence[pair] = probability
            else:
                spans.setdefault(pair, []).append((span, probability))
        except FormatError as error:
            on_broken(error)
    answers = {
        pair: answers_from(
            [span for span, _ in spans.get(pair, [])],
            [probability for _, probability in spans.get(pair, [])],
            presence.get(pair),
        )
        for pair in dict.fromkeys([*spans, *presence])
    }
    return Estimates(answers, transcripts)


# Reading lines and fields. `place` is "file:line", the subject of every message.


def lines_of(path: Path, on_broken: OnBroken) -> Iterator[tuple[str, dict[str, object]]]:
    for number, text in enumerate(open_text(path), start=1):
        if not text.strip():
            continue
        place = f"{path}:{number}"
        try:
            row = json.loads(text)
        except json.JSONDecodeError as error:
            on_broken(
                FormatError(
                    place,
                    expected="one JSON object a line",
                    found=f"{shorten(text)} ({error.msg} at column {error.colno})",
                    hint="Write JSON lines: one object, one line.",
                )
            )
            continue
        if not isinstance(row, dict):
            on_broken(
                FormatError(
                    place,
                    expected="one JSON object a line",
                    found=shorten(text),
                    hint='As in {"recording": "a.wav", "query": "dog", "start": 1.2, "end": 2.0}.',
                )
            )
            continue
        yield place, row


def open_text(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8-sig").splitlines()
    except FileNotFoundError as error:
        raise FormatError(path, expected="a file to evaluate", found="no such file", hint="Check the path.") from error
    except IsADirectoryError as error:
        raise FormatError(
            path, expected="a file of JSON lines", found="a folder", hint="Pass the file inside it."
        ) from error
    except UnicodeDecodeError as error:
        raise FormatError(
            path,
            expected="text in UTF-8",
            found=f"other bytes at offset {error.start}",
            hint="Save the file as UTF-8.",
        ) from error


def shorten(text: str) -> str:
    text = text.strip()
    return repr(text if len(text) <= 40 else text[:37] + "...")


def _is_chunk(row: Mapping[str, object]) -> bool:
    """A row of a data set's manifest."""
    return "transcript" in row and "keywords" in row and "query" not in row


def _is_transcript(row: Mapping[str, object]) -> bool:
    """A text without a query and without a time."""
    return "text" in row and "query" not in row and "class" not in row and row.get("start") is None


def query_of(place: str, row: Mapping[str, object]) -> str:
    """The line's query; in segmentation it is called ``class``, and a heard moment of `earmark find` ``text``."""
    for name in ("query", "class", "text"):
        if name in row:
            return text_of(place, row, name)
    return text_of(place, row, "query")


def text_of(place: str, row: Mapping[str, object], field: str, may_be_empty: bool = False) -> str:
    value = row.get(field)
    if not isinstance(value, str) or (not may_be_empty and not value.strip()):
        raise FormatError(
            place,
            expected=f"a text in {field!r}",
            found=json.dumps(value) if field in row else "no such field",
            hint=f"Give every line its {field!r}.",
        )
    return value


def number_of(place: str, row: Mapping[str, object], field: str, default: float | None = None) -> float:
    value = row.get(field, default)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise FormatError(
            place,
            expected=f"a number in {field!r}",
            found=json.dumps(value) if field in row else "no such field",
            hint="Write seconds and scores as plain numbers.",
        )
    return float(value)


def _span(place: str, row: Mapping[str, object]) -> Span | None:
    """The line's span; None where both ends are null or left out: the query is not there."""
    if row.get("start") is None and row.get("end") is None:
        return None
    start, end = number_of(place, row, "start"), number_of(place, row, "end")
    if end <= start:
        raise FormatError(
            place,
            expected="an end after its start",
            found=f"{start:g} to {end:g}",
            hint="Write times in seconds, the earlier one first.",
        )
    return Span(start, end)
