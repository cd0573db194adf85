"""Subtitles put into a file beside its pictures and sound, which are copied as they are.

Matroska takes SubRip, WebM takes WebVTT, MP4 and MOV take 3GPP timed text (``mov_text``); whatever the subtitles are
written in, their text and times are the same. What the new container cannot hold (data, pictures of text) is left out
and named; sound or pictures it cannot hold are an error.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from contextlib import closing
from fractions import Fraction
from pathlib import Path
from typing import Any

from earmark.errors import FormatError, UsageError
from earmark.media.files import atomic_path
from earmark.media.probe import clock_origin, open_media

__all__ = ["CONTAINERS", "add_subtitles", "container_of", "shift", "try_stream"]

CONTAINERS = {".mkv": "matroska", ".mka": "matroska", ".webm": "webm", ".mp4": "mp4", ".m4v": "mp4", ".mov": "mov"}
"""Extension -> ffmpeg's name of a container that holds subtitles."""
TEXT_OF = {"matroska": "srt", "webm": "vtt", "mp4": "srt", "mov": "srt"}
"""Container -> the format its subtitles are handed over in."""
LANGUAGES = {"en": "eng", "fa": "per", "ar": "ara", "de": "ger", "es": "spa", "fr": "fre", "it": "ita", "ru": "rus"}
"""Two letters -> the three that containers want (ISO 639-2/B, which Matroska and MOV know)."""


def add_subtitles(
    source: Path, target: Path, subtitles: str, *, language: str = "", title: str = "", force: bool = False
) -> list[str]:
    """Copies a file and adds a track of subtitles.

    Args:
        subtitles: SubRip (WebVTT for WebM: see `TEXT_OF`), on the clock a player shows for `source`.
        language: two letters, as of the words.
        force: write over a file of that name.

    Returns:
        What was left out, one line a stream.

    Raises:
        UsageError: if the extension is no container's that holds subtitles, or both names are one file.
        MediaError: if the source cannot be read.
        FormatError: if the name is taken, the file cannot be written, or the container cannot hold the streams.
    """
    import av

    kind = container_of(source, target, force)
    notes: list[str] = []
    with (
        atomic_path(target, force=force) as temporary,
        open_media(source) as media,
        closing(av.open(io.BytesIO(subtitles.encode()), format={"vtt": "webvtt"}.get(TEXT_OF[kind], "srt"))) as text,
    ):
        try:
            with av.open(str(temporary), "w", format=kind) as out:
                out.metadata.update(media.metadata)
                streams = {each.index: try_stream(out, each, target, notes) for each in media.streams}
                track, packets = _track(out, text, kind)
                track.metadata["language"] = LANGUAGES.get(language, language or "und")
                if title:
                    track.metadata["title"] = title
                track.disposition = av.stream.Disposition.default
                _interleave(out, media, streams, packets, clock_origin(media))
        except av.error.FFmpegError as exc:
            if isinstance(exc, OSError):
                raise
            raise _unfit(target, f"streams that it does not ({exc.strerror})") from exc
    return notes


def container_of(source: Path, target: Path, force: bool = False) -> str:
    """The container a name asks for; says at once, before hours of work, that it cannot be written.

    Raises:
        UsageError: if the extension is no container's that holds subtitles, or both names are one file.
        FormatError: if the name is taken and `force` is not set, or its folder does not exist.
    """
    kind = CONTAINERS.get(target.suffix.lower())
    if kind is None:
        raise UsageError(
            target,
            expected="the extension of a container with subtitles",
            found=repr(target.suffix) if target.suffix else "none",
            hint=f"Use one of {', '.join(CONTAINERS)}.",
        )
    if target.exists() and source.exists() and target.samefile(source):
        raise UsageError(
            target, expected="a new file", found="the one that is read", hint="Choose another name; it stays as it is."
        )
    if target.exists() and not force:
        raise FormatError(
            target,
            expected="a free name",
            found="a file that is already there",
            hint="Choose another name, or pass --force to write over it.",
        )
    if not target.absolute().parent.is_dir():
        raise FormatError(target, expected="a folder that exists", found="none there", hint="Make the folder first.")
    return kind


