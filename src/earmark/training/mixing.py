"""Training scenes, mixed on the fly in the log-mel domain.

Mixing spectrograms instead of waveforms makes a scene cost a few milliseconds: energies of independent sounds add, up
to a cross term that is drawn at random here. Gain, colour, reverberation, speed, pitch and the losses of a telephone
or a codec are done on the bands as well. Every scene says for each label and frame whether it is heard, absent, or
not to be judged.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from earmark.media.logmel import BANDS, FLOOR, mel_weights
from earmark.scenes.vocabulary import MATCH, UNKNOWN

__all__ = ["Event", "MixSettings", "Mixer", "Scenes"]


@dataclass(frozen=True)
class MixSettings:
    """What a training scene is made of."""

    scene_frames: int = 400
    """Length of a scene in log-mel frames of 20 ms."""
    pool: int = 4
    """Log-mel frames in one frame of the model."""
    min_events: int = 1
    max_events: int = 5
    """Sounds placed in a scene."""
    snr_db: tuple[float, float] = (-5.0, 25.0)
    """Level of a sound over the background."""
    background_db: tuple[float, float] = (-62.0, -28.0)
    """Level of the background, full scale being 0."""
    clean_share: float = 0.12
    """Scenes without any background."""
    max_event_frames: int = 300
    """Longer sounds are cut to a random part of this length."""


@dataclass(frozen=True, slots=True)
class Event:
    """A stretch of the cached log-mel that is one labelled sound."""

    label: int
    first: int
    last: int
    """Rows of the cached spectrogram, half-open."""
    teacher: int = -1
    """Row of the teacher's output for the clip's first frame; -1 without."""
    clip_first: int = 0
    strict: bool = False
    """Its collection tells its own classes apart."""


@dataclass(slots=True)
class Scenes:
    """A batch of scenes.

    Attributes:
        mel: ``(scenes, BANDS, frames)``, natural logarithms.
        heard: ``(scenes, labels, frames / pool)`` in [0, 1], how much of the frame the label covers.
        unknown: the same shape, True where nothing can be said.
        teacher: ``(scenes, frames / pool)``, row of the teacher's output for the sound that dominates, or -1.
        spans: for each event: scene, label, first and last model frame.
    """

    mel: NDArray[np.float32]
    heard: NDArray[np.float32]
    unknown: NDArray[np.bool_]
    teacher: NDArray[np.int64]
    spans: list[tuple[int, int, int, int]]


class Mixer:
    """Draws scenes from cached clips.

    Args:
        mel: cached log-mel of all clips, shape ``(rows, BANDS)``, float16.
        events: what can be placed; `weights` says how often each is.
        backgrounds: what can lie under them.
        relations: shape ``(labels, labels)``, from `Vocabulary.relations`.
        strict_relations: the same for sounds of collections that tell their own classes apart.
        hop: log-mel frames from one teacher row to the next.
    """

    def __init__(
        self,
        mel: NDArray[np.float16],
        events: Sequence[Event],
        weights: NDArray[np.float64],
        backgrounds: Sequence[Event],
        relations: NDArray[np.int8],
        strict_relations: NDArray[np.int8],
        seed: int,
        settings: MixSettings = MixSettings(),
        hop: int = 24,
    ) -> None:
        self.mel, self.events, self.backgrounds, self.settings, self.hop = mel, events, backgrounds, settings, hop
        self.chances = np.cumsum(weights / weights.sum())
        self.match = {kind: table == MATCH for kind, table in ((False, relations), (True, strict_relations))}
        self.doubt = {kind: table == UNKNOWN for kind, table in ((False, relations), (True, strict_relations))}
        self.labels = relations.shape[0]
        self.generator = np.random.default_rng(seed)
        bins = (mel_weights() > 0).sum(axis=0)
        # The cross term of two sounds averages out over the bins of a band (and the window's overlap).
        self.cross = (0.8 / np.sqrt(bins * 1.0)).astype(np.float32)

    # --- single sounds ---

    def _power(self, first: int, last: int) -> NDArray[np.float32]:
        return np.maximum(np.exp(self.mel[first:last].astype(np.float32)) - FLOOR, 0.0)

    def _colour(self, power: NDArray[np.float32], strength: float) -> None:
        """A smooth random filter of up to +-`strength` dB."""
        g = self.generator
        axis = np.linspace(0, 1, BANDS)
        curve = g.uniform(-1, 1) * (axis - 0.5) * 2 * strength
        curve = curve + g.uniform(-1, 1) * strength * 0.6 * np.cos(np.pi * (axis * g.uniform(1, 4) + g.uniform(0, 2)))
        power *= (10 ** (curve / 10)).astype(np.float32)

    def _room(self, power: NDArray[np.float32]) -> NDArray[np.float32]:
        """Reverberation: every frame's energy leaves an exponential tail."""
        from scipy.signal import lfilter

        g = self.generator
        seconds = g.uniform(0.15, 1.2)
        decay = 10 ** (-6.0 * 0.02 / seconds)
        wet = 10 ** (g.uniform(-15, 3) / 10) * (1 - decay)
        tail = lfilter([0.0, wet], [1.0, -decay], power, axis=0)
        return np.asarray(power + tail, dtype=np.float32)

    def _stretch(self, first: int, last: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Power and source row of each frame, at another speed and pitch now and then."""
        g = self.generator
        rows = np.arange(first, last)
        if g.random() < 0.35:
            count = max(2, int(len(rows) / g.uniform(0.8, 1.25)))
            rows = np.minimum(first + (np.arange(count) * (len(rows) / count)).astype(np.int64), last - 1)
        power = np.maximum(np.exp(self.mel[rows].astype(np.float32)) - FLOOR, 0.0)
        if g.random() < 0.35:
            shift = int(g.integers(-3, 4))
            if shift > 0:
                power[:, shift:] = power[:, :-shift].copy()
                power[:, :shift] *= 0.3
            elif shift < 0:
                power[:, :shift] = power[:, -shift:].copy()
                power[:, shift:] *= 0.3
        return power, rows

    def _add(self, under: NDArray[np.float32], over: NDArray[np.float32]) -> None:
        noise = self.generator.standard_normal(over.shape, dtype=np.float32) * self.cross
        crossed = 2.0 * np.sqrt(under * over) * np.clip(noise, -0.9, 0.9)
        under += over
        under += crossed
        np.maximum(under, 0.0, out=under)

    # --- scenes ---

    def _background(self, total: int) -> tuple[NDArray[np.float32], int, NDArray[np.int64]]:
        """Power, label, and the teacher's row for each frame of the model."""
        g = self.generator
        chosen = self.backgrounds[int(g.integers(len(self.backgrounds)))]
        length = chosen.last - chosen.first
        offset = int(g.integers(max(1, length - total + 1)))
        rows = chosen.first + (offset + np.arange(total)) % length
        power = np.maximum(np.exp(self.mel[rows].astype(np.float32)) - FLOOR, 0.0)
        middle = rows[self.settings.pool // 2 :: self.settings.pool]
        taught = chosen.teacher + (middle - chosen.clip_first) // self.hop
        return power, chosen.label, taught if chosen.teacher >= 0 else np.full_like(middle, -1)

    def draw(self, scenes: int) -> Scenes:
        g, s = self.generator, self.settings
        total, frames = s.scene_frames, s.scene_frames // s.pool
        mel = np.empty((scenes, BANDS, total), dtype=np.float32)
        heard = np.zeros((scenes, self.labels, frames), dtype=np.float32)
        unknown = np.zeros((scenes, self.labels, frames), dtype=bool)
        teacher = np.full((scenes, frames), -1, dtype=np.int64)
        spans: list[tuple[int, int, int, int]] = []
        for scene in range(scenes):
            base_db = g.uniform(*s.background_db)
            if g.random() < s.clean_share:
                base_db = g.uniform(-75, -50)
                mix = np.full((total, BANDS), 10 ** (g.uniform(-11, -9)), dtype=np.float32)
                mix *= g.exponential(1.0, mix.shape).astype(np.float32) if g.random() < 0.5 else 0.0
            else:
                mix, label, teacher[scene] = self._background(total)
                self._colour(mix, 5.0)
                mix *= 10 ** (base_db / 10) / max(float(mix.sum(1).mean()), 1e-10)
                if label >= 0:
                    table = self.match[False][label] | self.doubt[False][label]
                    unknown[scene, table] = True
                    if g.random() < 0.5:
                        heard[scene, self.match[False][label]] = 1.0
                        unknown[scene, self.match[False][label]] = False
                if g.random() < 0.15:
                    other, label, _ = self._background(total)
                    teacher[scene] = -1
                    other *= 10 ** ((base_db + g.uniform(-12, 0)) / 10) / max(float(other.sum(1).mean()), 1e-10)
                    self._add(mix, other)
                    if label >= 0:
                        unknown[scene, (self.match[False][label] | self.doubt[False][label])] = True
            strongest = np.full(frames, -200.0)
            for _ in range(int(g.integers(s.min_events, s.max_events + 1))):
                event = self.events[int(np.searchsorted(self.chances, g.random(), side="right"))]
                first, last = event.first, event.last
                if last - first > s.max_event_frames:
                    first += int(g.integers(last - first - s.max_event_frames))
                    last = first + int(g.integers(50, s.max_event_frames))
                power, rows = self._stretch(first, last)
                if g.random() < 0.7:
                    self._colour(power, 6.0)
                edge = min(2, len(power) // 3)
                for k in range(edge):
                    power[k] *= (k + 1) / (edge + 1)
                    power[-1 - k] *= (k + 1) / (edge + 1)
                at = int(g.integers(-len(power) // 3, total - min(len(power), total) * 2 // 3))
                if g.random() < 0.3:
                    tail = int(g.integers(5, 40))
                    reverberant = self._room(np.concatenate([power, np.zeros((tail, BANDS), dtype=np.float32)]))
                else:
                    reverberant = power
                a, b = max(0, at), min(total, at + len(reverberant))
                e = min(total, at + len(power))
                if e - a < 3:
                    continue
                loud = float(np.percentile(power.sum(1), 90))
                db = min(base_db + g.uniform(*s.snr_db), g.uniform(-14, -3))
                reverberant = reverberant * np.float32(10 ** (db / 10) / max(loud, 1e-10))
                self._add(mix[a:b], reverberant[a - at : b - at])
                cover = np.zeros(total, dtype=np.float32)
                cover[a:e] = 1.0
                cover = cover.reshape(frames, s.pool).mean(1)
                active = np.flatnonzero(cover > 0)
                here = slice(int(active[0]), int(active[-1]) + 1)
                right = np.flatnonzero(self.match[event.strict][event.label])
                heard[scene, right, here] = np.maximum(heard[scene, right, here], cover[here])
                unknown[scene, np.flatnonzero(self.doubt[event.strict][event.label]), here] = True
                spans.append((scene, event.label, here.start, here.stop))
                teacher[scene, here] = np.where(strongest[here] == -200.0, -1, teacher[scene, here])
                if event.teacher >= 0:
                    middle = np.clip(np.arange(here.start, here.stop) * s.pool + s.pool // 2 - at, 0, len(rows) - 1)
                    wins = (db > strongest[here]) & (cover[here] > 0.9)
                    source = event.teacher + (rows[middle] - event.clip_first) // self.hop
                    teacher[scene, here] = np.where(wins, source, teacher[scene, here])
                    strongest[here] = np.where(wins, db, strongest[here])
                    # Where a weaker sound covers a stronger one's frames, or lies under the noise, there is no teacher.
                    if db < base_db + 3:
                        teacher[scene, here] = np.where(wins, -1, teacher[scene, here])
            if g.random() < 0.12:  # telephone, or a codec that drops the top
                cut = int(g.integers(36, 60))
                mix[:, cut:] *= 10 ** (-g.uniform(2, 6))
                if g.random() < 0.5:
                    mix[:, : int(g.integers(1, 8))] *= 1e-3
            mix *= 10 ** (g.uniform(-1.2, 0.6))
            mel[scene] = np.log(mix + FLOOR).T
        unknown &= heard == 0.0
        return Scenes(mel, heard, unknown, teacher, spans)
