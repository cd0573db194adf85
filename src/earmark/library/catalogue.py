"""The library as a reader sees it: everything a search needs, mapped into memory in milliseconds.

The tables are LanceDB's; importing lancedb takes a second, which is longer than a whole search may
take. So each state of the tables gets one read-optimised copy (Arrow IPC files in `search/`, named
after that state), which pyarrow maps without reading it. The copy holds nothing the tables do not,
is made again whenever they have changed, and may be deleted at any time.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from earmark.errors import LibraryError
from earmark.library.folder import check_folder, unusable
from earmark.library.schema import TABLES, Hearing, schemas, segment_of
from earmark.records import Recording, Segment

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["Catalogue"]

MADE = ("gists", "keywords", "chunks")
"""Tables made from the words of passages."""


@dataclass
class Catalogue:
    """What the library knows, for reading.

    Attributes:
        recordings: by id.
        files: ``(size, mtime_ns, recording id)`` by ``(path, audio stream)``.
        hearings: by ``(recording id, job, engine)``.
        passages: an Arrow table of the passages that count (`schema.schemas()["passages"]`).
        prepared: what searches have made of it and keep for the next one, by keys of their own.
        gists, keywords, chunks: those made from these passages; empty where nothing was made of them yet.
    """

    folder: Path
    recordings: dict[str, Recording] = field(default_factory=dict)
    files: dict[tuple[str, int], tuple[int, int, str]] = field(default_factory=dict)
    hearings: dict[tuple[str, str, str], Hearing] = field(default_factory=dict)
    passages: pa.Table = None
    gists: pa.Table = None
    keywords: pa.Table = None
    chunks: pa.Table = None
    prepared: dict[Any, Any] = field(default_factory=dict, repr=False, compare=False)
    _paths: dict[str, list[str]] = field(default_factory=dict, repr=False)
    _columns: dict[str, list[Any]] = field(default_factory=dict, repr=False)
    _hearings: dict[tuple[str, str], list[Hearing]] = field(default_factory=dict, repr=False)

    @classmethod
    def load(cls, folder: Path) -> Catalogue:
        """The state of the library in `folder` as it is now; an empty one where there is none.

        Raises:
            LibraryError: if the folder is foreign, newer or unreadable.
        """
        if not check_folder(folder):
            return cls(folder, **{name: schemas()[name].empty_table() for name in ("passages", *MADE)})
        try:
            copy = folder / "search" / _state(folder)
            if copy.is_dir():
                return cls._from_tables(folder, {name: _mapped(copy / f"{name}.arrow") for name in TABLES})
            return cls.build(folder, _read_tables(folder))
        except LibraryError:
            raise
        except (OSError, ValueError, RuntimeError) as exc:
            raise unusable(folder, exc) from exc

    @classmethod
    def build(cls, folder: Path, tables: Mapping[str, pa.Table]) -> Catalogue:
        """Makes the search copy of the tables' present state and drops older ones.

        A folder that cannot be written (an archive mounted read-only) is searched all the same.
        """
        tables = dict(tables)
        best = _best(tables["hearings"])
        tables["passages"] = _counting(tables["passages"], best)
        for name in MADE:
            tables[name] = _made_from(tables[name], best)
        home = folder / "search"
        state = _state(folder)
        temporary = home / f".{state}.{os.getpid()}"
        try:
            shutil.rmtree(temporary, ignore_errors=True)
            temporary.mkdir(parents=True)
            for name, table in tables.items():
                _write(temporary / f"{name}.arrow", table)
            if not (home / state).exists():
                os.replace(temporary, home / state)
            for old in home.iterdir():
                if old.name != state:
                    shutil.rmtree(old, ignore_errors=True)
        except OSError:
            shutil.rmtree(temporary, ignore_errors=True)
        return cls._from_tables(folder, tables)

    @classmethod
    def _from_tables(cls, folder: Path, tables: Mapping[str, pa.Table]) -> Catalogue:
        return cls(
            folder,
            {
                row["id"]: Recording(**row | {"path": os.fsdecode(row["path"])})
                for row in tables["recordings"].to_pylist()
            },
            {
                (os.fsdecode(row["path"]), row["audio_stream"]): (
                    row["size"],
                    row["mtime_ns"],
                    row["recording_id"],
                )
                for row in tables["files"].to_pylist()
            },
            {
                (row["recording_id"], row["job"], row["engine"]): Hearing(**row)
                for row in tables["hearings"].to_pylist()
            },
            tables["passages"],
            *(tables[name] for name in MADE),
        )

    def recording_of(self, path: str, size: int, mtime_ns: int, audio_stream: int) -> str | None:
        """The recording a path held when last hashed, if its size and time are still the same."""
        known = self.files.get((path, audio_stream))
        return known[2] if known is not None and known[:2] == (size, mtime_ns) else None

    def paths_of(self, recording_id: str) -> list[str]:
        """Every path that held a recording when it was last looked at; empty once all of them hold something else."""
        if not self._paths:
            for (path, _), (_, _, known) in self.files.items():
                self._paths.setdefault(known, []).append(path)
        return self._paths.get(recording_id, [])

    def column(self, name: str) -> list[Any]:
        """One column of the passages as Python values; read once."""
        if name not in self._columns:
            self._columns[name] = self.passages.column(name).to_pylist()
        return self._columns[name]

    def summarised(self) -> dict[str, tuple[str, str]]:
        """``(source, engine)`` of the gists by recording id: whose words they were made from, and what made them."""
        return _makers(self.gists)

    def chunked(self) -> dict[str, tuple[str, str]]:
        """The same of the chunks."""
        return _makers(self.chunks)

    def segment(self, row: int) -> Segment:
        """The passage in row `row`, with its words."""
        return segment_of(self.passages.slice(row, 1).to_pylist()[0])

    def hearing_of(self, recording_id: str, job: str) -> Hearing | None:
        """The hearing whose rows count for a job: the complete one, else the one that got furthest."""
        if not self._hearings:
            for (known, named, _), hearing in self.hearings.items():
                self._hearings.setdefault((known, named), []).append(hearing)
        found = self._hearings.get((recording_id, job), [])
        return max(found, key=lambda hearing: (hearing.complete, hearing.position), default=None)


def _makers(made: pa.Table) -> dict[str, tuple[str, str]]:
    found = made.group_by(["recording_id", "source", "engine"]).aggregate([]).to_pylist()
    return {row["recording_id"]: (row["source"], row["engine"]) for row in found}


def _best(hearings: pa.Table) -> dict[str, tuple[bool, float, str]]:
    """Of each recording's words, the hearing that counts: whether it is complete, its position, its engine."""
    best: dict[str, tuple[bool, float, str]] = {}
    for row in hearings.to_pylist():
        if row["job"] == "words":
            rank = (row["complete"], row["position"], row["engine"])
            best[row["recording_id"]] = max(rank, best.get(row["recording_id"], rank))
    return best


