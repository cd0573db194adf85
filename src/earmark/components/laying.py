"""Separated stretches laid on silence as long as the recording, as they come."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from earmark.timeline import Span, Waveform, to_samples

__all__ = ["on_silence"]


def on_silence(pieces: Iterable[Waveform], within: Span, fade_seconds: float) -> Iterator[Waveform]:
    """Pieces laid on silence that is as long as `within`, as blocks one after the other.

    Each piece fades in and out over `fade_seconds`; where one begins that much before the last one ends, they cross.

    Args:
        pieces: at least one, by onset, of one rate and number of channels; a piece may reach into the one before it
            only.
    """
    at = 0
    tail: NDArray[np.float32] | None = None  # of the last piece: still to be added to, begins at `at`
    rate = channels = 0
    start = within.start
    for piece in pieces:
        rate, channels = piece.sample_rate, piece.num_channels
        total = to_samples(within.duration, rate)
        fade = to_samples(fade_seconds, rate)
        first = to_samples(piece.start_seconds - start, rate)
        samples = piece.samples[:, max(0, -first) : max(0, total - first)].copy()
        first = max(0, first)
        if samples.shape[1] == 0:
            continue
        ramp = (np.arange(min(fade, samples.shape[1]), dtype=np.float32) + 0.5) / max(1, fade)
        if first > 0:
            samples[:, : len(ramp)] *= ramp
        if first + samples.shape[1] < total:
            samples[:, samples.shape[1] - len(ramp) :] *= ramp[::-1]
        if tail is not None and first < at + tail.shape[1]:  # they cross
            ahead = max(0, first - at)
            yield Waveform(tail[:, :ahead], rate, start + at / rate)
            rest = tail[:, ahead:]
            shared = min(rest.shape[1], samples.shape[1])
            samples[:, :shared] += rest[:, :shared]
            at += ahead
        else:
            if tail is not None:
                yield Waveform(tail, rate, start + at / rate)
                at += tail.shape[1]
            yield from _silence(at, first, rate, channels, start)
            at = first
        tail = samples
    if tail is not None:
        yield Waveform(tail, rate, start + at / rate)
        yield from _silence(at + tail.shape[1], to_samples(within.duration, rate), rate, channels, start)


def _silence(first: int, last: int, rate: int, channels: int, start: float) -> Iterator[Waveform]:
    for at in range(first, last, 10 * rate):
        zeros = np.zeros((channels, min(10 * rate, last - at)), np.float32)
        yield Waveform(zeros, rate, start + at / rate)
