"""From the parts of single recordings to one data set: duplicates out, splits decided, what is missing summed up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from earmark.collecting.recordings import Entry
from earmark.collecting.splits import assign_splits
from earmark.errors import EarmarkError
from earmark.formats.manifest import MANIFEST_NAME, Chunk, read_manifest

__all__ = ["DataSet", "LeftOut", "Part", "assemble"]

STRICTEST = ("test", "validation", "train")
"""Of several splits given for one group, the first of these holds: what was ever tested on trains nothing."""


@dataclass(frozen=True)
class Part:
    """What became of one recording."""

    entry: Entry
    recording: str
    duration: float
    rows: list[dict[str, Any]]
    left_out: list[tuple[str, int, float]]
    note: str = ""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """What is not in the data set: how often, how long, and why."""

    reason: str
    count: int
    seconds: float


@dataclass
class DataSet:
    """What was built.

    Attributes:
        chunks: the rows of the manifest.
        audio_seconds: of all recordings that could be read.
        failed: recordings that could not be read, and why.
        worked_on: recordings this run listened to; the others were known from a run before.
    """

    folder: Path
    layout: str = ""
    chunks: list[Chunk] = field(default_factory=list)
    recordings: int = 0
    audio_seconds: float = 0.0
    left_out: list[LeftOut] = field(default_factory=list)
    failed: list[tuple[Path, EarmarkError]] = field(default_factory=list)
    notes: list[tuple[Path, str]] = field(default_factory=list)
    worked_on: int = 0


def assemble(parts: Sequence[Part], seed: int, by_speaker: bool, result: DataSet) -> None:
    """Fills in `result`: rows in the order of their files, each recording once, with its split."""
    seen: dict[str, Path] = {}
    seconds: dict[str, float] = {}
    given: dict[str, str] = {}
    once: list[Part] = []
    left_out: dict[str, tuple[int, float]] = {}

    def leave_out(reason: str, count: int, length: float) -> None:
        before = left_out.get(reason, (0, 0.0))
        left_out[reason] = (before[0] + count, before[1] + length)

    for part in parts:
        if part.recording in seen:
            leave_out("recordings that are there twice", 1, part.duration)
            result.notes.append((part.entry.path, f"the same recording as {seen[part.recording]}; left out"))
            continue
        seen[part.recording] = part.entry.path
        once.append(part)
        if part.note:
            result.notes.append((part.entry.path, part.note))
        for reason, count, length in part.left_out:
            leave_out(reason, count, length)
        result.audio_seconds += part.duration
        group = _group(part.entry.speaker * by_speaker, part.recording)
        kept = sum(row["end"] - row["start"] for row in part.rows)
        seconds[group] = seconds.get(group, 0.0) + kept
        if part.entry.split:
            given[group] = min(given.get(group, "train"), part.entry.split, key=STRICTEST.index)
    earlier = _earlier_splits(result.folder, by_speaker)
    chosen = assign_splits(seconds, earlier | given, seed=seed)
    for part in once:
        entry = part.entry
        for row in part.rows:
            chunk = Chunk(
                id=f"{part.recording[:16]}-{round(row['start'] * 1000):08d}",
                recording=part.recording,
                path=str(entry.path.absolute()),
                split=chosen[_group(entry.speaker * by_speaker, part.recording)],
                speaker=entry.speaker,
                label=entry.label,
                title=entry.title,
                **(row | {"keywords": tuple(row["keywords"])}),
            )
            result.chunks.append(chunk)
    result.recordings = len(once)
    result.left_out = [LeftOut(reason, *left_out[reason]) for reason in sorted(left_out)]
    if result.failed:
        result.left_out.append(LeftOut("recordings that cannot be read", len(result.failed), 0.0))


def _group(speaker: str, recording: str) -> str:
    return f"speaker {speaker}" if speaker else f"recording {recording}"


def _earlier_splits(folder: Path, by_speaker: bool) -> dict[str, str]:
    """What the manifest that is there decided: recordings that arrive later move no older one."""
    if not (folder / MANIFEST_NAME).is_file():
        return {}
    return {
        _group(chunk.speaker * by_speaker, chunk.recording): chunk.split
        for chunk in read_manifest(folder)
        if chunk.split
    }
