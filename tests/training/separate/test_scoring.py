"""What separation is measured by."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from earmark.scenes.clips import Clip
from earmark.scenes.vocabulary import shipped_vocabulary
from earmark.training.separate.scoring import mixtures_of, si_sdr

CLIPS = [Clip(Path(f"{label}{number}.wav"), label) for label in ("dog", "rain", "speech") for number in range(3)]


def load(clip: Clip) -> NDArray[np.float32]:
    seed = sum(map(ord, str(clip.path)))
    return (0.01 * (seed % 7 + 1) * np.random.default_rng(seed).standard_normal(32_000)).astype(np.float32)


def test_perfect_is_as_good_as_it_gets_and_scale_does_not_matter() -> None:
    generator = np.random.default_rng(0)
    source, other = generator.standard_normal((2, 16_000)).astype(np.float32)
    other -= source * (other @ source) / (source @ source)
    assert si_sdr(source, source) == 80.0 == si_sdr(0.3 * source, source)
    assert si_sdr(np.zeros_like(source), source) == pytest.approx(0.0) or si_sdr(np.zeros_like(source), source) <= 0
    assert si_sdr(other, source) == -80.0
    equal = other * np.sqrt((source @ source) / (other @ other))
    assert si_sdr(source + equal, source) == pytest.approx(0.0, abs=1e-3)
    assert si_sdr(source + 0.1 * equal, source) == pytest.approx(20.0, abs=1e-2)


def test_mixtures_are_equally_loud_of_sounds_nobody_confuses_and_come_again() -> None:
    vocabulary = shipped_vocabulary()
    found = list(mixtures_of(CLIPS, vocabulary, 5, seed=3, seconds=3.0, load=load))
    for mixture in found:
        first, second = mixture.sources
        assert first.shape == second.shape == (48_000,)
        assert np.mean(np.square(first)) == pytest.approx(np.mean(np.square(second)), rel=1e-3)
        assert np.array_equal(mixture.samples, first + second)
        assert mixture.clips[0].label != mixture.clips[1].label
        for clip, text in zip(mixture.clips, mixture.texts, strict=True):
            assert text in (vocabulary.unseen.get(clip.label) or vocabulary.words(clip.label))
    again = list(mixtures_of(CLIPS, vocabulary, 5, seed=3, seconds=3.0, load=load))
    assert all(np.array_equal(a.samples, b.samples) for a, b in zip(found, again, strict=True))


def test_the_second_sound_may_come_from_elsewhere() -> None:
    speech = [clip for clip in CLIPS if clip.label == "speech"]
    dogs = [clip for clip in CLIPS if clip.label == "dog"]
    for mixture in mixtures_of(speech, shipped_vocabulary(), 3, others=dogs, load=load):
        assert [clip.label for clip in mixture.clips] == ["speech", "dog"]


def test_one_label_is_too_few_and_so_is_silence() -> None:
    with pytest.raises(ValueError, match=r"two labels that can be told apart, got \['dog'\]"):
        next(mixtures_of(CLIPS[:3], shipped_vocabulary(), 1, load=load))
    with pytest.raises(ValueError, match="too few clips with a sound"):
        next(mixtures_of(CLIPS, shipped_vocabulary(), 1, load=lambda clip: np.zeros(32_000, np.float32)))
