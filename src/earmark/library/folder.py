"""The library's folder: where it is, whether it is ours, who may write to it.

A library folder carries `earmark.json`. A folder that has files but not that one is somebody
else's, and is left alone. One process writes at a time; any number may read.
"""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from earmark import __version__
from earmark.errors import LibraryError
from earmark.library.schema import FORMAT_VERSION

MARKER = "earmark.json"
LOCK = "writing.lock"


def default_folder() -> Path:
    """`EARMARK_LIBRARY` if it is set, else the place the system keeps application data."""
    named = os.environ.get("EARMARK_LIBRARY")
    if named:
        return Path(named).expanduser()
    from platformdirs import user_data_path

    return user_data_path("earmark", appauthor=False) / "library"


def check_folder(folder: Path) -> bool:
    """Whether `folder` holds a library; False where nothing is there yet.

    Raises:
        LibraryError: if the folder is a file, somebody else's, unreadable, or a newer earmark's.
    """
    try:
        if not folder.exists():
            return False
        if not folder.is_dir():
            raise LibraryError(folder, expected="a folder", found="a file", hint="Pass a folder with --library.")
        marker = folder / MARKER
        if not marker.exists():
            if any(folder.iterdir()):
                raise LibraryError(
                    folder,
                    expected="an earmark library or an empty folder",
                    found="a folder with other files and no earmark.json",
                    hint="Pass another folder with --library.",
                )
            return False
        version = json.loads(marker.read_text(encoding="utf-8"))["format"]
        if not isinstance(version, int):
            raise ValueError(version)
    except OSError as exc:
        raise unusable(folder, exc) from exc
    except (ValueError, KeyError, TypeError) as exc:
        raise LibraryError(
            folder / MARKER,
            expected='a line such as {"format": 1}',
            found="something else",
            hint="Restore this file from a backup, or index into a new folder with --library.",
        ) from exc
    if version > FORMAT_VERSION:
        raise LibraryError(
            folder,
            expected=f"a library of format {FORMAT_VERSION} or older",
            found=f"format {version}, written by a newer earmark",
            hint="Update earmark: pip install --upgrade earmark.",
        )
    return True


def create_folder(folder: Path) -> None:
    """Makes the folder and its marker; the marker comes last, so a half-made folder is not taken for a library."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        temporary = folder / f".{MARKER}.{os.getpid()}"
        temporary.write_text(json.dumps({"format": FORMAT_VERSION, "earmark": __version__}) + "\n", encoding="utf-8")
        os.replace(temporary, folder / MARKER)
    except OSError as exc:
        raise unusable(folder, exc) from exc


def unusable(folder: Path, exc: BaseException) -> LibraryError:
    """The system's refusal in the house's words."""
    number = exc.errno if isinstance(exc, OSError) else None
    text = str(exc)
    if number == errno.ENOSPC or "No space left" in text or "os error 28" in text:
        return LibraryError(
            folder,
            expected="room on the disk",
            found="none left",
            hint="Free some space and run the same command again: it goes on where it stopped.",
        )
    if number in {errno.EACCES, errno.EPERM, errno.EROFS} or "ermission denied" in text or "ead-only" in text:
        return LibraryError(
            folder,
            expected="a folder this user may read and write",
            found="permission denied",
            hint="Change its permissions, or pass another folder with --library.",
        )
    return LibraryError(
        folder,
        expected="a readable library",
        found=" ".join(text.split())[:200] or type(exc).__name__,
        hint="Check the disk, or index into a new folder with --library.",
    )


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Holds the library's write lock; the system drops it with the process, however that ends.

    Raises:
        LibraryError: if another process holds it.
    """
    try:
        handle = open(folder / LOCK, "a+b")  # noqa: SIM115
    except OSError as exc:
        raise unusable(folder, exc) from exc
    with handle:
        if not _lock(handle):
            raise LibraryError(
                folder,
                expected="to be the only one writing to this library",
                found="another earmark at work on it",
                hint="Wait for it to finish, or pass another folder with --library.",
            )
        yield


def _lock(handle: IO[bytes]) -> bool:
    try:
        if os.name == "nt":
            import msvcrt

            handle.seek(0)
            msvcrt.locking(handle.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined,unused-ignore]
        else:
            import fcntl

            fcntl.flock(handle.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
