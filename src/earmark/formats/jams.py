"""JAMS, the music field's JSON, through its own library (extra ``formats``): one annotation for each class.

The namespace is ``tag_open``: any text as value, the probability as confidence. The class is kept in the
annotation's sandbox.

Source: Humphrey et al., "JAMS: A JSON Annotated Music Specification", ISMIR 2014.
"""

from __future__ import annotations

import io
from pathlib import PurePath
from typing import Any

from earmark.errors import FormatError
from earmark.formats.labels import Label
from earmark.formats.parsing import missing_package, single_recording
from earmark.records import Recording
from earmark.timeline import Span


def dumps(labels: list[Label], recordings: list[Recording], format: str) -> str:
    jams = _jams()
    path, end = single_recording(labels, recordings, format)
    document = jams.JAMS()
    document.file_metadata.duration = round(end, 3)
    document.file_metadata.title = PurePath(path).name
    if path:
        document.sandbox.recording = path
    for kind in dict.fromkeys(label.kind for label in labels):
        annotation = jams.Annotation(namespace="tag_open", time=0, duration=round(end, 3))
        annotation.annotation_metadata.annotation_tools = "earmark"
        annotation.sandbox.kind = kind
        for label in labels:
            if label.kind == kind:
                start = round(label.span.start, 3)
                annotation.append(
                    time=start,
                    duration=round(label.span.end - start, 3),
                    value=label.title,
                    confidence=label.probability,
                )
        document.annotations.append(annotation)
    return str(document.dumps(indent=1)) + "\n"


def loads(text: str, name: str, format: str) -> list[Label]:
    """The observations of all annotations whose values are text."""
    jams = _jams()
    try:
        document = jams.load(io.StringIO(text), validate=False)
        path = str(getattr(document.sandbox, "recording", ""))
        labels = []
        for annotation in document.annotations:
            kind = str(getattr(annotation.sandbox, "kind", ""))
            for seen in annotation.data:
                span = Span(float(seen.time), float(seen.time) + float(seen.duration))
                text = "" if kind and seen.value == kind else str(seen.value)
                sure = seen.confidence
                probability = None if sure is None or not 0 <= float(sure) <= 1 else float(sure)
                labels.append(Label(span, text, kind=kind, recording=path, probability=probability))
    except (ValueError, TypeError, AttributeError, KeyError, jams.JamsError) as exc:
        raise FormatError(
            name, expected="a JAMS document", found="something else", hint="Check the file and its extension."
        ) from exc
    return labels


def _jams() -> Any:
    try:
        import jams
    except ImportError as exc:
        raise missing_package("jams", "jams") from exc
    return jams
