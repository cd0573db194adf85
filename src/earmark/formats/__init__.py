"""Labels in and out: subtitles, transcripts, annotations. One file per format, one shape for all.

Every format is a module with ``dumps(labels, recordings) -> str`` and, where it can be read back,
``loads(text, name) -> list[Label]``. Times are written to the millisecond (ASS holds hundredths only).
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from importlib import import_module
from pathlib import Path
from typing import IO, Any

from earmark.errors import FormatError, UsageError
from earmark.formats.labels import Label, label_of_moment, label_of_segment
from earmark.media.files import atomic_write
from earmark.records import Recording

__all__ = [
    "EXTENSIONS",
    "FORMATS",
    "ONE_A_FILE",
    "Label",
    "format_of",
    "label_of_moment",
    "label_of_segment",
    "read",
    "write",
]

FORMATS = {
    "srt": "subtitles",
    "vtt": "subtitles",
    "ass": "subtitles",
    "txt": "text",
    "json": "transcript",
    "jsonl": "jsonlines",
    "csv": "table",
    "segmented": "segmented",
    "rttm": "rttm",
    "textgrid": "textgrid",
    "audacity": "audacity",
    "jams": "jams",
}
"""Name of the format -> module of this folder."""

EXTENSIONS = {
    ".srt": "srt",
    ".vtt": "vtt",
    ".ass": "ass",
    ".txt": "txt",
    ".json": "json",
    ".jsonl": "jsonl",
    ".csv": "csv",
    ".tsv": "segmented",
    ".rttm": "rttm",
    ".textgrid": "textgrid",
    ".jams": "jams",
}
"""Extension -> name of the format. Audacity's labels end in ``.txt`` like a transcript, and go by name."""


ONE_A_FILE = frozenset({"srt", "vtt", "ass", "txt", "json", "textgrid", "audacity", "jams"})
"""Formats that name no recording: a file of them is about one."""


def write(
    labels: Iterable[Label],
    target: str | Path | IO[str],
    format: str = "",
    *,
    recordings: Sequence[Recording] = (),
    force: bool = False,
) -> None:
    """Write labels to a file, to ``-`` (standard output), or to an open text stream.

    Args:
        format: one of `FORMATS`; empty goes by the extension of the target.
        recordings: the files the labels are about, for formats that name files without labels, or lengths.
        force: write over a file of that name.

    Raises:
        UsageError: if the format is unknown.
        FormatError: if the name is taken, the file cannot be written, or the labels do not fit the format.
        EngineError: if the format needs a package of the extra ``formats`` that is not installed.
    """
    name = format_of(target, format)
    text: str = _module(name).dumps(list(labels), list(recordings), name)
    if not isinstance(target, (str, Path)):
        target.write(text)
    elif str(target) == "-":
        _print(text)
    else:
        with atomic_write(target, force=force) as file:
            file.write(text)


def read(path: str | Path, format: str = "") -> list[Label]:
    """The labels of a file, in its own order.

    Raises:
        UsageError: if the format is unknown, or is one that is only written.
        FormatError: if the file cannot be read or does not parse, with the line.
        EngineError: as `write`.
    """
    name = format_of(path, format)
    module = _module(name)
    if not hasattr(module, "loads"):
        raise UsageError(
            path,
            expected="a format with times",
            found=name,
            hint=f"Read one of {', '.join(known for known in FORMATS if known != 'txt')}.",
        )
    try:
        text = Path(path).read_bytes().decode("utf-8-sig", "surrogateescape").replace("\r\n", "\n")
    except OSError as exc:
        raise FormatError(
            path,
            expected="a readable file of labels",
            found=f"an error of the system ({exc.strerror})",
            hint="Check the path.",
        ) from exc
    loaded: list[Label] = module.loads(text, str(path), name)
    return loaded


def format_of(target: str | Path | IO[str], format: str = "") -> str:
    """The name of the format: the one given, or the one of the extension.

    Raises:
        UsageError: if there is no such format.
    """
    suffix = Path(target).suffix if isinstance(target, (str, Path)) else ""
    name = format.lower() if format else EXTENSIONS.get(suffix.lower(), "")
    if name not in FORMATS:
        raise UsageError(
            format or str(target),
            expected="a format of labels",
            found=repr(format or suffix) if format or suffix else "no extension",
            hint=f"Use one of {', '.join(FORMATS)}.",
        )
    return name


def _module(name: str) -> Any:
    return import_module(f"earmark.formats.{FORMATS[name]}")


def _print(text: str) -> None:
    try:
        sys.stdout.write(text)
    except UnicodeEncodeError:  # undecodable bytes of a file's name go out as the bytes they are
        sys.stdout.flush()
        sys.stdout.buffer.write(text.encode("utf-8", "surrogateescape"))
    sys.stdout.flush()
