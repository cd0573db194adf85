"""Transcripts as they come: broken, rolling, backwards, huge. What comes out is in order and inside the recording."""

from __future__ import annotations

import json
import time

import pytest

from earmark.errors import FormatError
from earmark.indexing.transcripts import (
    Cue,
    cues_of_json,
    cues_of_subtitles,
    interpolated,
    segments_of,
    sentences,
    spoken_text,
)
from earmark.records import Segment
from earmark.timeline import Span


def segments(cues: list[Cue], end: float = 60.0, start: float = 0.0) -> tuple[list[Segment], list[str]]:
    notes: list[str] = []
    return segments_of(cues, Span(start, end), "en", "sidecar@1", notes.append), notes


def srt(*cues: tuple[str, str, str]) -> str:
    return "".join(f"{n}\n{start} --> {end}\n{text}\n\n" for n, (start, end, text) in enumerate(cues, 1))


def test_words_without_times_share_their_cue_by_letters() -> None:
    (segment,), notes = segments([Cue(10.0, 13.0, "abcd ab a")])  # 5 + 3 + 2 parts of 3 s
    assert [(word.text, word.span.start, word.span.end) for word in segment.words] == [
        ("abcd", 10.0, 11.5),
        ("ab", 11.5, pytest.approx(12.4)),
        ("a", pytest.approx(12.4), 13.0),
    ]
    assert not any(word.aligned for word in segment.words) and not notes
    assert segment.language == "en" and segment.engine == "sidecar@1"
    assert interpolated([], Span(0, 1)) == ()


def test_cues_that_run_backwards_get_an_end_and_an_order() -> None:
    text = srt(
        ("00:00:05,000", "00:00:03,000", "it ends before it starts"),
        ("00:00:01,000", "00:00:02,000", "it comes first"),
        ("00:00:05,500", "00:00:06,000", "the next one"),
    )
    found, notes = segments(cues_of_subtitles(text, "talk.srt", "srt"))
    assert [segment.text for segment in found] == ["it comes first", "it ends before it starts the next one"]
    assert found[1].span == Span(5.0, 6.0)
    assert notes == ["1 of 3 cues had no end after their start; it was estimated"]


def test_cues_outside_the_recording_are_left_out_and_clipped() -> None:
    cues = [Cue(0.5, 2.0, "one"), Cue(9.0, 12.0, "two"), Cue(10.0, 11.0, "three"), Cue(400.0, 401.0, "four")]
    found, notes = segments(cues, start=1.0, end=10.0)
    assert [(segment.text, segment.span) for segment in found] == [("one", Span(1.0, 2.0)), ("two", Span(9.0, 10.0))]
    assert notes == ["2 of 4 cues lie outside the recording and were left out"]


def test_cues_of_one_sentence_become_one_segment_and_sentences_stay_apart() -> None:
    cues = [Cue(0, 1, "it was the"), Cue(1, 2, "best of times."), Cue(2, 3, "It was"), Cue(4, 5, "later")]
    found, _ = segments(cues)
    assert [segment.text for segment in found] == ["it was the best of times.", "It was", "later"]
    long, _ = segments([Cue(n, n + 1, "word") for n in range(60)])
    assert [round(segment.span.duration) for segment in long] == [28, 28, 4]


def test_overlapping_cues_stay_two_voices_in_order() -> None:
    found, _ = segments([Cue(0, 4, "the first speaks on and on"), Cue(1, 2, "the second"), Cue(4.1, 5, "and ends")])
    assert [segment.text for segment in found] == ["the first speaks on and on", "the second", "and ends"]


def test_sounds_are_not_words() -> None:
    assert spoken_text("[a door slams] Who is there? [MUSIC]") == "Who is there?"
    assert spoken_text("♪ la la la ♪") == "la la la"
    assert spoken_text("(laughs)") == "" and spoken_text("he (the king) said") == "he (the king) said"
    assert segments([Cue(0, 1, "[applause]")]) == ([], [])
    assert sentences("One. Two?\n[noise]\n\nسه؟ چهار") == ["One.", "Two?", "سه؟", "چهار"]


ROLLING = """WEBVTT
Kind: captions

00:00:00.000 --> 00:00:02.000 align:start position:0%
\x20
hello<00:00:00.500><c> my</c><00:00:01.000><c> friends</c>

00:00:02.000 --> 00:00:02.010 align:start position:0%
hello my friends
\x20

00:00:02.010 --> 00:00:04.000 align:start position:0%
hello my friends
and<00:00:02.500><c> welcome</c>

00:00:04.000 --> 00:00:04.010 align:start position:0%
and welcome
\x20

00:00:04.010 --> 00:00:06.000 align:start position:0%
and welcome
back<00:00:05.000><c> home</c>
"""


