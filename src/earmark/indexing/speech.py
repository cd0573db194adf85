"""The ear for speech: where somebody speaks, and, with a recogniser, what was said and when.

The activity curve cuts the recording into utterances; the pool recognises them, places their words,
and judges whether they were spoken at all. Text that was not (a recogniser's fancy over noise, music
or a language it does not know) is dropped, and the drop is reported.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from earmark import language
from earmark.engines.activity import ActivityEngine
from earmark.engines.activity.utterances import Cutter
from earmark.engines.aligner import Aligner
from earmark.engines.aligner.spoken import judge
from earmark.engines.recogniser import Recogniser
from earmark.indexing.ears import Harvest, InOrder, TrackRows
from earmark.indexing.transcripts import interpolated
from earmark.library import Passage, TrackHeader
from earmark.records import Segment
from earmark.settings import UtteranceSettings
from earmark.timeline import ScoreCurve, Span, Waveform

__all__ = ["SpeechEar", "SpeechEngines"]

BATCH_SECONDS = 40.0
"""Utterances are recognised in batches of about this much speech."""
CURVE_SCALE = 255
"""Activity in [0, 1] is stored as a byte."""


@dataclass(frozen=True)
class SpeechEngines:
    """What the ear listens with; without a recogniser it stores the activity alone."""

    activity: ActivityEngine
    activity_id: str
    recogniser: Recogniser | None = None
    aligner: Aligner | None = None
    words_id: str = ""
    language: str | None = None


@dataclass(frozen=True)
class _Heard:
    span: Span
    segment: Segment | None
    dropped: str = ""


class SpeechEar:
    """Listens to one recording from `begin` on; `begin` lies on the grid of the activity track."""

    def __init__(
        self,
        recording_id: str,
        engines: SpeechEngines,
        settings: UtteranceSettings,
        pool: ThreadPoolExecutor,
        workers: int,
        begin: float,
        start_seconds: float,
    ) -> None:
        self._recording_id = recording_id
        self._engines = engines
        self._stream = engines.activity.stream(begin)
        self._cutter = Cutter(settings)
        self._work: InOrder[list[_Heard]] = InOrder(pool, limit=2 * workers)
        self._header = TrackHeader(engines.activity_id, 1, engines.activity.step_seconds, start_seconds, "uint8")
        self._curve: list[NDArray[np.uint8]] = []
        self._next_row = round((begin - start_seconds) / engines.activity.step_seconds)
        self._audio: list[Waveform] = []  # what a coming utterance may still need
        self._batch: list[Waveform] = []
        self._begin = begin
        self._words_until = begin

    def feed(self, block: Waveform) -> None:
        if block.start_seconds < self._begin:  # another ear began earlier
            block = block.cut(Span(self._begin, max(self._begin, block.span.end)))
        if not block.num_samples:
            return
        self._audio.append(block)
        self._hear(self._stream.feed(block.mono()), flush=False)

    def finish(self) -> None:
        self._hear(self._stream.flush(), flush=True)
        self._send()
        self._work.wait()

    def harvest(self) -> list[Harvest]:
        harvests = [self._activity()]
        if self._engines.recogniser is not None:
            harvests.append(self._words())
        return harvests

    def _hear(self, curve: ScoreCurve, flush: bool) -> None:
        self._curve.append(np.rint(curve.values * CURVE_SCALE).astype(np.uint8))
        if self._engines.recogniser is None:
            self._audio.clear()
            return
        spans = self._cutter.feed(curve)
        if flush:
            spans = spans + self._cutter.flush()
        for span in spans:
            self._batch.append(joined(self._audio, span))
            if sum(waveform.span.duration for waveform in self._batch) >= BATCH_SECONDS:
                self._send()
        settled = self._cutter.settled_seconds
        while self._audio and self._audio[0].span.end <= settled:
            self._audio.pop(0)

    def _send(self) -> None:
        batch, self._batch = self._batch, []
        if batch:
            recogniser, aligner = self._engines.recogniser, self._engines.aligner
            assert recogniser is not None and aligner is not None
            name, spoken = self._engines.words_id, self._engines.language
            self._work.send(lambda: recognise(batch, recogniser, aligner, name, spoken))

    def _activity(self) -> Harvest:
        rows = np.concatenate([np.zeros(0, np.uint8), *self._curve])[:, None]
        first, self._curve = self._next_row, []
        self._next_row += rows.shape[0]
        position = self._header.start_seconds + self._next_row * self._header.step_seconds
        track = TrackRows(self._header, rows, first)
        return Harvest("activity", self._engines.activity_id, position, track=track)

    def _words(self) -> Harvest:
        heard = [one for batch in self._work.ready() for one in batch]
        passages, dropped = [], []
        for one in heard:
            self._words_until = one.span.end
            if one.dropped:
                dropped.append(one.dropped)
            if one.segment is not None:
                passages.append(passage_of(self._recording_id, one.segment))
        if self._work.idle:  # then nothing is missing up to the first utterance not yet sent
            waiting = self._batch[0].start_seconds if self._batch else self._cutter.settled_seconds
            self._words_until = max(self._words_until, waiting)
        return Harvest("words", self._engines.words_id, self._words_until, passages, dropped=dropped)


def recognise(
    batch: Sequence[Waveform], recogniser: Recogniser, aligner: Aligner, engine: str, spoken: str | None = None
) -> list[_Heard]:
    """Utterances to segments with word times; the pool's piece of work.

    An aligner that does not know the language leaves the recogniser's own word times, else words spread by letters.
    """
    heard = []
    for waveform, transcript in zip(batch, recogniser.transcribe(batch, spoken), strict=True):
        span = waveform.span
        if not transcript.words:
            heard.append(_Heard(span, None))
            continue
        texts = [word.text for word in transcript.words]
        probabilities = [word.probability for word in transcript.words]
        if transcript.language in aligner.languages:
            alignment = aligner.align(waveform, texts, probabilities)
            if transcript.no_speech_probability is None:  # else the recogniser has judged itself
                verdict = judge(alignment, waveform, transcript.mean_logprob, transcript.num_tokens)
                if not verdict.spoken:
                    line = f"{span.start:.1f}–{span.end:.1f} s: “{transcript.text}” ({verdict.reason})"
                    heard.append(_Heard(span, None, line))
                    continue
            words = alignment.words
        else:
            words = interpolated(texts, span, probabilities)
            words = tuple(
                word if own.span is None else replace(word, span=own.span, aligned=True)
                for word, own in zip(words, transcript.words, strict=True)
            )
        inner = Span(words[0].span.start, max(word.span.end for word in words))
        heard.append(_Heard(span, Segment(inner, transcript.text, words, transcript.language, engine)))
    return heard


def passage_of(recording_id: str, segment: Segment) -> Passage:
    """A segment with the strings that a search compares."""
    strings = language.passage_strings(segment.text, segment.language or None)
    return Passage(recording_id, segment, strings.keys, strings.stems, strings.phones)


def joined(blocks: Sequence[Waveform], span: Span) -> Waveform:
    """The samples of `span` out of blocks that follow each other."""
    parts = [part for block in blocks if (part := block.cut(span)).num_samples]
    if not parts:
        return blocks[-1].cut(span)
    samples = parts[0].mono() if len(parts) == 1 else np.concatenate([part.mono() for part in parts])
    return Waveform(samples[None, :], parts[0].sample_rate, parts[0].start_seconds)
