"""What is inside a media file: streams, times, length; and a plain word about every file that is not one.

The clock is the one a player shows. Containers whose time begins at a zero of their own (MP4, Matroska)
keep it: audio that begins 1.5 s into the file has 1.5 as its first second, alone or under a video. In
containers that number time from anywhere (MPEG-TS, Ogg, MP3 with its encoder's delay) the earliest stream
begins at 0, as players do it.
"""

from __future__ import annotations

import codecs
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from earmark.errors import MediaError
from earmark.media.identity import identity
from earmark.records import Recording

__all__ = ["AudioStream", "MediaInfo", "inspect", "open_media", "probe"]

MICROSECONDS = 1_000_000
ZERO_BASED = {"mov", "matroska", "webm"}
"""Containers whose clock has a zero of its own, which players keep."""
COUNTED = {"aac", "ac3", "eac3", "dts", "dtshd", "loas", "amr", "mlp", "truehd", "mp1", "mp2"}
"""Bare streams without a length: ffmpeg guesses it from the bit rate; counting the packets is exact."""
TRIAL_PACKETS = 64
"""Packets tried before a file counts as one that cannot be decoded; random bytes can look like an MP3."""
SIGNATURES = {
    b"%PDF": "a PDF document",
    b"PK\x03\x04": "a ZIP archive or office document",
    b"\x1f\x8b": "a gzip archive",
    b"7z\xbc\xaf\x27\x1c": "a 7z archive",
    b"Rar!": "a RAR archive",
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
    b"GIF8": "a picture",
    b"SQLite format 3": "a database",
    b"\x7fELF": "a program",
}
NOT_MEDIA_HINT = "Pass an audio or video file."


@dataclass(frozen=True, slots=True)
class AudioStream:
    """One audio stream; `start_seconds` and `end_seconds` on the clock a player shows."""

    codec: str
    sample_rate: int
    channels: int
    language: str = ""
    title: str = ""
    start_seconds: float = 0.0
    end_seconds: float = 0.0

    @property
    def duration_seconds(self) -> float:
        return max(0.0, self.end_seconds - self.start_seconds)


@dataclass(frozen=True, slots=True)
class MediaInfo:
    """What a file says about itself.

    Attributes:
        container: ffmpeg's name of it, the first where it has several: ``mov``, ``matroska``, ``mp3``.
        has_video: moving pictures; the cover of an album is none.
        cut_off: the file is shorter than its own header says.
    """

    path: str
    container: str
    audio_streams: tuple[AudioStream, ...]
    has_video: bool = False
    cut_off: bool = False


def probe(path: str | Path, audio_stream: int = 0) -> Recording:
    """The recording a file holds, hashed.

    Raises:
        MediaError: if the file is missing, unreadable, empty, not media, or has no such audio stream.
    """
    info = inspect(path, audio_stream)
    stream = info.audio_streams[audio_stream]
    return Recording(
        id=identity(path, audio_stream),
        path=str(path),
        duration_seconds=stream.duration_seconds,
        start_seconds=stream.start_seconds,
        audio_stream=audio_stream,
    )


def inspect(path: str | Path, audio_stream: int = 0) -> MediaInfo:
    """The streams of a file. Reads headers and one frame; counts packets only where no length is written.

    Raises:
        MediaError: as `probe`.
    """
    with open_media(path) as container:
        stream = choose_stream(path, container, audio_stream)
        origin = clock_origin(container)
        name = container_name(container)
        _try_decoding(path, container, stream)
        streams = []
        for each in container.streams.audio:
            start, end = _written_times(path, container, each, origin)
            if end is None and each is stream:
                start, end = _counted_times(path, audio_stream, origin)
            codec = each.codec_context
            streams.append(
                AudioStream(
                    codec=codec.name if codec else "unknown",
                    sample_rate=codec.sample_rate if codec else 0,
                    channels=codec.channels if codec else 0,
                    language=_tag(each, "language"),
                    title=_tag(each, "title"),
                    start_seconds=start,
                    end_seconds=start if end is None else end,
                )
            )
        video = any(not _is_cover(each) for each in container.streams.video)
    return MediaInfo(str(path), name, tuple(streams), video, is_cut_off(path, name))


