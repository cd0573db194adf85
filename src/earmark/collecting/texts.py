"""What is said in each chunk, by a recogniser, and what it is about."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from earmark.engines import registry
from earmark.engines.recogniser import Recogniser
from earmark.errors import EngineError
from earmark.media.decode import decode
from earmark.media.prefetch import prefetch
from earmark.records import Recording
from earmark.settings import SAMPLE_RATE
from earmark.timeline import Span, Waveform, clip_spans, merge_spans

__all__ = ["Transcriber", "keywords_of"]

BATCH_SECONDS = 40.0
"""Speech is recognised in batches of about this much."""
JOINED_SECONDS = 1.0
"""Speech with a shorter pause in it is recognised in one piece."""
PAD_SECONDS = 0.2
"""Audio kept around a piece, within its chunk."""


class Transcriber:
    """One recogniser, shared by the threads of a run.

    Raises:
        EngineError: if it is unknown, is missing, or does not know `language`.
    """

    def __init__(self, recogniser: str, language: str = "") -> None:
        self._engine: Recogniser = registry.load("recogniser", recogniser)
        self.name = recogniser
        if language and not self.knows(language):
            known = ", ".join(sorted(self._engine.languages or ()))
            raise EngineError(
                recogniser,
                expected=f"a recogniser that knows {language!r}",
                found=f"one that knows {known}",
                hint="Put transcripts beside the media (.srt, .txt), or pass --recogniser none.",
            )

    def knows(self, language: str) -> bool:
        return self._engine.languages is None or language in self._engine.languages

    def transcribe(
        self, recording: Recording, chunks: Sequence[Span], speech: Sequence[Span], language: str
    ) -> Iterator[tuple[int, str]]:
        """The number of each chunk and its text, in order; a chunk is heard whole before the next one begins."""
        pieces = [
            (number, piece)
            for number, chunk in enumerate(chunks)
            for piece in _pieces(chunk, speech, self._engine.max_seconds)
        ]
        texts: dict[int, list[str]] = {number: [] for number in range(len(chunks))}
        told = 0
        batch: list[tuple[int, Waveform]] = []

        def hear() -> None:
            waveforms = [waveform for _, waveform in batch]
            for (number, _), heard in zip(
                batch, self._engine.transcribe(waveforms, language or None), strict=True
            ):
                if heard.text:
                    texts[number].append(heard.text)
            batch.clear()

        for (number, _), waveform in zip(pieces, _cut(recording, [span for _, span in pieces]), strict=False):
            batch.append((number, waveform))
            if sum(waveform.span.duration for _, waveform in batch) >= BATCH_SECONDS:
                hear()
                while told < number:  # the chunk of the last piece may have more to come
                    yield told, " ".join(texts.pop(told))
                    told += 1
        if batch:
            hear()
        while told < len(chunks):
            yield told, " ".join(texts.pop(told))
            told += 1


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
