"""Subtitles inside media: written by PyAV, read back on the clock a player shows."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from earmark.errors import MediaError
from earmark.media.subtitles import SubtitleTrack, read_subtitles, subtitle_tracks
from earmark.timeline import Span


def write_subtitled(path: Path, *tracks: tuple[str, list[tuple[float, float, str]]], spoken: str = "") -> Path:
    """An MP4 with four seconds of silence and a mov_text track for each (language, cues)."""
    with av.open(str(path), "w", format="mp4") as container:
        audio = container.add_stream("aac", rate=16_000, layout="mono")
        if spoken:
            audio.metadata["language"] = spoken
        streams = []
        for language, _ in tracks:
            stream = container.add_stream("mov_text")
            stream.codec_context.subtitle_header = b"[Script Info]\n"
            if language:
                stream.metadata["language"] = language
            streams.append(stream)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 64_000), np.float32), "flt", "mono")
        frame.sample_rate, frame.pts = 16_000, 0
        for packet in [*audio.encode(frame), *audio.encode(None)]:
            container.mux(packet)
        for stream, (_, cues) in zip(streams, tracks, strict=True):
            for start, end, text in cues:
                data = text.encode()
                packet = av.Packet(len(data).to_bytes(2, "big") + data)
                packet.stream, packet.time_base = stream, Fraction(1, 1000)
                packet.pts = packet.dts = round(start * 1000)
                packet.duration = round((end - start) * 1000)
                container.mux(packet)
    return path


@pytest.fixture
def subtitled() -> Callable[..., Path]:
    return write_subtitled


def test_tracks_and_cues(tmp_path: Path) -> None:
    cues = [(0.5, 1.5, "hello my friends"), (2.0, 3.0, "سلام\nدنیا")]
    path = write_subtitled(tmp_path / "talk.mp4", ("eng", cues), ("", []), spoken="eng")
    first, *_ = subtitle_tracks(path)
    assert first == SubtitleTrack(1, "eng", audio_language="eng")
    assert read_subtitles(path, first.index) == [
        (Span(0.5, 1.5), "hello my friends"),
        (Span(2.0, 3.0), "سلام\nدنیا"),
    ]


def test_matroska_with_styles(tmp_path: Path) -> None:
    source = tmp_path / "cues.srt"
    source.write_text("1\n00:00:00,250 --> 00:00:01,000\n<i>Who</i> is\nthere?\n", encoding="utf-8")
    path = tmp_path / "talk.mkv"
    with av.open(str(source)) as cues, av.open(str(path), "w", format="matroska") as container:
        audio = container.add_stream("pcm_s16le", rate=16_000, layout="mono")
        stream = container.add_stream_from_template(cues.streams[0])
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 32_000), np.int16), "s16", "mono")
        frame.sample_rate, frame.pts = 16_000, 0
        for packet in [*audio.encode(frame), *audio.encode(None)]:
            container.mux(packet)
        for packet in cues.demux(cues.streams[0]):
            if packet.size:
                packet.stream = stream
                container.mux(packet)
    (track,) = subtitle_tracks(path)
    assert read_subtitles(path, track.index) == [(Span(0.25, 1.0), "Who is\nthere?")]


def test_media_without_subtitles_have_none(tmp_path: Path, write_media, sound, tone) -> None:
    for name in ("talk.mp4", "talk.wav"):
        assert subtitle_tracks(write_media(tmp_path / name, sound(tone(0, 1, 1)))) == []
    with pytest.raises(MediaError, match="expected an audio or video file, found nothing there"):
        subtitle_tracks(tmp_path / "missing.mp4")
