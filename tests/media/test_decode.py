"""Decoding: the right samples at the right second, from every container, whatever is broken in it."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from earmark.errors import MediaError
from earmark.media.decode import DecodeReport, _on_one_clock, decode
from earmark.timeline import Waveform

EXACT = (".wav", ".flac", ".mkv")
LOSSY = (".mp3", ".m4a", ".mp4", ".mov", ".webm", ".ogg", ".opus")
NO_PRIMING_TOLD = (".aac", ".ts", ".avi")  # the encoder's delay is nowhere in these files; players keep it


def joined(blocks) -> Waveform:
    blocks = list(blocks)
    for before, after in zip(blocks, blocks[1:], strict=False):
        assert after.start_seconds == pytest.approx(before.span.end, abs=1e-9)
    samples = np.concatenate([block.samples for block in blocks], axis=1)
    return Waveform(samples, blocks[0].sample_rate, blocks[0].start_seconds)


def onset(wave: Waveform, threshold: float = 0.2) -> float:
    """The second of the first loud sample; the tones of these tests swing to 0.5 within a millisecond."""
    return wave.start_seconds + np.flatnonzero(np.abs(wave.samples[0]) > threshold)[0] / wave.sample_rate


@pytest.mark.parametrize("extension", EXACT + LOSSY + NO_PRIMING_TOLD)
def test_a_tone_is_where_it_was_put(tmp_path, write_media, tone, sound, extension):
    path = write_media(tmp_path / f"a{extension}", sound(tone(0.5, 0.8, 2.0, 48_000, 2), 48_000))
    wave = joined(decode(path))
    assert wave.sample_rate == 16_000 and wave.num_channels == 1
    late = 0.030 if extension in NO_PRIMING_TOLD else 0.003
    assert onset(wave) == pytest.approx(0.5, abs=late)
    assert wave.span.end == pytest.approx(2.0, abs=0.08)


def test_resampling_keeps_the_phase_of_a_sine(tmp_path, write_media, tone, sound):
    path = write_media(tmp_path / "a.wav", sound(tone(0, 3, 3.0, 44_100), 44_100))
    wave = joined(decode(path, block_seconds=0.7))
    seconds = np.arange(wave.num_samples) / 16_000
    assert wave.num_samples == 48_000
    difference = wave.samples[0] - 0.5 * np.sin(2 * np.pi * 440 * seconds)
    assert np.abs(difference[100:-100]).max() < 1e-3


def test_blocks_have_one_length(tmp_path, write_media, tone, sound):
    path = write_media(tmp_path / "a.flac", sound(tone(0, 1, 2.5, 22_050), 22_050))
    blocks = list(decode(path, block_seconds=1.0))
    assert [block.num_samples for block in blocks] == [16_000, 16_000, 8_000]


def test_native_rate_and_channels_are_kept_sample_for_sample(tmp_path, write_media, sound):
    samples = (np.random.default_rng(1).integers(-9_000, 9_000, (2, 30_000)) / 32_768).astype(np.float32)
    path = write_media(tmp_path / "a.flac", sound(samples, 22_050))
    wave = joined(decode(path, sample_rate=None, channels=None))
    assert wave.sample_rate == 22_050
    assert np.abs(wave.samples - samples).max() <= 1 / 32_768


@pytest.mark.parametrize("channels", [2, 6, 12])
def test_mono_is_the_mean_of_the_channels(tmp_path, write_media, sound, channels):
    samples = np.random.default_rng(2).uniform(-0.5, 0.5, (channels, 8_000)).astype(np.float32)
    path = write_media(tmp_path / "a.wav", sound(samples, 8_000))
    wave = joined(decode(path, sample_rate=None))
    assert np.abs(wave.samples[0] - samples.mean(axis=0)).max() < 2 / 32_768


def test_twelve_channels_at_192_khz_stay_twelve(tmp_path, write_media, sound):
    samples = np.repeat(np.linspace(-0.5, 0.5, 12, dtype=np.float32)[:, None], 19_200, axis=1)
    path = write_media(tmp_path / "a.wav", sound(samples, 192_000))
    wave = joined(decode(path, sample_rate=None, channels=None))
    assert wave.samples.shape == (12, 19_200)
    assert np.abs(wave.samples - samples).max() < 1 / 32_768


@pytest.mark.parametrize(("name", "video"), [("a.mkv", 0.0), ("a.mkv", 4.0), ("a.mp4", 4.0), ("a.mp4", 0.0)])
def test_audio_that_starts_late_keeps_the_players_times(tmp_path, write_media, tone, sound, name, video):
    late = sound(tone(0.5, 0.8, 2.0, 48_000), 48_000, offset_seconds=1.5)
    path = write_media(tmp_path / name, late, video_seconds=video)
    wave = joined(decode(path))
    assert wave.start_seconds == pytest.approx(1.5, abs=0.025)
    assert onset(wave) == pytest.approx(2.0, abs=0.003)


def test_a_transport_stream_counts_from_its_earliest_stream(tmp_path, write_media, tone, sound):
    late = sound(tone(0.5, 0.8, 2.0, 48_000), 48_000, offset_seconds=3601.0)
    path = write_media(tmp_path / "a.ts", late)
    wave = joined(decode(path))
    assert wave.start_seconds == 0.0
    assert onset(wave) == pytest.approx(0.5, abs=0.030)


def test_a_gap_is_silence_of_its_length(tmp_path, write_media, tone, sound):
    path = write_media(tmp_path / "a.mkv", sound(tone(1.0, 2.0, 2.0), jumps={1.0: 3.0}))
    report = DecodeReport()
    wave = joined(decode(path, report=report, block_seconds=0.9))
    assert onset(wave) == pytest.approx(4.0, abs=0.002)
    assert wave.span.end == pytest.approx(5.0, abs=0.002)
    assert report.silence_seconds == pytest.approx(3.0, abs=0.002)
    assert str(report) == "3.0 s that are missing in it were heard as silence"
    assert report.decoded_seconds == pytest.approx(5.0, abs=0.002)


def test_a_gap_of_hours_stays_in_blocks(tmp_path, write_media, tone, sound):
    path = write_media(tmp_path / "a.mkv", sound(tone(1.0, 2.0, 2.0, 8_000), 8_000, jumps={1.0: 7_200.0}))
    longest, end = 0, 0.0
    for block in decode(path, sample_rate=8_000):
        longest, end = max(longest, block.num_samples), block.span.end
    assert longest == 240_000
    assert end == pytest.approx(7_202.0, abs=0.01)


def test_samples_that_overlap_are_heard_once(tmp_path, write_media, tone, sound):
    # Blocks of 0.1 s whose stamps step back 0.05 s once would not be monotonic; six steps of 0.05 s are.
    jumps = {round(0.5 + 0.1 * step, 1): -0.05 for step in range(6)}
    path = write_media(tmp_path / "a.mkv", sound(tone(1.5, 2.0, 2.0), jumps=jumps))
    wave = joined(decode(path))
    assert wave.span.end == pytest.approx(1.7, abs=0.1)
    assert onset(wave) == pytest.approx(1.2, abs=0.1)


def test_jitter_of_timestamps_moves_no_sample(tmp_path, write_media, sound):
    rng = np.random.default_rng(3)
    samples = rng.uniform(-0.5, 0.5, (1, 32_000)).astype(np.float32)
    jumps: dict[float, float] = {}
    before = 0.0
    for step in range(1, 20):
        now = float(rng.uniform(-0.008, 0.008))
        jumps[round(0.1 * step, 1)] = now - before
        before = now
    path = write_media(tmp_path / "a.mkv", sound(samples, jumps=jumps))
    wave = joined(decode(path, sample_rate=None))
    assert np.abs(wave.samples - samples).max() < 2 / 32_768


def stamped(*seconds: float | None, samples: int = 1_000) -> list[tuple[SimpleNamespace, float | None]]:
    return [(SimpleNamespace(samples=samples, sample_rate=1_000), second) for second in seconds]


@pytest.mark.parametrize(
    ("stamps", "renumbered", "settled"),
    [
        ((0.0, 1.0, 2.0), False, (0.0, 1.0, 2.0)),
        ((0.0, 50.0, 51.0), False, (0.0, 50.0, 51.0)),  # a gap that the next frame confirms
        ((0.0, 9e3, 2.0), False, (0.0, None, 2.0)),  # one wrong stamp
        ((0.0, 1.0, 9e3), False, (0.0, 1.0, None)),  # nothing confirms the last one
        ((80.0, 81.0, 0.0, 1.0), False, (80.0, 81.0, 82.0, 83.0)),  # a recording joined on
        ((0.0, 50.0, 51.0), True, (0.0, 1.0, 2.0)),
        ((0.0, 1e6, 1e6 + 1), False, (0.0, 1.0, 2.0)),  # beyond the longest gap
        ((None, None, 2.0), False, (None, None, 2.0)),
    ],
)
def test_far_jumps_of_the_clock_are_judged(stamps, renumbered, settled):
    out = [second for _, second in _on_one_clock(iter(stamped(*stamps)), renumbered)]
    assert out == [None if second is None else pytest.approx(second) for second in settled]


@pytest.mark.parametrize("extension", (".wav", ".flac", ".mkv", ".mp3", ".m4a", ".webm", ".opus", ".ts", ".aac"))
def test_a_part_is_the_same_as_that_part_of_the_whole(tmp_path, write_media, sound, extension):
    rng = np.random.default_rng(4)
    seconds = np.arange(5 * 48_000) / 48_000
    chirp = 0.4 * np.sin(2 * np.pi * (200 * seconds + 150 * seconds**2)) + 0.02 * rng.standard_normal(seconds.size)
    path = write_media(tmp_path / f"a{extension}", sound(chirp[None].astype(np.float32), 48_000))
    whole = joined(decode(path, sample_rate=None))
    part = joined(decode(path, sample_rate=None, start_seconds=2.2, end_seconds=3.7, block_seconds=0.4))
    assert part.start_seconds == pytest.approx(2.2, abs=1 / 48_000)
    assert part.num_samples == pytest.approx(1.5 * 48_000, abs=1)
    first = round((part.start_seconds - whole.start_seconds) * 48_000)
    moved = 48 if extension == ".webm" else 0  # Matroska rounds to the millisecond
    worst = min(
        np.abs(part.samples[0, 99:-99] - whole.samples[0, first + lag + 99 :][: part.num_samples - 198]).max()
        for lag in range(-moved, moved + 1)
    )
    assert worst < (0.05 if extension == ".m4a" else 1e-4)  # AAC invents its noise anew each time


def test_a_part_beyond_the_end_is_empty(tmp_path, write_media, tone, sound):
    path = write_media(tmp_path / "a.wav", sound(tone(0, 1, 1.0)))
    assert list(decode(path, start_seconds=5.0)) == []
    assert list(decode(path, start_seconds=0.6, end_seconds=0.6)) == []


def test_numbers_that_are_none_become_silence(tmp_path, write_media, sound):
    samples = np.full((1, 16_000), 0.25, np.float32)
    samples[0, 4_000], samples[0, 8_000], samples[0, 9_000] = np.nan, np.inf, -7.0
    path = write_media(tmp_path / "a.wav", sound(samples), codec="pcm_f32le")
    wave = joined(decode(path, sample_rate=None))
    assert wave.samples[0, [3_999, 4_000, 8_000, 9_000]].tolist() == [0.25, 0.0, 0.0, -1.0]


def test_a_rate_that_changes_on_the_way(tmp_path, write_media, tone, sound):
    first = write_media(tmp_path / "1.mp3", sound(tone(0.5, 0.8, 2.0, 44_100), 44_100))
    second = write_media(tmp_path / "2.mp3", sound(tone(0.5, 0.8, 2.0, 22_050), 22_050))
    path = tmp_path / "a.mp3"
    path.write_bytes(first.read_bytes() + second.read_bytes())
    wave = joined(decode(path))
    loud = np.abs(wave.samples[0]) > 0.2
    assert loud.sum() == pytest.approx(2 * loud[: 2 * 16_000].sum(), rel=0.1)
    assert wave.span.end == pytest.approx(4.0, abs=0.15)


def test_a_second_stream_is_another_sound(tmp_path, write_media, tone, sound):
    streams = [sound(tone(0.2, 0.4, 1.0), language="eng"), sound(tone(0.6, 0.8, 1.0), language="fra")]
    path = write_media(tmp_path / "a.mkv", *streams, video_seconds=1.0)
    assert onset(joined(decode(path))) == pytest.approx(0.2, abs=0.002)
    assert onset(joined(decode(path, audio_stream=1))) == pytest.approx(0.6, abs=0.002)


def test_broken_packets_are_skipped_and_times_stay(tmp_path, write_media, tone, sound):
    faint = tone(0, 4, 4.0, 48_000) * 0.1  # without it the packets of silence are too short to be hit
    path = write_media(tmp_path / "a.mkv", sound(tone(2.5, 2.8, 4.0, 48_000) + faint, 48_000), codec="flac")
    data = bytearray(path.read_bytes())
    middle = len(data) // 4
    data[middle : middle + 600] = bytes(600)
    path.write_bytes(data)
    report = DecodeReport()
    wave = joined(decode(path, report=report))
    assert report.broken_packets > 0
    assert onset(wave) == pytest.approx(2.5, abs=0.003)
    assert not report.truncated


@pytest.mark.parametrize("name", ["a.wav", "a.flac", "a.mp3", "a.mkv", "a.ogg", "a.avi"])
def test_a_file_cut_off_gives_what_it_holds_and_says_so(tmp_path, write_media, sound, name):
    rng = np.random.default_rng(5)
    path = write_media(tmp_path / name, sound(rng.uniform(-0.5, 0.5, (1, 480_000)).astype(np.float32), 48_000))
    report = DecodeReport()
    whole = joined(decode(path, report=report))
    assert not report.truncated and report.broken_packets == 0
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    report = DecodeReport()
    half = joined(decode(path, report=report))
    assert report.truncated
    assert half.span.end == pytest.approx(whole.span.end / 2, abs=1.2)  # Ogg loses a page of a second
    assert report.decoded_seconds == pytest.approx(half.span.end, abs=0.001)


@pytest.mark.parametrize("tag", [b"DURATION", b"XXXXXXXX"])  # with and without the length of each stream
def test_video_that_outlasts_its_sound_is_not_cut_off(tmp_path, write_media, tone, sound, tag):
    path = write_media(tmp_path / "a.mkv", sound(tone(0, 3, 3.0)), video_seconds=4.0)
    data = path.read_bytes().replace(b"DURATION", tag)
    path.write_bytes(data)
    report = DecodeReport()
    list(decode(path, report=report))
    assert not report.truncated
    path.write_bytes(data[: len(data) // 2])
    list(decode(path, report=report))
    assert report.truncated and 0.5 < report.decoded_seconds < 2.5


@pytest.mark.parametrize("name", ["http:a b.wav", "tab\there\nand there.wav", "گفتگو.wav", "-.wav", "caf\udce9.wav"])
def test_any_name_is_a_file(tmp_path, write_media, tone, sound, name):
    made = write_media(tmp_path / "plain.wav", sound(tone(0, 1, 1.0)))
    path = tmp_path / name
    made.rename(path)
    assert joined(decode(path)).num_samples == 16_000


def test_a_reader_that_stops_early_closes_the_file(tmp_path, write_media, tone, sound):
    path = write_media(tmp_path / "a.wav", sound(tone(0, 1, 3.0)))
    report = DecodeReport()
    blocks = decode(path, block_seconds=1.0, report=report)
    next(blocks)
    blocks.close()
    assert 1.0 <= report.decoded_seconds < 3.0 and not report.truncated


def test_errors_come_with_the_first_block(tmp_path):
    with pytest.raises(MediaError, match="expected an audio or video file, found nothing there"):
        next(decode(tmp_path / "none.wav"))
    with pytest.raises(ValueError, match="positive lengths and rates, got 0.0 s at 16000 Hz"):
        decode(tmp_path / "none.wav", block_seconds=0.0)
