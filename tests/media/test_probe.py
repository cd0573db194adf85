"""What a file says about itself, and one plain line about every file that is none."""

from __future__ import annotations

import builtins
import os

import pytest

from earmark.errors import MediaError
from earmark.media.identity import identity
from earmark.media.probe import inspect, probe

HINT = "Pass an audio or video file."


def refused(path, audio_stream: int = 0) -> str:
    """The message without the path."""
    with pytest.raises(MediaError) as caught:
        probe(path, audio_stream)
    assert caught.value.subject == str(path)
    return str(caught.value).removeprefix(f"{path}: ")


def test_a_recording_has_its_length_and_hash(tmp_path, write_media, tone, sound):
    path = write_media(tmp_path / "a.wav", sound(tone(0, 1, 2.5)))
    recording = probe(path)
    assert recording.path == str(path)
    assert recording.duration_seconds == pytest.approx(2.5)
    assert recording.start_seconds == 0.0
    assert recording.id == identity(path)


def test_streams_are_described(tmp_path, write_media, tone, sound):
    path = write_media(
        tmp_path / "a.mkv",
        sound(tone(0, 1, 1.0), language="eng"),
        sound(tone(0, 1, 2.0, 22_050, 2), 22_050, offset_seconds=1.5, language="fra"),
        video_seconds=1.0,
    )
    info = inspect(path)
    assert (info.container, info.has_video, info.cut_off) == ("matroska", True, False)
    first, second = info.audio_streams
    assert (first.codec, first.sample_rate, first.channels, first.language) == ("pcm_s16le", 16_000, 1, "eng")
    assert (second.sample_rate, second.channels, second.language) == (22_050, 2, "fra")
    assert second.start_seconds == pytest.approx(1.5, abs=0.002)
    assert second.duration_seconds == pytest.approx(2.0, abs=0.002)
    assert probe(path, 1).span.end == pytest.approx(3.5, abs=0.002)


def test_the_delay_of_opus_is_no_part_of_its_length(tmp_path, write_media, tone, sound):
    path = write_media(tmp_path / "a.opus", sound(tone(0, 1, 3.0, 48_000), 48_000))
    assert probe(path).duration_seconds == pytest.approx(3.0, abs=1e-3)


@pytest.mark.parametrize(
    "name", ["a.mp3", "a.flac", "a.m4a", "a.mp4", "a.mkv", "a.webm", "a.ogg", "a.aac", "a.ts", "a.avi"]
)
def test_the_length_is_known_in_every_container(tmp_path, write_media, tone, sound, name):
    path = write_media(tmp_path / name, sound(tone(0, 3, 3.0, 48_000), 48_000))
    assert probe(path).duration_seconds == pytest.approx(3.0, abs=0.06)


def test_an_mp3_without_its_header_is_counted(tmp_path, write_media, tone, sound):
    path = write_media(tmp_path / "a.mp3", sound(tone(0, 1, 6.0, 48_000), 48_000))
    data = path.read_bytes()
    path.write_bytes(data.replace(b"Info", b"\0\0\0\0").replace(b"Xing", b"\0\0\0\0"))
    assert probe(path).duration_seconds == pytest.approx(6.0, abs=0.1)


def test_a_live_webm_without_length_is_counted(tmp_path, write_media, tone, sound):
    path = write_media(tmp_path / "a.webm", sound(tone(0, 1, 4.0, 48_000), 48_000))
    data = bytearray(path.read_bytes())
    at = data.index(b"\x44\x89\x88")  # the element Duration, a double: made a Void of the same size
    data[at : at + 3] = b"\xec\x89\x00"
    tag = data.index(b"DURATION")
    data[tag : tag + 8] = b"XXXXXXXX"
    path.write_bytes(data)
    assert probe(path).duration_seconds == pytest.approx(4.0, abs=0.05)


def test_a_moved_file_keeps_its_name_and_a_changed_one_does_not(tmp_path, write_media, tone, sound):
    path = write_media(tmp_path / "a.wav", sound(tone(0, 1, 1.0)))
    before = identity(path)
    moved = path.rename(tmp_path / "b.wav")
    assert identity(moved) == before
    assert identity(moved, 1) != before
    data = bytearray(moved.read_bytes())
    data[-1] ^= 1
    moved.write_bytes(data)
    assert identity(moved) != before
    assert len(before) == 32


def test_identity_of_a_missing_file(tmp_path):
    with pytest.raises(MediaError, match=r"found an error of the system \(No such file or directory\)"):
        identity(tmp_path / "none")


def test_a_missing_path(tmp_path):
    assert refused(tmp_path / "no.mp3") == "expected an audio or video file, found nothing there. Check the path."


