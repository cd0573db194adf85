from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from earmark.engines.activity import silero
from earmark.engines.activity.silero import Silero
from earmark.errors import EngineError
from earmark.timeline import Waveform


def twin(samples: np.ndarray) -> np.ndarray:
    """Frame by frame, as the model is defined."""
    import onnxruntime

    session = onnxruntime.InferenceSession(str(silero._model_path()))
    h = c = np.zeros((1, 1, 128), np.float32)
    context = np.zeros(64, np.float32)
    scores = []
    for first in range(0, samples.size, 512):
        frame = samples[first : first + 512]
        frame = np.concatenate([frame, np.zeros(512 - frame.size, np.float32)])
        inputs = {"input": np.concatenate([context, frame])[None], "h": h, "c": c}
        score, h, c = session.run(None, inputs)
        scores.append(float(score.reshape(())))
        context = frame[-64:]
    return np.array(scores, np.float32)


def test_blocks_equal_frame_by_frame(two_cities: Waveform) -> None:
    samples = two_cities.mono()[: 12 * 16_000 + 77]
    stream = Silero().stream()
    scores = np.concatenate([stream.feed(samples).values, stream.flush().values])
    assert scores.std() > 0.1
    assert np.allclose(scores, twin(samples), atol=1e-4)


def test_missing_package_and_missing_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(silero, "find_spec", lambda name: None)
    with pytest.raises(EngineError) as caught:
        Silero()
    assert str(caught.value) == (
        "silero: expected the package faster-whisper, which carries the model, found no such package. "
        "Run: pip install 'faster-whisper>=1.2,<2'"
    )
    monkeypatch.undo()
    monkeypatch.setattr(Path, "is_file", lambda self: False)
    with pytest.raises(EngineError, match=r"silero_vad_v6\.onnx, found no such file\. Run: pip"):
        Silero()
