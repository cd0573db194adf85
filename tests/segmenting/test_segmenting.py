from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from earmark.errors import MediaError, UsageError
from earmark.media.probe import probe
from earmark.segmenting import Segmented, Segmenter, segments_of, window_labels, write_clips
from earmark.settings import SEGMENT_PRESETS, ChunkSettings, SegmentSettings
from earmark.timeline import ScoreCurve, Span

RATE = 16_000
STEP = 0.1


def rounded(spans: list[Span]) -> list[tuple[float, float]]:
    return [(round(span.start, 3), round(span.end, 3)) for span in spans]


def curve_of(text: str) -> ScoreCurve:
    """Ten frames a second: `#` speech, `-` between off and on, `.` none."""
    values = {"#": 0.9, "-": 0.45, ".": 0.1}
    return ScoreCurve(np.array([values[letter] for letter in text], np.float32), STEP)


def smooth(text: str, preset: str = "default") -> str:
    curve = curve_of(text)
    spans = segments_of(curve, SEGMENT_PRESETS[preset], curve.span)
    return "".join("#" if any(s.start <= (i + 0.5) * STEP < s.end for s in spans) else "." for i in range(len(text)))


@pytest.mark.parametrize(
    ("heard", "expected"),
    [
        ("...####---#..", "...########.."),  # it goes on above `off`
        ("...----....", "..........."),  # and starts only above `on`
        ("..####..####..", "..##########.."),  # a gap of 0.2 s is closed
        ("..####...####..", "..####...####.."),  # one of 0.3 s is not
        ("....#....##..", ".........##.."),  # 0.1 s is too short, 0.2 s is not
        ("####......####", "####......####"),
        ("", ""),
    ],
)
def test_default_smoothing(heard: str, expected: str) -> None:
    assert smooth(heard) == expected


@pytest.mark.parametrize(
    ("heard", "expected"),
    [
        # 0.9 s of non-speech become speech, 1.0 s do not
        ("#" * 20 + "." * 9 + "#" * 3, "#" * 32),
        ("#" * 20 + "." * 10 + "#" * 20, "#" * 20 + "." * 10 + "#" * 20),
        # 1.9 s of speech are dropped, 2.0 s are not
        ("." * 12 + "#" * 19 + "." * 12, "." * 43),
        ("." * 12 + "#" * 20 + "." * 12, "." * 12 + "#" * 20 + "." * 12),
        # closing comes first: two short ones close together are long enough
        ("." * 5 + "#" * 11 + "." * 5 + "#" * 5 + "." * 5, "." * 5 + "#" * 21 + "." * 5),
    ],
)
def test_the_older_rules(heard: str, expected: str) -> None:
    assert smooth(heard, "bacs") == expected


def older_rules(speech: list[bool]) -> list[bool]:
    """The slow, obvious twin of the preset `bacs`: run by run."""
    for value, least in ((False, 10), (True, 20)):
        runs: list[tuple[bool, int]] = []
        for frame in speech:
            if runs and runs[-1][0] == frame:
                runs[-1] = (frame, runs[-1][1] + 1)
            else:
                runs.append((frame, 1))
        speech = []
        for index, (frame, length) in enumerate(runs):
            inner = 0 < index < len(runs) - 1
            flip = frame == value and length < least and (inner or value)
            speech += [frame != flip] * length
    return speech


@hypothesis_settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.integers(1, 30)), max_size=12))
def test_the_older_rules_run_by_run(runs: list[tuple[bool, int]]) -> None:
    speech = [frame for frame, length in runs for _ in range(length)]
    text = "".join("#" if frame else "." for frame in speech)
    assert [letter == "#" for letter in smooth(text, "bacs")] == older_rules(speech)


def test_segments_never_leave_the_recording() -> None:
    curve = ScoreCurve(np.ones(10, np.float32), STEP, 5.0)
    assert rounded(segments_of(curve, SegmentSettings(), Span(5.0, 5.93))) == [(5.0, 5.93)]


@pytest.fixture(scope="module")
def segmenter() -> Segmenter:
    return Segmenter()


def bursts(*stretches: tuple[float, float], total: float, rate: int = RATE) -> NDArray[np.float32]:
    """White noise in the given stretches, digital silence elsewhere; shape ``(1, n)``."""
    generator = np.random.default_rng(0)
    samples = np.zeros(int(total * rate), np.float32)
    for start, end in stretches:
        count = int((end - start) * rate)
        samples[int(start * rate) : int(start * rate) + count] = generator.standard_normal(count) * 0.1
    return samples[None]


def test_noise_is_found_where_it_is_on_the_clock_of_the_file(
    tmp_path: Path, write_media: Callable[..., Path], sound: type, segmenter: Segmenter
) -> None:
    path = write_media(tmp_path / "late.mkv", sound(bursts((5, 12), total=20), offset_seconds=3.0))
    found = segmenter.segment(path)
    noise = [label for label in found.labels if label.kind == "noise"]
    assert len(noise) == 1
    assert noise[0].span.start == pytest.approx(8.0, abs=0.1)
    assert noise[0].span.end == pytest.approx(15.0, abs=0.1)
    assert noise[0].recording == str(path)
    assert noise[0].probability is not None and noise[0].probability > 0.5
    assert found.seconds("speech") == 0.0
    assert found.recording.span.start == pytest.approx(3.0, abs=0.01)
    assert found.note == ""


