"""Media made for the tests: a tone at a known time in any container, so that the right answer is known.

``write_media(path, Sound(tone(0.5, 0.8, 2.0)), ...)`` writes a file; both are fixtures of their own, so that
test folders need no imports from each other.
"""

from __future__ import annotations

import wave
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from earmark.timeline import Waveform

CODECS = {
    ".wav": ("wav", "pcm_s16le"),
    ".flac": ("flac", "flac"),
    ".mp3": ("mp3", "libmp3lame"),
    ".m4a": ("ipod", "aac"),
    ".mp4": ("mp4", "aac"),
    ".mov": ("mov", "aac"),
    ".mkv": ("matroska", "pcm_s16le"),
    ".webm": ("webm", "libopus"),
    ".ogg": ("ogg", "libopus"),
    ".opus": ("ogg", "libopus"),
    ".aac": ("adts", "aac"),
    ".ts": ("mpegts", "aac"),
    ".avi": ("avi", "libmp3lame"),
}
LAYOUTS = {1: "mono", 2: "stereo", 6: "5.1"}


@dataclass
class Sound:
    """One audio stream: samples of shape ``(channels, n)``, its rate, and how its timestamps lie.

    `offset_seconds` moves the whole stream; `jumps` maps a second of the samples to the seconds its
    timestamps jump there, forwards for a gap, backwards for an overlap (PCM in Matroska only).
    """

    samples: NDArray[np.float32]
    sample_rate: int = 16_000
    offset_seconds: float = 0.0
    jumps: dict[float, float] = field(default_factory=dict)
    language: str = ""


def make_tone(
    start: float,
    end: float,
    duration: float,
    sample_rate: int = 16_000,
    channels: int = 1,
    hz: float = 440.0,
) -> NDArray[np.float32]:
    """A sine of amplitude 0.5 from `start` to `end`, digital silence around it; shape ``(channels, n)``."""
    seconds = np.arange(round(duration * sample_rate)) / sample_rate
    wave = 0.5 * np.sin(2 * np.pi * hz * seconds) * ((seconds >= start) & (seconds < end))
    return np.repeat(wave[None].astype(np.float32), channels, axis=0)


def make_media(path: Path, *sounds: Sound, video_seconds: float = 0.0, codec: str = "") -> Path:
    """Write streams into the container of the extension; `codec` replaces the usual one."""
    import av

    container_format, usual = CODECS[Path(path).suffix]
    with av.open(str(path), "w", format=container_format) as container:
        if video_seconds:
            video = container.add_stream("mpeg4", rate=10)
            video.width = video.height = 32
            video.pix_fmt = "yuv420p"
        streams = []
        for sound in sounds:
            channels = sound.samples.shape[0]
            layout = LAYOUTS.get(channels, f"{channels} channels")
            stream = container.add_stream(codec or usual, rate=sound.sample_rate, layout=layout)
            if sound.language:
                stream.metadata["language"] = sound.language
            streams.append((stream, layout))
        if video_seconds:
            picture = av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), np.uint8), format="rgb24")
            for number in range(round(video_seconds * 10)):
                picture.pts, picture.time_base = number, Fraction(1, 10)
                container.mux(video.encode(picture))
            container.mux(video.encode(None))
        for sound, (stream, layout) in zip(sounds, streams, strict=True):
            step = max(1, sound.sample_rate // 10)
            for first in range(0, sound.samples.shape[1], step):
                block = sound.samples[:, first : first + step]
                shift = sum(by for at, by in sound.jumps.items() if first >= round(at * sound.sample_rate))
                frame = av.AudioFrame.from_ndarray(block.T.reshape(1, -1), "flt", layout)
                frame.sample_rate = sound.sample_rate
                frame.pts = first + round((sound.offset_seconds + shift) * sound.sample_rate)
                frame.time_base = Fraction(1, sound.sample_rate)
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
    return path


@pytest.fixture
def write_media() -> Callable[..., Path]:
    return make_media


@pytest.fixture
def tone() -> Callable[..., NDArray[np.float32]]:
    return make_tone


@pytest.fixture
def sound() -> type[Sound]:
    return Sound


def read_aloud(name: str) -> Waveform:
    """A reading from the recogniser's wheel (public-domain books), mono, 16 kHz (through a windowed sinc)."""
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
    return read_aloud("two_cities.wav")


@pytest.fixture(scope="session")
def beckett() -> Waveform:
    """10 s of Worstward Ho."""
    return read_aloud("beckett.wav")


@pytest.fixture(scope="session")
def speech_text_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A speech–text model of no use, over log-mel: small towers with weights drawn by a seed."""
    torch = pytest.importorskip("torch")
    from earmark.training.speech_text.export import export_towers
    from earmark.training.speech_text.model import SpeechTextModel
    from earmark.training.speech_text.settings import SpeechTextSettings

    torch.manual_seed(0)
    settings = SpeechTextSettings(name="tiny", encoder="logmel", dim=16, width=16, heads=2)
    folder = tmp_path_factory.mktemp("speech_text") / "weights"
    model = SpeechTextModel(settings, frames_dim=64, text_dim=256)
    export_towers(model, settings, folder, calibration=(8.0, -2.0), facts={})
    return folder
