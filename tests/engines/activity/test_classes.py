from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from earmark.engines.activity.classes import BUILTIN, ClassCurves, Classes
from earmark.engines.activity.features import listen, logits_at
from earmark.engines.activity.silero import Silero, _model_path
from earmark.errors import EngineError
from earmark.media.decode import decode

RATE = 16_000
Samples = NDArray[np.float32]


@pytest.fixture(scope="module")
def engine() -> Classes:
    return Classes()


@pytest.fixture(scope="module")
def reading() -> Samples:
    """Half a minute of real speech, from the wheel that carries the recogniser."""
    spec = find_spec("moonshine_voice")
    assert spec is not None and spec.origin is not None
    path = Path(spec.origin).parent / "assets" / "two_cities.wav"
    return np.concatenate([block.mono() for block in decode(path, end_seconds=30.0)])


def noise(seconds: float, level: float = 0.05, seed: int = 0) -> Samples:
    return (np.random.default_rng(seed).standard_normal(int(seconds * RATE)) * level).astype(np.float32)


def hear(engine: Classes, samples: Samples, block: int | None = None, start: float = 0.0) -> ClassCurves:
    stream = engine.stream(start)
    size = block or max(1, len(samples))
    parts = [stream.feed(samples[at : at + size]) for at in range(0, len(samples), size)] + [stream.flush()]
    expected = start
    for part in parts:
        assert part.start_seconds == pytest.approx(expected, abs=1e-6)
        expected += len(part.values) * part.step_seconds
    return ClassCurves(engine.classes, np.concatenate([part.values for part in parts]), engine.step_seconds, start)


def test_the_builtin_model_is_small_and_knows_three_classes(engine: Classes) -> None:
    assert BUILTIN.stat().st_size <= 1_000_000
    assert engine.classes == ("speech", "music", "noise")
    assert engine.step_seconds == 0.04


def test_a_stream_in_any_blocks_hears_what_the_model_hears_at_once(engine: Classes) -> None:
    modulation = np.repeat(np.random.default_rng(3).random(160), RATE)
    samples = (noise(160) * modulation)[: 158 * RATE + 333].astype(np.float32)  # longer than two blocks and contexts
    mel, logits = listen(samples, Silero())
    if len(mel) % 2:
        mel, logits = np.pad(mel, ((0, 1), (0, 0)), constant_values=np.log(1e-9)), np.append(logits, logits[-1])
    (whole,) = engine._session.run(None, {"mel": mel[None].astype(np.float32), "silero": logits[None]})
    for block in (None, 30 * RATE, 7_777):
        heard = hear(engine, samples, block)
        assert len(heard.values) == len(whole[0])
        np.testing.assert_allclose(heard.values, whole[0], atol=2e-5)


def test_a_pool_changes_nothing(engine: Classes) -> None:
    samples = noise(12)
    with ThreadPoolExecutor(1) as pool:
        stream = engine.stream(0.0, pool)
        values = np.concatenate([stream.feed(samples).values, stream.flush().values])
    np.testing.assert_array_equal(values, hear(engine, samples).values)


def test_real_speech_is_speech_and_steady_noise_is_not(engine: Classes, reading: Samples) -> None:
    assert hear(engine, reading)["speech"].values.mean() > 0.6
    steady = hear(engine, noise(20))
    assert steady["speech"].values.max() < 0.5
    assert steady["noise"].values.mean() > 0.5


def test_speech_over_noise_is_both(engine: Classes, reading: Samples) -> None:
    level = float(np.sqrt(np.mean(reading**2)))
    heard = hear(engine, reading + noise(30, level * 0.5)[: len(reading)])
    assert heard["speech"].values.mean() > 0.5
    assert heard["noise"].values.mean() > 0.5


def test_digital_silence_is_nothing_at_all_even_beside_speech(engine: Classes, reading: Samples) -> None:
    quiet = np.zeros(10 * RATE, np.float32)
    assert not hear(engine, quiet).values.any()
    framed = np.concatenate([quiet, reading, quiet])
    heard = hear(engine, framed)
    assert not heard.values[: int(9.9 / 0.04)].any()
    assert not heard.values[-int(9.9 / 0.04) :].any()


def test_dither_is_silence_too(engine: Classes) -> None:
    assert not hear(engine, np.sign(noise(5)) / np.float32(32768)).values.any()


def test_what_is_not_a_number_counts_as_silence(engine: Classes) -> None:
    broken = np.full(3 * RATE, np.nan, np.float32)
    broken[RATE : 2 * RATE] = np.inf
    assert not hear(engine, broken).values.any()


@pytest.mark.parametrize(("samples", "steps"), [(0, 0), (1, 1), (320, 1), (640, 1), (641, 2), (1601, 3)])
def test_shorter_than_a_frame(engine: Classes, samples: int, steps: int) -> None:
    assert hear(engine, noise(1)[:samples]).values.shape == (steps, 3)


def test_a_stream_begins_anew_after_its_end(engine: Classes) -> None:
    samples, stream = noise(3), engine.stream(4.0)
    first = [stream.feed(samples).values, stream.flush().values]
    again = [stream.feed(samples), stream.flush()]
    np.testing.assert_array_equal(np.concatenate(first), np.concatenate([part.values for part in again]))
    assert again[0].start_seconds == 4.0


def test_only_mono_is_heard(engine: Classes) -> None:
    with pytest.raises(ValueError) as caught:
        engine.stream().feed(np.zeros((2, 100), np.float32))
    assert str(caught.value) == "a model of classes hears mono samples of shape (n,), got (2, 100)"


def test_logits_are_those_of_the_frame_in_the_middle() -> None:
    scores = np.array([0.5, 0.9, 0.0, 1.0], np.float32)  # 32 ms each
    logits = logits_at(scores, 0.032, 0, 8)  # 20 ms each: middles at 10, 30, 50, 70, 90, 110, 130, 150 ms
    expected = [0, 0, np.log(9), -7, -7, 7, 7, 7]
    assert logits == pytest.approx(expected, abs=1e-5)
    assert logits_at(scores[1:], 0.032, 2, 5, first_score=1) == pytest.approx(expected[2:5], abs=1e-5)


def test_missing_and_foreign_models_are_named(tmp_path: Path) -> None:
    missing, garbage = tmp_path / "gone.onnx", tmp_path / "garbage.onnx"
    garbage.write_bytes(b"not a model")
    foreign = _model_path()
    hint = "Pass the .onnx file that earmark train activity wrote."
    for path, message in (
        (missing, f"{missing}: expected a model of earmark train activity, found no such file. Check the path."),
        (
            garbage,
            f"{garbage}: expected a model of earmark train activity, "
            f"found a file that ONNX Runtime cannot load. {hint}",
        ),
        (
            foreign,
            f"{foreign}: expected a model of earmark train activity, found an ONNX model of something else. {hint}",
        ),
    ):
        with pytest.raises(EngineError) as caught:
            Classes(path)
        assert str(caught.value) == message
