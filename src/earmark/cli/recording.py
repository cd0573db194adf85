"""The one recording that a command is about: refused in a line where it is a folder, or is not there."""

from __future__ import annotations

from pathlib import Path

from earmark.errors import MediaError

__all__ = ["one_recording"]


def one_recording(path: Path) -> None:
    """Whether a path can be a file; what is inside is for others to judge.

    Raises:
        MediaError: if it is a folder, or nothing.
    """
    if path.is_dir():
        raise MediaError(
            path,
            expected="an audio or video file",
            found="a folder",
            hint="Pass the files in it, or a command that walks folders.",
        )
    if not path.exists() and not path.is_symlink():
        raise MediaError(path, expected="an audio or video file", found="nothing there", hint="Check the path.")
