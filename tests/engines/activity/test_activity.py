"""One suite over every activity engine."""

from __future__ import annotations

import numpy as np
import pytest

from earmark.engines.activity import ActivityEngine
from earmark.engines.registry import load, names
from earmark.timeline import ScoreCurve, Waveform


@pytest.fixture(scope="module", params=names("activity"))
def engine(request: pytest.FixtureRequest) -> ActivityEngine:
    loaded: ActivityEngine = load("activity", request.param)
    return loaded


def listen(engine: ActivityEngine, samples: np.ndarray, chunk: int = 16_000, start: float = 0.0) -> ScoreCurve:
    stream = engine.stream(start)
    curves = [stream.feed(samples[first : first + chunk]) for first in range(0, samples.size, chunk)]
    curves.append(stream.flush())
    expected = start
    for curve in curves:
        if curve.num_frames:
            assert curve.start_seconds == pytest.approx(expected, abs=1e-9)
            expected = curve.span.end
    values = np.concatenate([curve.values for curve in curves])
    return ScoreCurve(values, engine.step_seconds, start)


def test_speech_between_silences_is_found(engine: ActivityEngine, beckett: Waveform) -> None:
    silence = np.zeros(3 * engine.sample_rate, np.float32)
    curve = listen(engine, np.concatenate([silence, beckett.mono(), silence]))
    frames = round(3 / engine.step_seconds)
    assert curve.values[: frames - 2].max() < 0.1
    assert curve.values[-frames + 15 :].max() < 0.1
    assert (curve.values[frames:-frames] > 0.5).mean() > 0.3


@pytest.mark.parametrize("chunk", [100, 512, 7_777, 10**6])
def test_how_it_is_fed_does_not_matter(engine: ActivityEngine, beckett: Waveform, chunk: int) -> None:
    samples = beckett.mono()[:32_100]
    whole = listen(engine, samples)
    assert np.allclose(listen(engine, samples, chunk).values, whole.values, atol=1e-5)


def test_every_sample_has_a_frame_and_the_clock_starts_where_asked(engine: ActivityEngine) -> None:
    curve = listen(engine, np.zeros(16_001, np.float32), start=7.5)
    assert curve.start_seconds == 7.5
    assert curve.span.end >= 7.5 + 16_001 / 16_000
    assert curve.span.end < 7.5 + 16_001 / 16_000 + engine.step_seconds


def test_digital_silence_is_not_speech(engine: ActivityEngine) -> None:
    assert listen(engine, np.zeros(160_000, np.float32)).values.max() < 0.05


def test_nan_and_infinity_count_as_silence(engine: ActivityEngine, beckett: Waveform) -> None:
    samples = beckett.mono()[:48_000].copy()
    samples[16_000:24_000] = 0
    quiet = listen(engine, samples)
    samples[16_000:20_000], samples[20_000:24_000] = np.nan, np.inf
    assert np.array_equal(listen(engine, samples).values, quiet.values)


def test_nothing_in_nothing_out(engine: ActivityEngine) -> None:
    stream = engine.stream(2.0)
    assert stream.feed(np.zeros(0, np.float32)).num_frames == 0
    assert stream.flush().num_frames == 0


def test_flush_begins_anew(engine: ActivityEngine, beckett: Waveform) -> None:
    stream = engine.stream()
    samples = beckett.mono()[:20_000]
    first = [stream.feed(samples).values, stream.flush().values]
    again = [stream.feed(samples).values, stream.flush().values]
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))


def test_two_channels_are_refused(engine: ActivityEngine) -> None:
    with pytest.raises(ValueError, match=r"got \(2, 16\)"):
        engine.stream().feed(np.zeros((2, 16), np.float32))
