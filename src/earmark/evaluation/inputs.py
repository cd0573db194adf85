"""What an evaluation reads: references and estimates as JSON lines, frame scores as .npz or TSV.

One line is one moment of one (recording, query) pair, or the pair itself where the query is not there:

    {"recording": "a.wav", "query": "dog", "start": 1.2, "end": 2.0, "duration": 60.0}
    {"recording": "a.wav", "query": "cat", "start": null, "end": null}

An estimate adds ``probability``. A line with a ``text`` and no query is a transcript. ``docs/evaluate.md``
has an example of each, which a test runs.

Every reader takes `on_broken`: it is called with the error of a line that cannot be read, and the line is
left out when it returns. The default raises it.
"""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from earmark.errors import EarmarkError, FormatError
from earmark.timeline import ScoreCurve, Span

__all__ = [
    "Answers",
    "Estimates",
    "Pair",
    "References",
    "read_curves",
    "read_estimates",
    "read_references",
    "read_score_matrix",
    "refuse",
    "write_curves",
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
    for place, row in _lines(path, on_broken):
        try:
            recording = _text(place, row, "recording")
            if "duration" in row and row["duration"] is not None:
                seconds = _number(place, row, "duration")
                known = durations.setdefault(recording, seconds)
                if abs(known - seconds) > 1e-3:
                    raise FormatError(
                        place,
                        expected=f"one duration for {recording}",
                        found=f"{known:g} s before and {seconds:g} s here",
                        hint="Write the length of the file on every line of it, or on none.",
                    )
            if "text" in row and not _has_query(row):
                transcripts[recording] = _text(place, row, "text", may_be_empty=True)
                continue
            pair = (recording, _query(place, row))
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
    for place, row in _lines(path, on_broken):
        try:
            recording = _text(place, row, "recording")
            if "text" in row and not _has_query(row):
                transcripts[recording] = _text(place, row, "text", may_be_empty=True)
                continue
            pair = (recording, _query(place, row))
            known = references is None or pair in references.spans
            if not known and not (pair[0] in recordings and pair[1] in queries):
                raise FormatError(
                    place,
                    expected="a recording and query the reference asks",
                    found=f"{pair[1]!r} of {pair[0]}",
                    hint="Add it to the reference, with start and end null where the query is not there.",
                )
            probability = _number(place, row, "probability", default=1.0)
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


def read_curves(path: Path, on_broken: OnBroken = refuse) -> dict[Pair, ScoreCurve]:
    """Frame scores of every pair: an .npz as `write_curves` makes, a TSV, or a folder of TSVs.

    A TSV has the header ``recording query start end score`` and one frame a line. A folder holds one
    ``RECORDING.tsv`` per recording with the header ``onset offset QUERY QUERY …``, as sed_scores_eval has it.
    """
    if path.is_dir():
        files = sorted(path.glob("*.tsv"))
        if not files:
            raise FormatError(
                path,
                expected="one .tsv of frame scores per recording",
                found="none",
                hint="Pass an .npz, a .tsv or a folder as docs/evaluate.md describes.",
            )
        curves: dict[Pair, ScoreCurve] = {}
        for file in files:
            curves.update(_read_wide_tsv(file))
        return curves
    if path.suffix == ".npz":
        return _read_npz(path)
    return _read_long_tsv(path, on_broken)


def write_curves(path: Path, curves: Mapping[Pair, ScoreCurve]) -> None:
    """Frame scores as one .npz: `values` end to end, and where each pair's begin.

    Arrays: values float32 (frames,), offsets int64 (pairs + 1,), recordings, queries (pairs,),
    step_seconds, start_seconds float64 (pairs,).
    """
    lengths = [curve.num_frames for curve in curves.values()]
    np.savez(
        path,
        values=np.concatenate([curve.values for curve in curves.values()] or [np.zeros(0, np.float32)]),
        offsets=np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)]).astype(np.int64),
        recordings=np.array([recording for recording, _ in curves], dtype=np.str_),
        queries=np.array([query for _, query in curves], dtype=np.str_),
        step_seconds=np.array([curve.step_seconds for curve in curves.values()], dtype=np.float64),
        start_seconds=np.array([curve.start_seconds for curve in curves.values()], dtype=np.float64),
    )


