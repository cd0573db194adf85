"""Which sounds get a caption, and what it says: the built-in list, a file of one's own, or words with commas."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Literal, cast, get_args

from earmark.errors import FormatError, UsageError

__all__ = ["Caption", "builtin_vocabulary", "read_vocabulary", "vocabulary_of"]

Kind = Literal["", "music", "voice"]
MUSICAL = frozenset("music song songs singing sings melody orchestra tune choir".split())
"""A sound of one's own with one of these words in it is shown between notes."""


@dataclass(frozen=True)
class Caption:
    """A sound as it is asked for, the words its caption shows, and its kind (see ``sounds.txt``)."""

    sound: str
    words: str
    kind: Kind = ""

    @property
    def text(self) -> str:
        """``[door closes]``, or ``♪ music ♪``."""
        return f"♪ {self.words} ♪" if self.kind == "music" else f"[{self.words}]"


def vocabulary_of(given: str | None) -> tuple[list[Caption], list[str]]:
    """The sounds a user named: a text file, a list with commas, or None for the built-in list.

    Returns:
        The sounds, each once, and the ones that were named more than once.

    Raises:
        UsageError: if nothing is named, in a file neither, or the file cannot be read.
        FormatError: if the file is not UTF-8, or has a line that is none of its three forms.
    """
    if given is None:
        return list(builtin_vocabulary()), []
    path = Path(given)
    if path.suffix.lower() == ".txt" or (given.strip() and _is_file(path)):
        return read_vocabulary(_text_of(path), str(path))
    names = [" ".join(name.split()) for name in given.split(",")]
    names = [name for name in names if name]
    if not names:
        raise UsageError(
            "--sounds", expected="sounds to listen for", found="none", hint='Try: --sounds "dog barking, door slam"'
        )
    return _each_once([_plain(name, _known_kinds()) for name in names])


def read_vocabulary(text: str, name: str) -> tuple[list[Caption], list[str]]:
    """A list of sounds in the form of ``sounds.txt``.

    Raises:
        UsageError: if it names nothing.
        FormatError: if a line is none of the three forms; with the line's number.
    """
    captions = _captions(text, name, _known_kinds())
    if not captions:
        raise UsageError(name, expected="sounds, one a line", found="none", hint="Write one a line: a dog barking")
    return _each_once(captions)


@cache
def builtin_vocabulary() -> tuple[Caption, ...]:
    text = files("earmark.captioning").joinpath("sounds.txt").read_text(encoding="utf-8")
    return tuple(_captions(text, "sounds.txt", {}))


@cache
def _known_kinds() -> dict[str, Kind]:
    return {caption.sound: caption.kind for caption in builtin_vocabulary()}


def _captions(text: str, name: str, known: dict[str, Kind]) -> list[Caption]:
    captions = []
    for number, line in enumerate(text.splitlines(), 1):
        line = " ".join(line.split())
        if not line or line.startswith("#"):
            continue
        fields = [field.strip() for field in line.split("|")]
        if len(fields) > 3 or not all(fields[:2]) or (len(fields) == 3 and fields[2] not in get_args(Kind)):
            raise FormatError(
                f"{name}:{number}",
                expected="a sound, or sound | caption, or sound | caption | kind (music or voice)",
                found=repr(line),
                hint="Correct that line.",
            )
        if len(fields) == 1:
            captions.append(_plain(fields[0], known))
        else:
            kind = fields[2] if len(fields) == 3 else _plain(fields[0], known).kind
            captions.append(Caption(fields[0], fields[1], cast(Kind, kind)))
    return captions


def _plain(sound: str, known: dict[str, Kind]) -> Caption:
    """A sound without a caption of its own; where `known` has it, its kind is that."""
    musical = not MUSICAL.isdisjoint(re.findall(r"\w+", sound.lower()))
    return Caption(sound, sound, known.get(sound.lower(), "music" if musical else ""))


def _each_once(captions: list[Caption]) -> tuple[list[Caption], list[str]]:
    once: dict[str, Caption] = {}
    again = []
    for caption in captions:
        key = caption.sound.lower()
        if key in once:
            again.append(caption.sound)
        else:
            once[key] = caption
    return list(once.values()), list(dict.fromkeys(again))


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a list longer than a name may be
        return False


def _text_of(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig")
    except OSError as exc:
        known: dict[type[OSError], str] = {
            FileNotFoundError: "no such file",
            NotADirectoryError: "no such file",
            IsADirectoryError: "a folder",
            PermissionError: "one you may not read",
        }
        found = known.get(type(exc), exc.strerror or str(exc))
        raise UsageError(path, expected="a file of sounds", found=found, hint="Check the path.") from exc
    except UnicodeDecodeError as exc:
        raise FormatError(path, expected="text in UTF-8", found="other bytes", hint="Save it as UTF-8.") from exc
