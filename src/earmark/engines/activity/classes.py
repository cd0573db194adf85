"""Speech, music and noise: how likely each is in every moment, 25 times a second, as independent curves.

The built-in model (``weights/classes.onnx``) reads log-mel frames and Silero's answer for speech, which it corrects:
a piano or a guitar is no longer a voice. `earmark train activity` makes other models of the same kind; what a model
answers for and what it needs is told by its own metadata. It is described in ``docs/models/activity.md``.

A moment of digital silence, or below `SILENCE_DB`, is nothing at all, whatever lies around it.
"""

from __future__ import annotations

import json
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from earmark.engines.activity import ActivityEngine, ActivityStream
from earmark.engines.activity.features import FRAME_SECONDS, logits_at
from earmark.engines.activity.silero import Silero
from earmark.engines.graphs import open_graph
from earmark.errors import EngineError
from earmark.media.logmel import BANDS, FLOOR, HOP, log_mel, num_frames
from earmark.settings import SAMPLE_RATE
from earmark.timeline import ScoreCurve

__all__ = ["BUILTIN", "ClassCurves", "ClassStream", "Classes"]

BUILTIN = Path(__file__).parent / "weights" / "classes.onnx"
METADATA_KEY = "earmark.activity"
SILENCE_DB = -80.0
"""16-bit dither lies at −98 dBFS, the quietest rooms recorded at about −70."""
BLOCK_FRAMES = 3_000
"""Log-mel frames scored at once: a minute, so that the context on both sides costs a sixth more."""


@dataclass(frozen=True, slots=True)
class ClassCurves:
    """Scores in [0, 1] of several classes on one grid, float32, shape ``(frames, classes)``."""

    classes: tuple[str, ...]
    values: NDArray[np.float32]
    step_seconds: float
    start_seconds: float = 0.0

    def __getitem__(self, kind: str) -> ScoreCurve:
        column = np.ascontiguousarray(self.values[:, self.classes.index(kind)])
        return ScoreCurve(column, self.step_seconds, self.start_seconds)


class Classes:
    """A model of speech, music and noise on one thread of ONNX Runtime.

    Args:
        model: an ONNX file of `earmark train activity`; None takes the built-in one.

    Raises:
        EngineError: if the file is missing, no ONNX model, or not one of these.
    """

    name = "earmark"
    sample_rate = SAMPLE_RATE

    def __init__(self, model: Path | None = None) -> None:
        path = BUILTIN if model is None else model
        self._session = _session(path)
        about = _description(self._session, path)
        self.classes: tuple[str, ...] = tuple(about["classes"])
        self.step_seconds = float(about["step_seconds"])
        self.context_frames = 2 * int(np.ceil(float(about["context_seconds"]) / (2 * FRAME_SECONDS)))
        self._speech: ActivityEngine | None = Silero() if about["silero"] else None

    def stream(self, start_seconds: float = 0.0, pool: Executor | None = None) -> ClassStream:
        """A fresh pass whose first sample lies at `start_seconds`; Silero runs in `pool`, if there is one."""
        return ClassStream(self, self._session, self._speech, start_seconds, pool)


