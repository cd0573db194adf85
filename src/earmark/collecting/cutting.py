"""A recording to chunks: between the lines of its text where that has times, else at its silences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from earmark.engines.activity import ActivityEngine
from earmark.engines.activity.chunks import chunks_at_silence
from earmark.engines.activity.level import LevelMeter
from earmark.engines.activity.utterances import Cutter
from earmark.media.decode import DecodeReport, decode
from earmark.media.prefetch import prefetch
from earmark.progress import Progress
from earmark.records import Recording
from earmark.settings import SAMPLE_RATE, ChunkSettings, UtteranceSettings
from earmark.timeline import ScoreCurve, Span, clip_spans

__all__ = ["Heard", "chunks_of_lines", "listen", "silence_chunks"]


@dataclass(frozen=True)
class Heard:
    """One pass over a recording.

    Attributes:
        levels: dBFS every 20 ms.
        speech: where somebody speaks, sorted and disjoint; empty where nobody was asked.
        span: from the first sample to the last.
    """

    levels: ScoreCurve
    span: Span
    report: DecodeReport
    speech: list[Span] = field(default_factory=list)

    @property
    def note(self) -> str:
        """What is odd about the file; empty where nothing is."""
        return str(self.report)


def listen(recording: Recording, activity: ActivityEngine | None, on_progress: Progress) -> Heard:
    """Decodes all of a recording, which also proves that it decodes, and keeps its two curves.

    Raises:
        MediaError: if it cannot be decoded.
    """
    import numpy as np

    report = DecodeReport()
    blocks = prefetch(
        decode(recording.path, sample_rate=SAMPLE_RATE, audio_stream=recording.audio_stream, report=report)
    )
    start = end = recording.start_seconds
    meter = stream = None
    levels = []
    cutter = Cutter(UtteranceSettings(pad_seconds=0.0))
    speech: list[Span] = []
    for block in blocks:
        if meter is None:
            start = block.start_seconds
            meter = LevelMeter(start)
            stream = activity.stream(start) if activity is not None else None
        levels.append(meter.feed(block.mono()).values)
        if stream is not None:
            speech += cutter.feed(stream.feed(block.mono()))
        on_progress(recording.path, block.span.end - end, recording.duration_seconds)
        end = block.span.end
    if meter is not None:
        levels.append(meter.flush().values)
    if stream is not None:
        speech += cutter.feed(stream.flush())
        speech += cutter.flush()
    values = np.concatenate(levels) if levels else np.zeros(0, np.float32)
    span = Span(start, max(start, end))
    return Heard(ScoreCurve(values, LevelMeter.step_seconds, start), span, report, clip_spans(speech, span))


def silence_chunks(heard: Heard, settings: ChunkSettings) -> list[Span]:
    """The recording cut at its silences; every sound in exactly one chunk."""
    chunks = chunks_at_silence(heard.levels, heard.speech, settings)
    return clip_spans(chunks, heard.span)


def chunks_of_lines(lines: Sequence[tuple[Span, str]], within: Span, settings: ChunkSettings) -> list[tuple[Span, str]]:
    """Timed lines joined until a chunk has its least length, and not beyond its greatest.

    A line is never divided: one that is longer than the greatest length is a chunk of its own, lines that
    overlap stay together. Half a pause, `pad_seconds` at most, is kept on both sides. Lines that begin
    outside of the recording are left out.
    """
    runs: list[tuple[Span, list[str]]] = []
    for span, text in sorted(lines):
        span = Span(max(span.start, within.start), min(span.end, within.end)) if span.overlap(within) else span
        if not span.overlap(within):
            continue
        if runs and span.start < runs[-1][0].end:
            runs[-1] = (runs[-1][0].union(span), [*runs[-1][1], text])
        else:
            runs.append((span, [text]))
    joined: list[tuple[Span, list[str]]] = []
    for span, texts in runs:
        last = joined[-1] if joined else None
        if (
            last is not None
            and last[0].duration < settings.least_seconds
            and span.end - last[0].start <= settings.greatest_seconds
        ):
            joined[-1] = (last[0].union(span), [*last[1], *texts])
        else:
            joined.append((span, texts))
    chunks = []
    for number, (span, texts) in enumerate(joined):
        before = joined[number - 1][0].end if number else within.start
        after = joined[number + 1][0].start if number + 1 < len(joined) else within.end
        left = min(settings.pad_seconds, (span.start - before) / (2 if number else 1))
        right = min(settings.pad_seconds, (after - span.end) / (2 if number + 1 < len(joined) else 1))
        chunks.append((Span(span.start - left, span.end + right), " ".join(texts)))
    return chunks
