"""Scenes with known answers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from earmark.media.logmel import SAMPLE_RATE
from earmark.scenes.builder import SceneSettings, build_scene
from earmark.scenes.clips import Clip

TONES = {"low": 300.0, "middle": 1000.0, "high": 3000.0, "voice": 700.0}


def load(clip: Clip) -> np.ndarray:
    if clip.label == "hiss":
        return np.random.default_rng(0).normal(0, 0.1, 4 * SAMPLE_RATE).astype(np.float32)
    out = np.zeros(2 * SAMPLE_RATE, dtype=np.float32)
    time = np.arange(SAMPLE_RATE) / SAMPLE_RATE
    out[SAMPLE_RATE // 2 : -SAMPLE_RATE // 2] = 0.5 * np.sin(2 * np.pi * TONES[clip.label] * time)
    return out


CLIPS = [Clip(Path(f"{label}.wav"), label) for label in ("low", "middle", "high")]
OTHERS, UNDER = [Clip(Path("voice.wav"), "voice")], [Clip(Path("hiss.wav"), "hiss")]
SHORT = SceneSettings(seconds=15, events=3, distractors=1, snr_db=(20, 20))


def test_the_same_seed_gives_the_same_scene() -> None:
    one, two = (build_scene(5, CLIPS, OTHERS, UNDER, SHORT, load) for _ in range(2))
    np.testing.assert_array_equal(one.samples, two.samples)
    assert one.sounds == two.sounds
    assert build_scene(6, CLIPS, OTHERS, UNDER, SHORT, load).sounds != one.sounds


def test_the_sounds_are_where_the_scene_says() -> None:
    scene = build_scene(3, CLIPS, OTHERS, UNDER, SHORT, load)
    assert [s.asked for s in scene.sounds].count(True) == 3
    assert scene.labels == {"low", "middle", "high", "voice", "hiss"}
    time = np.arange(len(scene.samples)) / SAMPLE_RATE
    for sound in scene.sounds:
        assert abs(sound.span.duration - 1.0) < 0.1
        carrier = np.exp(-2j * np.pi * TONES[sound.label] * time) * scene.samples
        inside = (time >= sound.span.start + 0.1) & (time < sound.span.end - 0.1)
        outside = (time < sound.span.start - 0.1) | (time >= sound.span.end + 0.1)
        assert abs(carrier[inside].mean()) > 10 * abs(carrier[outside].mean())


def test_the_level_over_the_background() -> None:
    scene = build_scene(3, CLIPS, [], UNDER, SHORT, load)
    covered = np.zeros(len(scene.samples), dtype=bool)
    for sound in scene.sounds:
        covered[int(sound.span.start * SAMPLE_RATE) : int(sound.span.end * SAMPLE_RATE)] = True
    noise = float(np.sqrt(np.mean(scene.samples[~covered] ** 2)))
    alone = [s for s in scene.sounds if not any(s.span.overlap(o.span) for o in scene.sounds if o is not s)]
    assert alone
    for sound in alone:
        part = scene.samples[int(sound.span.start * SAMPLE_RATE) : int(sound.span.end * SAMPLE_RATE)]
        assert 20 * np.log10(np.sqrt(np.mean(part**2)) / noise) == pytest.approx(20, abs=1.5)


def test_too_few_labels_or_no_background() -> None:
    with pytest.raises(ValueError, match="needs 3 labels and a background, got 1 labels"):
        build_scene(0, CLIPS[:1], [], UNDER, SHORT, load)
    with pytest.raises(ValueError, match="and a background"):
        build_scene(0, CLIPS, [], [], SHORT, load)
