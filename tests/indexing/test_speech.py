"""The ear for speech on a real reading: words on the media's clock, and fancies over noise dropped and said."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from earmark.engines import registry
from earmark.indexing import index
from earmark.indexing.speech import recognise
from earmark.library import Catalogue
from earmark.settings import IndexSettings
from earmark.timeline import Waveform

WORDS = IndexSettings(sound=None)


def test_words_lie_on_the_clock_of_a_video_whose_audio_starts_late(
    tmp_path: Path, write_media, sound, two_cities: Waveform
) -> None:
    part = two_cities.samples[:, : 16_000 * 8]
    path = write_media(tmp_path / "film.mp4", sound(part, offset_seconds=2.5), video_seconds=12.0)
    index([path], tmp_path / "library", WORDS)
    catalogue = Catalogue.load(tmp_path / "library")
    words = [word for row in range(catalogue.passages.num_rows) for word in catalogue.segment(row).words]
    best = next(word for word in words if word.text.lower().startswith("best"))
    # the reader says it 1.6 s into the audio
    assert best.span.start == pytest.approx(2.5 + 1.65, abs=0.25) and best.aligned


def test_noise_gives_no_words_and_what_was_made_up_is_said(tmp_path: Path, write_media, sound) -> None:
    rng = np.random.default_rng(0)
    swells = np.abs(np.sin(np.arange(16_000 * 20) / 5_000)) ** 3
    path = write_media(tmp_path / "noise.wav", sound((rng.normal(0, 0.1, swells.size) * swells)[None].astype("f4")))
    report = index([path], tmp_path / "library", WORDS)
    assert Catalogue.load(tmp_path / "library").passages.num_rows == 0
    assert not report.failed


def test_text_that_was_never_spoken_is_dropped_with_its_reason(two_cities: Waveform) -> None:
    """Speech played backwards has the sounds of a language and the words of none."""
    backwards = Waveform(np.ascontiguousarray(two_cities.samples[:, 16_000 * 28 : 16_000 * 42][:, ::-1]), 16_000, 100.0)
    forwards = Waveform(two_cities.samples[:, 16_000 * 28 : 16_000 * 42], 16_000, 100.0)
    recogniser, aligner = registry.load("recogniser", "moonshine"), registry.load("aligner", "sphinx")
    kept, dropped = recognise([forwards, backwards], recogniser, aligner, "moonshine@test")
    assert kept.segment is not None and "noisiest" in kept.segment.text and not kept.dropped
    assert dropped.segment is None
    assert dropped.dropped.startswith("100.0–114.0 s: “") and dropped.dropped.endswith(")")