def test_captions_that_roll_are_read_once_with_their_word_times() -> None:
    (segment,), notes = segments(cues_of_subtitles(ROLLING, "talk.vtt", "vtt"))
    assert segment.text == "hello my friends and welcome back home" and not notes
    assert [word.span.start for word in segment.words] == [0.0, 0.5, 1.0, 2.01, 2.5, 4.01, 5.0]
    assert all(word.aligned for word in segment.words)


def test_a_line_said_twice_is_kept_twice() -> None:
    text = srt(*((f"00:00:0{n},000", f"00:00:0{n},900", "No.") for n in range(4)))
    assert len(segments(cues_of_subtitles(text, "talk.srt", "srt"))[0]) == 4


def test_whisper_and_whisperx() -> None:
    words = [
        {"word": " In", "start": 0.5, "end": 0.7, "score": 0.9},
        {"word": "1984", "score": 0.2},
        {"word": "then", "start": 1.5, "end": 1.8, "probability": 0.8},
    ]
    segment = {"id": 0, "start": 0.5, "end": 2, "text": " In 1984 then", "words": words}
    document = {"language": "en", "segments": [segment]}
    found = cues_of_json(json.dumps(document), "talk.json")
    assert found is not None and found[1] == "en"
    (heard,), _ = segments(found[0])
    assert heard.text == "In 1984 then"
    assert [(w.text, w.span, w.probability, w.aligned) for w in heard.words] == [
        ("In", Span(0.5, 0.7), 0.9, True),
        ("1984", Span(0.7, 1.5), 0.2, False),
        ("then", Span(1.5, 1.8), 0.8, True),
    ]


def test_word_times_that_run_backwards_are_put_in_order() -> None:
    words = [
        {"word": "one", "start": 2.0, "end": 1.0},
        {"word": "two", "start": 1.2, "end": 9.0},
        {"word": "three", "start": 50.0, "end": 51.0},
    ]
    found = cues_of_json(json.dumps([{"start": 1, "end": 4, "text": "one two three", "words": words}]), "talk.json")
    assert found is not None
    (segment,), _ = segments(found[0])
    assert [word.span for word in segment.words] == [Span(2.0, 2.0), Span(2.0, 4.0), Span(4.0, 4.0)]
    assert [word.aligned for word in segment.words] == [True, True, False]


def test_whisper_cpp_and_vosk() -> None:
    cpp = {
        "result": {"language": "fa"},
        "transcription": [{"offsets": {"from": 0, "to": 1500}, "text": " سلام دنیا"}],
    }
    assert cues_of_json(json.dumps(cpp), "x") == ([Cue(0.0, 1.5, " سلام دنیا")], "fa")
    vosk = {"result": [{"conf": 1.0, "start": 0.3, "end": 0.6, "word": "سلام"}], "text": "سلام"}
    assert cues_of_json(json.dumps(vosk), "x") == ([Cue(0.3, 0.6, "سلام", (("سلام", 0.3, 0.6, 1.0),))], "")


@pytest.mark.parametrize(
    "text", ['{"title": "a talk"}', "[1, 2]", '"text"', "null", '{"segments": [{"text": "no time"}]}']
)
def test_other_json_is_no_transcript(text: str) -> None:
    assert cues_of_json(text, "talk.json") is None


def test_numbers_that_are_none_are_no_times() -> None:
    text = '[{"start": NaN, "text": "a"}, {"start": 1, "end": "x", "text": "b"}, {"start": true, "text": "c"}]'
    assert cues_of_json(text, "talk.json") == ([Cue(1.0, None, "b")], "")


def test_broken_json_names_the_line() -> None:
    with pytest.raises(FormatError) as caught:
        cues_of_json('{\n"segments": [}', "talk.json")
    assert str(caught.value) == "talk.json:2: expected a JSON document, found Expecting value. Correct that line."


def test_two_hundred_thousand_lines_take_seconds() -> None:
    clock = [f"{n // 3600:02d}:{n // 60 % 60:02d}:{n % 60:02d}" for n in range(50_000)]
    text = "".join(f"{n}\n{at},000 --> {at},900\nline {n} of it\n\n" for n, at in enumerate(clock, 1))
    assert text.count("\n") == 200_000
    began = time.process_time()
    found, notes = segments(cues_of_subtitles(text, "talk.srt", "srt"), end=100.0)
    assert time.process_time() - began < 20
    assert sum(segment.text.count("line") for segment in found) == 100
    assert notes == ["49900 of 50000 cues lie outside the recording and were left out"]
