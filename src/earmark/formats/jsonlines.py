"""JSON lines: one object a label. `transcript` wraps the same objects into one document.

Keys: ``recording``, ``start``, ``end`` (seconds), ``text``, ``kind``, ``probability``, ``speaker``,
``language``, ``words`` (each with ``text``, ``start``, ``end``, ``probability``, ``aligned``). What is
empty is left out, but for the times and the text.
"""

from __future__ import annotations

import json
from typing import Any

from earmark.formats.labels import Label
from earmark.formats.parsing import broken
from earmark.records import Recording, Word
from earmark.timeline import Span


def dumps(labels: list[Label], recordings: list[Recording], format: str) -> str:
    return "".join(f"{dump_json(record_of(label))}\n" for label in labels)


def loads(text: str, name: str, format: str) -> list[Label]:
    labels = []
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            try:
                record = json.loads(line)
            except json.JSONDecodeError as exc:
                raise broken(name, number, "a JSON object", exc.msg) from exc
            labels.append(label_from(record, name, number))
    return labels


def dump_json(value: Any, indent: int | None = None) -> str:
    """JSON in readable letters, except where a file's name holds bytes that are no letters."""
    text = json.dumps(value, ensure_ascii=False, indent=indent)
    try:
        text.encode()
    except UnicodeEncodeError:
        text = json.dumps(value, indent=indent)
    return text


def record_of(label: Label) -> dict[str, Any]:
    record: dict[str, Any] = {"recording": label.recording} if label.recording else {}
    record |= {"start": round(label.span.start, 3), "end": round(label.span.end, 3), "text": label.text}
    record |= {key: value for key in ("kind", "speaker", "language") if (value := getattr(label, key))}
    if label.probability is not None:
        record["probability"] = round(label.probability, 4)
    if label.words:
        record["words"] = [
            {
                "text": word.text,
                "start": round(word.span.start, 3),
                "end": round(word.span.end, 3),
                "probability": round(word.probability, 4),
                "aligned": word.aligned,
            }
            for word in label.words
        ]
    return record


def label_from(record: Any, name: str, line: int) -> Label:
    """
    Raises:
        FormatError: if a time is missing, or a value is of the wrong kind.
    """
    if not isinstance(record, dict):
        raise broken(name, line, "a JSON object", type(record).__name__)
    try:
        return Label(
            Span(float(record["start"]), float(record["end"])),
            str(record.get("text", "")),
            kind=str(record.get("kind", "")),
            recording=str(record.get("recording", "")),
            probability=None if record.get("probability") is None else float(record["probability"]),
            speaker=str(record.get("speaker", "")),
            language=str(record.get("language", "")),
            words=tuple(
                Word(
                    str(word["text"]),
                    Span(float(word["start"]), float(word["end"])),
                    float(word.get("probability", 1.0)),
                    bool(word.get("aligned", True)),
                )
                for word in record.get("words", ())
            ),
        )
    except KeyError as exc:
        raise broken(name, line, f"the key {exc}", "none") from exc
    except (TypeError, ValueError) as exc:
        raise broken(name, line, "times and probabilities as numbers", str(exc)) from exc
