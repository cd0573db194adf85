from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from earmark.engines.speech_text.frames import load_frames, paired
from earmark.errors import EngineError
from earmark.timeline import Waveform


@pytest.mark.parametrize("name", ["logmel", "moonshine"])
def test_frames_come_at_their_step(name: str, two_cities: Waveform) -> None:
    encoder = load_frames(name)
    frames = encoder.frames(two_cities.mono()[: 4 * 16_000])
    assert encoder.name == name and frames.dtype == np.float32
    assert frames.shape[1] == encoder.dim
    assert abs(len(frames) * encoder.step_seconds - 4.0) < 0.1
    assert np.isfinite(frames).all()


@pytest.mark.parametrize("name", ["logmel", "moonshine"])
def test_next_to_nothing_has_frames_too(name: str) -> None:
    encoder = load_frames(name)
    for samples in (np.zeros(0, np.float32), np.full(7, np.nan, np.float32)):
        frames = encoder.frames(samples)
        assert len(frames) >= 1 and np.isfinite(frames).all()


def test_two_neighbours_become_one() -> None:
    frames = np.arange(10, dtype=np.float32).reshape(5, 2)
    assert paired(frames).tolist() == [[1, 2], [5, 6]]
    assert paired(frames[:1]).tolist() == [[0, 1]]


def test_stereo_is_refused() -> None:
    with pytest.raises(ValueError, match="mono samples of shape"):
        load_frames("logmel").frames(np.zeros((2, 100), np.float32))


def test_an_unknown_encoder() -> None:
    with pytest.raises(EngineError) as caught:
        load_frames("wav2vec3")
    assert str(caught.value) == (
        "wav2vec3: expected an encoder of speech: logmel, moonshine or wav2vec2:FOLDER, found an unknown name. "
        "Write one of these as `encoder:` in the config."
    )


def test_a_wheel_that_carries_no_model(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    package = tmp_path / "moonshine_voice"
    package.mkdir()
    (package / "__init__.py").touch()
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "moonshine_voice", raising=False)
    with pytest.raises(EngineError) as caught:
        load_frames("moonshine")
    assert str(caught.value) == (
        "moonshine: expected the package moonshine-voice 0.0.x, which carries the model, found a release that carries "
        "none. Run: pip install 'moonshine-voice>=0.0.59,<0.1'"
    )
