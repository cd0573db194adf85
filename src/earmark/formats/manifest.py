"""The manifest of a data set: one row a chunk, as JSON lines and as Parquet, the same in both.

A third file, ``manifest.csv``, says as much of it as tables of labelled clips do (file, start, end, label, caption,
split, …), for whatever reads these: `earmark train sound`, `train align`, `evaluate`. Its caption is the transcript.

id           of the chunk: its recording and its start in milliseconds
recording    hash of the file's content; rows of one recording share it
path         of the media file, relative to the manifest where it lies below it
start, end   seconds on the file's own clock
transcript   what is said; empty where that is not known
keywords     what it is about, the weightiest first
language     code, or empty
split        train, validation or test
speaker, label, title   as the source says
source       where the transcript is from: given, or the name of a recogniser
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from earmark.errors import FormatError
from earmark.media.files import atomic_path, atomic_write
from earmark.timeline import Span

__all__ = ["MANIFEST_NAME", "PARQUET_NAME", "TABLE_NAME", "Chunk", "read_manifest", "write_manifest"]

MANIFEST_NAME = "manifest.jsonl"
PARQUET_NAME = "manifest.parquet"
TABLE_NAME = "manifest.csv"
_SPLITS = {"validation": "val"}
"""Splits that tables of clips call otherwise."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """One row of the manifest."""

    id: str
    recording: str
    path: str
    start: float
    end: float
    transcript: str = ""
    keywords: tuple[str, ...] = ()
    language: str = ""
    split: str = ""
    speaker: str = ""
    label: str = ""
    title: str = ""
    source: str = ""

    @property
    def span(self) -> Span:
        return Span(self.start, self.end)


def write_manifest(folder: Path, chunks: Iterable[Chunk]) -> None:
    """All three files, each whole or not at all; paths below `folder` become relative to it."""
    rows = [asdict(replace(chunk, path=_relative(folder, chunk.path))) for chunk in chunks]
    with atomic_write(folder / MANIFEST_NAME, force=True) as file:
        file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    _write_parquet(folder / PARQUET_NAME, rows)
    _write_table(folder / TABLE_NAME, rows)


def read_manifest(path: Path) -> list[Chunk]:
    """The rows of a ``manifest.jsonl``, or of the one in a folder; `path` of each as it can be opened.

    Raises:
        FormatError: if it is missing or a line is not a chunk.
    """
    if path.is_dir():
        path = path / MANIFEST_NAME
    try:
        lines = path.read_bytes().splitlines()
    except OSError as exc:
        raise FormatError(
            path,
            expected="the manifest of a data set",
            found="none there",
            hint="Make it with: earmark dataset build",
        ) from exc
    names = {field.name for field in fields(Chunk)}
    chunks = []
    for number, line in enumerate(lines, 1):
        try:
            row = json.loads(line.decode("utf-8", "surrogateescape"))
            row = {name: value for name, value in row.items() if name in names}
            row["keywords"] = tuple(row.get("keywords", ()))
            row["path"] = str(path.parent / row["path"])
            chunk = Chunk(**row)
            Span(chunk.start, chunk.end)
        except (ValueError, KeyError, TypeError, AttributeError) as exc:
            raise FormatError(
                f"{path}, line {number}",
                expected="a chunk as a JSON object with id, recording, path, start and end",
                found=repr(line[:40].decode("utf-8", "replace")),
                hint="Build the data set again.",
            ) from exc
        chunks.append(chunk)
    return chunks


def _write_parquet(path: Path, rows: list[dict[str, Any]]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    kinds = {"start": pa.float64(), "end": pa.float64(), "keywords": pa.list_(pa.string())}
    schema = pa.schema([(field.name, kinds.get(field.name, pa.string())) for field in fields(Chunk)])
    columns = {
        field.name: [_clean(row[field.name]) for row in rows] for field in fields(Chunk)
    }  # names of files may hold bytes that are no text; Parquet holds only text
    with atomic_path(path, force=True) as temporary:
        pq.write_table(pa.table(columns, schema=schema), temporary)


def _write_table(path: Path, rows: list[dict[str, Any]]) -> None:
    with atomic_write(path, force=True) as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["file", "start", "end", "label", "caption", "keywords", "language", "split", "speaker"])
        for row in rows:
            label = row["label"] or ("speech" if row["transcript"] else "")
            split = _SPLITS.get(row["split"], row["split"])
            words = "; ".join(row["keywords"])
            times = (row["start"], row["end"])
            table.writerow(
                [row["path"], *times, label, row["transcript"], words, row["language"], split, row["speaker"]]
            )


def _clean(value: Any) -> Any:
    return value.encode("utf-8", "replace").decode("utf-8") if isinstance(value, str) else value


def _relative(folder: Path, path: str) -> str:
    try:
        return Path(path).absolute().relative_to(folder.absolute()).as_posix()
    except ValueError:
        return str(Path(path).absolute())
