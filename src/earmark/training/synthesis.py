"""Sounds that need no recording: sampled instruments, synthetic speech and the tones of everyday machines.

They widen what the sound model hears in training. The instruments are FluidR3 General MIDI (Debian's
``fluid-soundfont-gm``, MIT) played by ``fluidsynth``; the speech is ``espeak-ng``; the tones are computed here from
their published cadences. All are made from a seed, so the same seed gives the same clips.
"""

from __future__ import annotations

import struct
import subprocess
import tempfile
import wave
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from earmark.errors import EngineError

__all__ = ["INSTRUMENTS", "PERCUSSION", "TONES", "instruments", "speech", "tones"]

RATE = 16_000
SOUNDFONT = Path("/usr/share/sounds/sf2/FluidR3_GM.sf2")
SLOT_SECONDS = 4.0
Samples = NDArray[np.float32]

INSTRUMENTS: dict[int, tuple[str, int, int]] = {
    # General MIDI program -> label, lowest and highest key worth playing
    0: ("piano", 36, 84), 4: ("electric_piano", 40, 80), 6: ("harpsichord", 40, 80), 9: ("glockenspiel", 72, 96),
    10: ("music_box", 60, 90), 11: ("vibraphone", 53, 85), 12: ("marimba", 48, 84), 13: ("xylophone", 65, 96),
    14: ("church_bell", 50, 76), 15: ("dulcimer", 50, 80), 16: ("organ", 40, 80), 19: ("church_organ", 36, 80),
    21: ("accordion", 50, 80), 22: ("harmonica", 55, 84), 24: ("guitar", 40, 76), 25: ("guitar", 40, 76),
    27: ("electric_guitar", 40, 76), 30: ("distorted_guitar", 40, 70), 33: ("bass_guitar", 28, 52),
    36: ("bass_guitar", 28, 52), 40: ("violin", 55, 92), 41: ("viola", 48, 80), 42: ("cello", 36, 70),
    43: ("double_bass", 28, 55), 45: ("pizzicato", 40, 80), 46: ("harp", 40, 90), 47: ("timpani", 38, 57),
    48: ("string_section", 40, 84), 52: ("choir", 48, 79), 56: ("trumpet", 55, 82), 57: ("trombone", 40, 70),
    58: ("tuba", 29, 55), 60: ("french_horn", 40, 72), 61: ("brass_section", 40, 76), 64: ("saxophone", 55, 84),
    65: ("saxophone", 49, 80), 66: ("saxophone", 44, 75), 68: ("oboe", 58, 88), 69: ("english_horn", 52, 80),
    70: ("bassoon", 34, 68), 71: ("clarinet", 50, 88), 72: ("piccolo", 74, 100), 73: ("flute", 60, 96),
    74: ("recorder", 60, 90), 75: ("pan_flute", 60, 88), 76: ("bottle_blow", 55, 80), 78: ("whistle", 65, 90),
    79: ("ocarina", 60, 88), 80: ("synthesizer", 40, 84), 81: ("synthesizer", 40, 84), 104: ("sitar", 45, 75),
    105: ("banjo", 48, 80), 107: ("koto", 48, 80), 108: ("kalimba", 50, 80), 109: ("bagpipes", 50, 75),
    110: ("fiddle", 55, 90), 112: ("bell_tinkle", 60, 90), 114: ("steel_drum", 50, 80), 115: ("woodblock", 50, 80),
    116: ("taiko", 36, 60), 117: ("tom_drum", 40, 65), 122: ("sea", 50, 70), 123: ("bird", 55, 80),
    124: ("telephone_ring", 55, 75), 125: ("helicopter", 50, 70), 126: ("applause", 50, 70), 127: ("gunshot", 50, 70),
}  # fmt: skip
PERCUSSION: dict[int, str] = {
    35: "bass_drum", 36: "bass_drum", 37: "side_stick", 38: "snare_drum", 39: "clapping", 40: "snare_drum",
    41: "tom_drum", 42: "hi_hat", 45: "tom_drum", 46: "hi_hat", 48: "tom_drum", 49: "cymbal", 51: "cymbal",
    54: "tambourine", 56: "cowbell", 58: "vibraslap", 60: "hand_drum", 62: "hand_drum", 64: "hand_drum",
    65: "hand_drum", 67: "agogo_bells", 70: "shaker", 71: "whistle_blow", 72: "whistle_blow", 73: "guiro", 75: "claves",
    76: "woodblock", 78: "cuica", 81: "triangle", 82: "shaker", 83: "sleigh_bells", 85: "castanets",
}  # fmt: skip


