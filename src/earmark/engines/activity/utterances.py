"""From a curve of speech activity to utterances, cut where nobody speaks.

An utterance opens where the curve reaches ``on`` and closes after ``min_silence_seconds`` below ``off``.
One that grows longer than ``max_seconds`` is cut at its deepest pause: the place in its later half where
the mean score of a quarter of a second is lowest, so that a long shallow pause beats a single low frame.
Each utterance is padded on both sides; where two would meet, they share the pause.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from earmark.settings import UtteranceSettings
from earmark.timeline import ScoreCurve, Span

__all__ = ["Cutter"]

PAUSE_SECONDS = 0.25
"""Pauses are compared by their mean score over this long."""


class Cutter:
    """Cuts one recording; feed it the curves of one stream in order.

    It holds the scores since the current utterance began, never more than ``max_seconds`` of them.

    Raises:
        ValueError: if the settings contradict each other.
    """

    def __init__(self, settings: UtteranceSettings | None = None) -> None:
        self.settings = UtteranceSettings() if settings is None else settings
        if self.settings.off > self.settings.on:
            raise ValueError(f"Cutter needs off <= on, got {self.settings.off} and {self.settings.on}")
        if self.settings.max_seconds <= 2 * self.settings.pad_seconds + 2 * PAUSE_SECONDS:
            raise ValueError(
                f"Cutter needs max_seconds longer than both pads and a pause, got {self.settings.max_seconds}"
            )
        self._forget()

    def _forget(self) -> None:
        self._step = 0.0
        self._origin = 0.0  # the second at which frame 0 begins
        self._next = 0  # the frame to come
        self._scores: list[float] = []  # of the open utterance, from frame `_opened`
        self._opened: int | None = None
        self._last_voiced = 0  # the last frame at or above `off`
        self._free_from = 0.0  # nothing may begin before this second
        self._waiting: Span | None = None  # finished; how much padding follows is not known yet

    def feed(self, curve: ScoreCurve) -> list[Span]:
        """The utterances, in seconds, that `curve` finished; disjoint and in order over all calls."""
        if curve.num_frames == 0:
            return []
        if not self._step:
            self._step = curve.step_seconds
            self._origin = self._free_from = curve.start_seconds
        due = self._time(self._next)
        if abs(curve.start_seconds - due) > self._step / 2:
            raise ValueError(f"Cutter expected a curve from {due} s on, got one from {curve.start_seconds} s")
        done: list[Span] = []
        for score in curve.values.tolist():
            self._hear(score, done)
        return done

    def flush(self) -> list[Span]:
        """The utterances still open at the end; the cutter is as new after it."""
        done: list[Span] = []
        if self._opened is not None:
            self._close(done)
        if self._waiting is not None:
            self._release(self._time(self._next) - self._waiting.end, done)
        self._forget()
        return done

    @property
    def settled_seconds(self) -> float:
        """Every utterance still to come begins at or after this second: what lies before it is done with."""
        if self._waiting is not None:
            return self._waiting.start
        first = self._next if self._opened is None else self._opened
        return max(self._free_from, self._time(first) - self.settings.pad_seconds)

    def _time(self, frame: int) -> float:
        return self._origin + frame * self._step

    def _hear(self, score: float, done: list[Span]) -> None:
        frame, self._next = self._next, self._next + 1
        if self._opened is None:
            if score < self.settings.on:
                if self._waiting is not None:
                    silence = self._time(self._next) - self._waiting.end
                    if silence >= 2 * self.settings.pad_seconds:
                        self._release(silence / 2, done)
                return
            self._opened = frame
        self._scores.append(score)
        if score >= self.settings.off:
            self._last_voiced = frame
        elif (frame - self._last_voiced) * self._step >= self.settings.min_silence_seconds:
            self._close(done)
            return
        room = self.settings.max_seconds - 2 * self.settings.pad_seconds
        if (frame + 1 - self._opened) * self._step > room:
            self._divide(done)

    def _close(self, done: list[Span]) -> None:
        """Ends the open utterance at its last voiced frame."""
        assert self._opened is not None
        speech = Span(self._time(self._opened), self._time(self._last_voiced + 1))
        self._opened, self._scores = None, []
        if speech.duration < self.settings.min_speech_seconds:
            return
        start = max(self._free_from, speech.start - self.settings.pad_seconds)
        if self._waiting is not None:
            gap = speech.start - self._waiting.end
            start = max(start, speech.start - gap / 2)
            self._release(gap / 2, done)
        self._waiting = Span(start, speech.end)

    def _release(self, room_seconds: float, done: list[Span]) -> None:
        """Hands out the waiting utterance, padded at its end by no more than `room_seconds`."""
        assert self._waiting is not None
        span, self._waiting = self._waiting, None
        done.append(Span(span.start, span.end + min(self.settings.pad_seconds, room_seconds)))
        self._free_from = done[-1].end

    def _divide(self, done: list[Span]) -> None:
        """Cuts the open utterance at its deepest pause and hears again what came after it."""
        assert self._opened is not None
        opened, scores, end = self._opened, self._scores, self._next
        cut = opened + _deepest_pause(np.asarray(scores), max(1, round(PAUSE_SECONDS / self._step)))
        self._last_voiced = max(i for i in range(opened, cut) if scores[i - opened] >= self.settings.off)
        self._close(done)
        if self._waiting is not None:
            self._release(self._time(cut) - self._waiting.end, done)
        self._next = cut
        for score in scores[cut - opened : end - opened]:
            self._hear(score, done)


def _deepest_pause(scores: NDArray[np.float64], width: int) -> int:
    """The middle frame of the lowest stretch of `width` frames in the later half; the latest of equals."""
    first = len(scores) // 2
    later = scores[first:]
    means = np.convolve(later, np.ones(width) / width, mode="valid")
    lowest = means.size - 1 - int(np.argmin(means[::-1]))
    return first + lowest + math.ceil(width / 2)
