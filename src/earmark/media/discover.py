"""Which files a command is about: those it was given, and those its folders hold.

In folders, files count by their extension and hidden ones do not; a file named outright is taken whatever
its name. Names are the system's own bytes: spaces, tabs, newlines and undecodable bytes survive.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path

from earmark.errors import MediaError

__all__ = ["MEDIA_EXTENSIONS", "discover"]

AUDIO_EXTENSIONS = frozenset(
    ".aac .ac3 .aif .aifc .aiff .amr .ape .au .caf .dts .eac3 .flac .gsm .m4a .m4b .m4r .mka .mp1 "
    ".mp2 .mp3 .mpa .mpc .oga .ogg .opus .ra .snd .spx .tta .voc .w64 .wav .wave .weba .wma .wv".split()
)
VIDEO_EXTENSIONS = frozenset(
    ".3g2 .3gp .asf .avi .divx .dv .f4v .flv .m2ts .m2v .m4v .mkv .mov .mp4 .mpeg .mpg .mts .mxf .ogm .ogv "
    ".rm .rmvb .ts .vob .webm .wmv".split()
)
MEDIA_EXTENSIONS = AUDIO_EXTENSIONS | VIDEO_EXTENSIONS


def discover(
    paths: Iterable[str | Path],
    *,
    exclude: Iterable[str | Path] = (),
    on_error: Callable[[MediaError], None] | None = None,
) -> list[Path]:
    """The media files among files and folders, folders walked to the bottom, each file once.

    Args:
        paths: files in the order given; the files of a folder sorted by path.
        exclude: folders whose files are not wanted: the library, the command's own output.
        on_error: called for a path that is missing and a folder that cannot be read, which are then
            left out; without it they raise.

    Raises:
        MediaError: if a path is missing, a folder cannot be read, or the folders hold no media at all.
    """
    excluded = {os.path.realpath(folder) for folder in exclude}
    walk = _Walk(excluded, on_error)
    found: list[Path] = []
    seen: set[str] = set()
    for path in paths:
        path = Path(path)
        for file in walk.folder(path) if path.is_dir() else walk.file(path):
            real = os.path.realpath(file)
            if real not in seen:
                seen.add(real)
                found.append(file)
    if not found and walk.folders:
        raise MediaError(
            walk.folders[0] if len(walk.folders) == 1 else f"{len(walk.folders)} folders",
            expected="at least one audio or video file",
            found=f"none among {walk.others} file{'' if walk.others == 1 else 's'}",
            hint="Pass a folder with media, or name a file outright if its extension is unusual.",
        )
    return found


class _Walk:
    def __init__(self, excluded: set[str], on_error: Callable[[MediaError], None] | None) -> None:
        self.excluded, self.on_error = excluded, on_error
        self.folders: list[Path] = []
        self.others = 0  # files that are not media
        self._entered: set[str] = set()

    def file(self, path: Path) -> list[Path]:
        try:
            present = os.path.lexists(path)
        except ValueError:  # a NUL in the name
            present = False
        if present:
            return [path]
        self._tell(path, "a file or folder", "nothing there", "Check the path.")
        return []

    def folder(self, top: Path) -> list[Path]:
        self.folders.append(top)
        files: list[Path] = []
        waiting = [top]
        while waiting:
            folder = waiting.pop()
            real = os.path.realpath(folder)
            if real in self._entered or self._is_excluded(real):
                continue  # a link back up, or a folder given twice
            self._entered.add(real)
            try:
                with os.scandir(folder) as entries:
                    for entry in entries:
                        if entry.name.startswith("."):
                            continue
                        if entry.is_dir():
                            waiting.append(folder / entry.name)
                        elif os.path.splitext(entry.name)[1].lower() in MEDIA_EXTENSIONS and entry.is_file():
                            files.append(folder / entry.name)
                        else:
                            self.others += 1
            except OSError as exc:
                self._tell(folder, "a readable folder", exc.strerror or "an error", "Change its permissions.")
        return sorted(files)

    def _is_excluded(self, real: str) -> bool:
        return any(real == folder or real.startswith(folder + os.sep) for folder in self.excluded)

    def _tell(self, path: Path, expected: str, found: str, hint: str) -> None:
        error = MediaError(path, expected=expected, found=found, hint=hint)
        if self.on_error is None:
            raise error
        self.on_error(error)
