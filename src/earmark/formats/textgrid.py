"""Praat's TextGrid through praatio (extra ``formats``): an interval tier for each class or speaker.

Labels of one class that overlap go to a further tier of its name. Tabs, newlines, returns and backslashes
are escaped as in `escaping`. On reading, the tier is the class.
"""

from __future__ import annotations

import os
import tempfile
from typing import Any

from earmark.errors import FormatError
from earmark.formats.escaping import escape, unescape
from earmark.formats.labels import Label
from earmark.formats.parsing import missing_package, single_recording
from earmark.records import Recording
from earmark.timeline import Span

SHORTEST_SECONDS = 0.001
"""Praat has no empty intervals."""
UNNAMED = "labels"


def dumps(labels: list[Label], recordings: list[Recording], format: str) -> str:
    praatio = _praatio()
    _, end = single_recording(labels, recordings, format)
    last = max((label.span.start for label in labels), default=0.0)
    end = max(round(end, 3), round(last, 3) + SHORTEST_SECONDS)
    grid = praatio.Textgrid(0.0, end)
    for name, tier in _tiers(labels):
        grid.addTier(praatio.IntervalTier(name, tier, 0.0, end))
    if not labels:
        grid.addTier(praatio.IntervalTier(UNNAMED, [], 0.0, end))
    with tempfile.TemporaryDirectory() as folder:  # praatio writes by name only
        path = os.path.join(folder, "labels.TextGrid")
        grid.save(path, "long_textgrid", includeBlankSpaces=True, reportingMode="error")
        with open(path, encoding="utf-8") as file:
            return file.read()


def loads(text: str, name: str, format: str) -> list[Label]:
    praatio = _praatio()
    try:
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "labels.TextGrid")
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
            grid = praatio.openTextgrid(path, False, "silence", duplicateNamesMode="rename")
    except Exception as exc:  # praatio has no error of its own for what does not parse
        raise FormatError(
            name, expected="a TextGrid", found="something else", hint="Check the file and its extension."
        ) from exc
    labels = []
    for tier in grid.tiers:
        kind = unescape("" if tier.name == UNNAMED else tier.name)
        for entry in tier.entries:
            times = (entry.start, entry.end) if hasattr(entry, "start") else (entry.time, entry.time)
            labels.append(Label(Span(*times), unescape(entry.label), kind=kind))
    return labels


def _tiers(labels: list[Label]) -> list[tuple[str, list[tuple[float, float, str]]]]:
    tiers: dict[str, list[tuple[float, float, str]]] = {}
    for label in sorted(labels, key=lambda each: each.span):
        start = round(label.span.start, 3)
        entry = (start, max(round(label.span.end, 3), start + SHORTEST_SECONDS), escape(label.title))
        base = escape(label.speaker or label.kind or UNNAMED)
        name, number = base, 1
        while name in tiers and tiers[name][-1][1] > start:
            number += 1
            name = f"{base} {number}"
        tiers.setdefault(name, []).append(entry)
    return list(tiers.items())


def _praatio() -> Any:
    try:
        from praatio import textgrid
    except ImportError as exc:
        raise missing_package("textgrid", "praatio") from exc
    return textgrid