def test_silence_is_nothing_in_any_class(
    tmp_path: Path, write_media: Callable[..., Path], sound: type, segmenter: Segmenter
) -> None:
    path = write_media(tmp_path / "silence.flac", sound(np.zeros((1, 5 * RATE), np.float32)))
    found = segmenter.segment(path)
    assert found.labels == []
    assert found.recording.duration_seconds == pytest.approx(5.0)


@pytest.mark.parametrize(("rate", "channels"), [(192_000, 1), (48_000, 12), (8_000, 2)])
def test_unusual_rates_and_channels(
    tmp_path: Path, write_media: Callable[..., Path], sound: type, segmenter: Segmenter, rate: int, channels: int
) -> None:
    samples = np.repeat(bursts((1, 4), total=5, rate=rate), channels, axis=0)
    found = segmenter.segment(write_media(tmp_path / "odd.wav", sound(samples, rate)))
    assert [label.kind for label in found.labels] == ["noise"]
    assert found.labels[0].span.start == pytest.approx(1.0, abs=0.1)


def test_shorter_than_a_frame(
    tmp_path: Path, write_media: Callable[..., Path], sound: type, segmenter: Segmenter
) -> None:
    found = segmenter.segment(write_media(tmp_path / "blip.wav", sound(np.full((1, 100), 0.1, np.float32))))
    assert found.recording.duration_seconds == pytest.approx(100 / RATE)
    assert all(label.span.end <= 100 / RATE for label in found.labels)


def test_a_cut_off_file_gives_what_it_holds_and_says_so(
    tmp_path: Path, write_media: Callable[..., Path], sound: type, segmenter: Segmenter
) -> None:
    path = write_media(tmp_path / "whole.wav", sound(bursts((0, 20), total=20)))
    path.write_bytes(path.read_bytes()[: 10 * RATE * 2])
    found = segmenter.segment(path)
    assert found.note.startswith("cut off after 10.0 s") and found.note.endswith("what could be read is kept")
    assert found.recording.duration_seconds == pytest.approx(10.0, abs=0.1)


def test_chunks_are_cut_at_pauses(
    tmp_path: Path, write_media: Callable[..., Path], sound: type, segmenter: Segmenter
) -> None:
    path = write_media(tmp_path / "talk.flac", sound(bursts((1, 6), (7, 13), (15, 19), total=20)))
    found = segmenter.chunk(path, ChunkSettings(least_seconds=10.0, greatest_seconds=30.0))
    assert rounded([label.span for label in found.labels]) == [(0.8, 13.2), (14.8, 19.2)]
    assert [label.text for label in found.labels] == ["chunk 1", "chunk 2"]


def test_windows_cover_the_recording_and_keep_the_last(
    tmp_path: Path, write_media: Callable[..., Path], sound: type
) -> None:
    path = write_media(tmp_path / "talk.wav", sound(bursts((0, 11), total=11)))
    found = window_labels(path, 4.0, 3.0)
    assert rounded([label.span for label in found.labels]) == [(0, 4), (3, 7), (6, 10), (9, 11)]


def test_clips_hold_what_the_labels_say(tmp_path: Path, write_media: Callable[..., Path], sound: type) -> None:
    samples = np.arange(11 * 44_100, dtype=np.float32)[None] % 1000 / 2000  # every place knows itself
    path = write_media(tmp_path / "ramp.wav", sound(np.repeat(samples, 2, axis=0), 44_100))
    found = window_labels(path, 4.0, 3.0)  # overlapping
    folder = tmp_path / "clips"
    folder.mkdir()
    assert write_clips(found, folder) == 4
    clips = sorted(folder.iterdir())
    assert [clip.name.split("_")[1] for clip in clips] == [
        "0000.000-0004.000",
        "0003.000-0007.000",
        "0006.000-0010.000",
        "0009.000-0011.000",
    ]
    assert [probe(clip).duration_seconds for clip in clips] == pytest.approx([4, 4, 4, 2])
    from earmark.media.decode import decode

    third = np.concatenate([block.samples for block in decode(clips[2], sample_rate=None, channels=None)], axis=1)
    assert third.shape == (2, 4 * 44_100)
    np.testing.assert_allclose(third[0], samples[0, 6 * 44_100 : 10 * 44_100], atol=1e-4)
    clips[0].write_bytes(b"mine")
    assert write_clips(found, folder) == 0
    assert clips[0].read_bytes() == b"mine"
    assert write_clips(found, folder, force=True) == 4
    assert probe(clips[0]).duration_seconds == pytest.approx(4.0)


def test_long_clips_are_written_too(tmp_path: Path, write_media: Callable[..., Path], sound: type) -> None:
    path = write_media(tmp_path / "long.wav", sound(bursts((0, 70), total=70, rate=8000), 8000))
    found = window_labels(path, 65.0, 65.0)
    assert write_clips(Segmented(found.recording, found.labels), tmp_path) == 2
    lengths = sorted(probe(clip).duration_seconds for clip in tmp_path.glob("long_*.wav"))
    assert lengths == pytest.approx([5.0, 65.0])


def test_a_class_the_model_does_not_know() -> None:
    with pytest.raises(UsageError) as caught:
        Segmenter(SegmentSettings(classes=("speech", "birds")))
    assert str(caught.value) == (
        "birds: expected one of the model's classes speech, music, noise, found another. "
        "Use --classes speech,music,noise."
    )


def test_a_missing_file_is_named(segmenter: Segmenter, tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="gone.wav"):
        segmenter.segment(tmp_path / "gone.wav")
