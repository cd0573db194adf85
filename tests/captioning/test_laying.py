from __future__ import annotations

import random

import pytest

from earmark.captioning import check, laid_out
from earmark.captioning.hearing import Heard
from earmark.captioning.laying import sound_captions
from earmark.captioning.vocabulary import Caption, builtin_vocabulary
from earmark.errors import UsageError
from earmark.formats.captions import broken_rules
from earmark.records import Segment, Word
from earmark.settings import CaptionSettings
from earmark.timeline import Span, merge_spans

SETTINGS = CaptionSettings()
WITHIN = Span(0.0, 60.0)
DOG, RAIN, CRY = Caption("dog", "dog barks"), Caption("rain", "rain"), Caption("baby", "baby crying", "voice")


def said(text: str, start: float, end: float) -> Segment:
    texts = text.split()
    step = (end - start) / len(texts)
    words = tuple(Word(t, Span(start + k * step, start + (k + 0.9) * step)) for k, t in enumerate(texts))
    return Segment(Span(start, words[-1].span.end), text, words, "en")


def shown(
    heard: list[Heard], taken: list[Span], settings: CaptionSettings = SETTINGS
) -> list[tuple[str, float, float]]:
    captions = sound_captions(heard, taken, WITHIN, settings)
    assert broken_rules(captions, WITHIN, settings) == []
    return [(each.text, each.span.start, each.span.end) for each in captions]


def test_a_sound_has_its_own_times() -> None:
    assert shown([Heard(DOG, Span(5.03, 7.02), 0.9)], []) == [("[dog barks]", 5.03, 7.02)]


def test_a_short_sound_stands_long_enough_to_read_and_a_long_one_goes() -> None:
    assert shown([Heard(DOG, Span(5.0, 5.2), 0.9)], []) == [("[dog barks]", 5.0, 5.8)]
    assert shown([Heard(RAIN, Span(5.0, 50.0), 0.9)], []) == [("[rain]", 5.0, 12.0)]


def test_at_the_end_of_the_recording_it_comes_a_little_early() -> None:
    assert shown([Heard(DOG, Span(59.3, 60.0), 0.9)], []) == [("[dog barks]", 59.2, 60.0)]


def test_two_sounds_at_once_stand_over_each_other_while_both_last() -> None:
    assert shown([Heard(RAIN, Span(5.0, 12.0), 0.9), Heard(DOG, Span(7.0, 9.0), 0.9)], []) == [
        ("[rain]", 5.0, 7.0),
        ("[rain]\n[dog barks]", 7.0, 9.0),
        ("[rain]", 9.0, 12.0),
    ]


def test_what_could_not_be_read_joins_its_neighbour() -> None:
    captions = shown([Heard(RAIN, Span(5.0, 8.0), 0.9), Heard(DOG, Span(5.2, 8.1), 0.9)], [])
    assert captions[0] == ("[rain]\n[dog barks]", 5.0, 8.0) or captions == [("[rain]\n[dog barks]", 5.0, 8.1)]


def test_words_come_first() -> None:
    taken = [Span(6.0, 10.0)]
    assert shown([Heard(RAIN, Span(5.0, 8.0), 0.9)], taken) == [("[rain]", 5.0, 6.0)]
    assert shown([Heard(RAIN, Span(7.0, 9.0), 0.9)], taken) == []
    assert shown([Heard(RAIN, Span(9.0, 13.0), 0.9)], taken) == [("[rain]", 10.0, 13.0)]
    assert shown([Heard(RAIN, Span(5.9, 7.0), 0.9)], taken) == []


def test_a_long_name_takes_two_lines() -> None:
    name = Caption("x", "a very large dog barking at the postman in the street")
    ((text, _, _),) = shown([Heard(name, Span(5.0, 9.0), 0.9)], [])
    assert text.replace("\n", " ") == f"[{name.words}]" and "\n" in text


