from __future__ import annotations

import shutil

import numpy as np
import pytest

from earmark.errors import EngineError
from earmark.training.speech_text.voices import MOST_SECONDS, speak

needs_espeak = pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="espeak-ng is not installed")


@needs_espeak
@pytest.mark.parametrize(("text", "language"), [("The harbour was full of boats.", "en"), ("امروز هوا خوب است.", "fa")])
def test_equal_seeds_speak_alike_and_others_do_not(text: str, language: str) -> None:
    pytest.importorskip("scipy")
    first, again, other = speak(text, language, 3), speak(text, language, 3), speak(text, language, 4)
    assert np.array_equal(first, again) and not np.array_equal(first[: other.size], other[: first.size])
    assert first.dtype == np.float32 and 0.5 < first.size / 16_000 < MOST_SECONDS
    assert 0.05 < np.abs(first).max() <= 0.9 + 1e-6


def test_no_program_to_speak_with(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(EngineError) as caught:
        speak("hello", "de", 0)
    assert str(caught.value).startswith("espeak-ng: expected speech, found ")
    assert str(caught.value).endswith("Install espeak-ng, or leave `sentences` out of the config.")
