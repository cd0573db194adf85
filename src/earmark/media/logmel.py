"""Log-mel spectrograms in plain numpy: what the sound engine hears.

Frame ``i`` is centred on sample ``i * HOP + HOP / 2``, so that it speaks for the hop it stands on, and there are
``ceil(n / HOP)`` of them. The window (32 ms) is longer than the hop (20 ms); what lies outside the signal is zero.
Energies are floored at `FLOOR`, about the noise of 16-bit audio, so that digital silence is a finite number.

Source: the mel scale of O'Shaughnessy (1987) as HTK writes it; triangular bands of equal peak.
"""

from __future__ import annotations

import functools

import numpy as np
from numpy.typing import NDArray

__all__ = ["BANDS", "FLOOR", "HOP", "SAMPLE_RATE", "log_mel", "mel_power", "mel_weights", "num_frames"]

SAMPLE_RATE = 16_000
"""Hz."""
HOP = 320
"""Samples from one frame to the next: 20 ms."""
WINDOW = 512
"""Samples one frame sees: 32 ms."""
BANDS = 64
LOWEST_HZ, HIGHEST_HZ = 50.0, 7_800.0
FLOOR = 1e-9
"""Added to every band's energy before the logarithm; a full-scale sine is near 1."""
_CHUNK = 256


def num_frames(num_samples: int) -> int:
    return -(-num_samples // HOP)


def _mel(hz: NDArray[np.float64] | float) -> NDArray[np.float64]:
    return np.asarray(2595.0 * np.log10(1.0 + np.asarray(hz) / 700.0))


@functools.cache
def mel_weights() -> NDArray[np.float32]:
    """The triangles that gather the spectrum's bins into bands, shape ``(WINDOW // 2 + 1, BANDS)``."""
    edges_mel = np.linspace(float(_mel(LOWEST_HZ)), float(_mel(HIGHEST_HZ)), BANDS + 2)
    bins_mel = _mel(np.fft.rfftfreq(WINDOW, 1.0 / SAMPLE_RATE).astype(np.float64))[:, None]  # (bins, 1)
    lower, centre, upper = edges_mel[:-2], edges_mel[1:-1], edges_mel[2:]
    rising = (bins_mel - lower) / (centre - lower)
    falling = (upper - bins_mel) / (upper - centre)
    weights = np.maximum(0.0, np.minimum(rising, falling))
    # The lowest bands are narrower than a bin; one that caught none takes the bin nearest to its centre.
    for band in np.flatnonzero(weights.sum(axis=0) == 0):
        weights[int(np.argmin(np.abs(bins_mel[:, 0] - centre[band]))), band] = 1.0
    return np.asarray(weights, dtype=np.float32)


@functools.cache
def _window() -> NDArray[np.float32]:
    hann = 0.5 - 0.5 * np.cos(2.0 * np.pi * (np.arange(WINDOW) + 0.5) / WINDOW)
    return np.asarray(2.0 * hann / hann.sum(), dtype=np.float32)  # a full-scale sine has power 1 in its bin


def mel_power(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """Energies per band, shape ``(num_frames(n), BANDS)``, never negative.

    Args:
        samples: mono at `SAMPLE_RATE`, shape ``(n,)``, in [-1, 1]. What is not finite counts as silence.
    """
    samples = np.asarray(samples, dtype=np.float32)
    if not np.isfinite(samples).all():
        samples = np.nan_to_num(samples, nan=0.0, posinf=0.0, neginf=0.0)
    frames = num_frames(len(samples))
    power = np.empty((frames, BANDS), dtype=np.float32)
    if frames == 0:
        return power
    before = (WINDOW - HOP) // 2
    padded = np.zeros((frames - 1) * HOP + WINDOW, dtype=np.float32)
    padded[before : before + len(samples)] = samples[: len(padded) - before]
    shifted = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[::HOP]  # (frames, WINDOW)
    window, weights = _window(), mel_weights()
    for first in range(0, frames, _CHUNK):  # small enough to stay in the cache
        spectrum = np.fft.rfft(shifted[first : first + _CHUNK] * window, axis=1)
        energy = np.square(spectrum.real) + np.square(spectrum.imag)
        power[first : first + _CHUNK] = energy.astype(np.float32, copy=False) @ weights
    return power


def log_mel(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """Natural logarithm of `mel_power`, floored, shape ``(num_frames(n), BANDS)``; always finite."""
    return np.asarray(np.log(mel_power(samples) + np.float32(FLOOR)), dtype=np.float32)
