r"""Audacity's label track: start, end and label, tab-separated, one a line.

A tab, newline, return or backslash in a label is written ``\t``, ``\n``, ``\r``, ``\\``. Lines that begin
with a backslash hold the frequencies of a spectral selection and are passed over.

Source: Audacity manual, "Importing and Exporting Labels".
"""

from __future__ import annotations

from earmark.formats.escaping import escape, unescape
from earmark.formats.labels import Label
from earmark.formats.parsing import broken, parse_span, single_recording
from earmark.records import Recording


def dumps(labels: list[Label], recordings: list[Recording], format: str) -> str:
    single_recording(labels, recordings, format)
    ordered = sorted(labels, key=lambda each: each.span)
    return "".join(f"{each.span.start:.6f}\t{each.span.end:.6f}\t{escape(each.title)}\n" for each in ordered)


def loads(text: str, name: str, format: str) -> list[Label]:
    labels = []
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip() or line.startswith("\\"):
            continue
        start, _, rest = line.partition("\t")
        end, tab, title = rest.partition("\t")
        if not (rest or tab):
            raise broken(name, number, "start, end and label with tabs between", repr(line))
        labels.append(Label(parse_span(name, number, start, end), unescape(title)))
    return labels
