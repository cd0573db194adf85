"""What was said is kept, what a recogniser made up is dropped: recogniser, aligner and verdict together."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest

from earmark.engines.aligner import Alignment
from earmark.engines.aligner.spoken import Verdict, judge, repetition
from earmark.engines.registry import load
from earmark.records import Word
from earmark.timeline import Span, Waveform


@cache
def engine(job: str, name: str) -> Any:
    return load(job, name)


def verdict_on(waveform: Waveform) -> Verdict:
    (heard,) = engine("recogniser", "moonshine").transcribe([waveform])
    alignment = engine("aligner", "sphinx").align(waveform, [word.text for word in heard.words])
    return judge(alignment, waveform, heard.mean_logprob, heard.num_tokens)


@pytest.mark.parametrize("utterance", [Span(1.0, 4.8), Span(26.3, 28.6)], ids=str)
def test_reading_is_kept(two_cities: Waveform, utterance: Span) -> None:
    verdict = verdict_on(two_cities.cut(utterance))
    assert verdict.spoken and verdict.reason == "" and verdict.confidence > 0.8


def test_speech_backwards_is_dropped(two_cities: Waveform) -> None:
    part = two_cities.cut(Span(10.0, 16.0))
    verdict = verdict_on(Waveform(np.ascontiguousarray(part.samples[:, ::-1]), part.sample_rate))
    assert not verdict.spoken and verdict.reason != "" and verdict.confidence < 0.5


@pytest.mark.parametrize("kind", ["noise", "chord"])
def test_noise_and_music_are_dropped(kind: str) -> None:
    seconds = np.arange(16_000 * 5) / 16_000
    if kind == "noise":
        samples = np.random.default_rng(3).normal(0, 0.1, seconds.size)
    else:
        beats = np.exp(-3 * (seconds % 0.5))
        samples = 0.1 * beats * sum(np.sin(2 * np.pi * f * seconds) for f in (220, 277, 330, 440))
    assert not verdict_on(Waveform(samples.astype(np.float32)[None], 16_000)).spoken


def made(text: str, score: float | None, seconds: float = 4.0) -> tuple[Alignment, Waveform]:
    words = tuple(Word(word, Span(0.0, seconds)) for word in text.split())
    return Alignment(words, score, 300), Waveform(np.zeros((1, round(seconds * 16_000)), np.float32), 16_000)


SENTENCE = "she had your dark suit in greasy wash water all year"


def test_each_witness_counts() -> None:
    good = judge(*made(SENTENCE, -1.5), -0.1, 14)
    assert good.spoken
    assert judge(*made(SENTENCE, -7.0), -0.5, 14).reason == "the words do not fit the sound"
    assert judge(*made(SENTENCE, None), -0.5, 14).reason == "the words do not fit the sound"
    assert judge(*made(SENTENCE, -1.8), -2.0, 14).reason == "the recogniser was guessing"
    for worse in (
        judge(*made(SENTENCE, -2.5), -0.1, 14),
        judge(*made(SENTENCE, -1.5), -0.5, 14),
        judge(*made("very very " * 6, -1.5), -0.1, 14),
        judge(*made("she", -1.5), -0.1, 1),
    ):
        assert worse.confidence < good.confidence


def test_no_words_and_impossible_speed() -> None:
    assert judge(*made("", -1.0), -0.1, 0) == Verdict(False, "there are no words", 0.0)
    assert judge(*made("♪♪ ♪♪", -1.0), -0.1, 4) == Verdict(False, "there are no words", 0.0)
    assert judge(*made("© " + SENTENCE, -1.0), -0.1, 14).reason == ("it holds signs of subtitles, which nobody says")
    assert judge(*made(SENTENCE, -1.0, seconds=0.5), -0.1, 14).reason == "nobody says that much in 0.5 s"


def test_repetition() -> None:
    assert repetition("no no no") == 0.0
    assert repetition(SENTENCE) == 0.0
    assert repetition("it's cool, it's cool, it's cool, it's cool") == pytest.approx(1 - 2 / 6)
