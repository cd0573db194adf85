"""The sound engine that ships, its weights included."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest

from earmark.engines.registry import load
from earmark.engines.sound import SoundStream, dequantise, locate, quantise
from earmark.engines.sound.builtin import WEIGHTS, BuiltinSound
from earmark.errors import EngineError, QueryError
from earmark.timeline import ScoreCurve

RATE = 16_000


@pytest.fixture(scope="module")
def engine() -> BuiltinSound:
    found = load("sound", "earmark")
    assert isinstance(found, BuiltinSound)
    return found


def noise(seconds: float, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 0.05, round(seconds * RATE)).astype(np.float32)


def alarm(seconds: float = 12.0) -> np.ndarray:
    """Three beeps of 3.1 kHz and a pause, from 4 to 8 s, over faint noise."""
    samples = noise(seconds) * 0.02
    clock = np.arange(len(samples)) / RATE
    for start in (4.0, 5.0, 6.0, 7.5):
        on = (clock >= start) & (clock < start + 0.5)
        samples[on] += 0.3 * np.sin(2 * np.pi * 3100 * clock[on]).astype(np.float32)
    return samples


def test_what_ships_is_small() -> None:
    assert sum(path.stat().st_size for path in WEIGHTS.iterdir()) <= 15e6


@pytest.mark.parametrize("samples", [1, 1279, 1280, 1281, 3200, 16_000, 5 * 16_000 + 3])
def test_one_unit_row_for_every_begun_step(engine: BuiltinSound, samples: int) -> None:
    frames = engine.embed_audio(noise(samples / RATE))
    assert frames.shape == (-(-samples // round(engine.step_seconds * RATE)), engine.dim)
    assert frames.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(frames, axis=1), 1.0, atol=1e-4)


def test_no_samples_give_no_frames(engine: BuiltinSound) -> None:
    frames = engine.embed_audio(np.zeros(0, dtype=np.float32))
    assert frames.shape == (0, engine.dim)
    assert engine.curve(frames, "a dog barking").shape == (0,)


BROKEN = {
    "silence": np.zeros(3 * RATE, dtype=np.float32),
    "NaN": np.full(3 * RATE, np.nan, dtype=np.float32),
    "infinity": np.full(3 * RATE, np.inf, dtype=np.float32),
    "huge": noise(3) * np.float32(1e12),
    "a constant": np.full(3 * RATE, 0.7, dtype=np.float32),
    "clipping": np.clip(noise(3) * 1000, -1, 1),
    "0.2 s": noise(0.2),
    "telephone": np.repeat(noise(1.5), 2),
    "opposite phase": np.stack([noise(3), -noise(3)]).mean(axis=0),
}


@pytest.mark.parametrize("name", BROKEN)
def test_bad_input_gives_finite_probabilities(engine: BuiltinSound, name: str) -> None:
    frames = engine.embed_audio(BROKEN[name])
    curve = engine.curve(frames, "a dog barking")
    assert np.isfinite(frames).all()
    assert ((curve >= 0) & (curve <= 1)).all()


@pytest.mark.parametrize("name", ["silence", "NaN", "opposite phase"])
def test_in_silence_nothing_is_heard(engine: BuiltinSound, name: str) -> None:
    frames = engine.embed_audio(BROKEN[name])
    for text in ("a dog barking", "a baby crying", "rain"):
        curve = ScoreCurve(engine.curve(frames, text), engine.step_seconds)
        assert all(p < 0.5 for _, p in locate(curve, engine.expected_seconds(text)))


def test_broken_samples_do_not_spread(engine: BuiltinSound) -> None:
    """What a NaN reaches is the context around it, not the rest."""
    samples = noise(20)
    whole = engine.embed_audio(samples)
    samples[10 * RATE] = np.nan
    changed = np.flatnonzero(np.abs(engine.embed_audio(samples) - whole).max(axis=1) > 1e-5)
    assert changed.size == 0 or abs(changed * engine.step_seconds - 10).max() <= engine.context_seconds


def test_the_context_it_declares_is_enough(engine: BuiltinSound) -> None:
    samples = noise(30)
    whole = engine.embed_audio(samples)
    other = samples.copy()
    first = round((15 + engine.context_seconds) * RATE)
    other[first:] = noise(30, seed=1)[first:]
    upto = int(15 / engine.step_seconds)
    np.testing.assert_allclose(engine.embed_audio(other)[:upto], whole[:upto], atol=1e-5)


@pytest.mark.parametrize("block", [RATE // 3, 7 * RATE, 200 * RATE])
def test_a_stream_is_the_same_as_one_call(engine: BuiltinSound, block: int) -> None:
    samples = np.concatenate([alarm(), noise(130), alarm()])
    stream = SoundStream(engine)
    parts = [stream.feed(samples[at : at + block]) for at in range(0, len(samples), block)]
    frames = np.concatenate([*parts, stream.flush()])
    np.testing.assert_allclose(frames, engine.embed_audio(samples), atol=2e-4)
    assert stream.flush().shape == (0, engine.dim)


def test_it_finds_an_alarm_and_not_a_dog(engine: BuiltinSound) -> None:
    frames = engine.embed_audio(alarm())
    found = {}
    for text in ("a smoke alarm beeping", "a dog barking"):
        curve = ScoreCurve(engine.curve(frames, text), engine.step_seconds)
        found[text] = locate(curve, engine.expected_seconds(text))
    span, probability = found["a smoke alarm beeping"][0]
    assert span.start == pytest.approx(4.0, abs=0.6)
    assert span.end == pytest.approx(8.0, abs=1.1)
    assert probability > max((p for _, p in found["a dog barking"]), default=0.0)


def test_frames_as_bytes_answer_the_same(engine: BuiltinSound) -> None:
    frames = engine.embed_audio(alarm())
    restored = dequantise(quantise(frames))
    assert quantise(frames).dtype == np.int8
    assert (restored * frames).sum(axis=1).min() > 0.998
    text = "a smoke alarm beeping"
    np.testing.assert_allclose(engine.curve(restored, text), engine.curve(frames, text), atol=0.05)


def test_an_hour_of_bytes_is_below_five_megabytes(engine: BuiltinSound) -> None:
    assert 3600 / engine.step_seconds * engine.dim < 5e6


def test_texts_are_unit_rows_and_case_does_not_matter(engine: BuiltinSound) -> None:
    vectors = engine.embed_text(["a dog barking", "A Dog Barking ", "rain"])
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-5)
    np.testing.assert_array_equal(vectors[0], vectors[1])
    assert engine.embed_text([]).shape == (0, engine.dim)


@pytest.mark.parametrize("text", ["", "  ", "x"])
def test_a_query_of_nothing(engine: BuiltinSound, text: str) -> None:
    with pytest.raises(QueryError) as caught:
        engine.embed_text([text])
    what = "a single character" if text.strip() else "an empty query"
    assert str(caught.value) == f"“{text}”: expected a sound in words, found {what}. Describe it: “a baby crying”."


def test_a_language_it_does_not_read(engine: BuiltinSound) -> None:
    with pytest.raises(QueryError, match="expected English words, found a script earmark's built-in ears do not read"):
        engine.curve(np.zeros((3, engine.dim), dtype=np.float32), "صدای گریه‌ی نوزاد")


def test_what_it_knows(engine: BuiltinSound) -> None:
    assert engine.knows("a baby crying") and engine.knows("bacon sizzling in a skillet")
    assert not engine.knows("theremin") and not engine.knows("the stock market")
    names = [name for name, _ in engine.nearest("a puppy yapping", 3)]
    assert names[0] == "dog" and len(set(names)) == 3
    assert set(names) <= set(engine.vocabulary())


def test_how_long_sounds_last(engine: BuiltinSound) -> None:
    assert engine.expected_seconds("a finger snap") < engine.expected_seconds("a river flowing")


def test_missing_weights_are_named(tmp_path: Path) -> None:
    with pytest.raises(EngineError) as caught:
        BuiltinSound(tmp_path)
    assert str(caught.value) == (
        f"{tmp_path / 'audio.onnx'}: expected the sound model's weights, found no such file. "
        "Reinstall earmark, or make them with `earmark train sound`."
    )


def test_two_channels_are_refused(engine: BuiltinSound) -> None:
    with pytest.raises(ValueError, match=r"mono samples of shape \(n,\), got \(2, 100\)"):
        engine.embed_audio(np.zeros((2, 100), dtype=np.float32))


def test_it_is_fast(engine: BuiltinSound) -> None:
    """A generous bound: measured 800 x real time on one idle core, log-mel included."""
    samples = noise(60)
    engine.embed_audio(samples)
    begun = time.process_time()
    engine.embed_audio(samples)
    assert 60 / (time.process_time() - begun) > 60


def test_gelu_is_the_exact_one() -> None:
    from math import erf, sqrt

    from earmark.engines.sound.builtin import _gelu

    x = np.linspace(-6, 6, 401).astype(np.float32)
    exact = np.array([0.5 * v * (1 + erf(v / sqrt(2))) for v in x])
    np.testing.assert_allclose(_gelu(x), exact, atol=2e-6)
