"""Pulling a described sound out of a recording: find it, then separate it where it is, and only there.

    separate(path, "a dog barking", Path("dog.wav"), residual=Path("rest.wav")) -> Separated

The sound engine finds the moments first; the separator then hears these, with context on both sides, and everything
else is silence. An hour costs what its moments cost. Outputs have the recording's own rate, channels and length,
sample for sample, and what is left over (`residual`) is the mixture minus the target as it was written. Recordings of
any length are read in windows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from earmark.engines import registry
from earmark.engines.separator import Separator
from earmark.engines.separator.masking import Tape, separated
from earmark.engines.sound import SoundEngine, SoundStream, locate
from earmark.media.clips import write_waveforms
from earmark.media.decode import DecodeReport, decode
from earmark.media.files import atomic_path
from earmark.media.prefetch import prefetch
from earmark.media.probe import probe
from earmark.progress import Progress, ignore
from earmark.records import Moment, Recording
from earmark.separating.asking import sound_asked
from earmark.separating.outputs import LOSSLESS, check, check_formats, named
from earmark.timeline import ScoreCurve, Span, Waveform, clip_spans, merge_spans

__all__ = ["SeparateSettings", "Separated", "check", "moments_of", "separate"]

BLOCK_SECONDS = 10.0


@dataclass(frozen=True)
class SeparateSettings:
    """Where a sound is separated."""

    min_probability: float = 0.5
    """The sound is there if a moment is at least as probable as this."""
    also_probability: float = 0.2
    """Where it is there, its less probable moments down to this one are separated, too."""
    pad_seconds: float = 0.5
    """More of the recording on both sides of a moment: sounds start and fade more softly than they are found."""
    merge_seconds: float = 1.0
    """Moments no further apart are separated in one."""
    everywhere: bool = False
    """Do not look for it first; separate the whole recording."""
    audio_stream: int = 0
    """Which audio stream of the file, counted from 0."""


@dataclass(frozen=True)
class Separated:
    """What became of a recording.

    Attributes:
        text: the sound that was asked for, without `heard:`.
        moments: where the sound was found, by time; with `everywhere`, none is looked for.
        spans: what was separated; empty where the sound is not there, and then nothing was written.
        written: the files, the target first.
        notes: for the user.
    """

    recording: Recording
    text: str
    moments: tuple[Moment, ...] = ()
    spans: tuple[Span, ...] = ()
    written: tuple[Path, ...] = ()
    notes: tuple[str, ...] = ()


def separate(
    path: str | Path,
    text: str,
    target: Path,
    residual: Path | None = None,
    settings: SeparateSettings = SeparateSettings(),
    *,
    engine: str = "earmark",
    sound: str = "earmark",
    force: bool = False,
    on_progress: Progress = ignore,
) -> Separated:
    """Writes what `text` describes in a recording to `target`, and all the rest to `residual`.

    Nothing is written where the sound is not found. Both files appear together, whole or not at all.
    The recording is listened to here and now; no library is asked, and none keeps what was heard.

    Args:
        text: the sound; ``heard:`` in front of it, as finding takes it, may stay.
        engine, sound: names in the registry: what separates, and what finds.
        force: write over files of these names.

    Raises:
        MediaError: if the recording cannot be read or holds no audio.
        QueryError: if the text asks for no sound, or an engine cannot read it.
        EngineError: if an engine lacks its weights.
        UsageError: if an engine is unknown, two of the three files are one, or a format is unknown or holds fewer
            channels than the recording has.
        FormatError: if a name is taken, or cannot be written.
    """
    text = sound_asked(text)
    check(path, target, residual, force)
    recording = probe(path, settings.audio_stream)
    written = [target] if residual is None else [target, residual]
    changed = check_formats(recording, written)
    separator: Separator = registry.load("separator", engine)
    separator.mask(np.zeros(0, np.float32), text)  # a query it cannot read is refused before anything is heard
    report, notes = DecodeReport(), []
    moments: list[Moment] = []
    spans = [recording.span]
    if not settings.everywhere:
        ears: SoundEngine = registry.load("sound", sound)
        if not ears.knows(text):
            nearest = ", ".join(name for name, _ in ears.nearest(text))
            notes.append(f"earmark's built-in ears do not know {text[:80]!r}; nearest: {nearest}")
        moments = moments_of(recording, text, ears, settings, on_progress)
        wide = [moment.span.widen(settings.pad_seconds) for moment in moments]
        spans = clip_spans(merge_spans(wide, settings.merge_seconds), recording.span)
    if not spans:
        return Separated(recording, text, tuple(moments), (), (), tuple(notes))
    notes += changed
    total = sum(span.duration for span in spans)

    def blocks(report: DecodeReport | None = None) -> Iterator[Waveform]:
        mixture = decode(
            recording.path, sample_rate=None, channels=None, audio_stream=recording.audio_stream,
            block_seconds=BLOCK_SECONDS, report=report,
        )  # fmt: skip
        heard = decode(
            recording.path, sample_rate=separator.sample_rate, audio_stream=recording.audio_stream,
            block_seconds=BLOCK_SECONDS,
        )  # fmt: skip

        def draw(stage: str, completed: float, _: float) -> None:
            on_progress(f"separate {recording.path}", _covered(spans, recording.start_seconds + completed), total)

        return separated(separator, text, spans, mixture, heard, draw)

    with ExitStack() as stack:
        places = [stack.enter_context(atomic_path(name, force=force)) for name in written]
        for name, place in zip(written, places, strict=True):
            stack.enter_context(named(name, place))
        write_waveforms(places[0], blocks(report), force=True)
        if residual is not None:
            lossless = places[0].suffix.lower() in LOSSLESS
            again = decode(places[0], sample_rate=None, channels=None) if lossless else blocks()
            write_waveforms(places[1], _left(recording, again), force=True)
    if str(report):
        notes.append(str(report))
    return Separated(recording, text, tuple(moments), tuple(spans), tuple(written), tuple(notes))


def moments_of(
    recording: Recording,
    text: str,
    engine: SoundEngine,
    settings: SeparateSettings = SeparateSettings(),
    on_progress: Progress = ignore,
) -> list[Moment]:
    """Where a sound is heard, by time; none where no moment is probable enough. Of the frames, only scores are kept.

    Raises:
        QueryError: if the engine cannot read the text.
    """
    stream = SoundStream(engine)
    engine.embed_text([text])
    parts = [np.zeros(0, np.float32)]
    start: float | None = None
    blocks = prefetch(
        decode(
            recording.path, sample_rate=engine.sample_rate, audio_stream=recording.audio_stream,
            block_seconds=BLOCK_SECONDS,
        )
    )  # fmt: skip
    with closing(blocks):
        for block in blocks:
            start = block.start_seconds if start is None else start
            parts.append(engine.curve(stream.feed(block.mono()), text))
            done = block.span.end - recording.start_seconds
            on_progress(f"look in {recording.path}", min(done, recording.duration_seconds), recording.duration_seconds)
    parts.append(engine.curve(stream.flush(), text))
    curve = ScoreCurve(np.concatenate(parts), engine.step_seconds, recording.start_seconds if start is None else start)
    floor = min(settings.also_probability, settings.min_probability)
    found = locate(curve, engine.expected_seconds(text), replace(engine.moments, floor=floor))
    if not any(probability >= settings.min_probability for _, probability in found):
        return []
    return [Moment(recording, span, probability, "heard", text) for span, probability in sorted(found)]


def _left(recording: Recording, target: Iterator[Waveform]) -> Iterator[Waveform]:
    """The recording minus the target, block by block."""
    tape, at = Tape(target), 0
    for block in decode(
        recording.path, sample_rate=None, channels=None, audio_stream=recording.audio_stream,
        block_seconds=BLOCK_SECONDS,
    ):  # fmt: skip
        end = at + block.num_samples
        yield Waveform(block.samples - tape.read(at, end), block.sample_rate, block.start_seconds)
        tape.forget(end)
        at = end


def _covered(spans: Sequence[Span], seconds: float) -> float:
    """How much of the spans lies before a second."""
    return sum(min(span.end, max(span.start, seconds)) - span.start for span in spans)
