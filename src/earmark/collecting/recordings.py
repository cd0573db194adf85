"""The list of a collection: one JSON object a line, one line a recording, in ``recordings.jsonl``.

Lines are appended as recordings arrive and the file is put in order at the end of a run, so a run that
is killed loses the line it was writing and no other; of two lines about one file the later holds.
What nobody said is left out of a line. Files beside the list are named relative to it, others outright.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from earmark.errors import FormatError
from earmark.media.files import atomic_write
from earmark.timeline import Span

__all__ = ["LIST_NAME", "Entry", "append_entry", "read_entries", "write_entries"]

LIST_NAME = "recordings.jsonl"


@dataclass(frozen=True, slots=True)
class Entry:
    """A recording and what is known about it without listening.

    Attributes:
        path: of the media file.
        text: what is said in all of it, where that is known without times.
        lines: what is said when, where that is known.
        language: a code: ``en``, ``fa``.
        split: ``train``, ``validation`` or ``test`` where the source says so.
        label: the class of its sound, in collections of sounds.
        id, url, published, rights, feed: where an episode came from.
        num_bytes, modified_ns: of the file when it was checked; it is checked again when they change.
    """

    path: Path
    text: str = ""
    lines: tuple[tuple[Span, str], ...] = ()
    language: str = ""
    speaker: str = ""
    split: str = ""
    label: str = ""
    title: str = ""
    description: str = ""
    published: str = ""
    duration_seconds: float = 0.0
    id: str = ""
    url: str = ""
    rights: str = ""
    feed: str = ""
    num_bytes: int = 0
    modified_ns: int = 0


def append_entry(folder: Path, entry: Entry) -> None:
    """One line more, on the disk when this returns.

    Raises:
        FormatError: if it cannot be written.
    """
    path = folder / LIST_NAME
    try:
        with open(path, "ab") as file:
            start = b"" if _ends_whole(path) else b"\n"  # what a killed run left unfinished
            file.write(start + _line(folder, entry).encode("utf-8", "surrogateescape"))
            file.flush()
            os.fsync(file.fileno())
    except OSError as exc:
        raise FormatError(
            path,
            expected="a list that can be written",
            found=exc.strerror or "an error",
            hint="Free some room; the same command goes on from there.",
        ) from exc


def write_entries(folder: Path, entries: Iterable[Entry]) -> None:
    """The whole list anew, newest first, undated ones by name."""
    ordered = sorted(entries, key=lambda entry: str(entry.path))
    ordered.sort(key=lambda entry: entry.published, reverse=True)
    with atomic_write(folder / LIST_NAME, force=True) as file:
        file.writelines(_line(folder, entry) for entry in ordered)


def read_entries(folder: Path) -> list[Entry]:
    """The list in a folder; none where there is no list.

    Raises:
        FormatError: if a line before the last is not one of ours.
    """
    path = folder / LIST_NAME
    try:
        rows = path.read_bytes().split(b"\n")
    except FileNotFoundError:
        return []
    entries: dict[Path, Entry] = {}
    for number, row in enumerate(rows, 1):
        if not row.strip():
            continue
        try:
            entry = _entry(folder, json.loads(row.decode("utf-8", "surrogateescape")))
        except (ValueError, KeyError, TypeError, AttributeError) as exc:
            if not row.rstrip().endswith(b"}"):
                continue  # a line that a killed run did not finish
            raise FormatError(
                f"{path}, line {number}",
                expected="a recording as a JSON object with a file",
                found=repr(row[:40].decode("utf-8", "replace")),
                hint="Correct the line, or delete it.",
            ) from exc
        entries[entry.path] = entry
    return list(entries.values())


def _line(folder: Path, entry: Entry) -> str:
    row: dict[str, Any] = {"file": _relative(folder, entry.path)}
    for name, value in asdict(entry).items():
        if name == "lines" and value:
            row["lines"] = [[round(span.start, 3), round(span.end, 3), text] for span, text in entry.lines]
        elif name not in ("path", "lines") and value:
            row[name] = round(value, 3) if isinstance(value, float) else value
    text = json.dumps(row, ensure_ascii=False)
    return text + "\n"


def _entry(folder: Path, row: Mapping[str, Any]) -> Entry:
    known = {field.name: row[field.name] for field in fields(Entry) if field.name in row}
    known.pop("path", None)
    lines = tuple((Span(float(start), float(end)), str(text)) for start, end, text in known.pop("lines", ()))
    for name, value in known.items():
        if name in ("num_bytes", "modified_ns"):
            known[name] = int(value)
        else:
            known[name] = float(value) if name == "duration_seconds" else str(value)
    return Entry(path=folder / str(row["file"]), lines=lines, **known)


def _relative(folder: Path, path: Path) -> str:
    try:
        return path.relative_to(folder).as_posix()
    except ValueError:
        return str(path.absolute())


def _ends_whole(path: Path) -> bool:
    with open(path, "rb") as file:
        if file.seek(0, os.SEEK_END) == 0:
            return True
        file.seek(-1, os.SEEK_END)
        return file.read(1) == b"\n"
