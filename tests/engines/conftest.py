"""Real speech for the engines: the readings inside the moonshine-voice wheel (public-domain books)."""

from __future__ import annotations

import wave
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from earmark.timeline import Waveform


def read(name: str) -> Waveform:
    """A reading as mono at 16 kHz; from 48 kHz through a windowed sinc filter, keeping every third sample."""
    spec = find_spec("moonshine_voice")
    assert spec is not None and spec.origin is not None
    with wave.open(str(Path(spec.origin).parent / "assets" / name)) as file:
        rate, channels = file.getframerate(), file.getnchannels()
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, channels).mean(axis=1)
    assert rate % 16_000 == 0
    step = rate // 16_000
    if step > 1:
        taps = np.arange(-64, 65)
        kernel = np.sinc(taps / step * 0.9) * np.hanning(taps.size)
        samples = np.convolve(samples, kernel / kernel.sum(), mode="same")[::step]
    return Waveform((samples / 32768).astype(np.float32)[None], 16_000)


@pytest.fixture(scope="session")
def two_cities() -> Waveform:
    """44 s of A Tale of Two Cities."""
    return read("two_cities.wav")


@pytest.fixture(scope="session")
def beckett() -> Waveform:
    """10 s of Worstward Ho."""
    return read("beckett.wav")
