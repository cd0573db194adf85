from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from earmark.engines import registry
from earmark.engines.speech_text.contrastive import ContrastiveEngine, digest_of
from earmark.errors import EngineError
from earmark.timeline import Waveform


@pytest.fixture(scope="module")
def engine(speech_text_weights: Path) -> ContrastiveEngine:
    loaded: ContrastiveEngine = registry.load("speech_text", f"contrastive:{speech_text_weights}")
    return loaded


def test_vectors_have_length_one(engine: ContrastiveEngine, beckett: Waveform) -> None:
    speech, text = engine.embed_speech(beckett.mono()), engine.embed_text(["all of old", "nothing else ever"])
    assert speech.shape == (16,) and text.shape == (2, 16)
    assert np.allclose([np.linalg.norm(speech), *np.linalg.norm(text, axis=1)], 1.0, atol=1e-3)


def test_silence_and_a_text_without_words_have_none(engine: ContrastiveEngine) -> None:
    assert not engine.embed_speech(np.zeros(16_000, np.float32)).any()
    assert not engine.embed_windows(np.zeros(100_000, np.float32)).any()
    assert not engine.embed_text(["", "…"]).any()
    assert engine.embed_text([]).shape == (0, 16) and engine.embed_windows(np.zeros(0, np.float32)).shape == (0, 16)


def test_a_text_reads_the_same_in_any_company(engine: ContrastiveEngine) -> None:
    many = engine.embed_text([f"word {n} کتاب" for n in range(70)])
    assert np.allclose(many[66], engine.embed_text(["word 66 کتاب"])[0], atol=1e-5)


def test_windows_begin_at_every_hop(engine: ContrastiveEngine, two_cities: Waveform) -> None:
    samples = two_cities.mono()
    rows = engine.embed_windows(samples)
    hop = round(engine.hop_seconds * 16_000)
    assert len(rows) == -(-samples.size // hop)
    for at in (2, len(rows) - 1):  # the obvious way: the window cut out and heard by itself
        alone = engine.embed_speech(samples[at * hop : (at + 2) * hop])
        assert float(alone @ rows[at]) > 0.99


def test_windows_are_the_same_wherever_a_run_begins(engine: ContrastiveEngine, two_cities: Waveform) -> None:
    samples = two_cities.mono()
    hop = round(engine.hop_seconds * 16_000)
    whole, later = engine.embed_windows(samples), engine.embed_windows(samples[hop:])
    assert np.all(np.sum(whole[2:] * later[1:], axis=1) > 0.99)


def test_probability_is_even_where_the_calibration_says(engine: ContrastiveEngine) -> None:
    found = engine.probability(np.array([0.25, 1.0, -1.0], np.float32))
    assert found[0] == pytest.approx(0.5) and found[1] > 0.99 and found[2] < 0.01


@pytest.mark.parametrize("name", ["audio.onnx", "text.onnx", "model.json"])
def test_a_missing_file(speech_text_weights: Path, tmp_path: Path, name: str) -> None:
    folder = shutil.copytree(speech_text_weights, tmp_path / "copy")
    (folder / name).unlink()
    with pytest.raises(EngineError) as caught:
        ContrastiveEngine(folder)
    assert str(caught.value) == (
        f"{folder / name}: expected a speech–text model, found no such file. "
        "Make it with: earmark train speech-text CONFIG -o OUT, and pass OUT/weights."
    )


CHANGED = [
    ({"format": "other"}, "the card of something else"),
    ({"dim": "16"}, "no dim"),
    ({"calibration": [1.0]}, "no slope and offset under calibration"),
    ({"dim": 17}, "vectors of 16 dimensions instead of 17"),
    ({"encoder": "moonshine"}, "frames of 64 dimensions instead of 288"),
]


@pytest.mark.parametrize(("change", "found"), CHANGED)
def test_a_card_that_does_not_fit(
    speech_text_weights: Path, tmp_path: Path, change: dict[str, object], found: str
) -> None:
    folder = shutil.copytree(speech_text_weights, tmp_path / "copy")
    card = json.loads((folder / "model.json").read_text(encoding="utf-8"))
    (folder / "model.json").write_text(json.dumps(card | change), encoding="utf-8")
    with pytest.raises(EngineError) as caught:
        ContrastiveEngine(folder)
    assert f"expected a file of a speech–text model, found {found}. Export the model again" in str(caught.value)


def test_files_that_changed_places(speech_text_weights: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(speech_text_weights, tmp_path / "copy")
    shutil.copy(folder / "text.onnx", folder / "audio.onnx")
    with pytest.raises(EngineError, match="found a graph of letters, counts, read"):
        ContrastiveEngine(folder)
    (folder / "audio.onnx").write_bytes(b"no graph")
    with pytest.raises(EngineError, match="found no ONNX graph"):
        ContrastiveEngine(folder)


def test_other_weights_have_another_digest(speech_text_weights: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(speech_text_weights, tmp_path / "copy")
    assert digest_of(folder) == digest_of(speech_text_weights)
    with open(folder / "text.onnx", "ab") as file:
        file.write(b"\0")
    assert digest_of(folder) != digest_of(speech_text_weights)
