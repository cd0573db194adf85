"""What the parsers share: errors with their line, numbers, and names that stand for recordings."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePath

from earmark.errors import EngineError, FormatError
from earmark.formats.labels import Label
from earmark.records import Recording
from earmark.timeline import Span

__all__ = ["broken", "missing_package", "parse_span", "recording_paths", "short_names", "single_recording"]


def broken(name: str, line: int, expected: str, found: str) -> FormatError:
    """The error of a file that does not parse: ``labels.csv:3: expected a number, found 'x'. …``."""
    return FormatError(f"{name}:{line}", expected=expected, found=found, hint="Correct that line.")


def parse_span(name: str, line: int, start: str, end: str) -> Span:
    """
    Raises:
        FormatError: if a bound is no number, or the end lies before the start.
    """
    bounds = []
    for text in (start, end):
        try:
            bounds.append(float(text))
        except ValueError:
            raise broken(name, line, "a time in seconds", repr(text)) from None
    if not all(map(math.isfinite, bounds)) or bounds[1] < bounds[0]:
        raise broken(name, line, "an end at or after the start", f"{start} to {end}")
    return Span(*bounds)


def recording_paths(labels: Iterable[Label], recordings: Iterable[Recording]) -> list[str]:
    """The paths of all recordings, those that were given first, each once."""
    return list(dict.fromkeys([*(each.path for each in recordings), *(label.recording for label in labels)]))


def single_recording(labels: Sequence[Label], recordings: Sequence[Recording], format: str) -> tuple[str, float]:
    """The path of the one recording a format can speak of, and its end in seconds (else the last label's).

    Raises:
        FormatError: if there are several.
    """
    paths = [path for path in recording_paths(labels, recordings) if path]
    if len(paths) > 1:
        raise FormatError(
            format,
            expected="labels of one recording",
            found=f"labels of {len(paths)}",
            hint="Write one file for each recording, or use csv, jsonl or rttm.",
        )
    last = max((label.span.end for label in labels), default=0.0)
    end = max([last, *(each.span.end for each in recordings)])
    return (paths[0] if paths else ""), end


def short_names(paths: Iterable[str]) -> dict[str, str]:
    """File names without extension, for formats with one word for a recording; the path where two share it."""
    paths = list(paths)
    stems = [PurePath(path).stem for path in paths]
    return {path: stem if stems.count(stem) == 1 else str(Path(path)) for path, stem in zip(paths, stems, strict=True)}


def missing_package(format: str, package: str) -> EngineError:
    return EngineError(
        format,
        expected=f"the package {package}",
        found="it is not installed",
        hint='Install it with: pip install "earmark[formats]"',
    )
