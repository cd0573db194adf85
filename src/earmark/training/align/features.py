"""Log-mel features of the paper, kept in HDF5: 64 bands from 12 to 8,000 Hz, a 40 ms window every 20 ms.

Audio is decoded to 16 kHz mono first (the paper analyses each file at its own rate; the bands end at
8 kHz in both). Frames are centred on multiples of the hop, the signal padded with zeros.

Source: the mel scale and the area-normalised triangles are Slaney's (Auditory Toolbox, 1998), which
librosa takes as its default and the paper therefore has.
"""

from __future__ import annotations

import functools
import urllib.parse
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from earmark.errors import EarmarkError, EngineError, FormatError, MediaError
from earmark.progress import Progress, ignore

if TYPE_CHECKING:
    import h5py

__all__ = ["BANDS", "HOP_SECONDS", "FeatureStore", "log_mel", "store_features"]

SAMPLE_RATE = 16_000
BANDS = 64
WINDOW_SECONDS, HOP_SECONDS = 0.040, 0.020
LOWEST_HZ, HIGHEST_HZ = 12.0, 8000.0
WINDOW, HOP = round(WINDOW_SECONDS * SAMPLE_RATE), round(HOP_SECONDS * SAMPLE_RATE)
FFT = 1 << (WINDOW - 1).bit_length()
FLOOR = 1e-10
"""Added to the energies before the logarithm. The published code adds the smallest step of a float64 (2e-16):
digital silence then lies 20 units below the faintest noise and outweighs everything a clip says."""


def _mel(hz: NDArray[np.float64]) -> NDArray[np.float64]:
    """Slaney's scale: linear to 1 kHz, logarithmic above."""
    hz = np.asarray(hz, dtype=np.float64)
    return np.where(hz < 1000.0, hz * 3 / 200, 15.0 + np.log(np.maximum(hz, 1000.0) / 1000.0) / (np.log(6.4) / 27.0))


def _hz(mel: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(mel < 15.0, mel * 200 / 3, 1000.0 * np.exp((np.log(6.4) / 27.0) * (mel - 15.0)))


@functools.cache
def mel_weights() -> NDArray[np.float32]:
    """Triangles of equal area, shape (FFT // 2 + 1, BANDS)."""
    low, high = _mel(np.array([LOWEST_HZ, HIGHEST_HZ]))
    edges = _hz(np.linspace(float(low), float(high), BANDS + 2))
    bins = np.fft.rfftfreq(FFT, 1 / SAMPLE_RATE)[:, None]
    lower, centre, upper = edges[:-2], edges[1:-1], edges[2:]
    triangles = np.maximum(0, np.minimum((bins - lower) / (centre - lower), (upper - bins) / (upper - centre)))
    return np.asarray(triangles * 2 / (upper - lower), dtype=np.float32)


def log_mel(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """Natural logarithm of the energy in each band, shape (1 + n // HOP, BANDS); n samples, mono, 16 kHz."""
    samples = np.nan_to_num(np.asarray(samples, dtype=np.float32), nan=0.0, posinf=0.0, neginf=0.0)
    padded = np.pad(samples, FFT // 2)
    frames = np.lib.stride_tricks.sliding_window_view(padded, FFT)[::HOP]  # (frames, FFT)
    window = np.zeros(FFT, dtype=np.float32)
    begin = (FFT - WINDOW) // 2
    window[begin : begin + WINDOW] = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(WINDOW) / WINDOW)
    power = [
        np.abs(np.fft.rfft(frames[first : first + 512] * window, axis=1)).astype(np.float32) ** 2
        for first in range(0, len(frames), 512)
    ]
    return np.asarray(np.log(np.concatenate(power) @ mel_weights() + np.float32(FLOOR)), dtype=np.float32)


class FeatureStore:
    """An HDF5 file of features, one dataset per clip, named by its path.

    Raises:
        EngineError: if h5py is not installed.
        FormatError: if the file is no HDF5, or was cut off.
    """

    def __init__(self, path: Path, mode: str = "r") -> None:
        try:
            import h5py
        except ImportError as error:
            raise EngineError(
                "training the alignment model",
                expected="h5py",
                found="no such package",
                hint="Install it with `pip install 'earmark[train]'`.",
            ) from error
        self.path = path
        try:
            self._file: h5py.File = h5py.File(path, mode)
        except OSError as error:
            raise FormatError(
                path,
                expected="an HDF5 file of features",
                found="one that does not open",
                hint="Delete it: it is made again.",
            ) from error

    def __enter__(self) -> FeatureStore:
        return self

    def __exit__(self, *exception: object) -> None:
        self._file.close()

    @staticmethod
    def _name(clip: str) -> str:
        return urllib.parse.quote(clip, safe=" ")

    def __contains__(self, clip: str) -> bool:
        return self._name(clip) in self._file

    def __getitem__(self, clip: str) -> NDArray[np.float32]:
        """Shape (frames, BANDS)."""
        return np.asarray(self._file[self._name(clip)][()], dtype=np.float32)

    def put(self, clip: str, features: NDArray[np.float32]) -> None:
        self._file.create_dataset(self._name(clip), data=features.astype(np.float16), compression="lzf")
        self._file.flush()


Load = Callable[[Path], NDArray[np.float32]]
"""Gives a file's samples, mono at 16 kHz."""


def load(path: Path, most_seconds: float) -> NDArray[np.float32]:
    """The beginning of a file, no more than `most_seconds` of it."""
    from earmark.media.decode import decode

    blocks = [b.mono() for b in decode(path, sample_rate=SAMPLE_RATE, end_seconds=most_seconds)]
    samples = np.concatenate(blocks) if blocks else np.zeros(0, np.float32)
    return samples[: round(most_seconds * SAMPLE_RATE)]


def store_features(
    path: Path,
    files: Mapping[str, Path],
    most_seconds: float = 30.0,
    on_broken: Callable[[EarmarkError], None] | None = None,
    on_progress: Progress = ignore,
) -> FeatureStore:
    """The features of every clip; those in the store already are not made again.

    Args:
        most_seconds: longer clips are cut: attention to every frame of an hour fits no memory.
        on_broken: called with the error of a file that cannot be decoded; None raises it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    store = FeatureStore(path, "a")
    for i, (clip, file) in enumerate(files.items()):
        if clip not in store:
            try:
                samples = load(file, most_seconds)
                if len(samples) < WINDOW:
                    raise MediaError(
                        file,
                        expected=f"at least {WINDOW_SECONDS:g} s of audio",
                        found=f"{len(samples) / SAMPLE_RATE:g} s",
                        hint="Leave the clip out.",
                    )
                store.put(clip, log_mel(samples))
            except EarmarkError as error:
                if on_broken is None:
                    raise
                on_broken(error)
        on_progress("features", i + 1, len(files))
    return store
