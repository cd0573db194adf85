"""Clips hold the span that was asked for, under names every system takes, and never replace a file."""

from __future__ import annotations

import numpy as np
import pytest

from earmark.errors import FormatError, MediaError
from earmark.media.clips import CLIP_EXTENSIONS, clip_name, write_clip, write_waveforms
from earmark.media.decode import decode
from earmark.media.probe import inspect, probe
from earmark.records import Recording
from earmark.timeline import Span, Waveform


@pytest.mark.parametrize("extension", CLIP_EXTENSIONS)
def test_a_clip_is_its_span(tmp_path, write_media, tone, sound, extension):
    recording = probe(write_media(tmp_path / "a.mkv", sound(tone(1.2, 1.5, 3.0, 44_100, 2), 44_100)))
    path = tmp_path / f"clip{extension}"
    written = write_clip(path, recording, Span(1.0, 1.75))
    assert written.start == pytest.approx(1.0, abs=0.001) and written.end == pytest.approx(1.75, abs=0.001)
    stream = inspect(path).audio_streams[0]
    assert stream.channels == 2
    assert stream.sample_rate == (48_000 if extension in (".ogg", ".opus") else 44_100)
    (block,) = decode(path)
    loud = np.flatnonzero(np.abs(block.samples[0]) > 0.2) / 16_000
    assert loud[0] == pytest.approx(0.2, abs=0.004) and loud[-1] == pytest.approx(0.5, abs=0.01)
    assert block.span.end == pytest.approx(0.75, abs=0.03)


def test_a_wav_clip_is_sample_for_sample(tmp_path, write_media, sound):
    samples = (np.random.default_rng(0).integers(-9_000, 9_000, (1, 48_000)) / 32_768).astype(np.float32)
    recording = probe(write_media(tmp_path / "a.wav", sound(samples)))
    write_clip(tmp_path / "clip.wav", recording, Span(0.5, 1.25))
    (block,) = decode(tmp_path / "clip.wav", sample_rate=None)
    assert np.abs(block.samples - samples[:, 8_000:20_000]).max() <= 1 / 32_768


def test_a_span_over_the_edge_is_cut_at_the_edge(tmp_path, write_media, tone, sound):
    recording = probe(write_media(tmp_path / "a.wav", sound(tone(0, 1, 2.0))))
    assert write_clip(tmp_path / "clip.wav", recording, Span(1.5, 9.0)) == Span(1.5, 2.0)


def test_a_span_outside_writes_nothing(tmp_path, write_media, tone, sound):
    recording = probe(write_media(tmp_path / "a.wav", sound(tone(0, 1, 1.0))))
    with pytest.raises(MediaError, match=r"expected audio from 5.000 to 6.000 s, found none there\. Ask for a part"):
        write_clip(tmp_path / "clip.wav", recording, Span(5.0, 6.0))
    assert [path.name for path in tmp_path.iterdir()] == ["a.wav"]


def test_a_file_that_is_there_is_kept(tmp_path):
    path = tmp_path / "a.wav"
    path.write_text("mine")
    wave = Waveform(np.zeros((1, 800), np.float32), 8_000)
    with pytest.raises(FormatError) as caught:
        write_waveforms(path, wave)
    assert str(caught.value) == (
        f"{path}: expected a free name, found a file that is already there. "
        "Choose another name, or pass --force to write over it."
    )
    assert path.read_text() == "mine"
    assert write_waveforms(path, [wave, wave], force=True) == pytest.approx(0.2)
    assert probe(path).duration_seconds == pytest.approx(0.2)


def test_an_unknown_extension(tmp_path):
    with pytest.raises(
        FormatError, match=r"expected an audio format by its extension, found '\.xyz'\. Use one of \.wav"
    ):
        write_waveforms(tmp_path / "a.xyz", Waveform(np.zeros((1, 8), np.float32), 8_000))


@pytest.mark.parametrize(("extension", "channels"), [(".wav", 12), (".flac", 1), (".mp3", 1), (".ogg", 1), (".m4a", 1)])
def test_twelve_channels_at_192_khz(tmp_path, extension, channels):
    path = tmp_path / f"a{extension}"
    write_waveforms(path, Waveform(np.full((12, 38_400), 0.25, np.float32), 192_000))
    assert inspect(path).audio_streams[0].channels == channels
    (block,) = decode(path)
    if extension in (".wav", ".flac"):  # the others do not keep a constant
        assert np.median(block.samples) == pytest.approx(0.25, abs=1e-3)
    assert block.span.end == pytest.approx(0.2, abs=0.03)


def test_waveforms_that_differ_are_refused_and_leave_nothing(tmp_path):
    one, other = (Waveform(np.zeros((1, 8), np.float32), rate) for rate in (8_000, 16_000))
    with pytest.raises(ValueError, match="sample_rate=8000.*, then .*sample_rate=16000"):
        write_waveforms(tmp_path / "a.wav", [one, other])
    with pytest.raises(ValueError, match="at least one waveform"):
        write_waveforms(tmp_path / "a.wav", [])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("path", "label", "name"),
    [
        ("/x/talk.mp4", "", "talk_0754.560-0756.120_3fa9c1.wav"),
        (
            "/x/talk.mp4",
            "a door: slams?",
            "talk_0754.560-0756.120_a_door_slams_3fa9c1.wav",
        ),
        ("/x/tab\there.mp4", "سلام دنیا", "tab_here_0754.560-0756.120_سلام_دنیا_3fa9c1.wav"),
        ("/x/...mp4", "", "clip_0754.560-0756.120_3fa9c1.wav"),
        ("/x/\u202eexe.mp3", "../../etc", "exe_0754.560-0756.120_etc_3fa9c1.wav"),
    ],
)
def test_names_say_what_and_where(path, label, name):
    recording = Recording("3fa9c1d2e4", path, 900.0)
    made = clip_name(recording, Span(754.56, 756.12), label=label)
    assert made.replace("__", "_") == name


def test_a_long_name_stays_writable(tmp_path):
    recording = Recording("3fa9c1", "/x/" + "گ" * 120 + ".mp4", 10.0)
    name = clip_name(recording, Span(0, 1), ".flac", label="ن" * 200)
    assert len(name.encode()) <= 200 and name.endswith("_3fa9c1.flac")
    (tmp_path / name).touch()
