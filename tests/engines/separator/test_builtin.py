"""The separator that ships, on its own weights."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from earmark.engines import registry
from earmark.engines.separator import builtin
from earmark.engines.separator.builtin import SOUND_WEIGHTS, WEIGHTS, BuiltinSeparator
from earmark.engines.separator.masking import masked
from earmark.errors import EngineError, QueryError, UsageError


@pytest.fixture(scope="module")
def engine() -> BuiltinSeparator:
    return BuiltinSeparator()


def noise(seconds: float, seed: int = 0) -> NDArray[np.float32]:
    return (0.1 * np.random.default_rng(seed).standard_normal(round(16_000 * seconds))).astype(np.float32)


def pulled(engine: BuiltinSeparator, samples: NDArray[np.float32], text: str) -> NDArray[np.float32]:
    return masked(engine.mask(samples, text), engine, samples[None], engine.sample_rate)[0]


@pytest.mark.parametrize("size", [0, 1, 255, 256, 5_000, 48_000])
def test_a_mask_has_a_row_a_step_and_a_column_a_bin(size: int, engine: BuiltinSeparator) -> None:
    mask = engine.mask(noise(4.0)[:size], "rain")
    assert mask.shape == (size // engine.step_samples + 1, engine.frame_samples // 2 + 1)
    assert mask.dtype == np.float32
    assert np.isfinite(mask).all() and mask.min() >= 0.0 and mask.max() <= 1.0


def test_one_sound_can_be_pulled_out_of_two(engine: BuiltinSeparator) -> None:
    """A beeping alarm over rain-like noise: what each query gives is nearer to its own sound than the mixture is."""
    seconds = np.arange(4 * 16_000) / 16_000
    beep = (0.1 * np.sin(2 * np.pi * 3100 * seconds) * (seconds % 1.0 < 0.5)).astype(np.float32)
    rain = noise(4.0)
    mixture = beep + rain
    for text, source, other in (("a smoke alarm beeping", beep, rain), ("heavy rain", rain, beep)):
        found = pulled(engine, mixture, text)
        kept, spilled = abs(found @ source) / (source @ source), abs(found @ other) / (other @ other)
        assert kept > 2 * spilled, text


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 0.0, 1e-30, 1.0])
def test_whatever_is_heard_the_mask_is_finite(value: float, engine: BuiltinSeparator) -> None:
    samples = noise(1.0)
    samples[2_000:6_000] = value
    assert np.isfinite(engine.mask(samples, "a dog barking")).all()
    assert np.isfinite(engine.mask(np.full(8_000, value, np.float32), "a dog barking")).all()


def test_loudness_does_not_matter(engine: BuiltinSeparator) -> None:
    samples = noise(3.0)
    assert np.allclose(engine.mask(samples, "rain"), engine.mask(0.05 * samples, "rain"), atol=1e-3)


def test_what_lies_beyond_the_context_does_not_matter(engine: BuiltinSeparator) -> None:
    step, context = engine.step_samples, round(engine.context_seconds * engine.sample_rate)
    before = 64 * step * 5  # a whole number of the network's coarsest steps
    assert before > context
    quiet, loud = noise(12.0), noise(12.0)
    loud[: before - context] *= 9.0
    first = before // step
    assert np.allclose(engine.mask(quiet, "rain")[first:], engine.mask(loud, "rain")[first:], atol=2e-3)


def test_stereo_has_to_be_mixed_before(engine: BuiltinSeparator) -> None:
    with pytest.raises(ValueError, match=r"mono samples of shape \(n,\), got \(2, 100\)"):
        engine.mask(np.zeros((2, 100), np.float32), "rain")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "“”: expected a sound in words, found an empty query. Describe it: “a baby crying”."),
        ("  x ", "“  x ”: expected a sound in words, found a single character. Describe it: “a baby crying”."),
        (
            "صدای باران",
            "“صدای باران”: expected English words, found a script earmark's built-in separator does not read. "
            "Describe the sound in English, or use an engine of `earmark models`.",
        ),
    ],
)
def test_a_query_it_cannot_read_is_refused(text: str, expected: str, engine: BuiltinSeparator) -> None:
    with pytest.raises(QueryError) as caught:
        engine.mask(np.zeros(0, np.float32), text)
    assert str(caught.value) == expected


def test_a_folder_of_ones_own_is_loaded_by_name(engine: BuiltinSeparator, tmp_path: Path) -> None:
    shutil.copytree(WEIGHTS, tmp_path / "run" / "weights")
    card = json.loads((WEIGHTS / "model.json").read_text())
    known = next(iter(card["vocabulary"]))
    (tmp_path / "run" / "weights" / "model.json").write_text(json.dumps(card | {"vocabulary": {known: [known]}}))
    own = registry.load("separator", f"earmark:{tmp_path / 'run' / 'weights'}")
    assert isinstance(own, BuiltinSeparator)
    assert own._taught.shape[0] == 1 < engine._taught.shape[0]
    assert own.mask(noise(1.0), "rain").shape == engine.mask(noise(1.0), "rain").shape


def test_results_of_other_weights_are_stored_under_another_name(tmp_path: Path) -> None:
    names = set()
    for content in (b"one", b"two"):
        (tmp_path / "masker.onnx").write_bytes(content)
        names.add(registry.stored_name("separator", f"earmark:{tmp_path}"))
    assert len(names) == 2


def test_missing_weights_are_told(tmp_path: Path) -> None:
    expected = f"{tmp_path / 'masker.onnx'}: expected the separator's weights, found no such file. "
    with pytest.raises(EngineError) as caught:
        registry.load("separator", f"earmark:{tmp_path}")
    assert str(caught.value) == expected + "Make them with `earmark train separate`, and pass the folder it prints."
    shutil.copytree(WEIGHTS, tmp_path / "weights")
    with pytest.raises(EngineError) as caught:
        BuiltinSeparator(tmp_path)
    assert str(caught.value) == expected + f"Pass {tmp_path / 'weights'}."


def test_missing_weights_of_the_install_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(builtin, "WEIGHTS", tmp_path)
    with pytest.raises(EngineError) as caught:
        BuiltinSeparator()
    assert str(caught.value) == (
        f"{tmp_path / 'masker.onnx'}: expected the separator's weights, found no such file. Reinstall earmark."
    )


@pytest.mark.parametrize(
    ("name", "content", "found"),
    [
        ("model.json", b"{", "no JSON"),
        ("model.json", b"[1]", "no card"),
        ("model.json", b'{"table": "x", "vocabulary": {}}', "a card without time_factor"),
        ("masker.onnx", b"no graph", "no ONNX graph"),
        ("masker.onnx", (WEIGHTS / "reader.onnx").read_bytes(), "a graph of pieces"),
    ],
)
def test_a_folder_of_something_else_is_told(name: str, content: bytes, found: str, tmp_path: Path) -> None:
    shutil.copytree(WEIGHTS, tmp_path / "w")
    (tmp_path / "w" / name).write_bytes(content)
    with pytest.raises(EngineError) as caught:
        BuiltinSeparator(tmp_path / "w")
    assert str(caught.value) == (
        f"{tmp_path / 'w' / name}: expected the separator's weights, found {found}. "
        "Make them with `earmark train separate`, and pass the folder it prints."
    )


@pytest.mark.parametrize(("job", "name"), [("sound", "earmark"), ("recogniser", "moonshine"), ("text", "terms")])
def test_a_model_for_an_engine_that_takes_none_is_told(job: str, name: str) -> None:
    with pytest.raises(UsageError) as caught:
        registry.load(job, f"{name}:large")
    assert str(caught.value) == (
        f"{name}:large: expected {name} alone, which takes no model, found 'large' after the colon. Use {name}."
    )


def test_weights_of_another_word_piece_table_are_refused(tmp_path: Path) -> None:
    shutil.copytree(WEIGHTS, tmp_path / "w")
    card = json.loads((tmp_path / "w" / "model.json").read_text())
    (tmp_path / "w" / "model.json").write_text(json.dumps(card | {"table": "0" * 16}))
    with pytest.raises(EngineError) as caught:
        BuiltinSeparator(tmp_path / "w")
    assert str(caught.value) == (
        f"{tmp_path / 'w' / 'model.json'}: expected weights trained with the word-piece table in {SOUND_WEIGHTS}, "
        "found weights of another table. Reinstall earmark, or make them anew with `earmark train separate`."
    )


def test_the_weights_are_small() -> None:
    assert sum(path.stat().st_size for path in WEIGHTS.iterdir()) < 10_000_000
