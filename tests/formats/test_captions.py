from __future__ import annotations

import random
import time
from pathlib import Path

import pytest

from earmark import formats
from earmark.formats.captions import Mark, broken_rules, lines_of, reading_ticks, spoken_captions
from earmark.records import Segment, Word
from earmark.settings import CaptionSettings
from earmark.timeline import Span

SETTINGS = CaptionSettings()


def said(text: str, start: float, pace: float = 14.0, language: str = "en") -> Segment:
    """A sentence at so many letters a second, without pauses."""
    words, at = [], start
    for each in text.split():
        length = (len(each) + 1) / pace
        words.append(Word(each, Span(at, at + 0.95 * length)))
        at += length
    return Segment(Span(start, words[-1].span.end), text, tuple(words), language)


def talk(seconds: float, pace: float, seed: int) -> list[Segment]:
    """Nonsense with sentences, commas and pauses of all lengths."""
    generator = random.Random(seed)
    segments, at = [], 0.2
    while at < seconds - 15:
        count = generator.randint(1, 30)
        words = ["".join(generator.choices("abcdefgh", k=generator.randint(1, 11))) for _ in range(count)]
        text = " ".join(word + generator.choice(["", "", "", "", ",", "."]) for word in words)
        segments.append(said(text, at, pace * generator.uniform(0.7, 1.3)))
        at = segments[-1].span.end + generator.choice([0.0, 0.1, 0.4, 0.7, 3.0])
    return segments


def test_a_short_sentence_is_one_caption_with_its_own_times() -> None:
    (caption,) = spoken_captions([said("It was the best of times.", 1.0)], Span(0.0, 10.0))
    assert caption.text == "It was the best of times."
    assert caption.kind == "said" and caption.language == "en" and len(caption.words) == 6
    assert caption.span.start == 1.0 and caption.span.end == pytest.approx(2.84, abs=0.02)


def test_a_long_sentence_breaks_after_its_commas_and_never_after_an_article() -> None:
    text = (
        "Printing, in the only sense with which we are at present concerned, differs from most if not from all the arts"
    )
    captions = spoken_captions([said(text, 0.0)], Span(0.0, 60.0))
    assert [caption.text for caption in captions] == [
        "Printing, in the only sense with\nwhich we are at present concerned,",
        "differs from most if not from all the arts",
    ]


def test_a_caption_ends_with_its_sentence() -> None:
    first, second = spoken_captions(
        [said("He came home late that evening in the rain. Nobody was there to open the door for him.", 0.0)],
        Span(0.0, 60.0),
    )
    assert first.text.endswith("rain.") and second.text.startswith("Nobody")


def test_a_pause_ends_a_caption() -> None:
    segments = [said("Come in.", 1.0), said("Sit down.", 1.0 + 0.55 + 0.7)]
    assert [each.text for each in spoken_captions(segments, Span(0.0, 10.0))] == ["Come in.", "Sit down."]


def test_utterances_without_a_pause_between_them_share_a_caption() -> None:
    first = said("Come in.", 1.0)
    captions = spoken_captions([first, said("Sit down.", first.span.end + 0.1)], Span(0.0, 10.0))
    assert [each.text for each in captions] == ["Come in. Sit down."]


def test_a_word_stands_long_enough_to_be_read() -> None:
    (caption,) = spoken_captions([Segment(Span(2.0, 2.2), "No.", (Word("No.", Span(2.0, 2.2)),))], Span(0.0, 10.0))
    assert caption.span == Span(2.0, 2.8)


def test_at_the_end_of_the_recording_it_begins_earlier() -> None:
    (caption,) = spoken_captions([Segment(Span(9.8, 10.0), "No.", (Word("No.", Span(9.8, 10.0)),))], Span(0.0, 10.0))
    assert caption.span == Span(9.2, 10.0)


def test_a_recording_too_short_to_read_it_keeps_captions_inside() -> None:
    captions = spoken_captions([said("one two three four five six seven eight nine ten eleven twelve", 0.0, 90.0),
                                said("and thirteen and fourteen and fifteen and sixteen", 0.9, 90.0)],
                               Span(0.0, 1.5))  # fmt: skip
    assert captions[0].span.start == 0.0 and captions[-1].span.end == 1.5
    assert all(a.span.end <= b.span.start for a, b in zip(captions, captions[1:], strict=False))


def test_speech_too_fast_to_read_delays_captions_but_not_for_ever() -> None:
    text = " ".join(["wonderful extraordinary things happened"] * 60)
    captions = spoken_captions([said(text, 0.0, pace=40.0)], Span(0.0, 200.0))
    late = [each.span.start - each.words[0].span.start for each in captions]
    assert 2.0 < max(late) <= SETTINGS.most_late_seconds + 0.01
    assert all(a.span.end <= b.span.start for a, b in zip(captions, captions[1:], strict=False))


@pytest.mark.parametrize("pace", [5.0, 11.0, 14.0, 17.0])
def test_no_rule_is_broken_and_no_word_lost(pace: float) -> None:
    for seed in range(5):
        segments = talk(300.0, pace, seed)
        within = Span(0.0, segments[-1].span.end + 2.0)
        captions = spoken_captions(segments, within)
        assert broken_rules(captions, within) == []
        text = " ".join(" ".join(each.text.split()) for each in captions)
        assert text == " ".join(" ".join(each.text.split()) for each in segments)


