"""One suite over every recogniser that comes with the install."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from earmark.engines.recogniser import Recogniser
from earmark.engines.registry import PULLED, load, names
from earmark.timeline import Span, Waveform


@pytest.fixture(scope="module", params=[name for name in names("recogniser") if name not in PULLED])
def engine(request: pytest.FixtureRequest) -> Recogniser:
    loaded: Recogniser = load("recogniser", request.param)
    return loaded


def plain(text: str) -> str:
    return " ".join(re.findall(r"[a-z']+", text.lower()))


def test_clear_reading_is_understood(engine: Recogniser, two_cities: Waveform) -> None:
    (heard,) = engine.transcribe([two_cities.cut(Span(0.0, 12.0))])
    assert "it was the best of times it was the worst of times" in plain(heard.text)
    assert heard.language == "en"
    assert " ".join(word.text for word in heard.words) == heard.text
    assert all(0.0 < word.probability <= 1.0 for word in heard.words)
    assert np.mean([word.probability for word in heard.words]) > 0.8
    assert -0.5 < heard.mean_logprob < 0.0
    assert heard.num_tokens >= len(heard.words)


def test_neighbours_do_not_change_a_transcript(engine: Recogniser, two_cities: Waveform) -> None:
    parts = [two_cities.cut(Span(start, start + length)) for start, length in ((0, 4), (4, 9), (20, 2))]
    together = engine.transcribe(parts)
    assert together == [engine.transcribe([part])[0] for part in parts]


def test_one_engine_serves_many_threads(engine: Recogniser, two_cities: Waveform) -> None:
    parts = [two_cities.cut(Span(start, start + 3)) for start in (0, 5, 10, 15)]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda part: engine.transcribe([part])[0], parts)) == engine.transcribe(parts)


def test_nothing_gives_nothing(engine: Recogniser) -> None:
    for length in (0, 1, 16_000):
        (heard,) = engine.transcribe([Waveform(np.zeros((1, length), np.float32), engine.sample_rate)])
        assert heard.text == "" and heard.words == () and heard.num_tokens == 0
    assert engine.transcribe([]) == []


def test_scraps_and_broken_samples_do_not_break_it(engine: Recogniser, beckett: Waveform) -> None:
    scrap = beckett.samples[:, :40]
    broken = beckett.samples[:, :16_000].copy()
    broken[0, ::50] = np.nan
    broken[0, 7] = np.inf
    for samples in (scrap, broken, np.concatenate([broken, broken])):
        (heard,) = engine.transcribe([Waveform(samples, engine.sample_rate)])
        assert heard.num_tokens < 20 and np.isfinite(heard.mean_logprob)


def test_noise_ends(engine: Recogniser) -> None:
    noise = np.random.default_rng(1).normal(0, 0.1, (1, 20 * 16_000)).astype(np.float32)
    (heard,) = engine.transcribe([Waveform(noise, engine.sample_rate)])
    assert heard.num_tokens <= 20 * 6.5 + 8


def test_a_wrong_rate_and_a_long_utterance_are_mistakes_of_the_caller(engine: Recogniser) -> None:
    with pytest.raises(ValueError, match="hears 16000 Hz, got 8000"):
        engine.transcribe([Waveform(np.ones((1, 8_000), np.float32), 8_000)])
    with pytest.raises(ValueError, match=r"at most 30\.0 s at once, got 31\.0"):
        engine.transcribe([Waveform(np.ones((1, 31 * 16_000), np.float32), 16_000)])
