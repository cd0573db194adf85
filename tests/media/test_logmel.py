"""The log-mel: against a slow obvious twin, and on every kind of broken sample."""

from __future__ import annotations

import numpy as np
import pytest

from earmark.media.logmel import BANDS, FLOOR, HOP, SAMPLE_RATE, WINDOW, log_mel, mel_power, mel_weights, num_frames


def twin(samples: np.ndarray) -> np.ndarray:
    """One frame after the other, by the definition."""
    before = (WINDOW - HOP) // 2
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * (np.arange(WINDOW) + 0.5) / WINDOW)
    rows = []
    for frame in range(-(-len(samples) // HOP)):
        piece = np.zeros(WINDOW)
        for k in range(WINDOW):
            at = frame * HOP - before + k
            if 0 <= at < len(samples):
                piece[k] = samples[at]
        spectrum = np.abs(np.fft.rfft(piece * hann * 2 / hann.sum())) ** 2
        rows.append(spectrum @ mel_weights().astype(float))
    return np.array(rows)


@pytest.mark.parametrize("length", [1, HOP - 1, HOP, HOP + 1, 5 * HOP + 7, 300 * HOP])
def test_it_equals_its_slow_twin(length: int) -> None:
    samples = np.random.default_rng(length).uniform(-0.5, 0.5, length).astype(np.float32)
    fast = mel_power(samples)
    assert fast.shape == (num_frames(length), BANDS)
    np.testing.assert_allclose(fast[:20], twin(samples[: 22 * HOP])[: min(20, len(fast))], rtol=2e-3, atol=1e-7)


def test_nothing_gives_no_frames() -> None:
    assert log_mel(np.zeros(0, dtype=np.float32)).shape == (0, BANDS)


def test_silence_is_the_floor() -> None:
    np.testing.assert_allclose(log_mel(np.zeros(4 * HOP, dtype=np.float32)), np.log(FLOOR), rtol=1e-6)


def test_a_tone_is_loudest_in_its_band() -> None:
    tone = np.sin(2 * np.pi * 1000 * np.arange(SAMPLE_RATE) / SAMPLE_RATE).astype(np.float32)
    power = mel_power(tone)[10:-10].mean(axis=0)
    centres = mel_weights().argmax(axis=0) * SAMPLE_RATE / WINDOW
    assert abs(centres[int(power.argmax())] - 1000) < 60
    assert 0.5 < power.max() < 1.5


def test_a_click_is_in_the_frame_it_stands_on() -> None:
    samples = np.zeros(20 * HOP, dtype=np.float32)
    samples[7 * HOP + HOP // 2] = 1.0
    assert int(mel_power(samples).sum(axis=1).argmax()) == 7


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_counts_as_silence(bad: float) -> None:
    samples = np.zeros(4 * HOP, dtype=np.float32)
    broken = samples.copy()
    broken[HOP : 2 * HOP] = bad
    np.testing.assert_array_equal(log_mel(broken), log_mel(samples))


def test_every_band_hears_something() -> None:
    assert (mel_weights().sum(axis=0) > 0).all()