def try_stream(out: Any, stream: Any, target: Path, notes: list[str]) -> Any:
    """The stream's copy in `out`; None, and a note, where the container has no room for such a thing.

    Raises:
        FormatError: if it is sound or pictures.
    """
    import av

    if stream.type in ("video", "audio", "subtitle"):
        try:
            copy = out.add_stream_from_template(stream)
            copy.metadata.update(stream.metadata)
            copy.disposition = stream.disposition
            return copy
        except (ValueError, av.error.FFmpegError) as exc:
            name = stream.codec_context.name if stream.codec_context is not None else "unknown"
            if stream.type != "subtitle":
                raise _unfit(target, f"{stream.type} in {name}, which it does not") from exc
    notes.append(f"left out stream {stream.index} ({stream.type or 'data'}), which {target.suffix} does not hold here")
    return None


def shift(packet: Any, origin: float) -> None:
    """Puts a packet on the clock a player shows."""
    ticks = round(origin / packet.time_base) if packet.time_base else 0
    if ticks:
        packet.pts = None if packet.pts is None else packet.pts - ticks
        packet.dts = None if packet.dts is None else packet.dts - ticks


def _track(out: Any, text: Any, kind: str) -> tuple[Any, Sequence[Any]]:
    """The new track, and its packets in order of time."""
    import av

    source = text.streams.subtitles[0]
    packets = [packet for packet in text.demux(source) if packet.pts is not None and packet.size]
    if TEXT_OF[kind] == "vtt" or kind == "matroska":
        track = out.add_stream_from_template(source)
        for packet in packets:
            packet.stream = track
        return track, packets
    track = out.add_stream("mov_text")
    track.codec_context.subtitle_header = b"[Script Info]\nScriptType: v4.00+\n"
    track.time_base = Fraction(1, 1000)
    timed = []
    for packet in packets:
        start = round(packet.pts * packet.time_base * 1000)
        length = round((packet.duration or 0) * packet.time_base * 1000)
        line = bytes(packet).rstrip(b"\r\n")
        timed.append((start, length, line))
    made = []
    for number, (start, length, line) in enumerate(timed):
        made.append(_timed_text(av, track, start, length, line))
        following = timed[number + 1][0] if number + 1 < len(timed) else start + length + 1
        if following > start + length:  # a sample lasts until the next one: an empty one takes the text away
            made.append(_timed_text(av, track, start + length, following - start - length, b""))
    return track, made


def _timed_text(av: Any, track: Any, start: int, length: int, line: bytes) -> Any:
    packet = av.Packet(len(line).to_bytes(2, "big") + line)
    packet.pts = packet.dts = start
    packet.duration, packet.time_base, packet.stream = length, Fraction(1, 1000), track
    return packet


def _interleave(out: Any, media: Any, streams: dict[int, Any], waiting: Sequence[Any], origin: float) -> None:
    queue = list(reversed(waiting))
    for packet in _packets(media):
        copy = streams.get(packet.stream.index)
        if copy is None:
            continue
        shift(packet, origin)
        at = packet.dts if packet.dts is not None else packet.pts
        while queue and queue[-1].pts * queue[-1].time_base <= at * packet.time_base:
            out.mux(queue.pop())
        packet.stream = copy
        out.mux(packet)
    while queue:
        out.mux(queue.pop())


def _packets(media: Any) -> Iterator[Any]:
    """Every packet there is, up to where a file that was cut off breaks."""
    import av

    packets = media.demux()
    while True:
        try:
            packet = next(packets)
        except (StopIteration, av.error.InvalidDataError, av.error.EOFError):
            return
        if packet.size and (packet.pts is not None or packet.dts is not None):
            yield packet


def _unfit(target: Path, found: str) -> FormatError:
    return FormatError(
        target, expected=f"a file whose streams {target.suffix} holds", found=found, hint="Write .mkv, which holds all."
    )
