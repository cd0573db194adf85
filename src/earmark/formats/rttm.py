"""RTTM, the diarisation field's table: ``SPEAKER file 1 start duration <NA> <NA> name probability <NA>``.

The name is the speaker, else the class, else the text. Fields are parted by spaces, so white space and
``%`` inside them are written as in addresses (``%20``). A recording is named by its file name without
extension, by its path where two share that name.

Source: NIST, RT-09 evaluation plan, appendix A.
"""

from __future__ import annotations

import re
from urllib.parse import unquote

from earmark.formats.labels import Label
from earmark.formats.parsing import broken, parse_span, recording_paths, short_names
from earmark.records import Recording

NONE = "<NA>"


def dumps(labels: list[Label], recordings: list[Recording], format: str) -> str:
    names = short_names(recording_paths(labels, recordings))
    lines = []
    for label in labels:
        start, end = round(label.span.start, 3), round(label.span.end, 3)
        name = _word(label.speaker or label.kind or label.text)
        score = NONE if label.probability is None else f"{label.probability:.4f}"
        file = _word(names[label.recording])
        lines.append(f"SPEAKER {file} 1 {start:.3f} {end - start:.3f} {NONE} {NONE} {name} {score} {NONE}\n")
    return "".join(lines)


def loads(text: str, name: str, format: str) -> list[Label]:
    """Rows of the type SPEAKER, any channel; the name comes back as the speaker."""
    labels = []
    for number, line in enumerate(text.split("\n"), 1):
        fields = line.split()
        if not fields or fields[0].startswith(";;") or fields[0] != "SPEAKER":
            continue
        if len(fields) < 8:
            raise broken(name, number, "at least 8 fields", str(len(fields)))
        span = parse_span(name, number, fields[3], fields[3])
        length = parse_span(name, number, "0", fields[4]).end
        score = fields[8] if len(fields) > 8 else NONE
        try:
            probability = None if score == NONE else min(1.0, max(0.0, float(score)))
        except ValueError:
            raise broken(name, number, f"a score or {NONE}", repr(score)) from None
        speaker = "" if fields[7] == NONE else unquote(fields[7], errors="surrogateescape")
        file = "" if fields[1] == NONE else unquote(fields[1], errors="surrogateescape")
        end = round(span.start + length, 6)
        labels.append(Label(type(span)(span.start, end), recording=file, probability=probability, speaker=speaker))
    return labels


def _word(text: str) -> str:
    escaped = re.sub(r"[%\s]", lambda found: "".join(f"%{byte:02X}" for byte in found[0].encode()), text)
    return escaped or NONE
