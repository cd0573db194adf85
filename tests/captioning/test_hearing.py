"""Ears of two dimensions: a frame is one of two sounds, or neither, and the curve says which."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from earmark.captioning.hearing import Heard, agreeing, sounds_heard, speech_in, windowed
from earmark.captioning.vocabulary import Caption, builtin_vocabulary
from earmark.engines import registry
from earmark.engines.sound import EdgeSettings, LocateSettings
from earmark.errors import LibraryError
from earmark.library import Catalogue, Hearing, TrackHeader, track_path
from earmark.library.tracks import append_rows
from earmark.media.clips import write_waveforms
from earmark.records import Recording
from earmark.settings import CaptionSettings
from earmark.timeline import Span, Waveform

STEP = 0.08
DOG, RAIN, THUNDER = Caption("dog", "dog barks"), Caption("rain", "rain"), Caption("thunder", "thunder")
RECORDING = Recording("ab12", "film.mp4", 60.0)
SETTINGS = CaptionSettings()


class TwoSounds:
    """Frames of the first axis are a dog, of the second rain."""

    moments, edges, band_edges = LocateSettings(), EdgeSettings(), EdgeSettings()

    def curve(self, frames: NDArray[np.float32], text: str) -> NDArray[np.float32]:
        axis = {"dog": 0, "rain": 1}.get(text)
        return np.zeros(len(frames), np.float32) if axis is None else np.clip(frames[:, axis], 0.0, 0.98)

    def embed_text(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return np.eye(len(texts), 8, dtype=np.float32)

    def expected_seconds(self, text: str) -> float:
        return 1.0

    def knows(self, text: str) -> bool:
        return text in ("dog", "rain")

    def nearest(self, text: str, k: int = 3) -> list[tuple[str, float]]:
        return [("rain", 0.4), ("dog", 0.1)]


@pytest.fixture
def catalogue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Catalogue:
    """A minute: a dog from 10 to 12 s, rain from 20 to 30; speech from 40 to 44."""
    monkeypatch.setattr(registry, "load", lambda job, name: TwoSounds())
    name = registry.stored_name("sound", "earmark")
    rows = np.zeros((750, 2), np.int8)
    rows[125:150, 0] = 127
    rows[250:375, 1] = 127
    path = track_path(tmp_path, RECORDING.id, "sounds", name)
    append_rows(path, TrackHeader(name, 2, STEP), rows, 0)
    voice = np.zeros((600, 1), np.uint8)
    voice[400:440] = 250
    voice_path = track_path(tmp_path, RECORDING.id, "activity", "silero@1")
    append_rows(voice_path, TrackHeader("silero@1", 1, 0.1, 0.0, "uint8"), voice, 0)
    hearings: dict[tuple[str, str, str], Hearing] = {
        (RECORDING.id, job, engine): Hearing(RECORDING.id, job, engine, "{}", 60.0, True)
        for job, engine in (("sounds", name), ("activity", "silero@1"))
    }
    return Catalogue(tmp_path, {RECORDING.id: RECORDING}, {}, hearings)


def test_sounds_are_found_where_they_are(catalogue: Catalogue) -> None:
    heard, notes = sounds_heard(catalogue, RECORDING, [RAIN, DOG], SETTINGS)
    assert [each.caption for each in heard] == [DOG, RAIN] and notes == []
    assert heard[0].span.start == pytest.approx(10.0, abs=0.1) and heard[0].span.end == pytest.approx(12.0, abs=0.1)
    assert heard[1].span.start == pytest.approx(20.0, abs=0.1) and heard[1].span.end == pytest.approx(30.0, abs=0.1)


def test_where_the_recording_is_at_hand_its_bands_tell_the_edges(
    catalogue: Catalogue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    swell = tuple(1.0 if n == 13 else 0.0 for n in range(17))
    monkeypatch.setattr(TwoSounds, "band_edges", EdgeSettings(swell, swell))
    samples = np.zeros(60 * 16_000, np.float32)
    samples[int(10.4 * 16_000) : int(11.6 * 16_000)] = 0.3 * np.random.default_rng(0).standard_normal(19_200)
    write_waveforms(tmp_path / "film.wav", Waveform(samples[None], 16_000))
    at_hand = replace(RECORDING, path=str(tmp_path / "film.wav"))
    [dog], _ = sounds_heard(catalogue, at_hand, [DOG], SETTINGS)
    assert (dog.span.start, dog.span.end) == (pytest.approx(10.4, abs=0.01), pytest.approx(11.6, abs=0.01))
    (tmp_path / "film.wav").write_bytes(b"no media")
    [dog], _ = sounds_heard(catalogue, at_hand, [DOG], SETTINGS)  # what cannot be read again is judged by its frames
    assert dog.span.start == pytest.approx(10.0, abs=0.1)


def test_a_sound_the_ears_do_not_know_is_noted(catalogue: Catalogue) -> None:
    kettle = Caption("kettle", "kettle")
    assert sounds_heard(catalogue, RECORDING, [kettle], SETTINGS) == (
        [],
        ["earmark's built-in ears do not know 'kettle'; nearest: rain, dog"],
    )


def test_of_the_built_in_list_only_what_they_know_is_asked_for(catalogue: Catalogue) -> None:
    assert sounds_heard(catalogue, RECORDING, builtin_vocabulary(), SETTINGS)[1] == []


def test_a_recording_nobody_listened_to_says_what_to_do(catalogue: Catalogue) -> None:
    with pytest.raises(LibraryError) as error:
        sounds_heard(catalogue, Recording("ff00", "other.mp4", 5.0), [DOG], SETTINGS)
    assert str(error.value) == (
        "other.mp4: expected its sounds in the library, found none that today's ears have heard. "
        "Run: earmark index FILE"
    )


def test_speech_is_read_from_the_activity_curve(catalogue: Catalogue) -> None:
    (span,) = speech_in(catalogue, RECORDING, SETTINGS)
    assert (span.start, span.end) == (pytest.approx(40.0), pytest.approx(44.0))
    assert speech_in(catalogue, Recording("ff00", "other.mp4", 5.0), SETTINGS) == []


def test_equal_neighbours_are_one() -> None:
    heard = [Heard(DOG, Span(1.0, 2.0), 0.6), Heard(DOG, Span(2.5, 3.0), 0.9), Heard(DOG, Span(9.0, 9.5), 0.7)]
    merged = agreeing(heard, set(), SETTINGS)
    assert [(each.span, each.probability) for each in merged] == [(Span(1.0, 3.0), 0.9), (Span(9.0, 9.5), 0.7)]


def test_one_noise_has_one_name() -> None:
    wolf = Caption("wolf", "wolf howls")
    heard = [Heard(DOG, Span(1.0, 3.0), 0.6), Heard(wolf, Span(1.1, 2.9), 0.8)]
    assert agreeing(heard, {frozenset({DOG.text, wolf.text})}, SETTINGS) == [heard[1]]


def test_a_short_sound_within_a_long_one_of_another_meaning_is_another_sound() -> None:
    heard = [Heard(RAIN, Span(0.0, 30.0), 0.9), Heard(DOG, Span(5.0, 6.0), 0.6)]
    assert agreeing(heard, set(), SETTINGS) == heard


def test_the_least_probable_are_left_out_where_there_are_too_many() -> None:
    heard = [
        Heard(RAIN, Span(0.0, 10.0), 0.7),
        Heard(DOG, Span(4.0, 5.0), 0.6),
        Heard(THUNDER, Span(2.0, 9.0), 0.9),
    ]
    assert agreeing(heard, set(), SETTINGS) == [heard[0], heard[2]]
    assert agreeing(heard, set(), CaptionSettings(at_once=1)) == [heard[2]]


def test_windows_show_what_is_in_them() -> None:
    heard: list[Any] = [Heard(DOG, Span(1.0, 4.5), 0.8), Heard(RAIN, Span(3.2, 9.0), 0.6)]
    found = windowed(heard, Span(0.0, 10.0), CaptionSettings(per_window_seconds=4.0, hop_seconds=3.0))
    assert [(each.caption.words, each.span.start, each.span.end) for each in found] == [
        ("dog barks", 0.0, 3.0),
        ("rain", 0.0, 3.0),
        ("dog barks", 3.0, 6.0),
        ("rain", 3.0, 6.0),
        ("rain", 6.0, 9.0),
    ]
