from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from earmark.engines.activity.chunks import chunks_at_silence, fixed_windows, noise_floor, pause_level
from earmark.engines.activity.level import SILENCE_DB, LevelMeter
from earmark.settings import ChunkSettings
from earmark.timeline import ScoreCurve, Span

STEP = 0.02


def levels_of(*parts: tuple[float, float], jitter_db: float = 1.0) -> ScoreCurve:
    """Stretches of (seconds, dBFS), each a little uneven, as real ones are."""
    generator = np.random.default_rng(1)
    values = np.concatenate(
        [level + generator.uniform(-jitter_db, jitter_db, round(seconds / STEP)) for seconds, level in parts]
    )
    return ScoreCurve(values.astype(np.float32), STEP)


def rounded(spans: list[Span]) -> list[tuple[float, float]]:
    return [(round(span.start, 2), round(span.end, 2)) for span in spans]


@pytest.mark.parametrize("sound_db", [-10.0, -30.0, -50.0])
def test_pauses_are_found_however_quiet_the_recording(sound_db: float) -> None:
    levels = levels_of((12, sound_db), (2, sound_db - 25), (11, sound_db), (2, sound_db - 25), (3, sound_db))
    assert rounded(chunks_at_silence(levels)) == [(0, 12.2), (13.8, 25.2), (26.8, 30)]


def test_noise_floor_is_the_level_of_the_quiet_frames() -> None:
    levels = levels_of((5, -20), (2, -60), (3, SILENCE_DB), jitter_db=0)
    assert noise_floor(levels) == pytest.approx(-60)
    assert -60 < pause_level(levels) <= -45


def test_short_pauses_do_not_cut_and_long_ones_wait_for_the_least_length() -> None:
    levels = levels_of((4, -20), (1, -60), (7, -20), (0.2, -60), (8, -20), (1, -60), (4, -20))
    # the pause at 4 s comes too early, the one at 12 s is too short, the one at 20.2 s is right
    assert rounded(chunks_at_silence(levels)) == [(0, 20.4), (21, 25.2)]


def test_a_stretch_without_pause_is_cut_at_its_quietest_place() -> None:
    levels = levels_of((22, -20), (0.2, -30), (20, -20), (1, -60), (5, -20))
    chunks = chunks_at_silence(levels)
    assert 22.0 <= chunks[0].end <= 22.2
    assert chunks[1].start == chunks[0].end
    assert all(chunk.duration <= 30 for chunk in chunks)


def test_a_forced_cut_avoids_speech() -> None:
    levels = levels_of((40, -20), jitter_db=0.5)  # music throughout: the level says nothing
    chunks = chunks_at_silence(levels, [Span(0, 17), Span(17.5, 40)])
    assert 17.0 <= chunks[0].end <= 17.5


def test_quiet_speech_is_never_a_pause() -> None:
    levels = levels_of((5, -20), (3, -60), (5, -20), (5, -60), (5, -20))
    assert rounded(chunks_at_silence(levels)) == [(0, 13.2), (17.8, 23)]
    with_whisper = rounded(chunks_at_silence(levels, [Span(13.0, 18.0)]))
    assert with_whisper == [(0, 23)]


def test_a_lonely_short_sound_before_a_long_silence_takes_silence_to_reach_its_least_length() -> None:
    levels = levels_of((3, -20), (60, -60), (12, -20))
    assert rounded(chunks_at_silence(levels)) == [(0, 10), (62.8, 75)]


def test_silence_gives_no_chunk_and_the_last_chunk_is_kept() -> None:
    assert chunks_at_silence(levels_of((60, SILENCE_DB), jitter_db=0)) == []
    assert chunks_at_silence(ScoreCurve(np.zeros(0, np.float32), STEP)) == []
    assert rounded(chunks_at_silence(levels_of((12, -20), (1, -60), (0.5, -20)))) == [(0, 12.2), (12.8, 13.5)]


def test_times_lie_on_the_clock_of_the_curve() -> None:
    levels = levels_of((12, -20), (2, -60), (3, -20))
    later = ScoreCurve(levels.values, STEP, 100.0)
    assert rounded(chunks_at_silence(later)) == [(100, 112.2), (113.8, 117)]


