"""What WebVTT holds besides cues is nobody's words."""

from __future__ import annotations

from pathlib import Path

from earmark import formats

TEXT = """WEBVTT

STYLE
::cue { color: lime }

00:00:00.500 --> 00:00:02.000
a banana

NOTE mango
of two lines

00:00:03.000 --> 00:00:04.000
NOTE this is said
"""


def test_notes_and_styles_are_not_read_as_words(tmp_path: Path) -> None:
    path = tmp_path / "talk.vtt"
    path.write_text(TEXT, encoding="utf-8")
    assert [label.text for label in formats.read(path)] == ["a banana", "NOTE this is said"]
