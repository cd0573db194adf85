"""What is said in each chunk, by a recogniser, and what it is about."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from earmark.engines import registry
from earmark.engines.aligner import Aligner
from earmark.engines.aligner.spoken import judge
from earmark.engines.recogniser import Recogniser, Transcript
from earmark.media.decode import decode
from earmark.media.prefetch import prefetch
from earmark.records import Recording
from earmark.settings import SAMPLE_RATE
from earmark.timeline import Span, Waveform, clip_spans, merge_spans

__all__ = ["Said", "Transcriber", "keywords_of"]

BATCH_SECONDS = 40.0
"""Speech is recognised in batches of about this much."""
JOINED_SECONDS = 1.0
"""Speech with a shorter pause in it is recognised in one piece."""
PAD_SECONDS = 0.2
"""Audio kept around a piece, within its chunk."""


@dataclass(frozen=True, slots=True)
class Said:
    """What is said in a chunk; `dropped` pieces of its text were recognised and never spoken."""

    text: str
    dropped: int = 0


class Transcriber:
    """One recogniser, and an aligner that catches what it makes up; shared by the threads of a run.

    Raises:
        EngineError: if it is unknown or missing.
    """

    def __init__(self, recogniser: str) -> None:
        self._engine: Recogniser = registry.load("recogniser", recogniser)
        self._aligner: Aligner = registry.load("aligner", registry.names("aligner")[0])
        self.name = recogniser

    def knows(self, language: str) -> bool:
        return self._engine.languages is None or language in self._engine.languages

    def transcribe(
        self, recording: Recording, chunks: Sequence[Span], speech: Sequence[Span], language: str
    ) -> Iterator[tuple[int, Said]]:
        """The number of each chunk and what is said in it, in order; text that nobody spoke is dropped."""
        pieces = [
            (number, piece)
            for number, chunk in enumerate(chunks)
            for piece in _pieces(chunk, speech, self._engine.max_seconds)
        ]
        texts: dict[int, list[str]] = {number: [] for number in range(len(chunks))}
        dropped = [0] * len(chunks)
        told = 0
        batch: list[tuple[int, Waveform]] = []

        def hear() -> None:
            waveforms = [waveform for _, waveform in batch]
            for (number, waveform), heard in zip(
                batch, self._engine.transcribe(waveforms, language or None), strict=True
            ):
                if self._was_spoken(waveform, heard):
                    texts[number].append(heard.text)
                elif heard.text:
                    dropped[number] += 1
            batch.clear()

        for (number, _), waveform in zip(pieces, _cut(recording, [span for _, span in pieces]), strict=False):
            batch.append((number, waveform))
            if sum(waveform.span.duration for _, waveform in batch) >= BATCH_SECONDS:
                hear()
                while told < number:  # the chunk of the last piece may have more to come
                    yield told, Said(" ".join(texts.pop(told)), dropped[told])
                    told += 1
        if batch:
            hear()
        while told < len(chunks):
            yield told, Said(" ".join(texts.pop(told)), dropped[told])
            told += 1

    def _was_spoken(self, waveform: Waveform, heard: Transcript) -> bool:
        """Whether the text of a piece was; True for what the aligner does not know how to check."""
        if not heard.text or not heard.words:
            return False
        if heard.language not in self._aligner.languages:
            return True
        words = [word.text for word in heard.words]
        alignment = self._aligner.align(waveform, words, [word.probability for word in heard.words])
        return judge(alignment, waveform, heard.mean_logprob, heard.num_tokens).spoken


def _pieces(chunk: Span, speech: Sequence[Span], max_seconds: float) -> list[Span]:
    """The speech of a chunk in pieces that a recogniser takes."""
    spoken = merge_spans(clip_spans(speech, chunk), JOINED_SECONDS)
    pieces: list[Span] = []
    for piece in spoken:
        piece = Span(max(chunk.start, piece.start - PAD_SECONDS), min(chunk.end, piece.end + PAD_SECONDS))
        parts = max(1, -int(-piece.duration // max_seconds))
        step = piece.duration / parts
        pieces += [Span(piece.start + i * step, piece.start + (i + 1) * step) for i in range(parts)]
    return pieces


def _cut(recording: Recording, spans: Sequence[Span]) -> Iterator[Waveform]:
    """The samples of spans (sorted) out of one pass over the file, as it goes by."""
    if not spans:
        return
    blocks = prefetch(
        decode(
            recording.path,
            sample_rate=SAMPLE_RATE,
            audio_stream=recording.audio_stream,
            start_seconds=spans[0].start,
            end_seconds=spans[-1].end + 1.0,
        )
    )
    waiting = iter(spans)
    span = next(waiting)
    kept: list[Waveform] = []
    for block in blocks:
        kept.append(block)
        while span.end <= block.span.end:
            yield _joined(kept, span)
            following = next(waiting, None)
            if following is None:
                return
            span = following
        kept = [each for each in kept if each.span.end > span.start]
    while kept:  # the file ended a few samples early
        yield _joined(kept, span)
        following = next(waiting, None)
        if following is None:
            return
        span = following


def _joined(blocks: Iterable[Waveform], span: Span) -> Waveform:
    import numpy as np

    parts = [part for block in blocks if (part := block.cut(span)).num_samples]
    if not parts:
        return Waveform(np.zeros((1, 0), np.float32), SAMPLE_RATE, span.start)
    samples = np.concatenate([part.samples for part in parts], axis=1)
    return Waveform(samples, SAMPLE_RATE, parts[0].start_seconds)


def keywords_of(text: str, language: str, most: int) -> tuple[str, ...]:
    """What a text is about, the weightiest first."""
    from earmark.language.keywords import keywords

    return tuple(keyword.text for keyword in keywords(text, language or None, most)) if text else ()
