"""Levels of bands over time, from files made here."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from earmark.errors import MediaError
from earmark.media.clips import write_waveforms
from earmark.media.levels import band_levels, pooled
from earmark.media.logmel import BANDS, FLOOR, log_mel
from earmark.media.probe import probe
from earmark.records import Recording
from earmark.timeline import Waveform

STEP = 0.08


@pytest.fixture
def tone(tmp_path: Path) -> tuple[Recording, np.ndarray]:
    """Ninety seconds, silent but for a tone of 1 kHz from 50 to 52 s."""
    samples = np.zeros(90 * 16_000, np.float32)
    there = np.arange(50 * 16_000, 52 * 16_000)
    samples[there] = 0.5 * np.sin(2 * np.pi * 1_000 * there / 16_000)
    write_waveforms(tmp_path / "tone.wav", Waveform(samples[None], 16_000))
    return probe(tmp_path / "tone.wav"), samples


def test_levels_rise_where_a_sound_sets_in(tone: tuple[Recording, np.ndarray]) -> None:
    recording, samples = tone
    told: list[tuple[float, float]] = []
    levels = band_levels(recording, 1125, STEP, 0.0, lambda stage, done, total: told.append((done, total)))
    assert levels.shape == (1125, BANDS) and np.isfinite(levels).all()
    loud = np.flatnonzero(levels.max(axis=1) > -5.0)
    assert (loud[0], loud[-1]) == (625, 649)
    assert told[-1] == (pytest.approx(90.0), pytest.approx(90.0))
    whole = pooled(log_mel(samples), 4)
    assert np.abs(levels[620:655] - whole[620:655]).max() < 0.05


def test_steps_count_from_where_the_track_begins_and_beyond_the_end_it_is_silent(
    tone: tuple[Recording, np.ndarray],
) -> None:
    recording, _ = tone
    levels = band_levels(recording, 700, STEP, 40.0)
    assert np.flatnonzero(levels.max(axis=1) > -5.0)[0] == 125
    assert levels[-1] == pytest.approx(np.log(FLOOR), abs=0.02)


def test_the_last_step_may_be_cut_short() -> None:
    mel = np.arange(10, dtype=np.float32)[:, None] * np.ones((1, BANDS), np.float32)
    assert pooled(mel, 4)[:, 0].tolist() == [1.5, 5.5, 8.75]
    assert pooled(mel[:0], 4).shape == (0, BANDS)


def test_a_file_that_is_gone_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(MediaError):
        band_levels(Recording("ab", str(tmp_path / "gone.wav"), 1.0), 10, STEP, 0.0)
