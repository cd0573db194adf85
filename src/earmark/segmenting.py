"""Where a recording holds speech, music and noise; or how it is best cut into chunks.

A recording is decoded once, in a thread of its own, and heard block by block; Silero and the spectrogram run beside
each other. What is kept of it are its curves, 1 MB an hour, so that memory does not grow with the audio. Classes are
independent: speech over music is both, and silence is none.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from earmark.engines.activity.chunks import chunks_at_silence, fixed_windows
from earmark.engines.activity.classes import ClassCurves, Classes
from earmark.engines.activity.level import LevelMeter
from earmark.errors import UsageError
from earmark.formats import Label
from earmark.media.clips import clip_name, write_clip, write_waveforms
from earmark.media.decode import DecodeReport, decode
from earmark.media.prefetch import prefetch
from earmark.media.probe import probe
from earmark.progress import Progress, ignore
from earmark.records import Recording
from earmark.settings import SAMPLE_RATE, ChunkSettings, SegmentSettings
from earmark.timeline import (
    ScoreCurve,
    Span,
    Waveform,
    clip_spans,
    drop_short,
    merge_spans,
    spans_above,
)

__all__ = ["Heard", "Segmented", "Segmenter", "segments_of", "window_labels", "write_clips"]

BLOCK_SECONDS = 10.0
"""Short enough that decoding, Silero and the spectrogram keep each other busy on two cores."""

HELD_SECONDS = 60.0
"""Clips up to this long are cut in one pass over the recording, from memory."""


@dataclass(frozen=True)
class Heard:
    """The curves of one recording; levels in dBFS, one every 20 ms, are measured only where asked for."""

    recording: Recording
    curves: ClassCurves
    levels: ScoreCurve | None = None
    note: str = ""


@dataclass(frozen=True)
class Segmented:
    """What was found in one recording. `note` says what was wrong with the file, if it could be read at all."""

    recording: Recording
    labels: list[Label] = field(default_factory=list)
    note: str = ""

    def seconds(self, kind: str) -> float:
        return sum(label.span.duration for label in self.labels if label.kind == kind)


class Segmenter:
    """Hears recordings with one model, loaded once.

    Args:
        model: an ONNX file of `earmark train activity`; None takes the built-in one.

    Raises:
        EngineError: if the model cannot be loaded.
        UsageError: if the settings name a class the model does not know.
    """

    def __init__(self, settings: SegmentSettings | None = None, model: Path | None = None) -> None:
        self.settings = SegmentSettings() if settings is None else settings
        self._engine = Classes(model)
        known = self._engine.classes
        if model is not None and self.settings.classes == SegmentSettings.classes:
            self.classes: tuple[str, ...] = known  # whatever a model of one's own can tell
        else:
            self.classes = self.settings.classes
        for kind in self.classes:
            if kind not in known:
                raise UsageError(
                    kind, expected=f"one of the model's classes {', '.join(known)}", found="another",
                    hint=f"Use --classes {','.join(known)}.",
                )  # fmt: skip

    def segment(self, path: Path, on_progress: Progress = ignore) -> Segmented:
        """The segments of each class, by start.

        Raises:
            MediaError: if the file cannot be read.
        """
        heard = self.listen(path, on_progress)
        labels = [label for kind in self.classes for label in self._labels(heard, kind)]
        return Segmented(heard.recording, sorted(labels, key=lambda label: label.span), heard.note)

    def chunk(self, path: Path, settings: ChunkSettings, on_progress: Progress = ignore) -> Segmented:
        """Chunks cut at silences, as `chunks_at_silence` promises them.

        Raises:
            MediaError: if the file cannot be read.
            ValueError: if the settings contradict each other.
        """
        heard = self.listen(path, on_progress, levels=True)
        assert heard.levels is not None
        speech: Sequence[Span] = ()
        if "speech" in heard.curves.classes:
            speech = segments_of(heard.curves["speech"], self.settings, heard.recording.span)
        spans = clip_spans(chunks_at_silence(heard.levels, speech, settings), heard.recording.span)
        return Segmented(heard.recording, _numbered(spans, heard.recording, "chunk"), heard.note)

    def listen(self, path: Path, on_progress: Progress = ignore, levels: bool = False) -> Heard:
        """The curves of a recording, on its own clock.

        Raises:
            MediaError: if the file cannot be read.
        """
        recording = probe(path, self.settings.audio_stream)
        report = DecodeReport()
        blocks = prefetch(
            decode(
                path, sample_rate=SAMPLE_RATE, audio_stream=self.settings.audio_stream, block_seconds=BLOCK_SECONDS,
                report=report,
            ),
            depth=3,
        )  # fmt: skip
        parts: list[ClassCurves] = []
        loudness: list[ScoreCurve] = []
        start, end = recording.start_seconds, recording.start_seconds
        with ThreadPoolExecutor(1, "silero") as pool, closing(blocks):
            stream = meter = None
            for block in blocks:
                if stream is None or meter is None:
                    start = block.start_seconds
                    stream, meter = self._engine.stream(start, pool), LevelMeter(start)
                samples = block.mono()
                parts.append(stream.feed(samples))
                if levels:
                    loudness.append(meter.feed(samples))
                end = block.span.end
                on_progress(recording.path, end - recording.start_seconds, recording.duration_seconds)
            if stream is not None and meter is not None:
                parts.append(stream.flush())
                loudness.append(meter.flush())
        values = [part.values for part in parts] or [np.zeros((0, len(self._engine.classes)), np.float32)]
        curves = ClassCurves(self._engine.classes, np.concatenate(values), self._engine.step_seconds, start)
        decibels = np.concatenate([np.zeros(0, np.float32), *(part.values for part in loudness)])
        measured = ScoreCurve(decibels, LevelMeter.step_seconds, start) if levels else None
        # what was heard is as long as the decoder found it, which for a file cut off is less than it claims
        real = Recording(recording.id, recording.path, max(0.0, end - start), start, recording.audio_stream)
        return Heard(real, curves, measured, str(report))

    def _labels(self, heard: Heard, kind: str) -> Iterator[Label]:
        curve = heard.curves[kind]
        for span in segments_of(curve, self.settings, heard.recording.span):
            inside = curve.cut(span).values
            likely = float(inside.mean()) if inside.size else float(curve.values[curve.frame_of(span.start)])
            yield Label(span, kind=kind, recording=heard.recording.path, probability=min(1.0, likely))


def segments_of(curve: ScoreCurve, settings: SegmentSettings, within: Span) -> list[Span]:
    """Hysteresis, then gaps shorter than `min_gap_seconds` are closed, then what is too short is dropped.

    Raises:
        ValueError: if the settings have off > on.
    """
    spans = spans_above(curve, settings.on, settings.off)
    whole = merge_spans(spans, max(0.0, settings.min_gap_seconds - 1e-9))  # a gap of just that length stays
    return clip_spans(drop_short(whole, settings.min_run_seconds - 1e-9), within)


def window_labels(path: Path, window_seconds: float, hop_seconds: float, audio_stream: int = 0) -> Segmented:
    """Windows of one length over a recording, the last, partial one kept; nothing is decoded.

    Raises:
        MediaError: if the file cannot be read.
        ValueError: if the lengths make no sense.
    """
    recording = probe(path, audio_stream)
    spans = fixed_windows(recording.span, window_seconds, hop_seconds)
    return Segmented(recording, _numbered(spans, recording, "window"))


def write_clips(segmented: Segmented, folder: Path, extension: str = ".wav", force: bool = False) -> int:
    """Every segment as an audio file of its own, at the recording's own rate and channels; one pass over the file.

    Files that exist are kept, unless `force` says otherwise. Returns how many were written.

    Raises:
        MediaError: if the recording can no longer be read.
        FormatError: if the extension is unknown or a file cannot be written.
    """
    recording = segmented.recording
    waiting: list[tuple[Span, Path]] = []
    written = 0
    for label in sorted(segmented.labels, key=lambda label: label.span):
        path = folder / clip_name(recording, label.span, extension, label.title)
        if path.exists() and not force:
            continue
        if label.span.duration > HELD_SECONDS:
            write_clip(path, recording, label.span, force=force)
            written += 1
        else:
            waiting.append((label.span, path))
    if not waiting:
        return written
    blocks = decode(
        recording.path, sample_rate=None, channels=None, audio_stream=recording.audio_stream, block_seconds=5.0,
        start_seconds=waiting[0][0].start, end_seconds=max(span.end for span, _ in waiting),
    )  # fmt: skip
    held: list[Waveform] = []
    with closing(prefetch(blocks)) as ahead:
        for block in ahead:
            held = [each for each in held if each.span.end > waiting[0][0].start] if waiting else []
            held.append(block)
            while waiting and waiting[0][0].end <= block.span.end + 1e-6:
                written += _write_held(*waiting.pop(0), held, force)
    for span, path in waiting:  # the last sample of the file may come a rounding before its end
        written += _write_held(span, path, held, force)
    return written


def _write_held(span: Span, path: Path, held: list[Waveform], force: bool) -> int:
    pieces = [piece for piece in (block.cut(span) for block in held) if piece.num_samples]
    if pieces:
        write_waveforms(path, pieces, force=force)
    return bool(pieces)


def _numbered(spans: Iterable[Span], recording: Recording, name: str) -> list[Label]:
    return [Label(span, f"{name} {n}", recording=recording.path) for n, span in enumerate(spans, 1)]
