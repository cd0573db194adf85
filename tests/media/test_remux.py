from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from earmark.errors import FormatError, MediaError, UsageError
from earmark.media.burning import burn, check_burning
from earmark.media.remux import TEXT_OF, add_subtitles, container_of
from earmark.media.subtitles import read_subtitles, subtitle_tracks
from earmark.timeline import Span

SRT = (
    "1\n00:00:01,000 --> 00:00:02,500\n[door closes]\n\n"
    "2\n00:00:04,000 --> 00:00:05,500\n\u202bسلام دنیا.\u202c\nHello.\n"
)
VTT = "WEBVTT\n\n" + SRT.replace(",000", ".000").replace(",500", ".500")
CUES = [(Span(1.0, 2.5), "[door closes]"), (Span(4.0, 5.5), "\u202bسلام دنیا.\u202c\nHello.")]


@pytest.fixture
def film(write_media: Callable[..., Path], sound: Any, tone: Any, tmp_path: Path) -> Callable[[str], Path]:
    def write(extension: str) -> Path:
        return write_media(tmp_path / f"film{extension}", sound(tone(0.5, 0.8, 7.0, 48_000), 48_000), video_seconds=7.0)

    return write


def packets(path: Path, kind: str) -> list[bytes]:
    with av.open(str(path)) as container:
        return [bytes(packet) for packet in container.demux(**{kind: 0}) if packet.size]


@pytest.mark.parametrize(
    ("source", "target"), [(".mp4", ".mkv"), (".mp4", ".mp4"), (".mov", ".mov"), (".mkv", ".mkv"), (".ts", ".mkv")]
)
def test_a_track_is_added_and_nothing_else_changes(
    source: str, target: str, film: Callable[[str], Path], tmp_path: Path
) -> None:
    path, out = film(source), tmp_path / f"out{target}"
    notes = add_subtitles(path, out, SRT, language="fa", title="Captions")
    assert notes == []
    (track,) = subtitle_tracks(out)
    assert track.language == "per"
    cues = read_subtitles(out, track.index)
    assert [text for _, text in cues] == [text for _, text in CUES]
    with av.open(str(out)) as container:  # a muxer may move all streams alike, so that none begins before 0
        moved = float(container.streams.video[0].start_time * container.streams.video[0].time_base)
    for (got, _), (span, _) in zip(cues, CUES, strict=True):
        assert got.start - moved == pytest.approx(span.start, abs=0.05)
        assert got.duration == pytest.approx(span.duration, abs=0.002)
    assert packets(path, "video") == packets(out, "video") and len(packets(out, "audio")) >= 60
    if source != ".ts":  # whose AAC carries a header with every frame
        assert packets(path, "audio") == packets(out, "audio")


def test_sound_alone_gets_a_track_too(write_media: Any, sound: Any, tone: Any, tmp_path: Path) -> None:
    path = write_media(tmp_path / "talk.wav", sound(tone(0.5, 0.8, 7.0)))
    add_subtitles(path, tmp_path / "talk.mka", SRT)
    (track,) = subtitle_tracks(tmp_path / "talk.mka")
    assert read_subtitles(tmp_path / "talk.mka", track.index) == CUES


def test_webm_takes_webvtt(write_media: Any, sound: Any, tone: Any, tmp_path: Path) -> None:
    path = write_media(tmp_path / "talk.webm", sound(tone(0.5, 0.8, 7.0, 48_000), 48_000))
    assert TEXT_OF["webm"] == "vtt"
    add_subtitles(path, tmp_path / "out.webm", VTT)
    with av.open(str(tmp_path / "out.webm")) as container:
        (stream,) = container.streams.subtitles
        assert stream.codec_context.name == "webvtt"
        assert len([packet for packet in container.demux(stream) if packet.size]) == 2


def test_what_a_container_does_not_hold_is_an_error_that_names_another(
    write_media: Any, sound: Any, tone: Any, tmp_path: Path
) -> None:
    path = write_media(tmp_path / "talk.mp3", sound(tone(0.5, 0.8, 7.0)))
    with pytest.raises(FormatError) as error:
        add_subtitles(path, tmp_path / "out.webm", VTT)
    assert "out.webm: expected a file whose streams .webm holds, found audio in mp3" in str(error.value)
    assert str(error.value).endswith("Write .mkv, which holds all.")
    assert [each.name for each in tmp_path.iterdir()] == ["talk.mp3"]


