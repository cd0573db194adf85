"""Labelled clips: what scenes are built from, read from a folder and its table.

Two tables are understood. A collection's ``manifest.csv`` with at least ``file,label`` (``caption``, ``fold`` and
``licence`` if it has them); or a user's own ``*.csv`` with ``file,start,end,caption``, times in seconds.
"""

from __future__ import annotations

import csv
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from earmark.errors import FormatError, MediaError
from earmark.scenes.vocabulary import Vocabulary, shipped_vocabulary
from earmark.timeline import Span

__all__ = ["Clip", "read_clips", "split_by_recording"]


@dataclass(frozen=True)
class Clip:
    """A recording, or the part `span` of it, that holds one labelled sound."""

    path: Path
    label: str
    caption: str = ""
    collection: str = ""
    fold: str = ""
    licence: str = ""
    span: Span | None = None

    @property
    def recording(self) -> str:
        """What the clip was cut from, as far as its name tells: clips that share it are never split apart."""
        stem = self.path.stem
        uuid = re.match(r"[0-9A-Fa-f]{8}-(?:[0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}", stem)
        if uuid:
            return f"{self.collection}/{uuid.group()}"
        freesound = re.match(r"\d-(\d{3,})-[A-Z]", stem)
        if freesound:
            return f"{self.collection}/{freesound.group(1)}"
        return f"{self.collection}/{self.path.parent.name}/{re.sub(r'[0-9_.]+$', '', stem) or stem}"


def read_clips(folder: Path, vocabulary: Vocabulary | None = None) -> list[Clip]:
    """All clips of a folder, in the order of its table.

    Raises:
        MediaError: if the folder, or a table in it, is missing.
        FormatError: if the table lacks a column, or a time is not a number; with the line.
    """
    vocabulary = vocabulary or shipped_vocabulary()
    folder = Path(folder)
    tables = [folder / "manifest.csv"] if (folder / "manifest.csv").is_file() else sorted(folder.glob("*.csv"))
    if not tables:
        raise MediaError(
            folder,
            expected="a folder of clips with a table",
            found="no .csv file" if folder.is_dir() else "no such folder",
            hint="Add a CSV with the columns file,start,end,caption.",
        )
    clips: list[Clip] = []
    for table in tables:
        with table.open(encoding="utf-8", newline="") as file:
            rows = csv.DictReader(file)
            columns = set(rows.fieldnames or ())
            if "file" not in columns or not columns & {"label", "caption"}:
                raise FormatError(
                    table,
                    expected="the columns file and label, or file,start,end,caption",
                    found=", ".join(rows.fieldnames or ()) or "an empty table",
                    hint="Name the columns in the first line.",
                )
            for row in rows:
                caption = (row.get("caption") or "").strip().lower()
                label = vocabulary.canonical(row.get("label") or caption)
                span = _span(table, rows.line_num, row.get("start"), row.get("end"))
                clips.append(
                    Clip(
                        folder / row["file"], label, caption, folder.name, row.get("fold") or "",
                        row.get("licence") or "", span,
                    )
                )  # fmt: skip
    return clips


def _span(table: Path, line: int, start: str | None, end: str | None) -> Span | None:
    if not (start or "").strip() and not (end or "").strip():
        return None
    try:
        return Span(float(start or ""), float(end or ""))
    except ValueError:
        raise FormatError(
            f"{table}, line {line}",
            expected="start and end in seconds, start first",
            found=f"{start!r} and {end!r}",
            hint="Leave both empty for a whole file.",
        ) from None


def split_by_recording(clips: Sequence[Clip], share: float, seed: int = 0) -> tuple[list[Clip], list[Clip]]:
    """Clips for training, and about `share` of the recordings kept out; the same ones for the same seed."""
    kept_in: list[Clip] = []
    kept_out: list[Clip] = []
    for clip in clips:
        digest = hashlib.sha256(f"{seed}/{clip.recording}".encode()).digest()
        (kept_out if int.from_bytes(digest[:4], "big") / 2**32 < share else kept_in).append(clip)
    return kept_in, kept_out
