from __future__ import annotations

import pickle

import pytest

from earmark.errors import EarmarkError, LibraryError, MediaError, QueryError
from earmark.records import Moment, Recording, Segment, Word
from earmark.timeline import Span

TALK = Recording("id", "talk.mp4", 10.0, start_seconds=1.5)


def test_a_recording_lies_on_its_own_clock() -> None:
    assert TALK.span == Span(1.5, 11.5)
    with pytest.raises(ValueError, match="must not be negative, got -1"):
        Recording("id", "talk.mp4", -1.0)


def test_a_moment_is_checked_when_made() -> None:
    with pytest.raises(ValueError, match=r"must lie in \[0, 1\], got 1.5"):
        Moment(TALK, Span(0, 1), 1.5, "said", "")


def test_words_of_a_segment_are_in_order() -> None:
    late, early = Word("b", Span(2, 3)), Word("a", Span(0, 1))
    assert Segment(Span(0, 3), "a b", (early, late)).words == (early, late)
    with pytest.raises(ValueError, match="in the order of their onsets: 'b a'"):
        Segment(Span(0, 3), "b a", (late, early))


def test_an_error_has_three_parts_and_crosses_process_borders() -> None:
    error = MediaError("talk.mp4", expected="an audio stream", found="only video", hint="Pass a file with sound.")
    line = "talk.mp4: expected an audio stream, found only video. Pass a file with sound."
    assert str(error) == line
    again = pickle.loads(pickle.dumps(error))
    assert isinstance(again, MediaError) and str(again) == line and again.hint == "Pass a file with sound."


def test_exit_codes_tell_a_wrong_question_from_a_failure() -> None:
    assert (EarmarkError.exit_code, LibraryError.exit_code, QueryError.exit_code) == (1, 1, 2)
