"""Any label at all comes back from the formats that promise it, made up by hypothesis."""

from __future__ import annotations

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from earmark.formats import FORMATS, Label, write
from earmark.formats.escaping import escape, unescape
from earmark.timeline import Span

TEXT = st.text(st.characters(exclude_categories=("Cs", "Cc"), include_characters="\t\n\\"), max_size=30)
SPANS = st.tuples(st.integers(0, 10**8), st.integers(0, 10**6)).map(
    lambda pair: Span(pair[0] / 1000, (pair[0] + pair[1]) / 1000)
)
LABELS = st.lists(st.builds(Label, SPANS, TEXT, kind=st.sampled_from(["", "speech", "music"])), max_size=4)


def through(labels: list[Label], format: str) -> list[Label]:
    from importlib import import_module

    out = io.StringIO()
    write(labels, out, format)
    back: list[Label] = import_module(f"earmark.formats.{FORMATS[format]}").loads(out.getvalue(), "labels", format)
    return back


@pytest.mark.parametrize("format", ["json", "jsonl", "csv"])
@settings(max_examples=60, deadline=None, derandomize=True)
@given(labels=LABELS)
def test_all_of_it(format, labels):
    assert through(labels, format) == labels


@pytest.mark.parametrize("format", ["audacity", "textgrid"])
@settings(max_examples=60, deadline=None, derandomize=True)
@given(labels=LABELS)
def test_times_and_titles(format, labels):
    want = sorted((round(each.span.start, 3), each.title) for each in labels if each.title.strip() == each.title != "")
    back = [(round(each.span.start, 3), each.title) for each in through(labels, format)]
    assert [pair for pair in want if pair not in back] == []


@given(TEXT)
def test_escapes_come_back_on_one_line(text):
    assert unescape(escape(text)) == text
    assert not set(escape(text)) & set("\t\n\r")
