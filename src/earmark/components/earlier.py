"""The sounds that an earlier run left in a folder, so that a run that writes over it leaves none of them behind."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from earmark.components.made import Made

__all__ = ["earlier_files", "remove_earlier"]


def earlier_files(summary: Path, journal: Path) -> list[str]:
    """Names of the files that the summary of an earlier run lists, or the journal of one that broke off.

    Only plain names of WAV files count: neither file can point out of its folder.
    """
    names: list[object] = list(Made(journal).files())
    with suppress(OSError, ValueError, KeyError, TypeError):
        rows = json.loads(summary.read_text(encoding="utf-8"))["components"]
        names += [row["file"] for row in rows]
    return list(dict.fromkeys(name for name in names if isinstance(name, str) and _is_plain(name)))


def remove_earlier(folder: Path, names: Iterable[str], keep: Iterable[Path]) -> list[str]:
    """Removes files of `folder` by name, but for those that are one of `keep`, links and what is no file.

    Returns:
        The names of those removed.
    """
    kept = [path for path in keep if path.exists()]
    removed = []
    for name in names:
        path = folder / name
        if path.is_symlink() or not path.is_file() or any(os.path.samefile(path, each) for each in kept):
            continue
        with suppress(OSError):
            path.unlink()
            removed.append(name)
    return removed


def _is_plain(name: str) -> bool:
    return name.endswith(".wav") and not name.startswith(".") and not any(char in name for char in "/\\:\0")
