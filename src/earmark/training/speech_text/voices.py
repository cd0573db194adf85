"""Sentences as speech: espeak-ng and, where there is one, flite, in many voices, rooms and noises.

Each utterance is drawn from a seed of its own, so that equal configs give equal speech. A voice is made another by
playing it faster or slower than it was made (which moves pitch and formants, as another throat would), while its speed
is set apart from that; then a room, a noise, and now and then the band of a telephone.

Programs: espeak-ng (GPL-3.0, run, not linked), flite with the CMU voices slt, rms, awb and kal (BSD-like).
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import wave
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from earmark.errors import EngineError
from earmark.settings import SAMPLE_RATE

__all__ = ["speak"]

Samples = NDArray[np.float32]
FLITE = ("slt", "rms", "awb", "kal")
FLITE_SHARE = (0.25, 0.25, 0.22, 0.08)
"""How many utterances each of these voices speaks; espeak-ng speaks the others, and all that is not English."""
ACCENTS = {"en": ("en-us", "en-gb", "en-gb-x-rp", "en-gb-scotland")}
VARIANTS = ("m1", "m3", "m7", "f1", "f2", "f4")
MOST_SECONDS = 28.0


def speak(text: str, language: str, seed: int) -> Samples:
    """One sentence, mono at 16 kHz, in [-1, 1], at most `MOST_SECONDS` long.

    Raises:
        EngineError: if espeak-ng is missing, or speaks no such language.
    """
    generator = np.random.default_rng(seed)
    pick, warp, pace = generator.random(), generator.uniform(0.87, 1.17), generator.uniform(0.85, 1.2)
    with tempfile.TemporaryDirectory() as folder:
        sound = Path(folder) / "said.wav"
        voice = _flite_voice(float(pick)) if language == "en" and _has_flite() else ""
        if voice:
            _run(
                [
                    "flite",
                    "-voice",
                    voice,
                    "--setf",
                    f"duration_stretch={pace * warp:.3f}",
                    "-t",
                    text,
                    "-o",
                    str(sound),
                ]
            )
        else:
            accent = str(generator.choice(ACCENTS.get(language, (language,))))
            speed, pitch = str(int(165 / pace)), str(generator.integers(20, 80))
            name = f"{accent}+{generator.choice(VARIANTS)}"
            _run(["espeak-ng", "-v", name, "-s", speed, "-p", pitch, "-w", str(sound), "--", text])
        with wave.open(str(sound)) as file:
            rate = file.getframerate()
            raw = np.frombuffer(file.readframes(file.getnframes()), "<i2")
    said = np.asarray(raw, np.float32) / np.float32(32768)
    return _recorded(_resampled(said, rate, float(warp)), generator)


def _flite_voice(pick: float) -> str:
    for voice, upto in zip(FLITE, np.cumsum(FLITE_SHARE), strict=True):
        if pick < upto:
            return voice
    return ""


@cache
def _has_flite() -> bool:
    return shutil.which("flite") is not None


def _resampled(said: Samples, rate: int, warp: float) -> Samples:
    from scipy.signal import resample_poly

    return np.asarray(resample_poly(said, round(SAMPLE_RATE * 100 / (rate * warp)), 100), np.float32)


def _recorded(said: Samples, generator: np.random.Generator) -> Samples:
    """As a microphone somewhere might have it."""
    from scipy.signal import fftconvolve, resample_poly

    if said.size and generator.random() < 0.5:  # a room: a decaying tail of noise
        length = int(generator.uniform(0.1, 0.5) * SAMPLE_RATE)
        tail = generator.standard_normal(length) * np.exp(-6.9 * np.arange(length) / length)
        tail *= generator.uniform(0.02, 0.15)
        tail[0] = 1.0
        said = fftconvolve(said, tail)[: said.size + SAMPLE_RATE // 5].astype(np.float32)
    if said.size and generator.random() < 0.7:  # a noise from white to brown
        spectrum = np.fft.rfft(generator.standard_normal(said.size))
        spectrum[1:] /= np.arange(1, spectrum.size) ** (generator.uniform(0.0, 2.0) / 2)
        noise = np.fft.irfft(spectrum, said.size)
        ratio = 10 ** (-generator.uniform(5.0, 35.0) / 20)
        said = said + noise * np.sqrt(np.mean(said**2) / max(float(np.mean(noise**2)), 1e-12)) * ratio
    if said.size and generator.random() < 0.2:  # a telephone
        said = resample_poly(resample_poly(said, 1, 2), 2, 1)
    peak = max(1e-4, float(np.abs(said).max(initial=0.0)))
    said = said / peak * generator.uniform(0.1, 0.9)
    return np.asarray(said[: int(MOST_SECONDS * SAMPLE_RATE)], dtype=np.float32)


def _run(command: list[str]) -> None:
    try:
        subprocess.run(command, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as exc:
        said = exc.stderr.decode("utf-8", "replace") if isinstance(exc, subprocess.CalledProcessError) else str(exc)
        raise EngineError(
            command[0],
            expected="speech",
            found=" ".join(said.split())[:120] or type(exc).__name__,
            hint="Install espeak-ng, or leave `sentences` out of the config.",
        ) from exc
