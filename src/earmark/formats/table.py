"""Comma-separated values with a heading; quoted where a field holds a comma, a quote, a tab or a newline."""

from __future__ import annotations

import csv
import io

from earmark.formats.labels import Label
from earmark.formats.parsing import broken, parse_span
from earmark.records import Recording

COLUMNS = ("recording", "start", "end", "kind", "text", "probability", "speaker", "language")


def dumps(labels: list[Label], recordings: list[Recording], format: str) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for label in labels:
        probability = "" if label.probability is None else f"{label.probability:.4f}"
        times = f"{label.span.start:.3f}", f"{label.span.end:.3f}"
        writer.writerow((label.recording, *times, label.kind, label.text, probability, label.speaker, label.language))
    return out.getvalue()


def loads(text: str, name: str, format: str) -> list[Label]:
    """Any table with columns ``start`` and ``end``; the others may be missing, in any order, or more."""
    reader = csv.DictReader(io.StringIO(text, newline=""))
    if not {"start", "end"} <= set(reader.fieldnames or ()):
        raise broken(name, 1, "the columns start and end", ", ".join(reader.fieldnames or ()) or "none")
    labels = []
    for row in reader:
        field = {column: row.get(column) or "" for column in COLUMNS}
        span = parse_span(name, reader.line_num, field["start"], field["end"])
        try:
            probability = float(field["probability"]) if field["probability"] else None
            label = Label(
                span,
                field["text"],
                kind=field["kind"],
                recording=field["recording"],
                probability=probability,
                speaker=field["speaker"],
                language=field["language"],
            )
        except ValueError:
            found = repr(field["probability"])
            raise broken(name, reader.line_num, "a probability in [0, 1]", found) from None
        labels.append(label)
    return labels
