"""From a media file to a stream of waveforms on the clock a player shows, in bounded memory.

Every sample gets its time from the timestamps of the file, not from counting alone: a gap is filled with
silence, samples that would be heard twice are dropped, the delay of an encoder is cut off as ffmpeg does
it. Differences below `JITTER_SECONDS` are rounding of the container and are ignored, so that blocks stay
sample for sample contiguous. Packets that do not decode are skipped and counted; a file that was cut off
gives what it holds and says so in the `DecodeReport`.

Mixing to mono is the mean of the channels, whatever their number and layout, made by ffmpeg's `pan`
before its resampler; both run in one filter graph with large output frames, which is where the speed is.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from earmark.media.probe import (
    choose_stream,
    clock_origin,
    container_name,
    declared_end,
    is_cut_off,
    open_media,
)
from earmark.timeline import Waveform, to_samples, to_seconds

__all__ = ["DecodeReport", "decode"]

JITTER_SECONDS = 0.02
"""Timestamps are off by less through rounding alone (Matroska and FLV count milliseconds)."""
SURE_SECONDS = 0.1
"""A difference above this is a gap or an overlap at once; a smaller one when four frames agree on it."""
JUMP_SECONDS = 10.0
"""A jump this far is believed only when the next frame confirms it (ffmpeg's own threshold)."""
LONGEST_GAP_SECONDS = 24 * 3600.0
"""A longer gap is a broken clock, and time goes on by counting."""
RENUMBERED = {"mpegts", "mpeg", "ogg"}
"""Containers that start to count anew where recordings were joined: a far jump there is no gap."""
PREROLL_SECONDS = 0.5
"""Decoded and dropped after a seek, for codecs need the frames before (Opus 80 ms, MP3 up to 0.3 s)."""
EXACT_SEEK = {"wav", "flac", "mov", "matroska", "webm", "ogg", "aiff", "w64"}
"""Containers whose timestamps after a seek are exact; in others the part before is decoded and dropped."""
MAX_BREAKS = 100
"""Read errors in a row after which the rest of a file is given up."""
CUT_OFF_SECONDS = 0.5
"""A file that ends this much before its header says was cut off."""
MAX_BLOCK_SAMPLES = 1 << 26


@dataclass
class DecodeReport:
    """What became of a file while it was decoded; complete once the iterator is exhausted.

    Attributes:
        decoded_seconds: the second, on the media's clock, up to which audio was read.
        expected_seconds: the second at which its header says it ends; None where it says nothing.
        broken_packets: packets that did not decode and were skipped.
        silence_seconds: silence put where the timestamps leave a gap.
        truncated: the file ends before its header says.
    """

    decoded_seconds: float = 0.0
    expected_seconds: float | None = None
    broken_packets: int = 0
    silence_seconds: float = 0.0
    truncated: bool = False

    def __str__(self) -> str:
        """What the user should know of how the file decoded; empty where all went well."""
        remarks = []
        if self.truncated:
            expected = self.expected_seconds
            known = expected is not None and expected > self.decoded_seconds + 0.1
            end = f" of {expected:.1f} s" if known else ", before its header says"
            remarks.append(f"cut off after {self.decoded_seconds:.1f} s{end}; what could be read is kept")
        if self.broken_packets:
            one = self.broken_packets == 1
            packets = "1 broken packet was" if one else f"{self.broken_packets} broken packets were"
            remarks.append(f"{packets} skipped")
        if self.silence_seconds >= SURE_SECONDS:
            remarks.append(f"{self.silence_seconds:.1f} s that are missing in it were heard as silence")
        return "; ".join(remarks)


def decode(
    path: str | Path,
    *,
    sample_rate: int | None = 16_000,
    channels: Literal[1] | None = 1,
    audio_stream: int = 0,
    start_seconds: float | None = None,
    end_seconds: float | None = None,
    block_seconds: float = 30.0,
    report: DecodeReport | None = None,
) -> Iterator[Waveform]:
    """The audio of a file as contiguous blocks.

    Args:
        sample_rate: Hz; None keeps the file's own (that of its first frame, should it change).
        channels: 1 mixes to mono; None keeps the file's own channels.
        audio_stream: counted from 0.
        start_seconds, end_seconds: the part to decode, on the media's clock; None means all.
        block_seconds: the length of every block but the last.
        report: filled in while decoding.

    Yields:
        float32 in [-1, 1], shape ``(channels, n)``; the first block starts where the audio does, or at
        `start_seconds` to the nearest sample (after a seek in Matroska, to its millisecond).
        No block at all where the part holds no audio.

    Raises:
        MediaError: if the file is missing, unreadable, empty, not media, or has no such audio stream.
        ValueError: if a rate or length is not positive.
    """
    if block_seconds <= 0 or (sample_rate is not None and sample_rate <= 0):
        raise ValueError(f"decode needs positive lengths and rates, got {block_seconds} s at {sample_rate} Hz")
    report = DecodeReport() if report is None else report
    return _decode(path, sample_rate, channels, audio_stream, start_seconds, end_seconds, block_seconds, report)


def _decode(
    path: str | Path,
    sample_rate: int | None,
    channels: Literal[1] | None,
    audio_stream: int,
    start_seconds: float | None,
    end_seconds: float | None,
    block_seconds: float,
    report: DecodeReport,
) -> Iterator[Waveform]:
    with open_media(path) as container:
        stream = choose_stream(path, container, audio_stream)
        reader = _Reader(container, stream, report)
        timed = reader.frames_from(start_seconds)
        grid: _Grid | None = None
        try:
            for frame, seconds in _on_one_clock(timed, container_name(container) in RENUMBERED):
                if grid is None:
                    begin = 0.0 if seconds is None or abs(seconds) < 0.001 else seconds
                    grid = _Grid(frame, begin, sample_rate, channels, start_seconds, end_seconds, block_seconds)
                yield from grid.take(frame, seconds)
                if grid.full:
                    break
            if grid is not None:
                yield from grid.finish()
        finally:
            if grid is not None:
                report.decoded_seconds = grid.seconds
                report.silence_seconds = grid.silence_seconds
        if grid is None or not grid.full:
            end, own = declared_end(container, stream, reader.origin)
            report.expected_seconds = end
            reached = report.decoded_seconds if own or len(container.streams) == 1 else reader.last_seconds
            before_end = end is not None and reached < end - CUT_OFF_SECONDS
            report.truncated = report.truncated or before_end or is_cut_off(path, container_name(container))


Timed = tuple[Any, "float | None"]
"""A decoded frame and its second; None for one whose time follows from the frame before."""


class _Reader:
    """The decoded frames of one stream with their times, whatever breaks on the way."""

    def __init__(self, container: Any, stream: Any, report: DecodeReport) -> None:
        self.container, self.stream, self.report = container, stream, report
        self.origin = clock_origin(container)
        self.last_seconds = 0.0  # of any stream, to know a cut-off file by
        _, own = declared_end(container, stream, self.origin)
        self.demuxed = [stream] if own else list(container.streams)
        with suppress(ImportError, AttributeError):  # an older PyAV reads the other streams
            from av.stream import Discard

            for other in container.streams:
                if other not in self.demuxed:
                    other.discard = Discard.all

    def frames_from(self, seconds: float | None) -> Iterator[Timed]:
        """The frames from half a second or more before `seconds`; from the start where it is None."""
        import av

        if seconds is None or seconds <= PREROLL_SECONDS or container_name(self.container) not in EXACT_SEEK:
            return self.frames()
        try:
            target = int((seconds - PREROLL_SECONDS + self.origin) / self.stream.time_base)
            self.container.seek(target, stream=self.stream)
            frames = self.frames()
            first = next(frames, None)
            if first is not None and first[1] is not None and first[1] <= seconds:
                return itertools.chain([first], frames)
        except av.error.FFmpegError:
            pass  # an index that leads nowhere: read from the start
        with suppress(av.error.FFmpegError):
            self.container.seek(0)
        return self.frames()

    def frames(self) -> Iterator[Timed]:
        import av

        breaks = 0
        while breaks < MAX_BREAKS:
            try:
                for packet in self.container.demux(self.demuxed):
                    if packet.pts is not None and packet.stream is not self.stream:
                        self.last_seconds = max(self.last_seconds, self._second(packet) or 0.0)
                    if packet.stream is not self.stream:
                        continue
                    try:
                        decoded = packet.decode()
                    except (av.error.FFmpegError, ValueError):
                        self.report.broken_packets += 1
                        continue
                    breaks = 0
                    for frame in decoded:
                        yield frame, self._second(frame)
                return
            except av.error.EOFError:
                return
            except av.error.FFmpegError:
                breaks += 1
                self.report.broken_packets += 1
        self.report.truncated = True

    def _second(self, timed: Any) -> float | None:
        if timed.pts is None or timed.time_base is None:
            return None
        return float(timed.pts * timed.time_base) - self.origin


def _on_one_clock(frames: Iterator[Timed], renumbered: bool) -> Iterator[Timed]:
    """The frames with far jumps of their clock judged: a real gap stays, a single wrong stamp loses its time.

    Backward jumps, jumps beyond `LONGEST_GAP_SECONDS` and, in containers that are `renumbered` where
    recordings were joined, all far jumps are a new clock: time goes on where the frame before ended.
    """
    offset = 0.0
    end: float | None = None
    held = next(frames, None)
    while held is not None:
        following = next(frames, None)
        frame, seconds = held
        length = frame.samples / frame.sample_rate
        if seconds is not None:
            seconds += offset
        if seconds is not None and end is not None and abs(seconds - end) > JUMP_SECONDS:
            after = following[1] if following is not None else None
            if after is None or abs(after + offset - end - length) < JUMP_SECONDS:
                seconds = None
            elif renumbered or seconds < end or seconds - end > LONGEST_GAP_SECONDS:
                offset += end - seconds
                seconds = end
        end = (end or 0.0) + length if seconds is None else seconds + length
        yield frame, seconds
        held = following


class _Grid:
    """Places decoded samples on the output's sample grid and cuts it into blocks."""

    def __init__(
        self,
        frame: Any,
        begin_seconds: float,
        sample_rate: int | None,
        channels: Literal[1] | None,
        start_seconds: float | None,
        end_seconds: float | None,
        block_seconds: float,
    ) -> None:
        self.rate = sample_rate or int(frame.sample_rate)
        self.channels = channels or int(frame.layout.nb_channels)
        self.layout = "mono" if channels == 1 else frame.layout.name
        start = max(0.0, start_seconds or 0.0)  # what lies before 0 is a codec's preroll
        first = max(0, to_samples(start - begin_seconds, self.rate))
        self.zero_seconds = begin_seconds + to_seconds(first, self.rate)
        self.limit: int | None = None
        if end_seconds is not None:
            self.limit = max(0, to_samples(end_seconds - self.zero_seconds, self.rate))
        self.block_samples = min(max(1, to_samples(block_seconds, self.rate)), MAX_BLOCK_SAMPLES // self.channels)
        self.position = 0  # samples placed so far
        self.skip = 0  # samples still to drop, for they are there already or come before the start
        self.silence_seconds = 0.0
        self._block = np.empty((self.channels, 0), np.float32)
        self._filled = 0
        self._graph: Any = None
        self._kind: tuple[int, str, str] | None = None
        self._section_seconds = begin_seconds  # the time of the first sample of this graph's input
        self._section_samples = 0
        self._off = 0  # frames in a row whose time disagrees with the count

    @property
    def seconds(self) -> float:
        """The time up to which samples are placed."""
        return self.zero_seconds + to_seconds(self.position, self.rate)

    @property
    def full(self) -> bool:
        return self.limit is not None and self.position >= self.limit

    def take(self, frame: Any, seconds: float | None) -> Iterator[Waveform]:
        kind = (frame.sample_rate, frame.layout.name, frame.format.name)
        if self._kind is None:
            yield from self._open(frame, self._section_seconds)
        else:
            expected = self._section_seconds + self._section_samples / self._kind[0]
            off = 0.0 if seconds is None else seconds - expected
            self._off = self._off + 1 if abs(off) > JITTER_SECONDS else 0
            moved = abs(off) > SURE_SECONDS or self._off >= 4
            if moved or kind != self._kind:
                yield from self._close()
                yield from self._open(frame, expected + off if moved else expected)
        self._section_samples += frame.samples
        self._graph.push(frame)
        yield from self._pull()

    def finish(self) -> Iterator[Waveform]:
        """What is still inside the resampler, and the last, shorter block."""
        yield from self._close()
        if self._filled:
            yield self._emit()

    def _open(self, frame: Any, seconds: float) -> Iterator[Waveform]:
        """A new graph for input that begins at `seconds`: silence up to there, or samples to drop."""
        target = to_samples(seconds - self.zero_seconds, self.rate)
        self.skip = max(0, self.position - target)
        if target > self.position:
            yield from self._place(None, target - self.position)
        self._graph = _graph(frame, self.rate, self.layout)
        self._kind = (frame.sample_rate, frame.layout.name, frame.format.name)
        self._section_seconds, self._section_samples, self._off = seconds, 0, 0

    def _close(self) -> Iterator[Waveform]:
        if self._graph is not None:
            self._graph.push(None)
            yield from self._pull()
            self._graph = None

    def _pull(self) -> Iterator[Waveform]:
        import av

        while True:
            try:
                packed = self._graph.pull().to_ndarray()  # (1, n * channels): planes end at eight channels
            except (av.error.BlockingIOError, av.error.EOFError):
                return
            samples = packed.reshape(-1, self.channels).T
            yield from self._place(samples, samples.shape[1])

    def _place(self, samples: NDArray[np.float32] | None, count: int) -> Iterator[Waveform]:
        """Add `count` samples to the grid; None is silence."""
        taken = min(self.skip, count) if samples is not None else 0
        self.skip -= taken
        if self.limit is not None:
            count = min(count, taken + self.limit - self.position)
        if samples is None:
            self.silence_seconds += to_seconds(max(0, count), self.rate)
        while taken < count:
            if self._filled == self._block.shape[1]:
                self._block = np.empty((self.channels, self.block_samples), np.float32)
                self._filled = 0
            some = min(count - taken, self.block_samples - self._filled)
            part: NDArray[np.float32] | float = 0.0 if samples is None else samples[:, taken : taken + some]
            self._block[:, self._filled : self._filled + some] = part
            self._filled += some
            self.position += some
            taken += some
            if self._filled == self.block_samples:
                yield self._emit()

    def _emit(self) -> Waveform:
        block = self._block[:, : self._filled]
        if not np.isfinite(block).all():  # broken floating-point files
            np.nan_to_num(block, copy=False, nan=0.0, posinf=0.0, neginf=0.0)
        np.clip(block, -1.0, 1.0, out=block)
        start = self.zero_seconds + to_seconds(self.position - self._filled, self.rate)
        self._block, self._filled = np.empty((self.channels, 0), np.float32), 0
        return Waveform(block, self.rate, start)


def _graph(frame: Any, sample_rate: int, layout: str) -> Any:
    """buffer → (mean of the channels) → resampler → float, packed: one ffmpeg filter graph."""
    from av.filter import Graph

    graph = Graph()
    graph.threads = 1
    source = graph.add_abuffer(
        sample_rate=frame.sample_rate,
        format=frame.format.name,
        layout=frame.layout.name,
        time_base=frame.time_base,
    )
    nodes = [source]
    count = frame.layout.nb_channels
    if layout == "mono" and count > 1:
        mean = "+".join(f"{1 / count:.9f}*c{i}" for i in range(count))
        nodes.append(graph.add("pan", f"mono|c0={mean}"))
    nodes.append(graph.add("aresample", str(sample_rate)))
    nodes.append(graph.add("aformat", f"sample_fmts=flt:channel_layouts={layout}"))
    nodes.append(graph.add("abuffersink"))
    graph.link_nodes(*nodes).configure()
    graph.set_audio_frame_size(sample_rate)
    return graph
