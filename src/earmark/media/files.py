"""Writing files whole or not at all: into a hidden neighbour first, then renamed into place.

A name that is taken is kept unless `force` says otherwise; a full disk or a killed run leaves nothing
under the final name.
"""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from earmark.errors import FormatError

__all__ = ["atomic_path", "atomic_write", "check_free"]


@contextmanager
def atomic_write(path: str | Path, *, force: bool = False, binary: bool = False) -> Iterator[IO[Any]]:
    """An open file that becomes `path` when the block ends without an exception.

    Text is UTF-8, newlines as written.

    Raises:
        FormatError: if the name is taken and `force` is not set, or the file cannot be written.
    """
    with atomic_path(path, force=force) as temporary, _translated(path):
        if binary:
            with open(temporary, "wb") as file:
                yield file
        else:
            # surrogateescape: names of files come back out as the bytes they are on the disk
            with open(temporary, "w", encoding="utf-8", errors="surrogateescape", newline="") as text:
                yield text


@contextmanager
def atomic_path(path: str | Path, *, force: bool = False) -> Iterator[Path]:
    """A free name in the folder of `path`, with its extension, renamed to `path` at the end of the block.

    A device or pipe (``/dev/null``) is handed out as it is. The block writes the file itself.

    Raises:
        FormatError: as `atomic_write`.
    """
    with _translated(path):
        final = Path(os.path.realpath(path))
        if final.exists() and not final.is_file() and not final.is_dir():
            yield final
            return
        _refuse_taken(path, final, force)
        temporary = final.with_name(f".{final.stem[:80]}.{secrets.token_hex(4)}.part{final.suffix}")
        try:
            with open(temporary, "xb"):
                pass  # says at once whether the folder can be written to
            yield temporary
            with open(temporary, "rb") as written:
                os.fsync(written.fileno())
            _refuse_taken(path, final, force)
            os.replace(temporary, final)
        finally:
            with suppress(FileNotFoundError):
                temporary.unlink()


def check_free(path: str | Path, *, force: bool = False) -> None:
    """Whether a file could be written under this name, asked before long work rather than after it.

    Raises:
        FormatError: as `atomic_write`: a taken name, a folder that is missing.
    """
    final = Path(os.path.realpath(path))
    if final.exists() and not final.is_file() and not final.is_dir():
        return
    _refuse_taken(path, final, force)
    if not final.parent.is_dir():
        raise FormatError(path, expected="a folder that exists", found="none there", hint="Make the folder first.")


def _refuse_taken(path: str | Path, final: Path, force: bool) -> None:
    if final.is_dir():
        raise FormatError(path, expected="the name of a file", found="a folder", hint="Add a file name to it.")
    if final.exists() and not force:
        raise FormatError(
            path,
            expected="a free name",
            found="a file that is already there",
            hint="Choose another name, or pass --force to write over it.",
        )


@contextmanager
def _translated(path: str | Path) -> Iterator[None]:
    try:
        yield
    except OSError as exc:
        if exc.errno in (errno.ENOSPC, errno.EDQUOT):
            raise FormatError(
                path, expected="room on the disk", found="none left", hint="Free some, or write elsewhere."
            ) from exc
        if exc.errno in (errno.ENOENT, errno.ENOTDIR):
            raise FormatError(
                path, expected="a folder that exists", found="none there", hint="Make the folder first."
            ) from exc
        if exc.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            raise FormatError(
                path, expected="a folder you may write to", found="one you may not", hint="Write elsewhere."
            ) from exc
        if exc.errno == errno.ENAMETOOLONG:
            raise FormatError(path, expected="a shorter name", found="one too long", hint="Shorten it.") from exc
        raise
