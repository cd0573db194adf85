"""Instrumental music made from a seed: composed here as MIDI, played by a sampled orchestra.

Speech detectors mistake solo piano and guitar for voices, so a model of speech, music and noise needs much of
both; free recordings are few. The pieces are plain (a chord progression, a bass, a pattern, a tune), but their
sounds are real: FluidR3 General MIDI (Debian's ``fluid-soundfont-gm``, MIT) holds recorded instruments.
"""

from __future__ import annotations

import struct
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from earmark.errors import EngineError

__all__ = ["SOUNDFONT", "STYLES", "compose", "render"]

SOUNDFONT = Path("/usr/share/sounds/sf2/FluidR3_GM.sf2")
TICKS_PER_BEAT = 480
RATE = 16_000

STYLES: dict[str, tuple[tuple[str, tuple[int, ...]], ...]] = {
    # style -> parts, each a role and the General MIDI programs it may be played on
    "piano": (("broken", (0, 1, 2, 4)), ("tune", (0,))),
    "piano-chords": (("chords", (0, 1, 3)), ("bass", (0,))),
    "guitar": (("broken", (24, 25)),),
    "guitar-strummed": (("strum", (24, 25, 27)), ("tune", (24, 25, 26))),
    "strings": (("chords", (48, 49, 44)), ("tune", (40, 41, 42)), ("bass", (43,))),
    "winds": (("chords", (60, 61, 71)), ("tune", (56, 68, 71, 73, 74, 64, 65))),
    "band": (("strum", (25, 27, 29, 30)), ("bass", (33, 34)), ("tune", (27, 56, 65, 80)), ("drums", (0,))),
    "electronic": (("broken", (80, 81, 88, 90)), ("bass", (38, 39)), ("chords", (89, 95)), ("drums", (0,))),
    "organ": (("chords", (16, 19)), ("tune", (16, 19, 21))),
    "plucked": (("broken", (46, 104, 105, 107, 108, 15)), ("tune", (46, 105, 11, 12))),
    "jazz": (("chords", (0, 4, 26)), ("bass", (32,)), ("tune", (11, 56, 65, 66)), ("drums", (0,))),
    "solo": (("tune", (40, 42, 56, 57, 60, 64, 66, 68, 70, 71, 73, 22, 110)),),
    "drums": (("drums", (0,)),),
}  # fmt: skip
SCALES = ((0, 2, 4, 5, 7, 9, 11), (0, 2, 3, 5, 7, 8, 10), (0, 2, 3, 5, 7, 9, 10), (0, 2, 4, 7, 9, 12, 14))
PROGRESSIONS = ((0, 4, 5, 3), (0, 3, 4, 0), (1, 4, 0, 5), (0, 5, 3, 4), (0, 0, 3, 4), (5, 3, 0, 4), (0, 6, 5, 4))


def compose(style: str, seconds: float, generator: np.random.Generator) -> bytes:
    """A MIDI file of about `seconds`, in a key, tempo and progression drawn from `generator`.

    Raises:
        KeyError: if `style` is not one of `STYLES`.
    """
    tempo = generator.uniform(60, 150)  # beats a minute
    beats = int(seconds * tempo / 60)
    scale, key = SCALES[generator.integers(len(SCALES))], int(generator.integers(12))
    chords = PROGRESSIONS[generator.integers(len(PROGRESSIONS))]
    events: list[tuple[int, bytes]] = [(0, b"\xff\x51\x03" + struct.pack(">I", int(6e7 / tempo))[1:])]
    for channel, (role, programs) in enumerate(STYLES[style]):
        channel = 9 if role == "drums" else channel
        events.append((0, bytes([0xC0 | channel, int(generator.choice(programs)) if channel != 9 else 0])))
        for at, length, pitch, velocity in _ROLES[role](beats, scale, chords, generator):
            note = 12 * 4 + key + pitch if channel != 9 else pitch
            if 0 <= note < 128:
                loud = int(np.clip(velocity + generator.normal(0, 8), 20, 127))
                start = int((at + generator.normal(0, 0.008)) * TICKS_PER_BEAT)
                events.append((max(0, start), bytes([0x90 | channel, note, loud])))
                events.append((max(1, start + int(length * TICKS_PER_BEAT)), bytes([0x80 | channel, note, 0])))
    track, now = b"", 0
    for tick, message in sorted(events, key=lambda event: event[0]):
        track += _varlen(tick - now) + message
        now = tick
    track += _varlen(0) + b"\xff\x2f\x00"
    head = b"MThd" + struct.pack(">IHHH", 6, 0, 1, TICKS_PER_BEAT)
    return head + b"MTrk" + struct.pack(">I", len(track)) + track


