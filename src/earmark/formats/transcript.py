"""One JSON document: the recording, its length, and its segments with words, times and probabilities.

A document about several recordings names each segment's own. The segments are the objects of `jsonlines`.
"""

from __future__ import annotations

import json
from typing import Any

from earmark.formats.jsonlines import dump_json, label_from, record_of
from earmark.formats.labels import Label
from earmark.formats.parsing import broken, recording_paths
from earmark.records import Recording


def dumps(labels: list[Label], recordings: list[Recording], format: str) -> str:
    segments = [record_of(label) for label in labels]
    document: dict[str, Any] = {}
    paths = recording_paths(labels, recordings)
    if len(paths) == 1 and paths[0]:
        document["recording"] = paths[0]
        for segment in segments:
            segment.pop("recording", None)
    if len(recordings) == 1:
        document["duration"] = round(recordings[0].duration_seconds, 3)
    return dump_json(document | {"segments": segments}, indent=1) + "\n"


def loads(text: str, name: str, format: str) -> list[Label]:
    try:
        document = json.loads(text)
    except json.JSONDecodeError as exc:
        raise broken(name, exc.lineno, "a JSON document", exc.msg) from exc
    if not isinstance(document, dict) or not isinstance(document.get("segments"), list):
        raise broken(name, 1, "an object with a list of segments", type(document).__name__)
    shared = {"recording": document.get("recording", "")}
    return [
        label_from(shared | segment if isinstance(segment, dict) else segment, name, number)
        for number, segment in enumerate(document["segments"], 1)
    ]
