"""Scenes with known answers: real clips laid over a real background, from a seed.

The same seed and the same clips give the same scene again, sample for sample, with the exact times of everything in
it. Evaluation plays them to a model; another model may be measured on the very same ones.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from earmark.media.logmel import HOP, SAMPLE_RATE, mel_power
from earmark.scenes.clips import Clip
from earmark.scenes.trimming import TrimSettings, loud_spans
from earmark.timeline import Span, to_samples

TRIM = TrimSettings()

__all__ = ["Load", "Scene", "SceneSettings", "Sound", "build_scene", "load_clip", "sound_of"]

Load = Callable[[Clip], NDArray[np.float32]]
"""Gives a clip's samples, mono at 16 kHz, shape ``(n,)``."""


@dataclass(frozen=True)
class SceneSettings:
    seconds: float = 60.0
    events: int = 5
    """Sounds that are asked for, each of another label."""
    distractors: int = 3
    """Sounds nobody asks for: speech, music, others."""
    snr_db: tuple[float, float] = (0.0, 20.0)
    """Level of a sound over the background, drawn evenly."""
    background_db: tuple[float, float] = (-50.0, -38.0)
    """Level of the background, a full-scale square wave being 0."""
    max_sound_seconds: float = 8.0
    """Longer sounds are cut."""


@dataclass(frozen=True)
class Sound:
    """Something placed in a scene."""

    label: str
    span: Span
    snr_db: float
    clip: Clip
    asked: bool


@dataclass(frozen=True)
class Scene:
    """`samples` (mono, 16 kHz, float32 in [-1, 1]) and all that is in it."""

    seed: int
    samples: NDArray[np.float32]
    sounds: tuple[Sound, ...]
    background: Clip

    def spans_of(self, label: str) -> list[Span]:
        return [sound.span for sound in self.sounds if sound.label == label]

    @property
    def labels(self) -> frozenset[str]:
        """Everything that can be heard, the background's label included."""
        return frozenset({sound.label for sound in self.sounds} | {self.background.label})


def load_clip(clip: Clip) -> NDArray[np.float32]:
    """Decodes a clip, of a long recording only its span; the `Load` of everyone who keeps no cache."""
    from earmark.media.decode import decode

    start, end = (None, None) if clip.span is None else (clip.span.start, clip.span.end)
    blocks = decode(str(clip.path), sample_rate=SAMPLE_RATE, start_seconds=start, end_seconds=end)
    return np.concatenate([np.zeros(0, np.float32), *(block.mono() for block in blocks)])


def sound_of(
    samples: NDArray[np.float32], generator: np.random.Generator, settings: TrimSettings = TRIM
) -> NDArray[np.float32]:
    """One stretch of a clip in which its sound is heard, edges trimmed; empty for silence."""
    spans = loud_spans(mel_power(samples).sum(axis=1), HOP / SAMPLE_RATE, settings)
    if not spans:
        return samples[:0]
    lengths = np.array([span.duration for span in spans])
    chosen = spans[int(generator.choice(len(spans), p=lengths / lengths.sum()))]
    return samples[to_samples(chosen.start, SAMPLE_RATE) : to_samples(chosen.end, SAMPLE_RATE)]


def _loudness(samples: NDArray[np.float32]) -> float:
    """Root mean square of the louder half of the 20 ms frames: pauses inside a sound do not count."""
    frames = len(samples) // HOP
    if frames == 0:
        return float(np.sqrt(np.mean(np.square(samples)))) if len(samples) else 0.0
    energy = np.square(samples[: frames * HOP].reshape(frames, HOP)).mean(axis=1)
    return float(np.sqrt(np.sort(energy)[frames // 2 :].mean()))


def build_scene(
    seed: int,
    clips: Sequence[Clip],
    distractors: Sequence[Clip],
    backgrounds: Sequence[Clip],
    settings: SceneSettings = SceneSettings(),
    load: Load = load_clip,
) -> Scene:
    """The scene of a seed.

    Args:
        clips: what can be asked for; labels are drawn evenly, then a clip of the label.
        distractors: what can lie between, unasked.
        backgrounds: what lies under it all, looped where shorter than the scene.

    Raises:
        ValueError: if there are fewer labels than `settings.events`, or no background.
    """
    generator = np.random.default_rng(seed)
    by_label: dict[str, list[Clip]] = {}
    for clip in clips:
        by_label.setdefault(clip.label, []).append(clip)
    if len(by_label) < settings.events or not backgrounds:
        raise ValueError(f"build_scene needs {settings.events} labels and a background, got {len(by_label)} labels")
    total = to_samples(settings.seconds, SAMPLE_RATE)
    background = backgrounds[int(generator.integers(len(backgrounds)))]
    under = load(background)
    offset = int(generator.integers(max(1, len(under) - total)))
    samples = np.resize(under[offset:], total).astype(np.float32)
    level = 10 ** (generator.uniform(*settings.background_db) / 20)
    samples *= level / max(float(np.sqrt(np.mean(np.square(samples)))), 1e-6)
    labels = sorted(label for label in by_label if label != background.label)
    asked = [str(label) for label in generator.permutation(labels)[: settings.events]]
    wanted = [(by_label[label][int(generator.integers(len(by_label[label])))], True) for label in asked]
    others = [clip for clip in distractors if clip.label not in asked]
    for _ in range(settings.distractors if others else 0):
        wanted.append((others[int(generator.integers(len(others)))], False))
    sounds: list[Sound] = []
    for clip, is_asked in wanted:
        sound = sound_of(load(clip), generator)[: to_samples(settings.max_sound_seconds, SAMPLE_RATE)]
        if len(sound) < HOP * 3 or len(sound) >= total:
            continue
        at = _place(generator, len(sound), total, [s.span for s in sounds])
        snr_db = float(generator.uniform(*settings.snr_db))
        loud = max(_loudness(sound), 1e-6)
        gain = min(level * 10 ** (snr_db / 20) / loud, 0.9 / max(float(np.abs(sound).max()), 1e-6))
        edge = np.minimum(1.0, np.arange(1, len(sound) + 1) / 80.0).astype(np.float32)  # 5 ms, against clicks
        samples[at : at + len(sound)] += np.float32(gain) * sound * edge * edge[::-1]
        span = Span(at / SAMPLE_RATE, (at + len(sound)) / SAMPLE_RATE)
        sounds.append(Sound(clip.label, span, snr_db, clip, is_asked))
    return Scene(seed, np.clip(samples, -1.0, 1.0), tuple(sounds), background)


def _place(generator: np.random.Generator, length: int, total: int, taken: Sequence[Span]) -> int:
    """A start for a sound; of several drawn, the one that covers least of what is there already."""
    best, least = 0, np.inf
    for start in generator.integers(0, total - length, size=6):
        span = Span(start / SAMPLE_RATE, (start + length) / SAMPLE_RATE)
        covered = sum(span.overlap(other) for other in taken)
        if covered < least:
            best, least = int(start), covered
        if generator.random() < 0.15:  # overlaps happen
            break
    return best
