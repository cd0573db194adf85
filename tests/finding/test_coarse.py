"""Which stretches of very much audio are asked."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from earmark.engines.sound import SoundEngine, quantise
from earmark.engines.sound.builtin import BuiltinSound
from earmark.finding.coarse import stretches
from earmark.finding.heard import curve_of
from earmark.indexing.sounds import store_clips
from earmark.library import Catalogue, Hearing, Library, TrackHeader, read_track, track_path
from earmark.records import Recording

FRAMES = 1280  # ten coarse vectors, 102.4 s
ALL = [(0, sys.maxsize)]


@pytest.fixture(scope="module")
def engine() -> BuiltinSound:
    return BuiltinSound()


def unit(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), dtype=np.float32)


def heard(folder: Path, engine: SoundEngine, loud: dict[str, list[int]]) -> list[tuple[Recording, Hearing]]:
    """Recordings of 102.4 s of noise; in the coarse stretches named, frames lie where “a dog barking” does."""
    generator = np.random.default_rng(0)
    dog = engine.embed_text(["a dog barking"])[0]
    seconds = FRAMES * engine.step_seconds
    found = []
    with Library.open(folder) as library:
        for name, places in loud.items():
            frames = unit(generator.normal(size=(FRAMES, engine.dim)).astype(np.float32))
            for place in places:
                frames[place * engine.clip_frames : (place + 1) * engine.clip_frames] = dog
            recording = Recording(name * 16, f"/{name}.wav", seconds)
            header = TrackHeader(engine.name, engine.dim, engine.step_seconds)
            library.append_track(recording.id, "sounds", engine.name, header, quantise(frames), 0)
            store_clips(library, recording, engine, engine.name)
            found.append((recording, Hearing(recording.id, "sounds", engine.name, "{}", seconds, True)))
    return found


def test_coarse_vectors_are_those_of_the_frames(engine: BuiltinSound, tmp_path: Path) -> None:
    [(recording, _)] = heard(tmp_path / "library", engine, {"a": [3]})
    header, clips = read_track(track_path(tmp_path / "library", recording.id, "clips", engine.name))
    assert clips.shape == (10, engine.dim)
    assert header.step_seconds == pytest.approx(128 * engine.step_seconds)


def test_little_audio_is_asked_frame_by_frame(engine: BuiltinSound, tmp_path: Path) -> None:
    found = heard(tmp_path / "library", engine, {"a": [3], "b": []})
    assert stretches("a dog barking", Catalogue(tmp_path / "library"), found, engine) == [ALL, ALL]


def test_of_more_the_best_stretches_with_their_neighbours(engine: BuiltinSound, tmp_path: Path) -> None:
    found = heard(tmp_path / "library", engine, {"a": [0, 5], "b": [], "c": [9]})
    hours = 3.5 * 128 * engine.step_seconds / 3600
    chosen = stretches("a dog barking", Catalogue(tmp_path / "library"), found, engine, hours)
    assert chosen == [[(0, 256), (512, 896)], [], [(1024, 1280)]]


def test_what_has_no_coarse_vectors_is_asked_as_a_whole(engine: BuiltinSound, tmp_path: Path) -> None:
    found = heard(tmp_path / "library", engine, {"a": [5], "b": [2], "c": []})
    track_path(tmp_path / "library", found[1][0].id, "clips", engine.name).unlink()
    hours = 1.5 * 128 * engine.step_seconds / 3600
    chosen = stretches("a dog barking", Catalogue(tmp_path / "library"), found, engine, hours)
    assert chosen == [[(512, 896)], ALL, []]


def test_a_part_of_a_curve_lies_where_it_lies_in_the_whole(engine: BuiltinSound, tmp_path: Path) -> None:
    [(recording, hearing)] = heard(tmp_path / "library", engine, {"a": [5]})
    catalogue = Catalogue(tmp_path / "library")
    whole = curve_of("a dog barking", catalogue, recording, hearing, engine)
    part = curve_of("a dog barking", catalogue, recording, hearing, engine, 512, 896)
    assert part.start_seconds == pytest.approx(512 * engine.step_seconds)
    np.testing.assert_array_equal(part.values, whole.values[512:896])


def test_coarse_vectors_of_one_pass_are_those_of_many(engine: BuiltinSound) -> None:
    frames = unit(np.random.default_rng(1).normal(size=(300, engine.dim)).astype(np.float32))
    whole = engine.embed_clips(frames)
    assert whole.shape == (3, engine.dim)
    for number in range(3):
        alone = engine.embed_clips(frames[number * 128 : (number + 1) * 128])
        np.testing.assert_allclose(alone[0], whole[number], atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(whole, axis=1), 1.0, atol=1e-5)
    assert engine.embed_clips(np.zeros((0, engine.dim), np.float32)).shape == (0, engine.dim)
    assert np.isfinite(engine.embed_clips(np.full((5, engine.dim), np.nan, np.float32))).all()
