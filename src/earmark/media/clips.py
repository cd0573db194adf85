"""Writing audio: a span cut from a recording at its own rate and channels, or waveforms that were made.

The format follows the extension of the name. Files appear whole or not at all, and never over another.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from earmark.errors import FormatError, MediaError
from earmark.media.decode import decode
from earmark.media.files import atomic_path
from earmark.records import Recording
from earmark.timeline import Span, Waveform

__all__ = ["CLIP_EXTENSIONS", "clip_name", "write_clip", "write_waveforms"]


@dataclass(frozen=True, slots=True)
class _Format:
    container: str
    codec: str
    max_channels: int
    rates: tuple[int, ...] = ()  # Hz; empty takes any


_MPEG_RATES = (8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000)
_FORMATS = {
    ".wav": _Format("wav", "pcm_s16le", 64),
    ".flac": _Format("flac", "flac", 8),
    ".mp3": _Format("mp3", "libmp3lame", 2, _MPEG_RATES),
    ".ogg": _Format("ogg", "libopus", 8, (48_000,)),
    ".opus": _Format("ogg", "libopus", 8, (48_000,)),
    ".m4a": _Format("ipod", "aac", 8, (*_MPEG_RATES, 64_000, 88_200, 96_000)),
}
CLIP_EXTENSIONS = tuple(_FORMATS)
_NAMED = {1: "mono", 2: "stereo", 3: "3.0", 4: "quad", 5: "5.0", 6: "5.1", 7: "6.1", 8: "7.1"}


def write_clip(path: str | Path, recording: Recording, span: Span, *, force: bool = False) -> Span:
    """Cut a span out of a recording into a file of its own.

    Args:
        path: where to; its extension chooses the format, one of `CLIP_EXTENSIONS`.
        span: on the clock of the recording; what lies outside of it is left out.
        force: write over a file of that name.

    Returns:
        The span that was written.

    Raises:
        FormatError: if the extension is unknown, the name is taken, or the file cannot be written.
        MediaError: if the recording cannot be read, or holds no audio in the span.
    """
    _format_of(path)
    blocks = decode(
        recording.path,
        sample_rate=None,
        channels=None,
        audio_stream=recording.audio_stream,
        start_seconds=span.start,
        end_seconds=span.end,
    )
    first = next(blocks, None)
    if first is None:
        raise MediaError(
            recording.path,
            expected=f"audio from {span.start:.3f} to {span.end:.3f} s",
            found="none there",
            hint="Ask for a part of the recording.",
        )
    seconds = write_waveforms(path, _chain(first, blocks), force=force)
    return Span(first.start_seconds, first.start_seconds + seconds)


def write_waveforms(path: str | Path, blocks: Waveform | Iterable[Waveform], *, force: bool = False) -> float:
    """Write waveforms one after the other into one audio file; all of the same rate and channels.

    A rate the format does not know becomes the next higher one it knows, channels beyond what it holds are
    mixed to one.

    Returns:
        The seconds of audio written.

    Raises:
        FormatError: if the extension is unknown, the name is taken, or the file cannot be written.
        ValueError: if there is no waveform, or they differ in rate or channels.
    """
    import av

    form = _format_of(path)
    blocks = iter([blocks] if isinstance(blocks, Waveform) else blocks)
    first = next(blocks, None)
    if first is None:
        raise ValueError("write_waveforms needs at least one waveform")
    rate, count = first.sample_rate, first.num_channels
    mixed = count > form.max_channels
    written = 0
    with atomic_path(path, force=force) as temporary:
        try:
            with av.open(str(temporary), "w", format=form.container) as container:
                layout = "mono" if mixed else _NAMED.get(count, f"{count} channels")
                stream = container.add_stream(form.codec, rate=_rate_for(form, rate), layout=layout)
                for block in _chain(first, blocks):
                    if (block.sample_rate, block.num_channels) != (rate, count):
                        raise ValueError(f"write_waveforms got {first!r}, then {block!r}")
                    samples = block.mono()[None] if mixed else block.samples
                    frame = av.AudioFrame.from_ndarray(samples.T.reshape(1, -1), "flt", layout)
                    frame.sample_rate, frame.pts, frame.time_base = rate, written, Fraction(1, rate)
                    _mux(container, stream, frame)
                    written += block.num_samples
                _mux(container, stream, None)
        except av.error.FFmpegError as exc:
            if isinstance(exc, OSError):
                raise
            raise FormatError(
                path,
                expected=f"audio that {form.codec} can encode",
                found=f"{count} channels at {rate} Hz",
                hint="Write .wav or .flac.",
            ) from exc
    return written / rate


def clip_name(recording: Recording, span: Span, extension: str = ".wav", label: str = "") -> str:
    """A file name of recording, time and label: ``talk_0754.560-0756.120_label_3fa9c1.wav``.

    Characters that some system does not take become ``_``; the last part keeps apart recordings of one name.
    """
    stem = _safe(Path(recording.path).stem, 80) or "clip"
    parts = [stem, f"{span.start:08.3f}-{span.end:08.3f}", _safe(label, 60), _safe(recording.id[:6], 6)]
    return "_".join(part for part in parts if part) + extension


def _safe(text: str, most_bytes: int) -> str:
    text = text.encode("utf-8", "replace").decode("utf-8")  # undecodable bytes of a name
    text = re.sub(r'[\x00-\x1f\x7f/\\:*?"<>|\s\u200e\u200f\u202a-\u202e\u2066-\u2069]+', "_", text)
    text = text.encode("utf-8")[:most_bytes].decode("utf-8", "ignore")
    return text.strip("._- ")


def _format_of(path: str | Path) -> _Format:
    extension = Path(path).suffix.lower()
    if extension not in _FORMATS:
        raise FormatError(
            path,
            expected="an audio format by its extension",
            found=repr(extension) if extension else "none",
            hint=f"Use one of {', '.join(CLIP_EXTENSIONS)}.",
        )
    return _FORMATS[extension]


def _rate_for(form: _Format, rate: int) -> int:
    if not form.rates or rate in form.rates:
        return rate
    return next((known for known in form.rates if known >= rate), form.rates[-1])


def _mux(container: Any, stream: Any, frame: Any) -> None:
    for packet in stream.encode(frame):
        container.mux(packet)


def _chain(first: Waveform, rest: Iterator[Waveform]) -> Iterator[Waveform]:
    yield first
    yield from rest
