"""Tracks: what is heard at a fixed rate, kept as plain arrays that a search maps into memory.

One file a recording and job: a line of JSON that says what it holds, padded to 256 bytes, then rows
of `dim` bytes. Files are only ever appended to; how many rows count is said by the hearing that
wrote them, so a run killed in the middle of an append leaves at most a tail nobody reads.

LanceDB holds the words, but not these: mapping a file answers in a millisecond, while importing
lancedb alone takes a second, and a search over ten hours has to be done within that.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from earmark.errors import LibraryError

HEADER_BYTES = 256
DERIVED = {"sounds": ("clips",)}
"""Tracks made from a job's own, which go with it: coarse vectors of the sounds, one for many frames."""


@dataclass(frozen=True, slots=True)
class TrackHeader:
    """What a track holds: rows of `dim` values of type `dtype` ('int8' or 'uint8'), one every `step_seconds`."""

    engine: str
    dim: int
    step_seconds: float
    start_seconds: float = 0.0
    dtype: str = "int8"

    def encode(self) -> bytes:
        line = json.dumps(asdict(self)).encode()
        if len(line) >= HEADER_BYTES:
            raise ValueError(f"a track header must be shorter than {HEADER_BYTES} bytes, got {len(line)}")
        return line.ljust(HEADER_BYTES - 1) + b"\n"


def track_path(folder: Path, recording_id: str, job: str, engine: str) -> Path:
    return folder / "tracks" / recording_id[:2] / f"{recording_id}.{job}.{engine}"


def append_rows(path: Path, header: TrackHeader, rows: NDArray[np.generic], keep_rows: int) -> int:
    """Adds `rows`, shape (n, dim), after the first `keep_rows`; what lay behind them is cut off.

    Returns:
        The number of rows the track now holds. On disk when this returns.

    Raises:
        OSError: as the system reports it (a full disk, say); the first `keep_rows` are whole even then.
    """
    if rows.ndim != 2 or rows.shape[1] != header.dim or rows.dtype != np.dtype(header.dtype):
        raise ValueError(f"expected rows of shape (n, {header.dim}) {header.dtype}, got {rows.shape} {rows.dtype}")
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "r+b" if path.exists() else "w+b") as file:
        if keep_rows == 0:
            file.truncate(0)
            file.write(header.encode())
        file.truncate(HEADER_BYTES + keep_rows * header.dim)
        file.seek(0, os.SEEK_END)
        file.write(np.ascontiguousarray(rows).tobytes())
        file.flush()
        os.fsync(file.fileno())
    return keep_rows + int(rows.shape[0])


def read_track(path: Path, limit_seconds: float = float("inf")) -> tuple[TrackHeader, NDArray[np.generic]]:
    """The header and the rows before `limit_seconds` (on the recording's clock), mapped, not read.

    Raises:
        FileNotFoundError: if there is no such track.
        LibraryError: if the file does not begin with a track's header.
    """
    with open(path, "rb") as file:
        head = file.read(HEADER_BYTES)
    try:
        header = TrackHeader(**json.loads(head))
    except (ValueError, TypeError) as exc:
        raise LibraryError(
            path,
            expected="a track's header",
            found="something else",
            hint="Delete this file and index its recording again.",
        ) from exc
    rows = (path.stat().st_size - HEADER_BYTES) // header.dim
    if limit_seconds != float("inf"):
        rows = min(rows, max(0, round((limit_seconds - header.start_seconds) / header.step_seconds)))
    if rows <= 0:
        return header, np.zeros((0, header.dim), np.dtype(header.dtype))
    data = np.memmap(path, dtype=header.dtype, mode="r", offset=HEADER_BYTES, shape=(rows, header.dim))
    return header, data