def read_score_matrix(path: Path, on_broken: OnBroken = refuse) -> tuple[NDArray[np.float64], list[str], list[str]]:
    """Scores of every query for every recording, for retrieval.

    Args:
        path: an .npz with ``scores`` (queries, recordings), ``queries`` and ``recordings``; or JSON lines of
            ``recording``, ``query`` and ``score`` (or ``probability``); a pair without a line scores lowest.

    Returns:
        scores of shape (queries, recordings), the queries and the recordings.
    """
    if path.suffix == ".npz":
        arrays = _load_npz(path, ("scores", "queries", "recordings"))
        scores = np.asarray(arrays["scores"], dtype=np.float64)
        queries, recordings = [str(q) for q in arrays["queries"]], [str(r) for r in arrays["recordings"]]
        if scores.shape != (len(queries), len(recordings)):
            raise FormatError(
                path,
                expected=f"scores of shape ({len(queries)}, {len(recordings)}): queries by recordings",
                found=f"shape {scores.shape}",
                hint="Write one row per query and one column per recording.",
            )
        if np.isnan(scores).any():
            raise FormatError(
                path,
                expected="a number for every score",
                found=f"{int(np.isnan(scores).sum())} NaN",
                hint="Leave a pair that was not scored at -inf.",
            )
        return scores, queries, recordings
    entries: dict[Pair, float] = {}
    for place, row in _lines(path, on_broken):
        try:
            field = "score" if "score" in row else "probability"
            entries[(_text(place, row, "recording"), _query(place, row))] = _number(place, row, field)
        except FormatError as error:
            on_broken(error)
    recordings = list(dict.fromkeys(recording for recording, _ in entries))
    queries = list(dict.fromkeys(query for _, query in entries))
    column = {recording: i for i, recording in enumerate(recordings)}
    line = {query: i for i, query in enumerate(queries)}
    scores = np.full((len(queries), len(recordings)), -np.inf)
    for (recording, query), score in entries.items():
        scores[line[query], column[recording]] = score
    return scores, queries, recordings


# Reading lines and fields. `place` is "file:line", the subject of every message.


def _lines(path: Path, on_broken: OnBroken) -> Iterator[tuple[str, dict[str, object]]]:
    for number, text in enumerate(_open_text(path), start=1):
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
                    found=f"{_short(text)} ({error.msg} at column {error.colno})",
                    hint="Write JSON lines: one object, one line.",
                )
            )
            continue
        if not isinstance(row, dict):
            on_broken(
                FormatError(
                    place,
                    expected="one JSON object a line",
                    found=_short(text),
                    hint='As in {"recording": "a.wav", "query": "dog", "start": 1.2, "end": 2.0}.',
                )
            )
            continue
        yield place, row


def _open_text(path: Path) -> list[str]:
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


def _short(text: str) -> str:
    text = text.strip()
    return repr(text if len(text) <= 40 else text[:37] + "...")


def _has_query(row: Mapping[str, object]) -> bool:
    return "query" in row or "class" in row


def _query(place: str, row: Mapping[str, object]) -> str:
    """``class`` is another name of ``query``: in segmentation the query is the class."""
    return _text(place, row, "class" if "class" in row and "query" not in row else "query")


def _text(place: str, row: Mapping[str, object], field: str, may_be_empty: bool = False) -> str:
    value = row.get(field)
    if not isinstance(value, str) or (not may_be_empty and not value.strip()):
        raise FormatError(
            place,
            expected=f"a text in {field!r}",
            found=json.dumps(value) if field in row else "no such field",
            hint=f"Give every line its {field!r}.",
        )
    return value


def _number(place: str, row: Mapping[str, object], field: str, default: float | None = None) -> float:
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
    start, end = _number(place, row, "start"), _number(place, row, "end")
    if end <= start:
        raise FormatError(
            place,
            expected="an end after its start",
            found=f"{start:g} to {end:g}",
            hint="Write times in seconds, the earlier one first.",
        )
    return Span(start, end)


# Frame scores.


def _load_npz(path: Path, fields: Sequence[str]) -> dict[str, NDArray[np.generic]]:
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as file:
            missing = [field for field in fields if field not in file]
            if missing:
                raise FormatError(
                    path,
                    expected=f"the arrays {', '.join(fields)}",
                    found=f"no {', '.join(missing)}",
                    hint="docs/evaluate.md says what each holds.",
                )
            return {field: file[field] for field in fields}
    except FileNotFoundError as error:
        raise FormatError(path, expected="a file of scores", found="no such file", hint="Check the path.") from error
    except (OSError, ValueError, EOFError, BadZipFile) as error:
        raise FormatError(
            path,
            expected="a whole .npz file of scores",
            found="one that does not open",
            hint="Write it again; it may have been cut off.",
        ) from error


