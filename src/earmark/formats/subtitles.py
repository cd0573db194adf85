r"""Subtitles through pysubs2: SubRip (srt), WebVTT (vtt), Advanced SubStation (ass, hundredths of a second).

Right-to-left script is marked for the players and unmarked on reading. Blank lines inside a label would
end it and are left out. ``{…}`` stays text and is no style. What SubRip would take for a tag (``<b>``), and any of
the three for a line break (``\N``), is parted by an invisible word joiner.
"""

from __future__ import annotations

import html
import re
from typing import Any

from earmark.errors import FormatError
from earmark.formats.bidi import isolate, strip_marks
from earmark.formats.labels import Label
from earmark.records import Recording
from earmark.timeline import Span

JOINER = "\u2060"


def dumps(labels: list[Label], recordings: list[Recording], format: str) -> str:
    import pysubs2

    file = pysubs2.SSAFile()
    for label in sorted(labels, key=lambda each: each.span):
        text = _encode(label.title, format)
        if text:
            start = max(0, round(label.span.start * 1000))
            end = max(start, round(label.span.end * 1000))
            file.append(pysubs2.SSAEvent(start=start, end=end, text=text, name=label.speaker.replace(",", " ")))
    return file.to_string(format, **({} if format == "ass" else {"keep_ssa_tags": True}))


def loads(text: str, name: str, format: str) -> list[Label]:
    import pysubs2

    if format == "vtt":  # pysubs2 would read these blocks into the cue before them
        text = re.sub(r"(?:^|(?<=\n\n))(?:NOTE|STYLE|REGION)\b(?:.*\n?)(?:[^\n]+\n?)*", "", text)
    try:
        options: dict[str, Any] = {} if format == "ass" else {"keep_unknown_html_tags": False}
        file = pysubs2.SSAFile.from_string(text, format, **options)
    except (pysubs2.Pysubs2Error, ValueError) as exc:
        raise FormatError(
            name,
            expected=f"{format} subtitles",
            found="something else",
            hint="Check the file and its extension.",
        ) from exc
    if text.strip() and not file.events and "-->" not in text and format != "ass":
        if text.strip() != "WEBVTT":
            raise FormatError(
                name, expected=f"{format} subtitles", found="no cue", hint="Check the file and its extension."
            )
    return [
        Label(
            Span(event.start / 1000, max(event.start, event.end) / 1000),
            _decode(event.text, format),
            speaker=event.name,
        )
        for event in file.events
        if event.type == "Dialogue"
    ]


def _encode(text: str, format: str) -> str:
    text = re.sub(r"\n\s*\n+", "\n", text.replace("\r\n", "\n").replace("\r", "\n")).strip()
    text = isolate(text)
    if format == "vtt":
        text = html.escape(text, quote=False)
    text = re.sub(r"\\(?=[Nnh])", "\\\\" + JOINER, text)
    if format == "srt":
        text = re.sub(r"<(?=/?[A-Za-z])", "<" + JOINER, text)
    if format == "ass":
        text = text.replace("{", "\\{").replace("}", "\\}")
    return text.replace("\n", "\\N")


def _decode(text: str, format: str) -> str:
    text = re.sub(r"\{\\[^}]*\}" if format != "ass" else r"(?<!\\)\{[^}]*\}", "", text)
    text = re.sub(r"\\[Nn]", "\n", text).replace("\\h", " ")
    if format == "ass":
        text = text.replace("\\{", "{").replace("\\}", "}")
    if format == "vtt":
        text = html.unescape(text)
    return strip_marks(text).replace(JOINER, "").strip()
