"""Collections as others lay them out: which recordings there are, and what is known about each.

Each layout is known by a mark of its own, tried in this order; nothing is copied or moved.

    collected      recordings.jsonl, as `earmark collect` writes it
    common-voice   train.tsv, dev.tsv, test.tsv or validated.tsv beside clips/
    librispeech    SPEAKER/CHAPTER/SPEAKER-CHAPTER.trans.txt beside the utterances
    musan          two or more of the folders speech, music, noise
    table          a .csv or .tsv with a column of files, or a folder with manifest.csv or metadata.csv
    folder         media files, texts of the same name beside them (.srt, .vtt, .txt)

Sources: https://www.openslr.org/12 (LibriSpeech), https://www.openslr.org/17 (MUSAN),
https://commonvoice.mozilla.org (Common Voice).
"""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from earmark import formats
from earmark.collecting.recordings import LIST_NAME, Entry, read_entries
from earmark.errors import FormatError, MediaError
from earmark.media.discover import MEDIA_EXTENSIONS, discover
from earmark.timeline import Span

__all__ = ["SPLITS", "beside", "read_source"]

SPLITS = ("train", "validation", "test")
SPLIT_NAMES = {
    "train": "train",
    "training": "train",
    "dev": "validation",
    "valid": "validation",
    "val": "validation",
    "validation": "validation",
    "test": "test",
    "eval": "test",
}
COLUMNS = {
    "path": ("path", "file", "file_name", "filename", "audio", "audio_path", "recording"),
    "text": ("transcript", "text", "sentence", "transcription"),
    "speaker": ("speaker", "speaker_id", "client_id"),
    "language": ("language", "lang", "locale"),
    "split": ("split", "subset", "set"),
    "label": ("label", "class"),
    "title": ("title",),
    "start": ("start", "start_seconds", "start_s"),
    "end": ("end", "end_seconds", "end_s"),
}
"""What a column of a table is called, the first of these that is there."""
TABLES = ("manifest.csv", "metadata.csv", "manifest.tsv", "metadata.tsv")
MUSAN_CLASSES = ("speech", "music", "noise")


def read_source(path: Path, exclude: Iterable[Path] = ()) -> tuple[str, list[Entry]]:
    """The layout of a source by name, and its recordings sorted by path; files are not opened.

    Args:
        path: a folder, a table, or a media file.
        exclude: folders whose files are not part of it: the output, unless it holds the source itself.

    Raises:
        MediaError: if there is nothing, or no media in it.
        FormatError: if its list or table does not parse.
    """
    if path.is_dir():
        real = path.resolve()
        inside = [each for each in exclude if each.resolve() != real and each.resolve() not in real.parents]
        name, entries = _read_folder(path, inside)
    elif path.suffix.lower() in (".csv", ".tsv") and path.exists():
        name, entries = "table", _table(path)
    else:
        name, entries = "folder", [Entry(found) for found in discover([path])]
    return name, sorted(entries, key=lambda entry: str(entry.path))


def _read_folder(folder: Path, exclude: Iterable[Path]) -> tuple[str, list[Entry]]:
    if (folder / LIST_NAME).is_file():
        return "collected", read_entries(folder)
    if (folder / "clips").is_dir() and any((folder / f"{name}.tsv").is_file() for name in _COMMON_VOICE):
        return "common-voice", _common_voice(folder)
    transcripts = sorted(folder.rglob("*-*.trans.txt"))
    if transcripts:
        return "librispeech", [entry for file in transcripts for entry in _librispeech(file)]
    classes = [name for name in MUSAN_CLASSES if (folder / name).is_dir()]
    if len(classes) >= 2:
        return "musan", [
            Entry(path, label=name) for name in classes for path in discover([folder / name], exclude=exclude)
        ]
    table = next((folder / name for name in TABLES if (folder / name).is_file()), None)
    if table is not None:
        return "table", _table(table)
    return "folder", [Entry(path) for path in discover([folder], exclude=exclude)]


_COMMON_VOICE = ("train", "dev", "test", "validated")


def _common_voice(folder: Path) -> list[Entry]:
    parts = [name for name in _COMMON_VOICE[:3] if (folder / f"{name}.tsv").is_file()] or ["validated"]
    entries: dict[Path, Entry] = {}
    for part in parts:
        for entry in _table(folder / f"{part}.tsv", folder / "clips"):
            entries.setdefault(entry.path, replace(entry, split=SPLIT_NAMES.get(part, ""), label=""))
    return list(entries.values())