def test_names_that_cannot_be_written_are_refused_at_once(film: Callable[[str], Path], tmp_path: Path) -> None:
    path = film(".mkv")
    (tmp_path / "taken.mkv").write_bytes(b"mine")
    cases: list[tuple[str, type[Exception], str]] = [
        ("out.avi", UsageError, "out.avi: expected the extension of a container with subtitles, found '.avi'. Use one"),
        ("film.mkv", UsageError, "film.mkv: expected a new file, found the one that is read. Choose another name"),
        ("taken.mkv", FormatError, "taken.mkv: expected a free name, found a file that is already there. "),
        (
            "gone/out.mkv",
            FormatError,
            "out.mkv: expected a folder that exists, found none there. Make the folder first",
        ),
    ]
    for name, kind, message in cases:
        with pytest.raises(kind) as error:
            container_of(path, tmp_path / name)
        assert message in str(error.value)
    assert container_of(path, tmp_path / "taken.mkv", force=True) == "matroska"
    assert (tmp_path / "taken.mkv").read_bytes() == b"mine"


def test_no_half_file_is_left_when_the_source_breaks(tmp_path: Path) -> None:
    (tmp_path / "letter.mp4").write_text("dear friend")
    with pytest.raises(MediaError, match=r"letter.mp4: expected audio or video, found a text file"):
        add_subtitles(tmp_path / "letter.mp4", tmp_path / "out.mkv", SRT)
    assert [each.name for each in tmp_path.iterdir()] == ["letter.mp4"]


def pictures(path: Path) -> dict[float, Any]:
    with av.open(str(path)) as container:
        return {round(float(f.time), 2): f.to_ndarray(format="gray") for f in container.decode(video=0)}


def make_film(path: Path, width: int, height: int) -> Path:
    """Three seconds of grey, ten pictures a second, with a sound of silence."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        voice = container.add_stream("aac", rate=16_000, layout="mono")
        for number in range(30):
            picture = av.VideoFrame.from_ndarray(np.full((height, width, 3), 90, np.uint8), format="rgb24")
            picture.pts = number
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))
        silence = av.AudioFrame.from_ndarray(np.zeros((1, 48_000), np.float32), "flt", "mono")
        silence.sample_rate = 16_000
        container.mux(voice.encode(silence))
        container.mux(voice.encode(None))
    return path


@pytest.mark.parametrize(("width", "height", "extension"), [(320, 180, ".mp4"), (180, 320, ".mkv")])
def test_captions_are_drawn_while_they_stand_and_only_then(
    width: int, height: int, extension: str, tmp_path: Path
) -> None:
    pytest.importorskip("matplotlib")
    path = make_film(tmp_path / "film.mp4", width, height)
    out = tmp_path / f"out{extension}"
    told: list[float] = []
    burn(path, out, [(Span(1.0, 2.0), "[door closes]\nسلام")], on_progress=lambda stage, done, total: told.append(done))
    drawn = pictures(out)
    assert len(drawn) == 30 and len(told) == 30
    for second, picture in drawn.items():
        assert picture.shape == (height, width)
        bright = (picture > 150).sum(axis=1)
        if 1.0 <= second < 2.0:
            assert bright[height // 2 :].sum() > 15, second
        else:
            assert bright.sum() == 0, second
        assert bright[: height // 2].sum() == 0  # the upper half stays as it was
    assert packets(path, "audio") == packets(out, "audio")


def test_burning_needs_pictures_and_a_container_for_them(
    write_media: Any, sound: Any, tone: Any, tmp_path: Path
) -> None:
    pytest.importorskip("matplotlib")
    path = write_media(tmp_path / "talk.mp3", sound(tone(0.5, 0.8, 2.0)))
    with pytest.raises(MediaError) as missing:
        check_burning(path, tmp_path / "out.mp4")
    assert "talk.mp3: expected pictures to draw on, found only sound. Write subtitles instead: -o" in str(missing.value)
    with pytest.raises(UsageError, match=r"out.webm: expected .mkv, .mp4, .m4v or .mov, found '.webm'. Write one of"):
        check_burning(path, tmp_path / "out.webm")
