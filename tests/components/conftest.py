"""A separator small enough to be judged by eye: it keeps a band, the one that is named."""

from __future__ import annotations

import sys
import types
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from earmark.engines import registry
from earmark.engines.separator import Mask
from earmark.media.clips import write_waveforms
from earmark.media.probe import probe
from earmark.records import Recording
from earmark.timeline import Waveform


class Bands:
    """Keeps what is below 1 kHz of “a low …”, nothing of “nothing”, and all of everything else; counts its calls."""

    name = "bands"
    sample_rate = 16_000
    frame_samples = 1024
    step_samples = 256
    window_seconds = 10.0
    context_seconds = 0.5

    def __init__(self) -> None:
        self.asked: list[tuple[str, int]] = []

    def mask(self, samples: NDArray[np.float32], text: str) -> Mask:
        self.asked.append((text, len(samples)))
        hertz = np.arange(513) * 16_000 / 1024
        kept = hertz < 1000 if "low" in text else np.full(513, text != "nothing")
        return np.repeat(kept[None].astype(np.float32), len(samples) // 256 + 1, axis=0)


@pytest.fixture
def bands(monkeypatch: pytest.MonkeyPatch) -> Bands:
    """Also to be had by its name."""
    made = Bands()
    module = types.ModuleType("bands_of_the_tests")
    module.__dict__["make"] = lambda: made
    monkeypatch.setitem(sys.modules, "bands_of_the_tests", module)
    monkeypatch.setitem(registry.ENGINES["separator"], "bands", "bands_of_the_tests:make")
    return made


def alarm_and_hum(seconds: float, rate: int) -> NDArray[np.float32]:
    """A smoke alarm from 4 s to 8 s on the left, over a hum from 10 s to 12 s on both sides; shape ``(2, n)``."""
    t = np.arange(round(seconds * rate)) / rate
    beeps = 0.3 * np.sin(2 * np.pi * 3100 * t) * ((t >= 4) & (t < 8) & (t % 1.0 < 0.5))
    hum = 0.2 * np.sin(2 * np.pi * 200 * t) * ((t >= 10) & (t < 12))
    return np.stack([beeps + hum, hum]).astype(np.float32)


@pytest.fixture
def street(tmp_path: Path) -> Recording:
    """14 s, stereo, 44.1 kHz."""
    write_waveforms(tmp_path / "street.wav", Waveform(alarm_and_hum(14.0, 44_100), 44_100))
    return probe(tmp_path / "street.wav")


@pytest.fixture
def samples() -> Callable[[Path], tuple[NDArray[np.float32], int]]:
    def read(path: Path) -> tuple[NDArray[np.float32], int]:
        from earmark.media.decode import decode

        blocks = list(decode(path, sample_rate=None, channels=None))
        return np.concatenate([block.samples for block in blocks], axis=1), blocks[0].sample_rate

    return read
