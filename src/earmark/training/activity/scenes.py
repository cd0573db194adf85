"""Scenes to learn from: speech, music and noise laid over each other, with the truth about each.

A scene has each class with some probability, for all of its time or parts of it. Where speech meets another class,
it is −5 to 20 dB above it; levels, rooms and bandwidths vary as they do among recordings. What no ear could hear in
the mixture, a class far below all else, is neither right nor wrong: its weight is zero.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from earmark.settings import SAMPLE_RATE
from earmark.training.activity.corpus import Clip, Corpus

__all__ = ["Scene", "SceneMaker"]

STEP_SAMPLES = 640
"""Truth is told every 40 ms."""
MASKED_DB = 27.0
"""A class so far below the whole is not asked for."""
PRESENT = {"speech": 0.65, "music": 0.55, "noise": 0.55}
"""How often a scene has a class at all; speech has more pauses, so that each is heard about as long."""
Samples = NDArray[np.float32]


@dataclass(frozen=True)
class Scene:
    """Mono samples ``(n,)``; `truth` and `weight` of shape ``(n / 640, classes)``, in [0, 1]."""

    samples: Samples
    truth: NDArray[np.float32]
    weight: NDArray[np.float32]


class SceneMaker:
    """Makes scenes of `seconds` from a corpus; the same generator gives the same scenes."""

    def __init__(self, corpus: Corpus, kinds: tuple[str, ...], seconds: float) -> None:
        self._corpus = corpus
        self.kinds = kinds
        self._count = int(seconds * SAMPLE_RATE) // STEP_SAMPLES * STEP_SAMPLES

    @cached_property
    def _choices(self) -> dict[str, tuple[list[Clip], NDArray[np.float64]]]:
        """Clips and their probabilities: longer ones more often, but less than in proportion."""
        found = {}
        for kind in self._corpus.kinds:
            clips = [clip for clip in self._corpus.clips if clip.kind == kind]
            weights = np.sqrt([min(clip.seconds, 60.0) for clip in clips])
            found[kind] = (clips, weights / weights.sum())
        return found

    def make(self, generator: np.random.Generator) -> Scene:
        speech_db = generator.uniform(-38, -14)
        layers: dict[str, Samples] = {}
        heard: dict[str, NDArray[np.bool_]] = {}
        present = [kind for kind in self._corpus.kinds if generator.random() < PRESENT[kind]]
        for kind in present:
            layer, truth = self._layer(kind, generator)
            if kind == "speech":
                level = speech_db
            elif "speech" in present:
                level = speech_db - generator.uniform(-7, 22)
            else:
                level = generator.uniform(-45, -12)
            layers[kind], heard[kind] = layer * np.float32(10 ** (level / 20)), truth
        mixture = np.sum([*layers.values(), np.zeros(self._count, np.float32)], axis=0)
        return self._scene(mixture, layers, heard, generator)

    def _layer(self, kind: str, generator: np.random.Generator) -> tuple[Samples, NDArray[np.bool_]]:
        """One class over the scene at 0 dBFS, and the samples (by blocks of 40 ms) where it is heard."""
        layer = np.zeros(self._count, np.float32)
        heard = np.zeros(self._count, dtype=np.bool_)
        for start, end in self._stretches(generator):
            at = start
            drift = generator.normal(0, 2)
            while at < end:
                clip = self._draw(kind, generator)
                audio = self._corpus.audio(clip)
                longest = min(end - at, int(generator.uniform(4, 25) * SAMPLE_RATE))
                first = 0
                if audio.size > longest:
                    first = int(generator.integers(0, audio.size - longest + 1))
                piece = _faded(audio[first : first + longest])
                gain = -clip.level_db + drift + generator.normal(0, 1.5)
                layer[at : at + piece.size] += piece * np.float32(10 ** (gain / 20))
                for begin, stop in clip.heard:
                    a, b = int(begin * SAMPLE_RATE) - first, int(stop * SAMPLE_RATE) - first
                    heard[at + max(0, a) : at + min(piece.size, max(0, b))] = True
                at += piece.size
                if kind == "speech" and generator.random() < 0.7 or kind == "noise" and generator.random() < 0.3:
                    at += int(generator.exponential(0.8) * SAMPLE_RATE)
        if generator.random() < 0.2:
            layer = _in_a_room(layer, generator)
        return layer, heard

    def _stretches(self, generator: np.random.Generator) -> list[tuple[int, int]]:
        kind = generator.random()
        if kind < 0.4:
            return [(0, self._count)]
        marks = np.sort(generator.integers(0, self._count, 2 if kind < 0.75 else 4))
        return [(int(a), int(b)) for a, b in zip(marks[::2], marks[1::2], strict=True)]

    def _draw(self, kind: str, generator: np.random.Generator) -> Clip:
        clips, weights = self._choices[kind]
        return clips[int(generator.choice(len(clips), p=weights))]

    def _scene(
        self, mixture: Samples, layers: dict[str, Samples], heard: dict[str, NDArray[np.bool_]],
        generator: np.random.Generator,
    ) -> Scene:  # fmt: skip
        if generator.random() < 0.15:
            mixture = _band_limited(mixture, float(generator.choice([3400, 4000, 5500, 7000])))
        if generator.random() < 0.5:  # the hiss of converters and codecs, which is no class
            hiss = generator.standard_normal(self._count).astype(np.float32)
            mixture = mixture + hiss * np.float32(10 ** (generator.uniform(-100, -68) / 20))
        if generator.random() < 0.3:
            mixture = (np.clip(mixture, -1, 1) * 32767).round() / np.float32(32768)
        mixture = np.clip(mixture, -1, 1).astype(np.float32)
        frames = self._count // STEP_SAMPLES
        truth = np.zeros((frames, len(self.kinds)), np.float32)
        weight = np.ones((frames, len(self.kinds)), np.float32)
        total = _power(mixture)
        for column, kind in enumerate(self.kinds):
            if kind not in layers:
                continue
            share = heard[kind].reshape(frames, STEP_SAMPLES).mean(axis=1)
            truth[:, column] = share > 0.5
            drowned = _power(layers[kind]) < total * 10 ** (-MASKED_DB / 10)
            weight[drowned & (truth[:, column] > 0), column] = 0.0
            weight[np.abs(share - 0.5) < 0.49, column] = 0.3  # a boundary lies in this frame
        return Scene(mixture, truth, weight)


def _faded(piece: Samples) -> Samples:
    piece = piece.copy()
    edge = min(160, piece.size // 2)
    if edge:
        ramp = np.linspace(0, 1, edge, dtype=np.float32)
        piece[:edge] *= ramp
        piece[-edge:] *= ramp[::-1]
    return piece


def _power(samples: Samples) -> NDArray[np.float64]:
    """Mean power around each 40 ms, shape ``(frames,)``, over half a second."""
    power = np.square(samples, dtype=np.float64).reshape(-1, STEP_SAMPLES).mean(axis=1)
    return np.convolve(power, np.ones(13) / 13, mode="same")


def _in_a_room(layer: Samples, generator: np.random.Generator) -> Samples:
    """An exponentially decaying tail behind the direct sound."""
    from scipy.signal import fftconvolve

    decay = generator.uniform(0.15, 0.6)
    time = np.arange(int(decay * SAMPLE_RATE)) / SAMPLE_RATE
    tail = generator.standard_normal(time.size) * np.exp(-6.9 * time / decay)
    tail *= generator.uniform(0.1, 0.6) / np.sqrt(np.sum(tail**2))
    tail[0] = 1.0
    return np.asarray(fftconvolve(layer, tail.astype(np.float32))[: layer.size], dtype=np.float32)


def _band_limited(samples: Samples, hz: float) -> Samples:
    spectrum = np.fft.rfft(samples)
    spectrum[int(hz * samples.size / SAMPLE_RATE) :] = 0
    return np.asarray(np.fft.irfft(spectrum, samples.size), dtype=np.float32)