def test_an_hour_is_laid_out_in_seconds() -> None:
    segments = talk(3600.0, 15.0, 1)
    began = time.process_time()
    spoken_captions(segments, Span(0.0, 3700.0))
    assert time.process_time() - began < 10.0


def test_an_utterance_without_word_times_is_spread_over_its_time() -> None:
    text = (
        "What has no word times is still cut into captions, by letters, so that it can be read while it is said here."
    )
    captions = spoken_captions([Segment(Span(10.0, 20.0), text)], Span(0.0, 30.0))
    assert len(captions) == 2 and captions[0].span.start == 10.0
    assert captions[1].span.start == pytest.approx(10 + 10 * len(captions[0].text) / len(text), abs=0.6)


def test_a_word_longer_than_a_line_is_cut() -> None:
    word = "x" * 100
    captions = spoken_captions([Segment(Span(0.0, 6.0), word, (Word(word, Span(0.0, 6.0)),))], Span(0.0, 20.0))
    assert "".join(each.text for each in captions).replace("\n", "") == word
    assert broken_rules(captions, Span(0.0, 20.0)) == []


def test_scripts_without_blanks_get_none() -> None:
    words = tuple(Word(each, Span(k * 0.5, k * 0.5 + 0.4)) for k, each in enumerate(["今日", "は", "雨", "です。"]))
    (caption,) = spoken_captions([Segment(Span(0.0, 2.0), "今日は雨です。", words, "ja")], Span(0.0, 5.0))
    assert caption.text == "今日は雨です。"


def test_persian_captions_are_marked_right_to_left_line_by_line(tmp_path: Path) -> None:
    text = "امروز هوا خیلی خوب است و ما می‌خواهیم با هم به پارک برویم"
    (caption,) = spoken_captions([said(text, 1.0, language="fa")], Span(0.0, 20.0))
    path = tmp_path / "fa.srt"
    formats.write([caption], path)
    lines = path.read_text(encoding="utf-8").splitlines()
    assert lines[0] == "1" and len(lines[2:4]) == 2
    assert all(line.startswith("\u202b") and line.endswith("\u202c") for line in lines[2:4])
    assert formats.read(path)[0].text == caption.text


def test_two_languages_never_share_a_caption() -> None:
    first = said("Good morning.", 0.0)
    captions = spoken_captions([first, said("صبح بخیر", first.span.end, language="fa")], Span(0.0, 10.0))
    assert [each.language for each in captions] == ["en", "fa"]


def test_a_mark_stands_above_the_words_from_there_on() -> None:
    segment = said("We walked along the river for a while and then we heard a shot behind us.", 0.0)
    onset = next(word.span.start for word in segment.words if word.text == "heard")
    captions = spoken_captions([segment], Span(0.0, 20.0), marks=[Mark(onset + 0.05, "[gunshot]")])
    (marked,) = [each for each in captions if "[gunshot]" in each.text]
    assert marked.text.split("\n")[0] == "[gunshot]" and marked.text.split("\n")[1].startswith("heard")
    assert broken_rules(captions, Span(0.0, 20.0)) == []


def test_a_mark_that_leaves_no_time_to_read_gives_way() -> None:
    segment = said("words that come as fast as anybody can read them and faster still do not wait", 0.0, pace=19.9)
    captions = spoken_captions([segment], Span(0.0, segment.span.end), marks=[Mark(1.0, "[a very long sound of it]")])
    assert not any("[" in each.text for each in captions)


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("", ("",)),
        ("short", ("short",)),
        ("x" * 42, ("x" * 42,)),
        ("the quick brown fox jumps over the lazy dog again", ("the quick brown fox jumps", "over the lazy dog again")),
        ("word " * 40, None),
    ],
)
def test_lines_are_as_few_and_as_even_as_can_be(text: str, lines: tuple[str, ...] | None) -> None:
    assert lines_of(text, SETTINGS) == lines


def test_reading_takes_as_long_as_its_letters() -> None:
    assert reading_ticks(["[rain]"], SETTINGS) == 80
    assert reading_ticks(["x" * 42, "x" * 42], SETTINGS) == 420


def test_faults_are_named() -> None:
    captions = [
        formats.Label(Span(1.0, 1.5), "x" * 43),
        formats.Label(Span(1.4, 9.0), "a\nb\nc"),
        formats.Label(Span(9.5, 11.0), "late"),
    ]
    assert broken_rules(captions, Span(0.0, 10.0)) == [
        "caption 1 at 1.000 s: a line of 43 characters",
        "caption 1 at 1.000 s: stands 0.500 s",
        "caption 1 at 1.000 s: 86.0 characters a second",
        "caption 2 at 1.400 s: 3 lines",
        "caption 2 at 1.400 s: stands 7.600 s",
        "caption 2 at 1.400 s: begins before the one before it ends",
        "caption 3 at 9.500 s: outside of the recording",
    ]


def test_other_rules_are_kept_as_well() -> None:
    settings = CaptionSettings(line_characters=20, lines=3, characters_per_second=12.0, max_seconds=6.0)
    segments = talk(120.0, 9.0, 3)
    within = Span(0.0, segments[-1].span.end + 2.0)
    assert broken_rules(spoken_captions(segments, within, settings), within, settings) == []
