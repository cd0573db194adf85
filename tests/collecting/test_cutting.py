"""Chunks between the lines of a timed text: no line divided, none lost, none twice."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from earmark.collecting.cutting import chunks_of_lines, listen
from earmark.engines.registry import load
from earmark.media.probe import probe
from earmark.progress import ignore
from earmark.settings import ChunkSettings
from earmark.timeline import Span

SETTINGS = ChunkSettings(least_seconds=10.0, greatest_seconds=30.0, pad_seconds=0.2)
ALL = Span(0.0, 1_000.0)


def line(start, end, text="x"):
    return Span(start, end), text


def test_lines_are_joined_up_to_the_least_length():
    chunks = chunks_of_lines([line(1, 5, "a"), line(6, 12, "b"), line(13, 20, "c")], ALL, SETTINGS)
    assert chunks == [(Span(0.8, 12.2), "a b"), (Span(12.8, 20.2), "c")]


def test_a_line_that_would_be_too_much_begins_a_chunk():
    chunks = chunks_of_lines([line(0, 5, "a"), line(6, 34, "b")], ALL, SETTINGS)
    assert [text for _, text in chunks] == ["a", "b"]


def test_a_long_line_is_not_divided_and_overlapping_lines_stay_together():
    chunks = chunks_of_lines([line(0, 45, "long"), line(44, 50, "over")], ALL, SETTINGS)
    assert chunks == [(Span(0, 50.2), "long over")]


def test_lines_that_touch_share_no_padding():
    chunks = chunks_of_lines([line(0, 10, "a"), line(10, 20, "b")], ALL, SETTINGS)
    assert chunks == [(Span(0, 10), "a"), (Span(10, 20.2), "b")]


def test_lines_outside_are_left_out_and_others_end_with_the_recording():
    chunks = chunks_of_lines([line(0, 4, "in"), line(9, 12, "half"), line(20, 22, "out")], Span(0, 10), SETTINGS)
    assert chunks == [(Span(0, 10), "in half")]


@given(st.lists(st.tuples(st.floats(0, 900), st.floats(0.1, 50)), max_size=40))
def test_every_line_lies_whole_in_exactly_one_chunk(rows):
    lines = [line(start, start + length, f"t{n}") for n, (start, length) in enumerate(rows)]
    chunks = chunks_of_lines(lines, ALL, SETTINGS)
    for span, text in lines:
        holding = [chunk for chunk, texts in chunks if text in texts.split()]
        assert len(holding) == 1
        assert holding[0].start <= span.start + 1e-9 and span.end <= holding[0].end + 1e-9
    for (before, _), (after, _) in zip(chunks, chunks[1:], strict=False):
        assert before.end <= after.start + 1e-9


def test_listening_gives_both_curves_and_the_span(tmp_path, write_media, tone, sound):
    path = write_media(tmp_path / "a.flac", sound(tone(1, 2, 65.0)))
    heard = listen(probe(path), load("activity", "silero"), ignore)
    assert heard.span == Span(0, 65)
    assert heard.levels.num_frames == 65 * 50
    assert heard.levels.values[75] == pytest.approx(-9, abs=0.1) and heard.levels.values[150] == -120
    assert heard.speech == [] and heard.note == ""
