"""One run at a time in a folder; the system lets go of the lock with the process, however that ends."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from earmark.errors import FormatError

__all__ = ["locked"]


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Holds `folder` for this process, making it if it is missing.

    Raises:
        FormatError: if another run holds it, it is a file, or it cannot be written to.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle = open(folder / ".lock", "a+b")  # noqa: SIM115
    except (FileExistsError, NotADirectoryError) as exc:  # itself, or what it should lie in
        raise FormatError(folder, expected="a folder", found="a file", hint="Choose another name.") from exc
    except OSError as exc:
        raise FormatError(
            folder,
            expected="a folder you may write to",
            found="one you may not" if isinstance(exc, PermissionError) else exc.strerror or "an error",
            hint="Choose another folder.",
        ) from exc
    with handle:
        if not _lock(handle):
            raise FormatError(
                folder,
                expected="a folder that no other run works in",
                found="one at work",
                hint="Wait until it is done, or choose another folder.",
            )
        yield


def _lock(handle: IO[bytes]) -> bool:
    try:
        import fcntl
    except ImportError:  # Windows
        import msvcrt

        try:
            msvcrt.locking(handle.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined,unused-ignore]
        except OSError:
            return False
        return True
    try:
        fcntl.flock(handle.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
