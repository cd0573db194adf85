"""Mixtures for training, drawn from the corpus: two or three sounds over one another, asked for one by one.

Sounds that lie in one mixture are of labels nobody confuses. Each is changed on its way: speed, colour, echo, level.
Besides, sounds that are not there are asked for.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from earmark.engines.sound.pieces import WordPieces
from earmark.scenes.vocabulary import OTHER
from earmark.settings import SAMPLE_RATE
from earmark.training.separate.corpus import Corpus, Stretch

__all__ = ["Drawn", "MixSettings", "Mixer"]


@dataclass(frozen=True)
class MixSettings:
    samples: int
    """Length of a mixture."""
    level_db: tuple[float, float] = (-5.0, 5.0)
    """Of the second sound over the first."""
    third_share: float = 0.1
    """Mixtures of three."""
    third_db: tuple[float, float] = (-10.0, 2.0)
    background_share: float = 0.2
    """Mixtures with a recorded background or noise under them."""
    background_db: tuple[float, float] = (-30.0, -8.0)
    absent: int = 64
    """Sounds a batch is asked for at random; where they are not there, the right answer is silence."""
    whole_share: float = 0.5
    """Sounds that keep what is around them in their clip, instead of being cut out."""
    again_share: float = 0.35
    """Short sounds that come more than once."""
    speed: tuple[float, float] = (0.85, 1.18)
    """Played so much faster; pitch goes with it."""


@dataclass(frozen=True)
class Drawn:
    """A batch.

    Attributes:
        mixtures: ``(mixtures, samples)``, of a root mean square near 1.
        targets: ``(mixtures, 2, samples)``: what each of its two questions asks for.
        pieces: word-piece vectors of the questions, ``(mixtures, 2, text_dim)``.
        absent: word-piece vectors of sounds drawn at random, ``(absent, text_dim)``.
        away: ``(mixtures, absent)``, 1 where such a sound is not in the mixture and nothing like it, else 0.
    """

    mixtures: NDArray[np.float32]
    targets: NDArray[np.float32]
    pieces: NDArray[np.float32]
    absent: NDArray[np.float32]
    away: NDArray[np.float32]


class Mixer:
    def __init__(self, corpus: Corpus, table: WordPieces, seed: int, settings: MixSettings) -> None:
        self._corpus, self._s = corpus, settings
        self.generator = np.random.default_rng(seed)
        self._table = [table.embed(list(texts)) for texts in corpus.texts]
        relations = corpus.vocabulary.relations(corpus.labels, corpus.labels)
        self._apart = (relations == OTHER) & (relations.T == OTHER)  # (labels, labels)
        self._ends = np.cumsum(corpus.weights)

    def draw(self, count: int) -> Drawn:
        mixtures = np.zeros((count, self._s.samples), dtype=np.float32)
        targets = np.zeros((count, 2, self._s.samples), dtype=np.float32)
        asked = np.zeros((count, 2, self._table[0].shape[1]), dtype=np.float32)
        absent = self.generator.integers(len(self._table), size=self._s.absent)
        away = np.zeros((count, len(absent)), dtype=np.float32)
        for row in range(count):
            mixtures[row], targets[row], asked[row], labels = self._one()
            away[row] = self._apart[labels][:, absent].all(axis=0)
        return Drawn(mixtures, targets, asked, np.stack([self._worded(int(label)) for label in absent]), away)

    def _worded(self, label: int) -> NDArray[np.float32]:
        texts = self._table[label]
        chosen = texts[int(self.generator.integers(len(texts)))]
        return np.asarray(chosen + 0.01 * self.generator.standard_normal(len(chosen)), dtype=np.float32)

    def _one(self) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32], list[int]]:
        """A mixture, its two targets, the questions for them, and the labels of all that is in it."""
        g, s = self.generator, self._s
        wanted = 3 if g.random() < s.third_share else 2
        labels: list[int] = []
        sounds: list[NDArray[np.float32]] = []
        while len(sounds) < wanted:
            stretch = self._corpus.stretches[int(np.searchsorted(self._ends, g.random() * self._ends[-1]))]
            if not all(self._apart[stretch.label, other] for other in labels):
                continue
            sound = self._sound(stretch)
            power = float(np.mean(np.square(sound)))
            if power < 1e-9:
                continue
            db = 0.0 if not sounds else float(g.uniform(*(s.level_db if len(sounds) == 1 else s.third_db)))
            sounds.append(sound * np.float32(10 ** (db / 20) / np.sqrt(power)))
            labels.append(stretch.label)
        mixture: NDArray[np.float32] = np.stack(sounds).sum(axis=0, dtype=np.float32)
        if g.random() < s.background_share:
            under = self._background()
            power = float(np.mean(np.square(under)))
            if power > 1e-9:
                db = float(g.uniform(*s.background_db))
                mixture += under * np.float32(10 ** (db / 20) / np.sqrt(power) * np.sqrt(np.mean(np.square(mixture))))
        asked = np.stack([self._worded(label) for label in labels[:2]])
        gain = np.float32(10 ** (g.uniform(-6, 6) / 20) / max(float(np.sqrt(np.mean(np.square(mixture)))), 1e-6))
        targets: NDArray[np.float32] = np.stack(sounds[:2]) * gain
        return np.asarray(mixture * gain), targets, asked, labels

    def _sound(self, stretch: Stretch) -> NDArray[np.float32]:
        """A stretch of a clip on a canvas of the mixture's length, changed at random."""
        g, s = self.generator, self._s
        speed = float(g.uniform(*s.speed)) if g.random() < 0.5 else 1.0
        need = int(s.samples * speed) + 2
        first, last = stretch.first, stretch.last
        if g.random() < s.whole_share:
            middle = int(g.integers(first, last))
            first, last = max(stretch.clip_first, middle - need), min(stretch.clip_last, middle + need)
        if last - first > need:
            first += int(g.integers(last - first - need))
            last = first + need
        cut = self._corpus.samples[first:last].astype(np.float32) / 32768
        if speed != 1.0:
            cut = np.interp(np.arange(0, len(cut) - 1, speed), np.arange(len(cut)), cut).astype(np.float32)
        cut = cut[: s.samples]
        edge = min(80, len(cut) // 4)  # 5 ms, against clicks
        if edge:
            ramp = np.arange(edge, dtype=np.float32) / edge
            cut[:edge] *= ramp
            cut[-edge:] *= ramp[::-1]
        canvas = np.zeros(s.samples, dtype=np.float32)
        at = int(g.integers(s.samples - len(cut) + 1))
        canvas[at : at + len(cut)] = cut
        if len(cut) < s.samples // 2 and g.random() < s.again_share:
            for _ in range(int(g.integers(1, 4))):
                at = int(g.integers(s.samples - len(cut) + 1))
                canvas[at : at + len(cut)] += cut * np.float32(g.uniform(0.4, 1.0))
        return self._colour(canvas) if g.random() < 0.35 else canvas

    def _colour(self, sound: NDArray[np.float32]) -> NDArray[np.float32]:
        """A tilt and two bumps of the spectrum, and now and then an echoing room."""
        g, n = self.generator, len(sound)
        spectrum = np.fft.rfft(sound, 2 * n) if g.random() < 0.3 else np.fft.rfft(sound)
        octaves = np.log2(np.linspace(0, SAMPLE_RATE / 2, len(spectrum)) / 1000 + 0.05)
        gain_db = g.uniform(-3, 3) * octaves
        for _ in range(2):
            gain_db += g.uniform(-8, 8) * np.exp(-0.5 * np.square((octaves - g.uniform(-4, 3)) / g.uniform(0.4, 1.5)))
        spectrum = spectrum * (10 ** (gain_db / 20))
        if len(spectrum) > n // 2 + 1:  # twice as long, so that the echo does not come round
            seconds = g.uniform(0.1, 0.7)
            tail = np.arange(int(seconds * SAMPLE_RATE)) / (seconds * SAMPLE_RATE)
            room = g.standard_normal(len(tail)) * np.exp(-6.9 * tail)
            room *= g.uniform(0.2, 0.8) / np.sqrt(np.sum(np.square(room)))
            room[0] += 1.0
            spectrum *= np.fft.rfft(room, 2 * n)
            return np.asarray(np.fft.irfft(spectrum, 2 * n)[:n], dtype=np.float32)
        return np.asarray(np.fft.irfft(spectrum, n), dtype=np.float32)

    def _background(self) -> NDArray[np.float32]:
        g, n = self.generator, self._s.samples
        if g.random() < 0.4 or not self._corpus.backgrounds:
            shape = np.maximum(np.arange(n // 2 + 1), 1.0) ** -g.uniform(0.0, 1.0)
            return np.asarray(np.fft.irfft(np.fft.rfft(g.standard_normal(n)) * shape, n), dtype=np.float32)
        first, last = self._corpus.backgrounds[int(g.integers(len(self._corpus.backgrounds)))]
        at = int(g.integers(first, max(first + 1, last - n)))
        return np.resize(self._corpus.samples[at : min(last, at + n)].astype(np.float32) / np.float32(32768), n)
