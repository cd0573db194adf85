"""Captions drawn into the pictures themselves, for players and places that show no subtitles.

ffmpeg's own filters for it (``subtitles``, ``drawtext``) are not in PyAV's build, so the text is drawn by matplotlib,
whose wheel carries a font with Latin, Cyrillic, Greek, Arabic and Persian letters and musical notes, and (from 3.11 on)
what joins Persian letters and lays them out from the right. One picture a caption; frames are blended where it lies.
Pictures are encoded anew as H.264, sound is copied.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from earmark.errors import EngineError, FormatError, MediaError, UsageError
from earmark.media.files import atomic_path
from earmark.media.probe import clock_origin, open_media
from earmark.media.remux import container_of, shift, try_stream
from earmark.progress import Progress, ignore
from earmark.timeline import Span

__all__ = ["burn", "check_burning"]

ENCODERS = ("libx264", "libopenh264", "mpeg4")
"""The first one that this ffmpeg has."""
WHITE, BLACK = 235, 16
"""Luma of video range; what lies between is grey, without colour."""


@dataclass(frozen=True)
class _Picture:
    """A caption ready to be laid over rows `top` up to `bottom`: how much of it (0…1), and its luma there."""

    top: int
    bottom: int
    cover: NDArray[np.float32]  # (rows, width)
    luma: NDArray[np.float32]
    cover_colour: NDArray[np.float32]  # (rows / 2, width / 2)


def burn(
    source: Path,
    target: Path,
    captions: Sequence[tuple[Span, str]],
    *,
    force: bool = False,
    on_progress: Progress = ignore,
) -> None:
    """Writes a film with its captions drawn into it.

    Args:
        captions: sorted, none over another, on the clock a player shows; lines parted by newlines.
        force: write over a file of that name.

    Raises:
        UsageError: if the extension is not .mkv, .mp4, .m4v or .mov, or both names are one file.
        EngineError: if matplotlib is missing, or too old for the script.
        MediaError: if the source cannot be read or has no pictures.
        FormatError: if the name is taken or the file cannot be written.
    """
    import av

    kind = check_burning(source, target, force)
    if any(unicodedata.bidirectional(char) in ("R", "AL") for _, text in captions for char in text):
        _check_joining()
    with atomic_path(target, force=force) as temporary, open_media(source) as media:
        try:
            with av.open(str(temporary), "w", format=kind) as out:
                out.metadata.update(media.metadata)
                _encode(media, _film(media), out, captions, target, on_progress)
        except av.error.FFmpegError as exc:
            if isinstance(exc, OSError):
                raise
            raise FormatError(
                target, expected="a film this ffmpeg can encode", found=str(exc.strerror), hint="Try .mkv, or --mux."
            ) from exc


def check_burning(source: Path, target: Path, force: bool = False) -> str:
    """The container to write; says before hours of work what stands in the way.

    Raises:
        UsageError, EngineError, MediaError, FormatError: as `burn`.
    """
    kind = container_of(source, target, force)
    if kind == "webm" or target.suffix.lower() == ".mka":
        raise UsageError(
            target, expected=".mkv, .mp4, .m4v or .mov", found=repr(target.suffix), hint="Write one of these."
        )
    try:
        import matplotlib  # noqa: F401
    except ImportError as exc:
        raise EngineError(
            "--burn",
            expected="matplotlib, which draws the text",
            found="no such package",
            hint="Run: pip install 'earmark[plot]'; or add a track instead: --mux.",
        ) from exc
    with open_media(source) as media:
        if _film(media) is None:
            raise MediaError(
                source, expected="pictures to draw on", found="only sound", hint="Write subtitles instead: -o FILE.srt."
            )
    return kind


def _check_joining() -> None:
    from matplotlib import ft2font

    if not hasattr(ft2font, "__libraqm_version__"):
        raise EngineError(
            "--burn",
            expected="matplotlib 3.11 or newer, which joins Persian and Arabic letters",
            found="an older one",
            hint="Run: pip install -U matplotlib; or add a track instead: --mux.",
        )


def _film(media: Any) -> Any:
    """The first stream of moving pictures; None where there is none. The cover of an album is none."""
    import av

    cover = av.stream.Disposition.attached_pic
    return next((each for each in media.streams.video if not each.disposition & cover), None)


def _encode(
    media: Any, film: Any, out: Any, captions: Sequence[tuple[Span, str]], target: Path, on_progress: Progress
) -> None:
    import av

    origin = clock_origin(media)
    name = next(each for each in ENCODERS if each in av.codecs_available)
    options = {"crf": "20", "preset": "fast"} if name == "libx264" else {}
    video = out.add_stream(name, rate=film.average_rate or Fraction(25), options=options)
    video.pix_fmt = "yuv420p"
    video.codec_context.time_base = film.time_base
    notes: list[str] = []
    sounds = {each.index: try_stream(out, each, target, notes) for each in media.streams.audio}
    film.thread_type = "AUTO"
    total = float((media.duration or 0) / av.time_base)
    drawn: tuple[int, _Picture] | None = None
    number = 0  # of the first caption that is not over
    early: list[Any] | None = []  # sound that comes before the first picture, whose size the encoder waits for
    for packet in media.demux([film, *media.streams.audio]):
        if packet.stream.type == "audio":
            if packet.size:
                shift(packet, origin)
                packet.stream = sounds[packet.stream.index]
                if early is None:
                    out.mux(packet)
                else:
                    early.append(packet)
            continue
        for frame in _frames(packet):
            seconds = float(frame.pts * frame.time_base) - origin
            frame = _upright(frame)
            if early is not None:
                video.width, video.height = frame.width, frame.height
                for waiting in early:
                    out.mux(waiting)
                early = None
            if (frame.width, frame.height) != (video.width, video.height):  # it changes within the film
                frame = frame.reformat(width=video.width, height=video.height)
            while number < len(captions) and captions[number][0].end <= seconds + 1e-6:
                number += 1
            if number < len(captions) and captions[number][0].start <= seconds + 1e-6:
                if drawn is None or drawn[0] != number:
                    drawn = number, _drawing(captions[number][1], frame.width, frame.height)
                frame = _blended(frame, drawn[1])
            frame.pts -= round(origin / frame.time_base)
            frame.pict_type = av.video.frame.PictureType.NONE
            out.mux(video.encode(frame))
            on_progress(str(target), min(seconds, total), total)
    if early is not None:
        raise MediaError(
            media.name.removeprefix("file:"), expected="pictures that decode", found="none", hint="Use --mux instead."
        )
    out.mux(video.encode(None))


def _frames(packet: Any) -> list[Any]:
    """The pictures of a packet; none of one that is broken."""
    import av

    try:
        return [frame for frame in packet.decode() if frame.pts is not None]
    except av.error.InvalidDataError:
        return []


def _upright(frame: Any) -> Any:
    """The frame as a player shows it, 8-bit YUV, of even width and height."""
    import av

    turns = round(frame.rotation / 90) % 4
    if turns:
        turned = av.VideoFrame.from_ndarray(np.ascontiguousarray(np.rot90(frame.to_ndarray(format="rgb24"), turns)))
        turned.pts, turned.time_base = frame.pts, frame.time_base
        frame = turned
    return frame.reformat(width=frame.width // 2 * 2, height=frame.height // 2 * 2, format="yuv420p")


def _drawing(text: str, width: int, height: int) -> _Picture:
    """White letters with a dark edge, in the middle of the lower part; narrow films get smaller ones."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.patheffects import withStroke

    points = min(0.055 * height, width / 24) * 0.72
    figure = Figure(figsize=(width / 100, height / 100), dpi=100)
    figure.patch.set_alpha(0.0)
    canvas = FigureCanvasAgg(figure)
    figure.text(
        0.5, 0.06, text, ha="center", va="bottom", multialignment="center", color="white", fontsize=points,
        linespacing=1.25, parse_math=False,
        path_effects=[withStroke(linewidth=points * 0.2, foreground="black")],
    )  # fmt: skip
    canvas.draw()
    drawn = np.asarray(canvas.buffer_rgba())[:height, :width].astype(np.float32) / 255.0  # (height, width, 4)
    rows = np.flatnonzero(drawn[:, :, 3].max(axis=1))
    top, bottom = (int(rows[0]) // 2 * 2, int(rows[-1]) // 2 * 2 + 2) if rows.size else (0, 0)
    cover = drawn[top:bottom, :, 3]
    luma = BLACK + (WHITE - BLACK) * drawn[top:bottom, :, 1]
    colour = cover.reshape((bottom - top) // 2, 2, width // 2, 2).mean(axis=(1, 3))
    return _Picture(top, bottom, cover, luma, colour)


def _blended(frame: Any, picture: _Picture) -> Any:
    """The frame with a caption over it; `frame` is yuv420p of even size."""
    import av

    flat = frame.to_ndarray().reshape(-1)
    width, height = frame.width, frame.height
    luma = flat[: width * height].reshape(height, width)
    part = luma[picture.top : picture.bottom]
    part[:] = np.rint(part * (1 - picture.cover) + picture.luma * picture.cover).astype(np.uint8)
    for first in (width * height, width * height * 5 // 4):
        plane = flat[first : first + width * height // 4].reshape(height // 2, width // 2)
        part = plane[picture.top // 2 : picture.bottom // 2]
        part[:] = np.rint(part + (128 - part.astype(np.float32)) * picture.cover_colour).astype(np.uint8)
    made = av.VideoFrame.from_ndarray(flat.reshape(-1, width), format="yuv420p")
    made.pts, made.time_base = frame.pts, frame.time_base
    return made
