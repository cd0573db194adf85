"""Many files: which of them have been heard, which have not, and what came of each.

A file that cannot be heard does not stop the others; it is listed at the end.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

from earmark.errors import EarmarkError, LibraryError, MediaError
from earmark.indexing.chunks import divide
from earmark.indexing.gist import summarise
from earmark.indexing.listening import Listener
from earmark.library import Library
from earmark.media.discover import discover
from earmark.media.identity import identity
from earmark.media.probe import probe
from earmark.progress import Progress, ignore
from earmark.records import Recording
from earmark.settings import IndexSettings

__all__ = ["Report", "index"]


@dataclass
class Report:
    """What came of a run.

    Attributes:
        recordings: every recording that can now be searched, in the order it was given, by id.
        heard: the ids of those that were listened to in this run.
        failed: files that could not be heard, and why.
        notes: what was odd about a file that could (cut off, broken packets).
        dropped: text that was recognised but never spoken, by path.
    """

    recordings: dict[str, Recording] = field(default_factory=dict)
    heard: list[str] = field(default_factory=list)
    failed: list[tuple[Path, EarmarkError]] = field(default_factory=list)
    notes: list[tuple[Path, str]] = field(default_factory=list)
    dropped: list[tuple[Path, str]] = field(default_factory=list)


def index(
    paths: Sequence[Path],
    folder: Path,
    settings: IndexSettings | None = None,
    on_progress: Progress = ignore,
) -> Report:
    """Listens to every media file among `paths` (files and folders) that the library in `folder` has not heard.

    Raises:
        LibraryError: if the library cannot be used or written.
        MediaError: if there is no media file among them at all.
    """
    settings = IndexSettings() if settings is None else settings
    report = Report()
    files = discover(paths, exclude=[folder], on_error=lambda error: report.failed.append((Path(error.subject), error)))
    pool = ThreadPoolExecutor(settings.workers or os.cpu_count() or 1, thread_name_prefix="listening")
    with Library.open(folder) as library:
        try:
            listener = Listener(library, settings, pool)
            _index_all(files, library, listener, settings, report, on_progress)
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
            made = summarise(library) + divide(library)
            if made or report.heard or library.changed:
                library.finish()
    return report


def _index_all(
    files: Iterable[Path],
    library: Library,
    listener: Listener,
    settings: IndexSettings,
    report: Report,
    on_progress: Progress,
) -> None:
    for path in files:
        try:
            recording = _recording(path, library, settings.audio_stream)
            plan = listener.plan(recording)
            if plan.unheard:
                report.heard.append(recording.id)
                outcome = listener.listen(recording, plan, on_progress)
                report.notes.extend((path, note) for note in outcome.notes)
                report.dropped.extend((path, line) for line in outcome.dropped)
        except LibraryError:
            raise
        except EarmarkError as exc:
            report.failed.append((path, exc))
        else:
            report.recordings[recording.id] = recording


def _recording(path: Path, library: Library, audio_stream: int) -> Recording:
    """The recording a file holds, by its content; a file whose size and time are known is not hashed again."""
    absolute = path.absolute()
    try:
        stat = absolute.stat()
    except OSError as exc:
        raise MediaError(
            path,
            expected="a readable file",
            found=exc.strerror or str(exc),
            hint="Check that it still exists.",
        ) from exc
    known = library.recording_of(str(absolute), stat.st_size, stat.st_mtime_ns, audio_stream)
    recording = library.recording(known) if known is not None else None
    if recording is None:
        recording_id = identity(absolute, audio_stream)
        recording = library.recording(recording_id) or probe(absolute, audio_stream)
    recording = replace(recording, path=str(absolute))
    library.remember(recording, stat.st_size, stat.st_mtime_ns)
    return recording
