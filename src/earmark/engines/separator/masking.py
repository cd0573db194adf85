"""Laying an engine's mask on a recording: at the recording's own rate, on each channel, a window at a time.

The engine hears the down-mix at its own rate. Its mask is read between frames and bins where the spectrum of the
recording has others, so that nothing is resampled and every sample keeps its place. Above what the engine hears, each
frame gets the mean mask of the engine's highest octave. Windows are laid over one another with slanted edges that add
up to one; the outer edges of a stretch fade to silence the same way.

Source: weighted overlap-add, Crochiere, "A weighted overlap-add method of short-time Fourier analysis/synthesis", 1980.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from earmark.engines.separator import Mask, Separator
from earmark.progress import Progress, ignore
from earmark.timeline import Span, Waveform, merge_spans, to_samples

__all__ = ["Tape", "masked", "samples_of", "separated", "spectrum_of"]

FADE_SECONDS = 0.1
"""Length of the slanted edges."""
SILENCE_SECONDS = 10.0
"""Silence is handed out in blocks of this length at most."""

GRID = 64
"""Frames from which on windows may begin: networks that halve the time make whole steps of so many at most."""


def hann(size: int) -> NDArray[np.float32]:
    """The periodic Hann window, shape ``(size,)``."""
    return (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(size) / size)).astype(np.float32)


def spectrum_of(samples: NDArray[np.float32], frame: int, step: int) -> NDArray[Any]:
    """Short-time spectrum of ``(n,)``: complex, shape ``(n // step + 1, frame // 2 + 1)``, silence around the ends."""
    padded = np.pad(samples, (frame // 2, frame // 2 + step))
    count = len(samples) // step + 1
    frames = np.lib.stride_tricks.sliding_window_view(padded, frame)[::step][:count]
    return np.asarray(np.fft.rfft(frames * hann(frame), axis=1))


def samples_of(spectrum: NDArray[Any], step: int, length: int) -> NDArray[np.float32]:
    """The inverse of `spectrum_of`: ``(length,)``; of a spectrum that was changed, the nearest signal there is."""
    frames, frame = spectrum.shape[0], 2 * (spectrum.shape[1] - 1)
    window = hann(frame).astype(np.float64)
    parts = np.fft.irfft(spectrum, frame, axis=1) * window
    total = (frames - 1) * step + frame
    summed, weight = np.zeros(total), np.zeros(total)
    for number in range(frames):
        at = number * step
        summed[at : at + frame] += parts[number]
        weight[at : at + frame] += np.square(window)
    inner = slice(frame // 2, frame // 2 + length)
    found = summed[inner] / np.maximum(weight[inner], 1e-8)
    return np.asarray(np.pad(found, (0, length - len(found))), dtype=np.float32)


def masked(
    mask: Mask, engine: Separator, samples: NDArray[np.float32], sample_rate: int, ahead_seconds: float = 0.0
) -> NDArray[np.float32]:
    """The part of ``(channels, n)`` at `sample_rate` that the mask keeps; the same shape.

    Args:
        mask: from `engine`; its first frame is centred `ahead_seconds` before the first of the samples.
    """
    frame = 2 * max(1, round(engine.frame_samples * sample_rate / engine.sample_rate / 2))
    step = max(1, round(engine.step_samples * sample_rate / engine.sample_rate))
    count = samples.shape[1] // step + 1
    seconds = ahead_seconds + np.arange(count) * step / sample_rate
    laid = _between(mask, seconds * engine.sample_rate / engine.step_samples, 0)
    bins = np.arange(frame // 2 + 1, dtype=np.float64) * (
        sample_rate / frame * engine.frame_samples / engine.sample_rate
    )
    heard = bins <= engine.frame_samples / 2 + 1e-6
    low = _between(laid, bins[heard], 1)
    if not heard.all():
        top = np.abs(laid[:, engine.frame_samples // 4 :]).mean(axis=1, keepdims=True)
        low = np.concatenate([low, np.broadcast_to(top, (count, int((~heard).sum()))).astype(low.dtype)], axis=1)
    found = [samples_of(spectrum_of(channel, frame, step) * low, step, samples.shape[1]) for channel in samples]
    return np.stack(found)


def _between(values: Mask, positions: NDArray[np.float64], axis: int) -> Mask:
    """Values read at places between rows (axis 0) or columns (1); beyond the ends, those at the ends."""
    positions = np.clip(positions, 0, values.shape[axis] - 1)
    whole = np.round(positions)
    if np.abs(positions - whole).max(initial=0.0) < 1e-6:
        return np.take(values, whole.astype(int), axis)
    first = np.minimum(np.floor(positions).astype(int), max(0, values.shape[axis] - 2))
    after = np.minimum(first + 1, values.shape[axis] - 1)
    share = (positions - first).astype(np.float32)
    share = share[:, None] if axis == 0 else share[None, :]
    return np.asarray(np.take(values, first, axis) * (1 - share) + np.take(values, after, axis) * share)


class Tape:
    """Blocks of audio read by sample number, in order, with what is behind thrown away.

    Attributes:
        rate, channels, start_seconds: of the blocks; 0 channels where there is none.
    """

    def __init__(self, blocks: Iterator[Waveform]) -> None:
        self._blocks = blocks
        first = next(blocks, None)
        self.rate = 1 if first is None else first.sample_rate
        self.channels = 0 if first is None else first.num_channels
        self.start_seconds = 0.0 if first is None else first.start_seconds
        self._held = np.zeros((self.channels, 0), np.float32) if first is None else first.samples
        self._first = 0

    @property
    def first(self) -> int:
        """The sample up to which everything is thrown away."""
        return self._first

    def reach(self, last: int) -> int:
        """Reads on up to sample `last`; returns the one it came to, which is less where the audio ends."""
        parts, end = [self._held], self._first + int(self._held.shape[1])
        while end < last and (block := next(self._blocks, None)) is not None:
            parts.append(block.samples)
            end += block.num_samples
        if len(parts) > 1:
            self._held = np.concatenate(parts, axis=1)
        return end

    def read(self, first: int, last: int) -> NDArray[np.float32]:
        """Samples ``[first, last)``, shape ``(channels, last - first)``; silence before the start and after the end."""
        end = self.reach(last)
        begin, stop = min(max(first, self._first), end), max(min(last, end), self._first)
        inside = self._held[:, begin - self._first : max(begin, stop) - self._first]
        before = max(0, min(begin, last) - first)
        return np.pad(inside, ((0, 0), (before, last - first - before - inside.shape[1])))

    def forget(self, before: int) -> None:
        """Throws away what lies before a sample, reading on where it lies ahead; a block at a time."""
        while self._first < before:
            held = self._held.shape[1]
            if self._first + held >= before:
                self._held = self._held[:, before - self._first :].copy()
                self._first = before
                return
            block = next(self._blocks, None)
            self._first += held
            if block is None:
                self._held = self._held[:, held:]
                return
            self._held = block.samples


def separated(
    engine: Separator,
    text: str,
    spans: Sequence[Span],
    mixture: Iterator[Waveform],
    heard: Iterator[Waveform],
    on_progress: Progress = ignore,
) -> Iterator[Waveform]:
    """The target as blocks that follow one another without gap: as long as the mixture, silence outside of `spans`.

    At no sample does the target, or what it leaves of the mixture, go beyond full scale, so that both can be written
    with integers and still add up.

    Args:
        spans: where to separate, on the clock of the mixture, sorted and disjoint.
        mixture: the recording at its own rate, all channels, from its start.
        heard: the same recording, mono, at the engine's rate. Both are read in step, a window of each at a time.
        on_progress: called with seconds of the mixture.

    Raises:
        QueryError: if the engine cannot read the text.
    """
    tape, mono = Tape(mixture), Tape(heard)
    if tape.channels == 0:
        return
    fade = max(1, to_samples(FADE_SECONDS, tape.rate))
    ramp = (np.arange(fade, dtype=np.float32) + 0.5) / fade
    none = np.zeros((tape.channels, 0), np.float32)
    at, pending = 0, none  # samples handed out, and the target from there on, still to be added to
    for first, last in _windows(merge_spans(list(spans), 3 * FADE_SECONDS), engine, tape, fade):
        tape.forget(max(0, first - _margin(engine, tape.rate)))
        end = tape.reach(last)
        if end <= first:
            break
        yield from _blocks(tape, at, first, pending)
        pending, at = pending[:, first - at :], first
        part = _window(engine, text, tape, mono, first, min(end, last))
        # Slanted edges, except at the very start and end of the recording, where there is nothing before or after.
        edge = min(fade, part.shape[1])
        if first > 0:
            part[:, :edge] *= ramp[:edge]
        if end >= last:
            part[:, part.shape[1] - edge :] *= ramp[::-1][fade - edge :]
        part[:, : pending.shape[1]] += pending[:, : part.shape[1]]
        pending = part
        on_progress(text, (first + part.shape[1]) / tape.rate, (first + part.shape[1]) / tape.rate)
    yield from _blocks(tape, at, at + pending.shape[1], pending)
    at += pending.shape[1]
    tape.forget(at)
    while (end := tape.reach(at + to_samples(SILENCE_SECONDS, tape.rate))) > at:
        yield from _blocks(tape, at, end, none)
        at = end
        tape.forget(at)


def _margin(engine: Separator, sample_rate: int) -> int:
    """Samples of the mixture a window needs on both sides, so that all its samples lie in as many frames."""
    return math.ceil(2 * engine.frame_samples / engine.sample_rate * sample_rate)


def _windows(spans: Sequence[Span], engine: Separator, tape: Tape, fade: int) -> Iterator[tuple[int, int]]:
    """First and last sample of each window, edges included; neighbours of one span share `fade` samples."""
    length = to_samples(engine.window_seconds, tape.rate)
    for span in spans:
        first = max(0, to_samples(span.start - tape.start_seconds, tape.rate) - fade)
        stop = to_samples(span.end - tape.start_seconds, tape.rate) + fade
        while first < stop:
            last = min(first + length, stop)
            if stop - last < length // 4:
                last = stop  # no crumbs
            yield first, last
            if last == stop:
                break
            first = last - fade


def _window(engine: Separator, text: str, tape: Tape, mono: Tape, first: int, last: int) -> NDArray[np.float32]:
    """The target in samples ``[first, last)`` of the mixture."""
    rate, step = engine.sample_rate, engine.step_samples
    offset = mono.start_seconds - tape.start_seconds
    context = to_samples(engine.context_seconds, rate)
    # The engine hears from a multiple of `GRID` steps on, however the recording is cut, and the spectrum of the mixture
    # from a multiple of one: where rates agree, frames fall on frames.
    begin = max(0, math.floor(((first / tape.rate - offset) * rate - context) / (GRID * step)) * GRID * step)
    stop = math.ceil((last / tape.rate - offset) * rate) + context
    mono.forget(begin)
    stop = max(begin, min(stop, mono.reach(stop)))
    mask = engine.mask(mono.read(begin, stop)[0] if stop > begin else np.zeros(0, np.float32), text)
    margin = _margin(engine, tape.rate)
    inside = math.ceil((first - margin) / tape.rate * rate / step) * step
    head = max(0, round(inside / rate * tape.rate))
    tail = min(last + margin, tape.reach(last + margin))
    samples = tape.read(head, tail)
    target = masked(mask, engine, samples, tape.rate, head / tape.rate - (offset + begin / rate))
    target, whole = target[:, first - head : last - head], samples[:, first - head : last - head]
    return np.clip(target, np.maximum(-1.0, whole - 1.0), np.minimum(1.0, whole + 1.0))


def _blocks(tape: Tape, first: int, last: int, target: NDArray[np.float32]) -> Iterator[Waveform]:
    """Blocks of ``[first, last)``: what there is of the target, then silence."""
    size = to_samples(SILENCE_SECONDS, tape.rate)
    for begin in range(first, last, size):
        part = target[:, begin - first : min(begin + size, last) - first]
        samples = np.pad(part, ((0, 0), (0, min(begin + size, last) - begin - part.shape[1])))
        yield Waveform(samples, tape.rate, tape.start_seconds + begin / tape.rate)
