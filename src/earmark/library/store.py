"""The library as a writer sees it: what was heard goes in, piece by piece, and stays.

Every commit appends rows and tracks first and moves the hearing's position last. A run killed
between the two leaves a tail past the position, which the next run over that recording drops; a
run killed anywhere else leaves exactly what was committed. LanceDB's own versions make each single
table write whole or absent.

A second engine for a recording already heard is a hearing of its own: the old one's rows go only
once the new one is complete. What an engine was set to is part of its name here (`moonshine@1f0c…`),
so other settings are another hearing too.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from earmark.errors import EarmarkError
from earmark.library.catalogue import Catalogue
from earmark.library.folder import check_folder, create_folder, unusable, writing
from earmark.library.schema import Chunked, Gist, Hearing, Passage, StoredChunk, Summary, row_of, schemas, segment_of
from earmark.library.tracks import DERIVED, TrackHeader, append_rows, track_path
from earmark.records import Recording, Segment
from earmark.timeline import Span

if TYPE_CHECKING:
    import lancedb

__all__ = ["Library"]


class Library:
    """One library folder, open for writing. Use `Library.open`; read with `Catalogue.load`."""

    def __init__(self, folder: Path, tables: dict[str, lancedb.table.Table], catalogue: Catalogue) -> None:
        self.folder = folder
        self._tables = tables
        self._catalogue = catalogue
        self._summarised = catalogue.summarised()
        self._chunked = catalogue.chunked()
        self.changed = False
        """Whether anything was written since it was opened."""

    @classmethod
    @contextmanager
    def open(cls, folder: Path) -> Iterator[Library]:
        """Opens the library in `folder`, making it if there is none, and holds its write lock.

        Raises:
            LibraryError: if the folder is foreign, newer, unwritable, or being written by another process.
        """
        if not check_folder(folder):
            create_folder(folder)
        with writing(folder), translated(folder):
            import lancedb

            database = lancedb.connect(str(folder / "tables"))
            tables = {
                name: database.create_table(name, schema=schema, exist_ok=True) for name, schema in schemas().items()
            }
            yield cls(folder, tables, Catalogue.load(folder))

    # What is known

    def recording_of(self, path: str, size: int, mtime_ns: int, audio_stream: int) -> str | None:
        """The recording a path held when it was last hashed, if size and time say that it still does."""
        return self._catalogue.recording_of(path, size, mtime_ns, audio_stream)

    def hearing(self, recording_id: str, job: str, engine: str) -> Hearing | None:
        return self._catalogue.hearings.get((recording_id, job, engine))

    def hearings_of(self, recording_id: str, job: str) -> list[Hearing]:
        """What every engine has heard of a recording for one job."""
        return [
            hearing
            for (id_, its_job, _), hearing in self._catalogue.hearings.items()
            if id_ == recording_id and its_job == job
        ]

    def recording(self, recording_id: str) -> Recording | None:
        return self._catalogue.recordings.get(recording_id)

    def unsummarised(self, engine: str) -> list[tuple[str, str]]:
        """Recordings whose words are complete and of which nothing was made yet by this text engine.

        Returns:
            ``(recording id, engine of the words)``.
        """
        return self._complete_without(self._summarised, engine)

    def unchunked(self, engine: str) -> list[tuple[str, str]]:
        """The same for chunks."""
        return self._complete_without(self._chunked, engine)

    def _complete_without(self, made: Mapping[str, tuple[str, str]], engine: str) -> list[tuple[str, str]]:
        return [
            (id_, words)
            for (id_, job, words), hearing in self._catalogue.hearings.items()
            if job == "words" and hearing.complete and made.get(id_) != (words, engine)
        ]

    def segments(self, sources: Mapping[str, str]) -> Iterator[tuple[str, list[Segment]]]:
        """What was said in each of these recordings, in order; `sources` maps its id to the engine of its words."""
        import pyarrow as pa
        import pyarrow.compute as pc

        table = self._tables["passages"].to_arrow()
        table = table.filter(pc.is_in(table["recording_id"], value_set=pa.array(sources, pa.string())))
        table = table.sort_by([("recording_id", "ascending"), ("start", "ascending")])
        of: dict[str, list[Segment]] = {id_: [] for id_ in sources}
        for row in table.to_pylist():
            if row["engine"] == sources[row["recording_id"]]:
                of[row["recording_id"]].append(segment_of(row))
        yield from of.items()

    # What is new

    def remember(self, recording: Recording, size: int, mtime_ns: int) -> None:
        """Keeps a recording and the file it was found in; a recording known already gets its newest path."""
        if self._catalogue.recordings.get(recording.id) != recording:
            self._upsert("recordings", ["id"], [asdict(recording) | {"path": os.fsencode(recording.path)}])
            self._catalogue.recordings[recording.id] = recording
        key = (recording.path, recording.audio_stream)
        entry = (size, mtime_ns, recording.id)
        if self._catalogue.files.get(key) != entry:
            row = {
                "path": os.fsencode(recording.path),
                "size": size,
                "mtime_ns": mtime_ns,
                "audio_stream": recording.audio_stream,
                "recording_id": recording.id,
            }
            self._upsert("files", ["path", "audio_stream"], [row])
            self._catalogue.files[key] = entry

    def resume(self, recording_id: str, job: str, engine: str, start_seconds: float) -> float:
        """Where this job has to go on with this recording, with any uncommitted tail dropped."""
        hearing = self.hearing(recording_id, job, engine)
        position = start_seconds if hearing is None else hearing.position
        if job == "words":
            self._delete_passages(recording_id, f"engine = '{_plain(engine)}' AND start >= {position!r}")
        return position

    def append_track(
        self,
        recording_id: str,
        job: str,
        engine: str,
        header: TrackHeader,
        rows: NDArray[np.generic],
        keep_rows: int,
    ) -> int:
        """Adds rows to a track (see `tracks.append_rows`); they count once a hearing's position covers them."""
        return append_rows(self._track_path(recording_id, job, engine), header, rows, keep_rows)

    def commit(self, passages: Sequence[Passage], hearings: Sequence[Hearing]) -> None:
        """Stores what was heard, then how far: when this returns, it survives anything but the disk."""
        import pyarrow as pa

        if passages:
            table = pa.Table.from_pylist([row_of(passage) for passage in passages], schema=schemas()["passages"])
            self._tables["passages"].add(table)
            self.changed = True
        if hearings:
            self._upsert("hearings", ["recording_id", "job", "engine"], [asdict(hearing) for hearing in hearings])
            for hearing in hearings:
                self._catalogue.hearings[(hearing.recording_id, hearing.job, hearing.engine)] = hearing
        for hearing in hearings:
            if hearing.complete:
                self._retire_others(hearing)

    def keep_summaries(self, summaries: Sequence[Summary]) -> None:
        """Stores what was made of recordings' words, in place of what was made of them before."""
        import pyarrow as pa

        rows: dict[str, list[dict[str, object]]] = {"keywords": [], "gists": []}
        for summary in summaries:
            common: dict[str, object] = {"recording_id": summary.recording_id, "source": summary.source}
            rows["keywords"] += [
                common | {"chunk": k.chunk, "start": k.span.start, "end": k.span.end, "text": k.text, "score": k.score}
                for k in summary.keywords
            ]
            # One of no vector says that nothing was said, and need not be looked at again.
            rows["gists"] += [
                common | {"engine": summary.engine, "start": g.span.start, "end": g.span.end, "vector": g.vector}
                for g in summary.gists or (Gist(Span(0.0, 0.0), b""),)
            ]
        ids = ", ".join(f"'{_plain(summary.recording_id)}'" for summary in summaries)
        for name, new in rows.items():  # the gists last: their being there says that all is
            if summaries:
                self._tables[name].delete(f"recording_id IN ({ids})")
                self.changed = True
            if new:
                self._tables[name].add(pa.Table.from_pylist(new, schema=schemas()[name]))
        for summary in summaries:
            self._summarised[summary.recording_id] = (summary.source, summary.engine)

    def keep_chunks(self, made: Sequence[Chunked]) -> None:
        """Stores the chunks of recordings, in place of those they had."""
        import pyarrow as pa

        if not made:
            return
        # As with gists: one of no vector says that nothing was said.
        rows = [
            {
                "recording_id": each.recording_id, "source": each.source, "engine": each.engine,
                "start": chunk.span.start, "end": chunk.span.end, "terms": chunk.terms, "vector": chunk.vector,
            }
            for each in made
            for chunk in each.chunks or (StoredChunk(Span(0.0, 0.0), "", b""),)
        ]  # fmt: skip
        ids = ", ".join(f"'{_plain(each.recording_id)}'" for each in made)
        self._tables["chunks"].delete(f"recording_id IN ({ids})")
        self._tables["chunks"].add(pa.Table.from_pylist(rows, schema=schemas()["chunks"]))
        self.changed = True
        for each in made:
            self._chunked[each.recording_id] = (each.source, each.engine)

    def finish(self) -> None:
        """Tidies after a run: merges small fragments, forgets versions older than a day, renews the search copy."""
        for table in self._tables.values():
            if table.count_rows():
                table.optimize(cleanup_older_than=timedelta(days=1))
        Catalogue.build(self.folder, {name: table.to_arrow() for name, table in self._tables.items()})

    # How

    def _retire_others(self, done: Hearing) -> None:
        """Once a job is complete with one engine, what another engine heard for the same job goes."""
        others = [
            hearing
            for (recording_id, job, engine), hearing in self._catalogue.hearings.items()
            if recording_id == done.recording_id and job == done.job and engine != done.engine
        ]
        for other in others:
            if done.job == "words":
                self._delete_passages(other.recording_id, f"engine = '{_plain(other.engine)}'")
            for track in (other.job, *DERIVED.get(other.job, ())):
                self._track_path(other.recording_id, track, other.engine).unlink(missing_ok=True)
            self._tables["hearings"].delete(
                f"recording_id = '{_plain(other.recording_id)}' AND job = '{_plain(other.job)}' "
                f"AND engine = '{_plain(other.engine)}'"
            )
            del self._catalogue.hearings[(other.recording_id, other.job, other.engine)]

    def _track_path(self, recording_id: str, job: str, engine: str) -> Path:
        return track_path(self.folder, _plain(recording_id), _plain(job), _plain(engine))

    def _delete_passages(self, recording_id: str, condition: str) -> None:
        self._tables["passages"].delete(f"recording_id = '{_plain(recording_id)}' AND {condition}")

    def _upsert(self, name: str, keys: list[str], rows: list[dict[str, Any]]) -> None:
        import pyarrow as pa

        table = pa.Table.from_pylist(rows, schema=schemas()[name])
        self.changed = True
        merge = self._tables[name].merge_insert(keys)
        merge.when_matched_update_all().when_not_matched_insert_all().execute(table)


def _plain(name: str) -> str:
    """Names that go into a condition are hashes and engine names; anything else is a bug, not a query."""
    if not re.fullmatch(r"[\w.@+-]+", name):
        raise ValueError(f"not a plain name: {name!r}")
    return name


@contextmanager
def translated(folder: Path) -> Iterator[None]:
    """LanceDB's and the system's refusals about `folder` become a `LibraryError`."""
    try:
        yield
    except EarmarkError:
        raise
    except (OSError, RuntimeError) as exc:
        if isinstance(exc, RuntimeError) and "lance" not in str(exc).lower():
            raise
        raise unusable(folder, exc) from exc