def _librispeech(transcripts: Path) -> Iterator[Entry]:
    split = next(
        (known for part in transcripts.parts for mark, known in SPLIT_NAMES.items() if part.startswith(mark + "-")),
        "",
    )
    beside_it = {path.stem: path for path in transcripts.parent.iterdir() if path.suffix in MEDIA_EXTENSIONS}
    for number, line in enumerate(_read_text(transcripts).splitlines(), 1):
        if not line.strip():
            continue
        name, _, text = line.strip().partition(" ")
        if name.count("-") < 2 or not text:
            raise FormatError(
                f"{transcripts}, line {number}",
                expected="SPEAKER-CHAPTER-NUMBER and what was said",
                found=repr(line[:40]),
                hint="Correct the line, or delete it.",
            )
        path = beside_it.get(name, transcripts.parent / f"{name}.flac")
        yield Entry(path, text=text, language="en", speaker=name.split("-")[0], split=split)


def _table(table: Path, folder: Path | None = None) -> list[Entry]:
    """The rows of a CSV or TSV; rows with start and end become timed lines of one recording."""
    folder = table.parent if folder is None else folder
    text = _read_text(table)
    head = text.split("\n", 1)[0]
    delimiter = "\t" if table.suffix.lower() == ".tsv" else max(",;\t", key=head.count)
    lines_of_table = io.StringIO(text, newline="")
    if delimiter == "\t":  # a quotation mark in a sentence is one; Common Voice quotes nothing
        rows = csv.DictReader(lines_of_table, delimiter=delimiter, quoting=csv.QUOTE_NONE)
    else:
        rows = csv.DictReader(lines_of_table, delimiter=delimiter)
    names = {name.strip().lower(): name for name in rows.fieldnames or () if name}
    column = {
        what: names[known]
        for what, choices in COLUMNS.items()
        for known in [next((choice for choice in choices if choice in names), "")]
        if known
    }
    if "path" not in column:
        raise FormatError(
            f"{table}, line 1",
            expected=f"a column of files ({', '.join(COLUMNS['path'][:4])})",
            found=", ".join(names) or "no header",
            hint="Name the column in the first line.",
        )
    whole: dict[Path, Entry] = {}
    lines: dict[Path, list[tuple[Span, str]]] = defaultdict(list)
    for row in rows:
        value = {what: (row.get(name) or "").strip() for what, name in column.items()}
        if not value["path"]:
            continue
        where = f"{table}, line {rows.line_num}"
        path = folder / value["path"]
        span = _span(where, value)
        text = value.get("text", "")
        if span is not None and text:
            lines[path].append((span, text))
        elif path in whole and text and text != whole[path].text:
            raise FormatError(
                where,
                expected="one row a file, or start and end in each",
                found=f"{value['path']} a second time",
                hint="Add the columns start and end, in seconds.",
            )
        if path not in whole:
            whole[path] = Entry(
                path,
                text="" if span is not None else text,
                language=value.get("language", "").split("-")[0].lower(),
                speaker=value.get("speaker", ""),
                split=SPLIT_NAMES.get(value.get("split", "").lower(), ""),
                label=value.get("label", ""),
                title=value.get("title", ""),
            )
    return [replace(entry, lines=tuple(sorted(lines[path]))) for path, entry in whole.items()]


def _span(where: str, value: Mapping[str, str]) -> Span | None:
    if not value.get("start") or not value.get("end"):
        return None
    try:
        return Span(float(value["start"]), float(value["end"]))
    except ValueError as exc:
        raise FormatError(
            where,
            expected="start and end in seconds, start first",
            found=f"{value['start']!r} and {value['end']!r}",
            hint="Correct the row.",
        ) from exc


def beside(entry: Entry) -> Entry:
    """The entry with the text that lies beside its file, where it has none: ``.srt``, ``.vtt``, ``.txt``.

    Raises:
        FormatError: if that text cannot be read.
    """
    if entry.text or entry.lines:
        return entry
    for suffix in (".srt", ".vtt"):
        path = entry.path.with_suffix(suffix)
        if path.is_file():
            lines = ((label.span, " ".join(label.text.split())) for label in formats.read(path))
            return replace(entry, lines=tuple(sorted(line for line in lines if line[1] and line[0].duration)))
    path = entry.path.with_suffix(".txt")
    if path.is_file():
        return replace(entry, text=" ".join(_read_text(path).split()))
    return entry


def _read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as exc:
        raise FormatError(
            path, expected="text in UTF-8", found=f"byte {exc.start} that is not", hint="Save it as UTF-8."
        ) from exc
    except OSError as exc:
        raise MediaError(
            path, expected="a readable file", found=exc.strerror or "an error", hint="Change its permissions."
        ) from exc
