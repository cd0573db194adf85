"""Listing recordings that are on the disk already, where they are, in the same list as a feed's."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from earmark.collecting.episodes import Collected
from earmark.collecting.layouts import read_source
from earmark.collecting.lock import locked
from earmark.collecting.recordings import Entry, append_entry, read_entries, write_entries
from earmark.errors import EarmarkError, FormatError
from earmark.media.probe import inspect
from earmark.progress import Progress, ignore

__all__ = ["collect_local"]


def collect_local(
    source: Path,
    folder: Path,
    *,
    limit: int | None = None,
    dry_run: bool = False,
    on_progress: Progress = ignore,
) -> Collected:
    """Checks the recordings of a folder, table or known collection and lists them in `folder`; copies nothing.

    What is listed and has not changed is not checked again. `limit` takes the first so many by path.

    Raises:
        MediaError: if there is no media in `source`; a file that is none is in `Collected.failed`.
        FormatError: if the table of the source does not parse, or `folder` cannot be used.
    """
    if source.is_dir() and folder.resolve() == source.resolve():
        raise FormatError(
            folder,
            expected="a folder for the list apart from the recordings",
            found="the same folder",
            hint="Pass another one with -o.",
        )
    layout, entries = read_source(source, exclude=[folder])
    entries = entries if limit is None else entries[:limit]
    result = Collected(folder, len(entries), notes=[f"{source}: read as {layout}"])
    if dry_run:
        result.here = entries
        return result
    with locked(folder):
        listed = {entry.path: entry for entry in read_entries(folder)}
        try:
            for number, entry in enumerate(entries, 1):
                entry = replace(entry, path=entry.path.absolute())
                try:
                    found = _checked(entry, listed.get(entry.path))
                except EarmarkError as exc:
                    result.failed.append((str(entry.path), exc))
                else:
                    if found != listed.get(entry.path):
                        append_entry(folder, found)
                        result.fetched += 1
                    result.here.append(found)
                on_progress(str(source), number, len(entries))
        finally:
            known = read_entries(folder)
            if known:
                write_entries(folder, known)
    return result


def _checked(entry: Entry, listed: Entry | None) -> Entry:
    """The entry with length and size; by what is listed where the file is as it was."""
    try:
        stat = entry.path.stat()
    except OSError:
        inspect(entry.path)  # says in words what is wrong
        raise
    if listed is not None and (stat.st_size, stat.st_mtime_ns) == (listed.num_bytes, listed.modified_ns):
        seconds = listed.duration_seconds
    else:
        seconds = round(inspect(entry.path).audio_streams[0].duration_seconds, 3)
    return replace(entry, duration_seconds=seconds, num_bytes=stat.st_size, modified_ns=stat.st_mtime_ns)