def _read_npz(path: Path) -> dict[Pair, ScoreCurve]:
    fields = ("values", "offsets", "recordings", "queries", "step_seconds", "start_seconds")
    arrays = _load_npz(path, fields)
    values = np.ascontiguousarray(arrays["values"], dtype=np.float32)
    offsets = np.asarray(arrays["offsets"], dtype=np.int64)
    steps, starts = np.asarray(arrays["step_seconds"]), np.asarray(arrays["start_seconds"])
    pairs = list(zip(arrays["recordings"].tolist(), arrays["queries"].tolist(), strict=False))
    if len(offsets) != len(pairs) + 1 or offsets[0] != 0 or offsets[-1] != len(values) or (np.diff(offsets) < 0).any():
        raise FormatError(
            path,
            expected=f"{len(pairs) + 1} offsets from 0 to {len(values)}, one more than pairs",
            found=f"{len(offsets)} offsets",
            hint="offsets[i] to offsets[i + 1] are the frames of pair i.",
        )
    if np.isnan(values).any():
        where = int(np.searchsorted(offsets, int(np.flatnonzero(np.isnan(values))[0]), side="right")) - 1
        raise FormatError(
            path,
            expected="a number for every frame",
            found=f"NaN in {pairs[where][1]!r} of {pairs[where][0]}",
            hint="A frame that was not scored gets 0.",
        )
    return {
        pair: ScoreCurve(values[offsets[i] : offsets[i + 1]], float(steps[i]), float(starts[i]))
        for i, pair in enumerate(pairs)
    }


def _read_long_tsv(path: Path, on_broken: OnBroken) -> dict[Pair, ScoreCurve]:
    rows = csv.reader(_open_text(path), delimiter="\t")
    header = next(rows, [])
    if header != ["recording", "query", "start", "end", "score"]:
        raise FormatError(
            f"{path}:1",
            expected="the header recording, query, start, end, score, separated by tabs",
            found=_short("\t".join(header)),
            hint="docs/evaluate.md shows the format.",
        )
    frames: dict[Pair, list[tuple[float, float, float]]] = {}
    for number, row in enumerate(rows, start=2):
        try:
            recording, query, *numbers = row
            start, end, score = (float(text) for text in numbers)
            if not all(math.isfinite(value) for value in (start, end, score)):
                raise ValueError
        except ValueError:
            on_broken(
                FormatError(
                    f"{path}:{number}",
                    expected="recording, query and three numbers, separated by tabs",
                    found=_short("\t".join(row)),
                    hint="One frame a line.",
                )
            )
            continue
        frames.setdefault((recording, query), []).append((start, end, score))
    return {pair: _curve(path, pair, np.array(sorted(rows))) for pair, rows in frames.items()}


def _read_wide_tsv(path: Path) -> dict[Pair, ScoreCurve]:
    rows = list(csv.reader(_open_text(path), delimiter="\t"))
    if not rows or rows[0][:2] != ["onset", "offset"] or len(rows[0]) < 3:
        raise FormatError(
            f"{path}:1",
            expected="the header onset, offset and a column per query, separated by tabs",
            found=_short("\t".join(rows[0] if rows else [])),
            hint="docs/evaluate.md shows the format.",
        )
    try:
        table = np.array([[float(text) for text in row] for row in rows[1:]], dtype=np.float64)
        if table.shape[1:] != (len(rows[0]),) or not np.isfinite(table).all():
            raise ValueError
    except ValueError as error:
        raise FormatError(
            path,
            expected=f"{len(rows[0])} numbers on every line",
            found="lines that differ",
            hint="One frame a line, one score per query.",
        ) from error
    recording = path.stem
    return {
        (recording, query): _curve(path, (recording, query), table[:, [0, 1, 2 + i]])
        for i, query in enumerate(rows[0][2:])
    }


def _curve(path: Path, pair: Pair, frames: NDArray[np.float64]) -> ScoreCurve:
    """A regular grid from rows of (start, end, score)."""
    step = float(np.median(frames[:, 1] - frames[:, 0]))
    grid = frames[0, 0] + step * np.arange(len(frames))
    if step <= 0 or np.abs(frames[:, 0] - grid).max() > step / 2:
        raise FormatError(
            path,
            expected=f"frames of one length, end to end, for {pair[1]!r} of {pair[0]}",
            found=f"frames that do not follow each other every {step:g} s",
            hint="Write every frame of the recording.",
        )
    return ScoreCurve(frames[:, 2].astype(np.float32), step, float(frames[0, 0]))