@hypothesis_settings(max_examples=150, deadline=None)
@given(
    parts=st.lists(st.tuples(st.integers(1, 200), st.sampled_from([-120, -70, -60, -35, -20])), max_size=12),
    spoken=st.lists(st.tuples(st.integers(0, 600), st.integers(1, 120)), max_size=4),
    least=st.floats(0.1, 8.0),
    more=st.floats(0.0, 8.0),
    pad=st.floats(0.0, 0.5),
)
def test_chunks_keep_their_promises(
    parts: list[tuple[int, int]], spoken: list[tuple[int, int]], least: float, more: float, pad: float
) -> None:
    values = np.concatenate([np.zeros(0), *[np.full(count, level, float) for count, level in parts]])
    levels = ScoreCurve(values.astype(np.float32), STEP)
    speech = [Span(at * STEP, (at + count) * STEP) for at, count in spoken]
    greatest = least + more + 2 * STEP
    chunks = chunks_at_silence(levels, speech, ChunkSettings(least, greatest, 0.3, pad))
    assert all(a.end <= b.start + 1e-9 for a, b in zip(chunks, chunks[1:], strict=False))
    assert all(0 <= chunk.start < chunk.end <= levels.span.end + 1e-9 for chunk in chunks)
    assert all(chunk.duration <= greatest + 1e-9 for chunk in chunks)
    assert all(chunk.duration >= least - 1e-9 for chunk in chunks[:-1])
    threshold = pause_level(levels)
    for frame in range(levels.num_frames):  # the slow, obvious check of "exactly one chunk"
        middle = (frame + 0.5) * STEP
        must = values[frame] >= threshold or any(span.start <= middle < span.end for span in speech)
        held = sum(chunk.start <= middle < chunk.end for chunk in chunks)
        assert held <= 1
        assert held == 1 or not must


@pytest.mark.parametrize(
    ("least", "greatest", "message"),
    [
        (0.0, 30.0, "chunks need 0 < least <= greatest, got 0.0 and 30.0 s"),
        (10.0, 5.0, "chunks need 0 < least <= greatest, got 10.0 and 5.0 s"),
    ],
)
def test_impossible_lengths_are_refused(least: float, greatest: float, message: str) -> None:
    with pytest.raises(ValueError) as caught:
        chunks_at_silence(levels_of((1, -20)), (), ChunkSettings(least, greatest))
    assert str(caught.value) == message


def test_fixed_windows_overlap_and_keep_the_last_partial_one() -> None:
    assert rounded(fixed_windows(Span(0, 11), 4, 3)) == [(0, 4), (3, 7), (6, 10), (9, 11)]
    assert rounded(fixed_windows(Span(0, 10), 4, 3)) == [(0, 4), (3, 7), (6, 10)]
    assert rounded(fixed_windows(Span(2, 5), 4, 4)) == [(2, 5)]
    assert fixed_windows(Span(3, 3), 4, 3) == []


@pytest.mark.parametrize(("window", "hop"), [(4.0, 5.0), (4.0, 0.0), (0.0, 0.0), (-1.0, -1.0)])
def test_windows_that_make_no_sense_are_refused(window: float, hop: float) -> None:
    with pytest.raises(ValueError) as caught:
        fixed_windows(Span(0, 10), window, hop)
    assert str(caught.value) == f"windows need 0 < hop <= window, got {hop} and {window} s"


def test_the_meter_reads_known_levels_whatever_the_blocks() -> None:
    half = np.full(1600, 0.5, np.float32)
    silence, broken = np.zeros(1600, np.float32), np.full(320, np.nan, np.float32)
    samples = np.concatenate([half, silence, broken, half[:100]])
    whole = LevelMeter(5.0)
    first, last = whole.feed(samples), whole.flush()
    assert first.start_seconds == 5.0
    assert last.start_seconds == pytest.approx(first.span.end)
    values = np.concatenate([first.values, last.values])
    assert values == pytest.approx([20 * np.log10(0.5)] * 5 + [SILENCE_DB] * 6 + [20 * np.log10(0.5)])
    parts = LevelMeter(5.0)
    pieces = [parts.feed(samples[at : at + 77]).values for at in range(0, len(samples), 77)]
    np.testing.assert_array_equal(np.concatenate([*pieces, parts.flush().values]), values)
