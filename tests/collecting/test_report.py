"""The report: one page that needs nothing else, and says what is missing."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

from earmark.collecting.assembly import DataSet, LeftOut
from earmark.collecting.report import MOST_ROWS, report_page
from earmark.errors import MediaError
from earmark.formats.manifest import Chunk


def chunk(number: int = 0, **changes) -> Chunk:
    return Chunk(**{"id": str(number), "recording": "r", "path": "a.mp3", "start": 0.0, "end": 12.0, **changes})


def page(*chunks: Chunk, **changes) -> str:
    data = DataSet(Path("set"), chunks=list(chunks), recordings=1, audio_seconds=3_600.0, **changes)
    return report_page(data, "podcast")


class Strict(HTMLParser):
    """Every element is closed in its order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag, attributes):
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_it_adds_up():
    html = page(
        chunk(1, transcript="one two three", split="train", language="en", source="given", keywords=("two",)),
        chunk(2, start=12.0, end=24.0, split="test", language="fa", keywords=("two", "سلام")),
    )
    assert "2 chunks of 1 recordings: 0:00:24 of the 1:00:00 there are, 3 words." in html
    assert "1 chunk has no transcript." in html
    assert re.search(r">train</td><td class=\"n\" dir=\"auto\">1</td>.*>0:00:12</td>.*>3</td></tr>", html)
    assert "<bdi>two</bdi> · <bdi>سلام</bdi>" in html
    assert "12–14 s: 2" in html


def test_what_was_left_out_and_why():
    error = MediaError("b.mp3", expected="audio", found="none", hint="Look.")
    html = page(
        left_out=[LeftOut("silence", 0, 61.0)],
        failed=[(Path("b.mp3"), error)],
        notes=[(Path("c.mp3"), "it is cut off")],
    )
    assert '>silence</td><td class="n" dir="auto"></td><td class="n" dir="auto">0:01:01</td>' in html
    assert "b.mp3: expected audio, found none. Look." in html
    assert "it is cut off" in html


def test_nothing_from_a_feed_becomes_markup():
    html = page(chunk(language="<script>alert(1)</script>", keywords=("<img src=x onerror=alert(1)>",)))
    assert "<script" not in html and "<img" not in html
    assert "&lt;script&gt;" in html


def test_it_is_whole_and_fetches_nothing():
    html = page(*(chunk(n, label=f"class {n}", end=float(n % 30 + 1)) for n in range(MOST_ROWS + 5)))
    parser = Strict()
    parser.feed(html)
    assert parser.open == []
    assert not re.search(r"(src|href)=|url\(|@import|https?:", html)
    assert "and 5 more" in html


def test_an_empty_data_set_has_a_page():
    assert "0 chunks of 1 recordings" in page()