class ClassStream:
    """One pass over one recording: holds at most a block of features and the context around it."""

    def __init__(
        self, engine: Classes, session: Any, speech: ActivityEngine | None, start_seconds: float,
        pool: Executor | None,
    ) -> None:  # fmt: skip
        self._engine, self._session, self._speech, self._pool = engine, session, speech, pool
        self._start_seconds = start_seconds
        self._begin()

    def _begin(self) -> None:
        self._samples = np.zeros(0, np.float32)  # from one hop before frame `_measured` on
        self._measured = 0  # log-mel frames there are
        self._mel = np.zeros((0, BANDS), np.float32)  # from frame `_held` on
        self._held = 0
        self._answered = 0  # frames whose scores were handed out
        self._ears: ActivityStream | None = None if self._speech is None else self._speech.stream()
        self._scores = np.zeros(0, np.float32)  # of Silero, from score `_first_score` on
        self._first_score = 0

    def feed(self, samples: NDArray[np.float32]) -> ClassCurves:
        """The scores that can be told by now; they come about a minute after the samples.

        Args:
            samples: mono at 16 kHz, shape ``(n,)``. NaN and infinity count as silence.

        Returns:
            Curves that follow those before without gap or overlap; empty ones when nothing is due yet.
        """
        if samples.ndim != 1:
            raise ValueError(f"a model of classes hears mono samples of shape (n,), got {samples.shape}")
        clean = np.where(np.isfinite(samples), samples, np.float32(0)).astype(np.float32, copy=False)
        if self._ears is not None and self._pool is not None:
            heard = self._pool.submit(self._ears.feed, clean)
            self._measure(clean, last=False)
            self._remember(heard.result())
        else:
            if self._ears is not None:
                self._remember(self._ears.feed(clean))
            self._measure(clean, last=False)
        ready = self._measured
        if self._speech is not None:
            scored = (self._first_score + len(self._scores)) * self._speech.step_seconds
            ready = min(ready, int(scored / FRAME_SECONDS))
        parts = []
        while self._answered + BLOCK_FRAMES + self._engine.context_frames <= ready:
            parts.append(self._answer(self._answered + BLOCK_FRAMES, ready))
        return self._curves(parts)

    def flush(self) -> ClassCurves:
        """The scores of all that is left; the stream begins anew after it."""
        self._measure(np.zeros(0, np.float32), last=True)
        if self._ears is not None:
            self._remember(self._ears.flush())
        parts = []
        end = self._measured + self._measured % 2  # the model reads pairs of frames
        if end > self._measured:
            self._mel = np.concatenate([self._mel, np.full((1, BANDS), np.log(FLOOR), np.float32)])
        while self._answered < end:
            parts.append(self._answer(min(self._answered + BLOCK_FRAMES, end), end))
        curves = self._curves(parts)
        self._begin()
        return curves

    def _measure(self, samples: NDArray[np.float32], last: bool) -> None:
        """Log-mel frames of what is new. A frame reads up to a hop before and after its own samples."""
        audio = np.concatenate([self._samples, samples])
        before = min(self._measured, 1)  # hops in `audio` that belong to frames measured already
        whole = num_frames(len(audio)) if last else max(0, len(audio) // HOP - 1)
        new = whole - before
        if new > 0:
            mel = log_mel(audio if last else audio[: (whole + 1) * HOP])[before:whole]
            self._mel = np.concatenate([self._mel, mel])
            self._measured += new
            audio = audio[(whole - 1) * HOP :]
        self._samples = audio.copy()

    def _remember(self, curve: ScoreCurve) -> None:
        self._scores = np.concatenate([self._scores, curve.values])

    def _answer(self, end: int, ready: int) -> NDArray[np.float32]:
        """Scores of the frames up to `end`, shape ``(steps, classes)``; forgets what no later answer needs."""
        context = self._engine.context_frames
        first, last = max(0, self._answered - context), min(end + context, ready)
        mel = self._mel[first - self._held : last - self._held]
        logits = np.zeros(last - first, np.float32)
        if self._speech is not None:
            logits = logits_at(self._scores, self._speech.step_seconds, first, last, self._first_score)
        inputs = {"mel": mel[None], "silero": logits[None]}
        (answer,) = self._session.run(None, inputs)
        scores: NDArray[np.float32] = answer[0, (self._answered - first) // 2 : (end - first) // 2]
        own = mel[self._answered - first : end - first]
        scores[_silent(own)] = 0.0
        self._answered = end
        self._forget(max(0, end - context))
        return scores

    def _forget(self, frame: int) -> None:
        self._mel = self._mel[frame - self._held :]
        self._held = frame
        if self._speech is not None:
            score = max(0, int(frame * FRAME_SECONDS / self._speech.step_seconds) - 1)
            self._scores = self._scores[score - self._first_score :]
            self._first_score = score

    def _curves(self, parts: list[NDArray[np.float32]]) -> ClassCurves:
        classes, step = self._engine.classes, self._engine.step_seconds
        values = np.concatenate([np.zeros((0, len(classes)), np.float32), *parts])
        first = self._answered // 2 - len(values)
        return ClassCurves(classes, values, step, self._start_seconds + first * step)


def _silent(mel: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Which pairs of frames hold nothing audible, shape ``(frames / 2,)``."""
    power = np.maximum(0.0, np.exp(mel.astype(np.float64)) - FLOOR).sum(axis=1)
    return np.asarray(power.reshape(-1, 2).max(axis=1) < 10.0 ** (SILENCE_DB / 10))


def _session(path: Path) -> Any:
    if not path.is_file():
        raise EngineError(
            str(path), expected="a model of earmark train activity", found="no such file", hint="Check the path."
        )
    try:
        return open_graph(path, arena=False)
    except Exception as exc:  # ONNX Runtime raises many kinds of its own
        raise _not_a_model(path, "a file that ONNX Runtime cannot load") from exc


def _description(session: Any, path: Path) -> dict[str, Any]:
    stored = session.get_modelmeta().custom_metadata_map.get(METADATA_KEY)
    if stored is None:
        raise _not_a_model(path, "an ONNX model of something else")
    about: dict[str, Any] = json.loads(stored)
    return about


def _not_a_model(path: Path, found: str) -> EngineError:
    return EngineError(
        str(path), expected="a model of earmark train activity", found=found,
        hint="Pass the .onnx file that earmark train activity wrote.",
    )  # fmt: skip