@contextmanager
def open_media(path: str | Path) -> Iterator[Any]:
    """The open container (`av.container.InputContainer`), or a MediaError that says what the file is."""
    import av

    head = _first_bytes(path)
    _refuse_known(path, head)
    try:
        # A name like "http:x.mp3" is a file, and nothing inside a file makes ffmpeg fetch another.
        container = av.open(
            "file:" + os.fspath(path),
            options={"protocol_whitelist": "file"},
            metadata_errors="replace",
        )
    except (av.error.FFmpegError, ValueError) as exc:
        if head[4:8] == b"ftyp":
            raise MediaError(
                path,
                expected="a whole MP4 file",
                found="one without its index",
                hint="It was cut off before its end was written; copy or download it again.",
            ) from exc
        raise MediaError(path, expected="audio or video", found="data no decoder knows", hint=NOT_MEDIA_HINT) from exc
    try:
        yield container
    finally:
        container.close()


def choose_stream(path: str | Path, container: Any, audio_stream: int) -> Any:
    """The audio stream numbered `audio_stream`, from 0.

    Raises:
        MediaError: if there is none of that number, or none at all.
    """
    streams = container.streams.audio
    if not streams:
        kinds = [each.type for each in container.streams]
        if any(kind == "video" for kind in kinds):
            found = "only a picture" if _is_picture(container) else "only video"
        else:
            found = "only " + (kinds[0] + "s" if kinds and kinds[0] else "data")
        raise MediaError(path, expected="an audio stream", found=found, hint="Pass a file with sound.")
    if not 0 <= audio_stream < len(streams):
        listed = ", ".join(f"{i}: {_tag(each, 'language') or 'unnamed'}" for i, each in enumerate(streams))
        count = f"{len(streams)} stream{'s' if len(streams) > 1 else ''}"
        raise MediaError(
            path,
            expected=f"audio stream {audio_stream}",
            found=f"{count} ({listed})",
            hint="Streams are counted from 0.",
        )
    return streams[audio_stream]


def container_name(container: Any) -> str:
    return str(container.format.name).split(",")[0]


def clock_origin(container: Any) -> float:
    """The second of the container's clock that a player shows as 0."""
    start = (container.start_time or 0) / MICROSECONDS
    if container_name(container) in ZERO_BASED and start > -0.5:
        return 0.0
    return float(start)


def is_cut_off(path: str | Path, container: str) -> bool:
    """Whether a WAV, AVI or Ogg file ends before its own structure does; others show it by their length."""
    size = os.stat(path).st_size
    with open(path, "rb") as file:
        if container in ("wav", "avi"):
            head = file.read(12)
            declared = int.from_bytes(head[4:8], "little")
            streamed = declared in (0, 0xFFFFFFFF, 0x7FFFFFFF)  # written before the length was known
            return head[:4] == b"RIFF" and not streamed and declared + 8 > size + 1
        if container == "ogg":
            file.seek(max(0, size - 65_307))  # the longest page there is
            tail = file.read()
            page = tail.rfind(b"OggS")
            if page < 0 or len(tail) - page < 27:
                return True
            lacing = tail[page + 27 : page + 27 + tail[page + 26]]
            return len(lacing) < tail[page + 26] or page + 27 + len(lacing) + sum(lacing) > len(tail)
    return False


def declared_end(container: Any, stream: Any, origin: float) -> tuple[float | None, bool]:
    """The second at which the header says the audio ends, and whether it says so of this very stream."""
    name = container_name(container)
    if name in COUNTED:
        return None, False
    start = (container.start_time or 0) / MICROSECONDS
    if stream.duration is not None:
        if name == "ogg" and start > 0.1:
            return None, False  # ffmpeg gives the last granule there, start included or not
        begin = float(stream.start_time * stream.time_base) if stream.start_time is not None else start
        return begin + float(stream.duration * stream.time_base) - _opus_delay(name, stream) - origin, True
    if tag := _tag(stream, "DURATION"):
        hours, minutes, seconds = tag.split(":")
        return int(hours) * 3600 + int(minutes) * 60 + float(seconds) - origin, True
    if container.duration is not None:
        zero = 0.0 if name in ZERO_BASED else start
        return zero + container.duration / MICROSECONDS - origin, False
    return None, False


def _opus_delay(container: str, stream: Any) -> float:
    """Seconds an Ogg file counts at its end that the Opus decoder cuts off at its start (RFC 7845, 5.1)."""
    head = (stream.codec_context.extradata or b"") if stream.codec_context else b""
    if container != "ogg" or head[:8] != b"OpusHead":
        return 0.0
    return int.from_bytes(head[10:12], "little") / 48_000


def _written_times(path: str | Path, container: Any, stream: Any, origin: float) -> tuple[float, float | None]:
    start = float(stream.start_time * stream.time_base) - origin if stream.start_time is not None else 0.0
    start = 0.0 if start < 0.02 else start
    end, _ = declared_end(container, stream, origin)
    if container_name(container) == "mp3" and not _mp3_has_header(path):
        end = None
    return start, None if end is None or end <= start else end