def render(folder: Path, minutes: float, seed: int, soundfont: Path = SOUNDFONT, seconds: float = 40.0) -> list[Path]:
    """Composes and plays pieces of `seconds` each, all styles in turn, into WAV files in `folder`.

    Raises:
        EngineError: if fluidsynth or the soundfont is missing, or it fails.
    """
    written: list[Path] = []
    for number in range(max(1, round(minutes * 60 / seconds))):
        style = list(STYLES)[number % len(STYLES)]
        generator = np.random.default_rng([seed, number])
        path = folder / f"{style}-{seed}-{number:04d}.wav"
        score = path.with_suffix(".mid")
        score.write_bytes(compose(style, seconds, generator))
        reverb = generator.choice(["0", "1"])
        command = ["fluidsynth", "-ni", "-q", "-R", reverb, "-C", "0", "-g", f"{generator.uniform(0.3, 0.7):.2f}"]
        try:
            subprocess.run([*command, "-r", str(RATE), "-F", path, soundfont, score], check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError) as exc:
            raise EngineError(
                "fluidsynth", expected=f"the program, and {soundfont}", found=type(exc).__name__,
                hint="Run: apt install fluidsynth fluid-soundfont-gm, or leave --render-music out.",
            ) from exc  # fmt: skip
        finally:
            score.unlink()
        written.append(path)
    return written


Notes = Iterator[tuple[float, float, int, int]]
"""Beat, length in beats, semitones above the key's C3 (the key of the drum map for drums), velocity."""
Scale = tuple[int, ...]


def _step(scale: Scale, degree: int) -> int:
    return scale[degree % len(scale)] + 12 * (degree // len(scale))


def _triad(scale: Scale, root: int) -> list[int]:
    return [_step(scale, root), _step(scale, root + 2), _step(scale, root + 4)]


def _chords(beats: int, scale: Scale, chords: Scale, generator: np.random.Generator) -> Notes:
    hold = int(generator.choice([1, 2, 4]))
    for beat in range(0, beats, hold):
        for pitch in _triad(scale, chords[beat // 4 % len(chords)]):
            yield beat, hold * 0.95, pitch + 12 * int(generator.integers(0, 2)), 70


def _strum(beats: int, scale: Scale, chords: Scale, generator: np.random.Generator) -> Notes:
    pattern = [(0.0, 90), (1.0, 70), (1.5, 60), (2.5, 65), (3.0, 80), (3.5, 55)]
    for bar in range(beats // 4):
        triad = _triad(scale, chords[bar % len(chords)])
        voicing = [triad[0] - 12, triad[2] - 12, triad[0], triad[1], triad[2], triad[0] + 12]
        for at, velocity in pattern:
            if generator.random() < 0.9:
                for string, pitch in enumerate(voicing):
                    yield bar * 4 + at + 0.02 * string, 0.6, pitch, velocity


def _broken(beats: int, scale: Scale, chords: Scale, generator: np.random.Generator) -> Notes:
    step = float(generator.choice([0.25, 0.5, 1 / 3]))
    order = generator.permutation([0, 1, 2, 1, 3, 2])
    for index in range(int(beats / step)):
        triad = _triad(scale, chords[int(index * step) // 4 % len(chords)])
        notes = [triad[0] - 12, *triad, triad[0] + 12]
        yield index * step, step * 1.6, notes[order[index % len(order)]], 72


def _tune(beats: int, scale: Scale, chords: Scale, generator: np.random.Generator) -> Notes:
    at, degree = 0.0, 7
    while at < beats:
        length = float(generator.choice([0.25, 0.5, 0.5, 1.0, 1.0, 2.0]))
        if generator.random() > 0.12:
            yield at, length * 0.92, _step(scale, degree) + 12, 88
        degree = int(np.clip(degree + generator.integers(-3, 4), 0, 15))
        at += length


def _bass(beats: int, scale: Scale, chords: Scale, generator: np.random.Generator) -> Notes:
    step = float(generator.choice([0.5, 1.0, 2.0]))
    for index in range(int(beats / step)):
        root = chords[int(index * step) // 4 % len(chords)]
        yield index * step, step * 0.9, _step(scale, root + int(generator.choice([0, 0, 0, 2, 4]))) - 24, 88


def _drums(beats: int, scale: Scale, chords: Scale, generator: np.random.Generator) -> Notes:
    ride = int(generator.choice([42, 51, 46, 70]))
    for half in range(2 * beats):
        yield half / 2, 0.2, ride, 60
        if half % 4 == 0 or generator.random() < 0.15:
            yield half / 2, 0.2, 36, 100
        if half % 4 == 2:
            yield half / 2, 0.2, int(generator.choice([38, 40, 37])), 95
        if half % 32 == 31:
            for quarter, tom in enumerate((48, 47, 45, 41)):
                yield half / 2 + quarter / 8, 0.1, tom, 90


_ROLES = {"chords": _chords, "strum": _strum, "broken": _broken, "tune": _tune, "bass": _bass, "drums": _drums}


def _varlen(value: int) -> bytes:
    out = [value & 0x7F]
    while value := value >> 7:
        out.append(0x80 | (value & 0x7F))
    return bytes(reversed(out))
