"""Every error earmark raises on purpose.

    EarmarkError            something the user can act on; the command prints it as one line
    ├── UsageError          the command was asked for something it cannot mean        (exit code 2)
    ├── MediaError          a file that is missing, unreadable, not media, or without sound
    ├── LibraryError        a library folder that is foreign, newer, unwritable or broken
    ├── EngineError         an engine that is unknown, or whose weights or package are missing
    ├── QueryError          a query that asks for nothing                             (exit code 2)
    └── FormatError         a file of labels, subtitles or settings that does not parse, or cannot be written

Each is built from three parts (what was expected, what was found, what to try) so that no message
can leave one out by accident. Exceptions of other libraries are translated where they enter, with
``from exc``; anything else that reaches the command line is a bug and keeps its traceback.
"""

from __future__ import annotations

from pathlib import Path

__all__ = [
    "EarmarkError",
    "EngineError",
    "FormatError",
    "LibraryError",
    "MediaError",
    "QueryError",
    "UsageError",
]


class EarmarkError(Exception):
    """An error a user can act on.

    Args:
        subject: the file, folder, option or query it is about.
        expected: what earmark expected, as a noun phrase: ``"an audio stream"``.
        found: what it found: ``"only video"``.
        hint: what to try, as a sentence: ``"Pass a file with sound."``
    """

    exit_code = 1

    def __init__(self, subject: str | Path, *, expected: str, found: str, hint: str) -> None:
        self.subject = str(subject)
        self.expected = expected
        self.found = found
        self.hint = hint
        super().__init__(f"{self.subject}: expected {expected}, found {found}. {hint}")

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild, (type(self), self.subject, self.expected, self.found, self.hint)


def _rebuild(kind: type[EarmarkError], subject: str, expected: str, found: str, hint: str) -> EarmarkError:
    """Unpickling calls ``cls(*args)``, which keyword-only arguments refuse; errors cross process borders."""
    return kind(subject, expected=expected, found=found, hint=hint)


class UsageError(EarmarkError):
    exit_code = 2


class MediaError(EarmarkError):
    pass


class LibraryError(EarmarkError):
    pass


class EngineError(EarmarkError):
    pass


class QueryError(EarmarkError):
    exit_code = 2


class FormatError(EarmarkError):
    pass