def _counting(passages: pa.Table, best: Mapping[str, tuple[bool, float, str]]) -> pa.Table:
    """The passages of each recording's hearing that counts, before its position, in order of time."""
    import pyarrow as pa
    import pyarrow.compute as pc

    limit = pa.array([best.get(id_, (False, float("-inf"), ""))[1] for id_ in passages["recording_id"].to_pylist()],
                     pa.float64())  # fmt: skip
    engine = pa.array([best.get(id_, (False, 0.0, ""))[2] for id_ in passages["recording_id"].to_pylist()],
                      pa.string())  # fmt: skip
    keep = pc.and_(pc.less(passages["start"], limit), pc.equal(passages["engine"], engine))
    kept: pa.Table = passages.filter(keep).sort_by([("recording_id", "ascending"), ("start", "ascending")])
    return kept.combine_chunks()


def _made_from(made: pa.Table, best: Mapping[str, tuple[bool, float, str]]) -> pa.Table:
    """The rows made from the words of the hearing that counts, in order of recording and time."""
    import pyarrow as pa

    ids, sources = made["recording_id"].to_pylist(), made["source"].to_pylist()
    keep = [best.get(id_, (False, 0.0, ""))[2] == source for id_, source in zip(ids, sources, strict=True)]
    kept: pa.Table = made.filter(pa.array(keep, pa.bool_()))
    return kept.sort_by([("recording_id", "ascending"), ("start", "ascending")]).combine_chunks()


def _state(folder: Path) -> str:
    """A name for the tables' present state: Lance writes one manifest a version, so their newest names say it all."""
    digest = hashlib.blake2b(digest_size=12)
    for name in TABLES:
        versions = folder / "tables" / f"{name}.lance" / "_versions"
        # There is none in a library that was written before there was such a table.
        entries = list(versions.iterdir()) if versions.is_dir() else []
        manifests = [entry.name for entry in entries if entry.name.endswith(".manifest")]
        digest.update(repr((name, sorted(manifests)[:1], sorted(manifests)[-1:])).encode())
    return digest.hexdigest()


def _read_tables(folder: Path) -> dict[str, pa.Table]:
    import lancedb

    database = lancedb.connect(str(folder / "tables"))
    return {
        name: database.open_table(name).to_arrow()
        if (folder / "tables" / f"{name}.lance").is_dir()
        else schemas()[name].empty_table()
        for name in TABLES
    }


def _mapped(path: Path) -> pa.Table:
    import pyarrow as pa

    with pa.memory_map(str(path)) as source:
        return pa.ipc.open_file(source).read_all()


def _write(path: Path, table: pa.Table) -> None:
    import pyarrow as pa

    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