def test_a_name_no_system_takes():
    assert refused("a\0b.mp3").startswith("expected an audio or video file, found an error of the system (")


def test_a_folder(tmp_path):
    assert refused(tmp_path) == (
        "expected an audio or video file, found a folder. Pass the files in it, or a command that walks folders."
    )


def test_a_pipe(tmp_path):
    path = tmp_path / "pipe.wav"
    os.mkfifo(path)
    assert refused(path) == (
        "expected an audio or video file, found a device or pipe. Save the stream to a file first."
    )


def test_an_empty_file(tmp_path):
    path = tmp_path / "a.mp3"
    path.touch()
    assert refused(path) == "expected audio or video, found an empty file (0 bytes). Copy or download it again."


def test_a_file_one_may_not_read(tmp_path, write_media, tone, sound, monkeypatch):
    path = write_media(tmp_path / "a.wav", sound(tone(0, 1, 1.0)))
    real = builtins.open

    def locked(file, *args, **kwargs):
        if str(file) == str(path):
            raise PermissionError(13, "Permission denied", str(path))
        return real(file, *args, **kwargs)

    monkeypatch.setattr(builtins, "open", locked)  # root may read everything, so the system cannot be asked
    assert refused(path) == (
        "expected a readable file, found one you may not read. Change its permissions, or copy it."
    )


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3", "a PDF document"),
        (b"PK\x03\x04\x14\0\0\0", "a ZIP archive or office document"),
        (b"hello, this is text\n" * 400, "a text file"),
        ("این یک متن است.\n".encode() * 400, "a text file"),
        (b"#EXTM3U\nhttp://example.invalid/a.mp3\n", "a text file"),
        (b"\x89PNG\r\n\x1a\n" + bytes(100), "a picture"),
        (bytes(5_000), "data no decoder knows"),
    ],
)
def test_what_is_not_media_is_named(tmp_path, content, found):
    path = tmp_path / "a.mp3"
    path.write_bytes(content)
    if found == "data no decoder knows":
        path = path.rename(tmp_path / "a.dat")
    assert refused(path) == f"expected audio or video, found {found}. {HINT}"


def test_random_bytes_that_look_like_an_mp3(tmp_path):
    import numpy as np

    path = tmp_path / "a.mp3"
    path.write_bytes(np.random.default_rng(0).bytes(300_000))
    assert refused(path) in (
        "expected audio that decodes, found none that does in its first packets. "
        "The file is damaged, or not media at all.",
        f"expected audio or video, found data no decoder knows. {HINT}",
    )


def test_a_codec_nobody_knows(tmp_path, write_media, tone, sound):
    path = write_media(tmp_path / "a.mkv", sound(tone(0, 1, 1.0)))
    path.write_bytes(path.read_bytes().replace(b"A_PCM/INT/LIT", b"A_XYZ/INT/LIT"))
    assert refused(path) == (
        "expected audio in a codec ffmpeg knows, found one it does not. "
        "Convert it to FLAC or WAV with the program that made it."
    )


def test_only_video(tmp_path, write_media):
    path = write_media(tmp_path / "a.mp4", video_seconds=1.0)
    assert refused(path) == "expected an audio stream, found only video. Pass a file with sound."


def test_a_stream_that_is_not_there(tmp_path, write_media, tone, sound):
    path = write_media(
        tmp_path / "a.mkv", sound(tone(0, 1, 1.0), language="eng"), sound(tone(0, 1, 1.0), language="fra")
    )
    assert refused(path, 3) == (
        "expected audio stream 3, found 2 streams (0: eng, 1: fra). Streams are counted from 0."
    )
    one = write_media(tmp_path / "b.wav", sound(tone(0, 1, 1.0)))
    assert refused(one, -1) == ("expected audio stream -1, found 1 stream (0: unnamed). Streams are counted from 0.")


def test_an_mp4_cut_off_before_its_index(tmp_path, write_media, tone, sound):
    path = write_media(tmp_path / "a.mp4", sound(tone(0, 3, 3.0, 48_000), 48_000))
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    assert refused(path) == (
        "expected a whole MP4 file, found one without its index. "
        "It was cut off before its end was written; copy or download it again."
    )


def test_a_wav_of_a_header_only(tmp_path, write_media, tone, sound):
    path = write_media(tmp_path / "a.wav", sound(tone(0, 0, 0.1)))
    path.write_bytes(path.read_bytes()[:-3_200])
    assert refused(path) == (
        "expected audio, found an audio stream without a single sample. Pass a file that was recorded to its end."
    )