def _counted_times(path: str | Path, audio_stream: int, origin: float) -> tuple[float, float]:
    """First and last second by the packets, undecoded; a second pass, where the header gives no length."""
    import av

    start, end, counted = None, 0.0, 0.0
    with open_media(path) as container:
        stream = container.streams.audio[audio_stream]
        try:
            for packet in container.demux(stream):
                length = float((packet.duration or 0) * stream.time_base)
                counted += length
                if packet.pts is not None:
                    time = float(packet.pts * stream.time_base) - origin
                    start = time if start is None else min(start, time)
                    end = max(end, time + length)
        except av.error.FFmpegError:
            pass  # what lies before the break counts
    start = max(0.0, start or 0.0)
    return (0.0 if start < 0.02 else start), max(end, start + counted if end == 0.0 else end)


def _mp3_has_header(path: str | Path) -> bool:
    """Whether the first frame of an MP3 says how many follow; without it the length is a guess."""
    with open(path, "rb") as file:
        head = file.read(10)
        if head[:3] == b"ID3":
            size = 0
            for byte in head[6:10]:
                size = size << 7 | byte & 0x7F
            file.seek(10 + size)
        else:
            file.seek(0)
        frame = file.read(2048)
    return any(mark in frame for mark in (b"Xing", b"Info", b"VBRI"))


def _try_decoding(path: str | Path, container: Any, stream: Any) -> None:
    """One frame must decode, for random bytes can pass for a bare MP3 or AAC stream."""
    import av

    broken = 0
    if stream.codec_context is None:
        raise MediaError(
            path,
            expected="audio in a codec ffmpeg knows",
            found="one it does not",
            hint="Convert it to FLAC or WAV with the program that made it.",
        )
    try:
        for packet in container.demux(stream):
            try:
                if packet.decode():
                    return
            except av.error.FFmpegError:
                broken += 1
            if broken >= TRIAL_PACKETS:
                break
    except av.error.FFmpegError:
        broken += 1
    if broken:
        raise MediaError(
            path,
            expected="audio that decodes",
            found="none that does in its first packets",
            hint="The file is damaged, or not media at all.",
        )
    raise MediaError(
        path,
        expected="audio",
        found="an audio stream without a single sample",
        hint="Pass a file that was recorded to its end.",
    )


def _first_bytes(path: str | Path) -> bytes:
    def error(found: str, hint: str, expected: str = "an audio or video file") -> MediaError:
        return MediaError(path, expected=expected, found=found, hint=hint)

    try:
        mode = os.stat(path).st_mode
        if stat.S_ISDIR(mode):
            raise error("a folder", "Pass the files in it, or a command that walks folders.")
        if not stat.S_ISREG(mode):
            raise error("a device or pipe", "Save the stream to a file first.")
        with open(path, "rb") as file:
            head = file.read(4096)
    except FileNotFoundError as exc:
        raise error("nothing there", "Check the path.") from exc
    except PermissionError as exc:
        raise error("one you may not read", "Change its permissions, or copy it.", "a readable file") from exc
    except (OSError, ValueError) as exc:  # ValueError: a NUL in the name
        reason = getattr(exc, "strerror", None) or str(exc)
        raise error(f"an error of the system ({reason})", "Check the path and the disk.") from exc
    if not head:
        raise error("an empty file (0 bytes)", "Copy or download it again.", "audio or video")
    return head


def _refuse_known(path: str | Path, head: bytes) -> None:
    found = next((name for mark, name in SIGNATURES.items() if head.startswith(mark)), None)
    if found is None and _is_text(head):
        found = "a text file"
    if found is not None:
        raise MediaError(path, expected="audio or video", found=found, hint=NOT_MEDIA_HINT)


def _is_text(head: bytes) -> bool:
    """No media container is plain text; play lists and subtitles are, and ffmpeg opens some of them."""
    try:
        text = codecs.getincrementaldecoder("utf-8-sig")().decode(head)  # a character may be cut at the end
    except UnicodeDecodeError:
        return False
    return all(char >= " " or char in "\t\r\n\f" for char in text)


def _is_cover(stream: Any) -> bool:
    import av

    return bool(stream.disposition & av.stream.Disposition.attached_pic)


def _is_picture(container: Any) -> bool:
    name = container_name(container)
    return name.endswith("_pipe") or name in ("image2", "gif", "apng", "ico")


def _tag(stream: Any, key: str) -> str:
    value = str(stream.metadata.get(key, ""))
    return "" if value == "und" else value