@pytest.mark.parametrize("under", [False, True])
@pytest.mark.parametrize("lines", [1, 2, 3])
def test_no_rule_is_broken_however_it_falls(under: bool, lines: int) -> None:
    settings = CaptionSettings(sounds_under_speech=under, lines=lines, at_once=3)
    for seed in range(30):
        generator = random.Random(seed)
        heard = []
        for _ in range(25):
            start = generator.uniform(0.0, 59.0)
            end = min(60.0, start + generator.lognormvariate(0.0, 1.2))
            heard.append(Heard(generator.choice(builtin_vocabulary()), Span(start, end), generator.random()))
        segments, at = [], 0.0
        while at < 45.0:
            at += generator.choice([0.0, 0.3, 1.0, 4.0])
            count = generator.randint(1, 14)
            segments.append(said(" ".join(generator.choices(["no", "window,", "evening", "stay."], k=count)), at,
                                 at + 0.42 * count))  # fmt: skip
            at = segments[-1].span.end
        voices = merge_spans(each.span for each in segments)
        captions, _ = laid_out(segments, sorted(heard, key=lambda each: each.span), voices, WITHIN, settings)
        assert broken_rules(captions, WITHIN, settings) == []
        text = " ".join(
            line for each in captions if each.words for line in each.text.split("\n") if line[0] not in "[♪"
        )
        assert text.split() == [word.text for segment in segments for word in segment.words]


def test_a_sound_under_speech_is_left_out_unless_asked_for() -> None:
    segments = [said("We stood there and waited for the bus to come at last", 1.0, 6.0)]
    voices = [Span(1.0, 6.0)]
    heard = [Heard(DOG, Span(3.0, 4.0), 0.9)]
    captions, chosen = laid_out(segments, heard, voices, WITHIN, SETTINGS)
    assert chosen == [] and not any("[dog barks]" in each.text for each in captions)
    captions, chosen = laid_out(segments, heard, voices, WITHIN, CaptionSettings(sounds_under_speech=True))
    assert chosen == heard
    (named,) = [each for each in captions if "[dog barks]" in each.text]
    assert named.text.startswith("[dog barks]\n") and named.span.start == pytest.approx(3.0, abs=0.4)


def test_what_is_heard_where_a_voice_is_heard_is_doubted() -> None:
    heard = [Heard(DOG, Span(3.0, 4.0), 0.9), Heard(CRY, Span(8.0, 10.0), 0.9)]
    _, chosen = laid_out([], heard, [Span(2.0, 11.0)], WITHIN, SETTINGS)
    assert chosen == [heard[1]]  # a crying baby sounds like a voice because it is one
    _, chosen = laid_out([said("Hush, little baby.", 7.5, 10.5)], heard, [Span(2.0, 11.0)], WITHIN, SETTINGS)
    assert chosen == []


def test_each_window_has_its_caption() -> None:
    settings = CaptionSettings(per_window_seconds=4.0, hop_seconds=3.0)
    captions, _ = laid_out([], [Heard(RAIN, Span(0.5, 9.0), 0.9)], [], WITHIN, settings)
    assert [(each.text, each.span) for each in captions] == [
        ("[rain]", Span(0.0, 3.0)),
        ("[rain]", Span(3.0, 6.0)),
        ("[rain]", Span(6.0, 9.0)),
    ]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (CaptionSettings(hop_seconds=3.0), "--hop: expected --per-window with it, found --hop alone. "),
        (
            CaptionSettings(per_window_seconds=4.0, hop_seconds=0.5),
            "--per-window: expected a caption of 0.8 to 7 s for each window, found 0.5 s. ",
        ),
        (
            CaptionSettings(per_window_seconds=0.0),
            "--per-window: expected a caption of 0.8 to 7 s for each window, found 0 s. ",
        ),
        (
            CaptionSettings(per_window_seconds=10.0),
            "--per-window: expected a caption of 0.8 to 7 s for each window, found 10 s. ",
        ),
    ],
)
def test_windows_that_make_no_sense(settings: CaptionSettings, message: str) -> None:
    with pytest.raises(UsageError) as error:
        check(settings)
    assert str(error.value) == message + "Try: --per-window 4 --hop 3"