def _varlen(value: int) -> bytes:
    out = [value & 0x7F]
    while value := value >> 7:
        out.append(0x80 | (value & 0x7F))
    return bytes(reversed(out))


def _midi(events: Sequence[tuple[int, bytes]]) -> bytes:
    """A type-0 MIDI file of 480 ticks a quarter at 120 a minute: 960 ticks a second."""
    track, at = b"", 0
    for tick, message in sorted(events, key=lambda event: event[0]):
        track += _varlen(tick - at) + message
        at = tick
    track += _varlen(0) + b"\xff\x2f\x00"
    return b"MThd" + struct.pack(">IHHH", 6, 0, 1, 480) + b"MTrk" + struct.pack(">I", len(track)) + track


def _read_wav(path: Path) -> Samples:
    with wave.open(str(path)) as file:
        raw = np.frombuffer(file.readframes(file.getnframes()), dtype="<i2").reshape(-1, file.getnchannels())
        rate = file.getframerate()
    mono = raw.mean(axis=1, dtype=np.float32) / 32768.0
    if rate == RATE:
        return np.asarray(mono, dtype=np.float32)
    from scipy.signal import resample_poly

    shared = int(np.gcd(rate, RATE))
    return np.asarray(resample_poly(mono, RATE // shared, rate // shared), dtype=np.float32)


def _run(command: list[str]) -> None:
    try:
        subprocess.run(command, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as exc:
        raise EngineError(
            command[0], expected="the program to run", found=type(exc).__name__,
            hint="Install fluidsynth, fluid-soundfont-gm and espeak-ng, or leave `synthesis` out of the config.",
        ) from exc  # fmt: skip


def _slots(samples: Samples, count: int) -> Iterator[Samples]:
    size = int(SLOT_SECONDS * RATE)
    for slot in range(count):
        piece = samples[slot * size : (slot + 1) * size]
        if piece.size and float(np.abs(piece).max()) > 1e-3:
            yield piece


def instruments(seed: int, takes: int = 6) -> Iterator[tuple[str, Samples]]:
    """Single notes, chords, runs and rhythms: ``(label, samples)``, up to four seconds each."""
    generator = np.random.default_rng(seed)
    jobs: list[tuple[str, int, list[int]]] = [
        (label, program, list(range(low, high))) for program, (label, low, high) in INSTRUMENTS.items()
    ] + [(label, -1, [key]) for key, label in PERCUSSION.items()]
    with tempfile.TemporaryDirectory() as folder:
        score, sound = Path(folder) / "score.mid", Path(folder) / "sound.wav"
        for label, program, keys in jobs:
            channel = 9 if program < 0 else 0
            events: list[tuple[int, bytes]] = [] if program < 0 else [(0, bytes([0xC0, program]))]
            for take in range(takes):
                start, tick, style = int(take * SLOT_SECONDS * 960), 0, take % 3
                step = int(generator.integers(110, 420))
                count = 1 if style == 0 else int(generator.integers(3, 12))
                for _ in range(count):
                    length = int(generator.integers(900, 2400)) if style == 0 else int(step * 0.9)
                    if tick + length > SLOT_SECONDS * 960 - 700:
                        break
                    root = int(generator.choice(keys))
                    chord = [root, root + 4, root + 7] if style == 2 and len(keys) > 1 else [root]
                    velocity = int(generator.integers(70, 120))
                    for key in chord:
                        events.append((start + tick, bytes([0x90 | channel, min(key, 127), velocity])))
                        events.append((start + tick + length, bytes([0x80 | channel, min(key, 127), 0])))
                    tick += step if style else length
            score.write_bytes(_midi(events))
            _run(["fluidsynth", "-ni", "-g", "0.6", "-r", str(RATE), "-F", str(sound), str(SOUNDFONT), str(score)])
            for piece in _slots(_read_wav(sound), takes):
                yield label, piece


def speech(sentences: Sequence[str], seed: int, voices: Sequence[str] = ()) -> Iterator[tuple[str, Samples]]:
    """Each sentence once, in a voice, speed and pitch drawn from the seed."""
    generator = np.random.default_rng(seed)
    kinds = ("m1", "m3", "m7", "f1", "f2", "f4")
    names = voices or [f"en-{region}+{kind}" for region in ("us", "gb") for kind in kinds]
    with tempfile.TemporaryDirectory() as folder:
        sound = Path(folder) / "sound.wav"
        for sentence in sentences:
            voice, speed, pitch = generator.choice(names), generator.integers(120, 210), generator.integers(25, 75)
            _run(["espeak-ng", "-v", str(voice), "-s", str(speed), "-p", str(pitch), "-w", str(sound), sentence])
            yield "speech", _read_wav(sound)


# --- tones -----------------------------------------------------------------------------------------------------


def _sine(hz: float | NDArray[np.float64], seconds: float, harmonics: Sequence[float] = (1.0,)) -> NDArray[np.float64]:
    count = int(seconds * RATE)
    phase = 2 * np.pi * np.cumsum(np.broadcast_to(np.asarray(hz, dtype=np.float64), count)) / RATE
    return np.asarray(sum(level * np.sin((k + 1) * phase) for k, level in enumerate(harmonics)), dtype=np.float64)


def _ramp(tone: NDArray[np.float64], seconds: float = 0.005) -> NDArray[np.float64]:
    edge = min(int(seconds * RATE), len(tone) // 2)
    if edge:
        fade = np.linspace(0, 1, edge)
        tone[:edge] *= fade
        tone[-edge:] *= fade[::-1]
    return tone


def _pattern(*parts: tuple[NDArray[np.float64], float]) -> NDArray[np.float64]:
    """Tones, each followed by so many seconds of silence."""
    return np.concatenate([np.concatenate([_ramp(tone), np.zeros(int(gap * RATE))]) for tone, gap in parts])


def _decay(hz: float, seconds: float, rate: float, partials: Sequence[tuple[float, float]]) -> NDArray[np.float64]:
    time = np.arange(int(seconds * RATE)) / RATE
    ring = sum(
        level * np.sin(2 * np.pi * hz * ratio * time) * np.exp(-rate * ratio**0.7 * time) for ratio, level in partials
    )
    return np.asarray(ring, dtype=np.float64)


_BELL = ((1.0, 1.0), (2.0, 0.6), (2.4, 0.5), (3.0, 0.4), (4.5, 0.3), (5.3, 0.2))
G = np.random.Generator


def _smoke_alarm(g: G) -> NDArray[np.float64]:
    hz = g.uniform(2900, 3400)  # temporal-three: three half-second beeps, then a pause (ISO 8201)
    beep = _sine(hz, 0.5, (1, 0.3, 0.3))
    return _pattern(*([(beep.copy(), 0.5), (beep.copy(), 0.5), (beep.copy(), 1.5)] * 2))


def _dial_tone(g: G) -> NDArray[np.float64]:
    return _sine(350, 4) + _sine(440, 4) if g.random() < 0.6 else _sine(425, 4)


def _busy_tone(g: G) -> NDArray[np.float64]:
    on = g.choice([0.25, 0.5])
    return _pattern(*[((_sine(480, on) + _sine(620, on)), on) for _ in range(6)])


def _ring(g: G) -> NDArray[np.float64]:
    low, high, beat = g.uniform(900, 1300), g.uniform(1300, 1800), g.uniform(16, 25)
    count = int(2.0 * RATE)
    warble = np.where((np.arange(count) * beat / RATE) % 1 < 0.5, low, high)
    clapper = np.sign(np.sin(2 * np.pi * beat * np.arange(count) / RATE))
    burst = _sine(warble, 2.0, (1, 0.4, 0.3)) * (0.7 + 0.3 * clapper)
    return _pattern((burst, 1.5), (burst.copy(), 0.3))


def _siren(g: G) -> NDArray[np.float64]:
    kind, time = g.integers(3), np.arange(5 * RATE) / RATE
    if kind == 0:
        hz = g.uniform(900, 1100) + 400 * np.sin(2 * np.pi * g.uniform(0.2, 0.4) * time)
    elif kind == 1:
        hz = 1000 + 500 * ((time * g.uniform(2.5, 4.5)) % 1 - 0.5)
    else:
        hz = np.where((time * g.uniform(0.8, 1.4)) % 1 < 0.5, 450.0, 600.0) * g.uniform(0.95, 1.5)
    return _sine(hz, 5, (1, 0.5, 0.4, 0.2))


def _beeps(
    hz: tuple[float, float], on: tuple[float, float], off: tuple[float, float], n: int
) -> Callable[[G], NDArray[np.float64]]:
    def make(g: G) -> NDArray[np.float64]:
        tone, long, gap = g.uniform(*hz), g.uniform(*on), g.uniform(*off)
        shape = (1, 0.3 * g.random(), 0.5 * g.random())
        return _pattern(*[(_sine(tone, long, shape), gap) for _ in range(n)])

    return make


def _alarm_clock(g: G) -> NDArray[np.float64]:
    hz = g.uniform(1900, 2800)
    four = [(_sine(hz, 0.07, (1, 0.2, 0.4)), 0.06)] * 3 + [(_sine(hz, 0.07, (1, 0.2, 0.4)), 0.45)]
    return _pattern(*[(tone.copy(), gap) for tone, gap in four * 5])


def _metronome(g: G) -> NDArray[np.float64]:
    gap, hz = 60 / g.uniform(60, 180), g.uniform(900, 2500)
    accents = [1.5 if beat % 4 == 0 else 1.0 for beat in range(8)]
    return _pattern(*[(_decay(hz * up, 0.05, 90, ((1, 1), (2.7, 0.5))), max(0.01, gap - 0.05)) for up in accents])


def _doorbell(g: G) -> NDArray[np.float64]:
    hz = g.uniform(560, 780)
    partials = ((1.0, 1.0), (2.0, 0.3), (3.0, 0.2), (4.2, 0.1))
    return _pattern((_decay(hz, 0.6, 4, partials), 0.0), (_decay(hz * 0.794, 1.8, 3, partials), 0.0))


def _crossing(g: G) -> NDArray[np.float64]:
    hz = g.uniform(600, 1100)
    return _pattern(*[(_decay(hz, 0.3, 9, _BELL), 0.02) for _ in range(12)])


def _bicycle_bell(g: G) -> NDArray[np.float64]:
    hz = g.uniform(1800, 2800)
    return _pattern(*[(_decay(hz, g.uniform(0.12, 0.3), 10, _BELL), 0.0) for _ in range(int(g.integers(2, 6)))])


def _car_alarm(g: G) -> NDArray[np.float64]:
    time = np.arange(4 * RATE) / RATE
    return _sine(1000 + 700 * np.abs((time * g.uniform(1.5, 4)) % 1 - 0.5), 4, (1, 0.4, 0.4, 0.2))


def _dtmf(g: G) -> NDArray[np.float64]:
    rows, columns = (697, 770, 852, 941), (1209, 1336, 1477)
    return _pattern(*[(_sine(g.choice(rows), 0.12) + _sine(g.choice(columns), 0.12), 0.1) for _ in range(8)])


def _morse(g: G) -> NDArray[np.float64]:
    hz, unit = g.uniform(500, 900), g.uniform(0.05, 0.1)
    return _pattern(*[(_sine(hz, unit * g.choice([1, 3])), unit * g.choice([1, 1, 1, 3])) for _ in range(22)])


def _flatline(g: G) -> NDArray[np.float64]:
    return _pattern((_sine(g.uniform(800, 1100), 3), 0.1))


def _sonar(g: G) -> NDArray[np.float64]:
    return _pattern(*[(_decay(g.uniform(900, 1500), 1.4, 3, ((1, 1),)), 0.3) for _ in range(2)])


def _buzzer(g: G) -> NDArray[np.float64]:
    return _pattern((np.sign(_sine(g.uniform(90, 220), g.uniform(0.6, 1.5))) * 0.5, 0.1))


def _foghorn(g: G) -> NDArray[np.float64]:
    return _ramp(_sine(g.uniform(80, 170), 3.0, (1, 0.8, 0.6, 0.4, 0.3, 0.2)), 0.25)


def _car_horn(g: G) -> NDArray[np.float64]:
    hz, long = g.uniform(350, 480), g.uniform(0.3, 1.2)
    shape = (1, 0.7, 0.8, 0.5, 0.5, 0.3, 0.2)
    blast = _sine(hz, long, shape) + _sine(hz * 1.24, long, shape)
    return _pattern(*[(blast.copy(), 0.2) for _ in range(int(g.integers(1, 4)))])


def _sweep(g: G) -> NDArray[np.float64]:
    return _sine(np.geomspace(g.uniform(100, 400), g.uniform(3000, 7000), 3 * RATE), 3)


def _noise(power: float) -> Callable[[G], NDArray[np.float64]]:
    def make(g: G) -> NDArray[np.float64]:
        spectrum = np.fft.rfft(g.standard_normal(4 * RATE))
        spectrum[1:] /= np.arange(1, len(spectrum)) ** (power / 2)
        noise = np.fft.irfft(spectrum)
        return np.asarray(noise / np.abs(noise).max(), dtype=np.float64)

    return make


TONES: dict[str, Callable[[G], NDArray[np.float64]]] = {
    "smoke_alarm": _smoke_alarm, "dial_tone": _dial_tone, "busy_tone": _busy_tone, "telephone_ring": _ring,
    "siren": _siren, "microwave_beep": _beeps((1900, 2200), (0.3, 0.8), (0.3, 0.8), 4), "alarm_clock": _alarm_clock,
    "reversing_beep": _beeps((900, 1400), (0.4, 0.6), (0.4, 0.6), 4), "metronome": _metronome,
    "heart_monitor": _beeps((800, 1100), (0.08, 0.15), (0.5, 0.9), 6), "flatline": _flatline, "doorbell": _doorbell,
    "level_crossing": _crossing, "bicycle_bell": _bicycle_bell, "car_alarm": _car_alarm, "keypad_tones": _dtmf,
    "morse_code": _morse, "sonar": _sonar, "buzzer": _buzzer, "ship_horn": _foghorn, "car_horn": _car_horn,
    "sine_sweep": _sweep, "white_noise": _noise(0.0), "pink_noise": _noise(1.0), "brown_noise": _noise(2.0),
}  # fmt: skip
"""Label -> maker. Cadences: ITU-T E.180 (telephone), ISO 8201 (smoke alarm), ISO 9533 (reversing)."""


def tones(seed: int, takes: int = 12) -> Iterator[tuple[str, Samples]]:
    """Every tone of `TONES`, `takes` times with other pitches, speeds and timbres: ``(label, samples)``."""
    for index, (label, make) in enumerate(TONES.items()):
        for take in range(takes):
            generator = np.random.default_rng([seed, index, take])
            tone = make(generator)
            peak = float(np.abs(tone).max()) or 1.0
            yield label, (tone * (generator.uniform(0.2, 0.7) / peak)).astype(np.float32)
