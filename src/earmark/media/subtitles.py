"""Subtitles inside a video: which tracks of text there are, and their cues on the clock a player shows.

Pictures of text (DVD, Blu-ray, DVB) are no text and are not listed. The cues lie between the pictures and the
sound, so that reading them passes over the whole file, undecoded.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from earmark.media.probe import clock_origin, open_media
from earmark.timeline import Span

__all__ = ["SUBTITLED_EXTENSIONS", "SubtitleTrack", "read_subtitles", "subtitle_tracks"]

SUBTITLED_EXTENSIONS = frozenset(".3gp .avi .m4a .m4b .m4v .mka .mkv .mov .mp4 .ogm .ogv .ts .webm".split())
"""Containers that can hold subtitles; others need not be opened to know that they hold none."""
TEXT_CODECS = frozenset("ass jacosub microdvd mov_text mpl2 realtext sami srt ssa subrip subviewer text webvtt".split())
_STYLE = re.compile(r"\{[^{}]*\}")


@dataclass(frozen=True, slots=True)
class SubtitleTrack:
    """One track of text; `index` counts all streams of the file, `language` is its tag (``eng``) or empty.

    `forced` tracks hold only what is said in a foreign language; `audio_language` is the first audio stream's tag.
    """

    index: int
    language: str = ""
    title: str = ""
    forced: bool = False
    audio_language: str = ""


def subtitle_tracks(path: str | Path, audio_stream: int = 0) -> list[SubtitleTrack]:
    """The tracks of text of a file; none for containers that cannot hold any.

    Raises:
        MediaError: if the file cannot be opened.
    """
    if os.path.splitext(path)[1].lower() not in SUBTITLED_EXTENSIONS:
        return []
    import av

    with open_media(path) as container:
        audio = container.streams.audio
        heard = _tag(audio[audio_stream], "language") if audio_stream < len(audio) else ""
        return [
            SubtitleTrack(
                each.index,
                _tag(each, "language"),
                _tag(each, "title"),
                bool(each.disposition & av.stream.Disposition.forced),
                heard,
            )
            for each in container.streams.subtitles
            if each.codec_context is not None and each.codec_context.name in TEXT_CODECS
        ]


def read_subtitles(path: str | Path, index: int) -> list[tuple[Span, str]]:
    """The cues of one track: their times, and their text without styles, its lines parted by newlines.

    A cue that says no length lasts no time. Cues that do not decode are left out.

    Raises:
        MediaError: if the file cannot be opened.
    """
    import av

    cues: list[tuple[Span, str]] = []
    with open_media(path) as container:
        origin = clock_origin(container)
        stream = container.streams[index]
        try:
            for packet in container.demux(stream):
                if packet.pts is None:
                    continue
                start = float(packet.pts * stream.time_base) - origin
                length = float((packet.duration or 0) * stream.time_base)
                try:
                    parts = [rect.dialogue.decode("utf-8", "replace") for rect in packet.decode()]
                except (av.error.FFmpegError, AttributeError):
                    continue
                text = "\n".join(_plain(part) for part in parts).strip()
                if text and start > -1.0:
                    cues.append((Span(max(0.0, start), max(0.0, start + max(0.0, length))), text))
        except av.error.FFmpegError:
            pass  # a file that was cut off: its cues up to there
    return cues


def _plain(text: str) -> str:
    return re.sub(r"\\[Nn]", "\n", _STYLE.sub("", text)).replace("\\h", " ").strip()


def _tag(stream: object, key: str) -> str:
    value = str(getattr(stream, "metadata", {}).get(key, ""))
    return "" if value == "und" else value
