"""Scores as files: frame scores of pairs as .npz or TSV, and a matrix of scores for retrieval."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from earmark.errors import FormatError
from earmark.evaluation.inputs import (
    OnBroken,
    Pair,
    lines_of,
    number_of,
    open_text,
    query_of,
    refuse,
    shorten,
    text_of,
)
from earmark.timeline import ScoreCurve

__all__ = ["read_curves", "read_score_matrix", "write_curves"]


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
    for place, row in lines_of(path, on_broken):
        try:
            field = "score" if "score" in row else "probability"
            entries[(text_of(place, row, "recording"), query_of(place, row))] = number_of(place, row, field)
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
    rows = csv.reader(open_text(path), delimiter="\t")
    header = next(rows, [])
    if header != ["recording", "query", "start", "end", "score"]:
        raise FormatError(
            f"{path}:1",
            expected="the header recording, query, start, end, score, separated by tabs",
            found=shorten("\t".join(header)),
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
                    found=shorten("\t".join(row)),
                    hint="One frame a line.",
                )
            )
            continue
        frames.setdefault((recording, query), []).append((start, end, score))
    return {pair: _curve(path, pair, np.array(sorted(rows))) for pair, rows in frames.items()}


def _read_wide_tsv(path: Path) -> dict[Pair, ScoreCurve]:
    rows = list(csv.reader(open_text(path), delimiter="\t"))
    if not rows or rows[0][:2] != ["onset", "offset"] or len(rows[0]) < 3:
        raise FormatError(
            f"{path}:1",
            expected="the header onset, offset and a column per query, separated by tabs",
            found=shorten("\t".join(rows[0] if rows else [])),
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
