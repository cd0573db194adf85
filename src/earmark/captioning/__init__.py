"""Captions of one recording, of words and sounds on one timeline, from what the library has heard.

Words come first: where somebody speaks, a sound is left out unless it is asked for, and then stands above the words.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from earmark.captioning.hearing import Heard, sounds_heard, speech_in, windowed
from earmark.captioning.laying import sound_captions
from earmark.captioning.vocabulary import Caption, builtin_vocabulary, vocabulary_of
from earmark.errors import UsageError
from earmark.formats import Label
from earmark.formats.captions import Mark, spoken_captions
from earmark.library import Catalogue
from earmark.progress import Progress, ignore
from earmark.records import Recording, Segment
from earmark.settings import CaptionSettings
from earmark.timeline import Span, intersect_spans, merge_spans

__all__ = ["Caption", "Captioned", "Heard", "builtin_vocabulary", "caption", "check", "laid_out", "vocabulary_of"]


@dataclass(frozen=True)
class Captioned:
    """The captions of a recording, sorted; the sounds they were chosen from, with their true times; notes."""

    captions: list[Label] = field(default_factory=list)
    sounds: list[Heard] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def caption(
    catalogue: Catalogue,
    recording: Recording,
    segments: Sequence[Segment],
    vocabulary: Sequence[Caption],
    settings: CaptionSettings | None = None,
    on_progress: Progress = ignore,
) -> Captioned:
    """Captions of what the library has heard.

    Args:
        segments: what was said; empty for captions of sounds alone.
        vocabulary: the sounds to name; empty for captions of words alone.

    Raises:
        UsageError: if the settings contradict each other.
        LibraryError: if the sounds of the recording have not been heard.
        QueryError: if the engine cannot read the name of a sound.
    """
    settings = CaptionSettings() if settings is None else settings
    check(settings)
    heard: list[Heard] = []
    notes: list[str] = []
    if vocabulary:
        heard, notes = sounds_heard(catalogue, recording, vocabulary, settings, on_progress=on_progress)
        heard = [each for each in heard if each.span.overlap(recording.span) > 0]
    voices = speech_in(catalogue, recording, settings) if heard else []
    captions, shown = laid_out(segments, heard, voices, recording.span, settings)
    return Captioned([replace(each, recording=recording.path) for each in captions], shown, notes)


def laid_out(
    segments: Sequence[Segment],
    heard: Sequence[Heard],
    voices: Sequence[Span],
    within: Span,
    settings: CaptionSettings,
) -> tuple[list[Label], list[Heard]]:
    """Words and sounds as captions that do not overlap; and the sounds that were not left out for lying under speech.

    Args:
        voices: where the activity engine heard speech, sorted and disjoint.
    """
    said = merge_spans(segment.span for segment in segments)
    shown = [
        each
        for each in heard
        if settings.sounds_under_speech
        or _share(each.span, said if each.caption.kind == "voice" else voices) <= settings.speech_share
    ]
    timed = windowed(shown, within, settings) if settings.per_window_seconds is not None else shown
    marks = []
    if settings.sounds_under_speech:
        marks = [Mark(each.span.start, each.caption.text) for each in timed]
    words = spoken_captions(segments, within, settings, marks)
    above = [(label.span, label.text.split("\n")[0]) for label in words]
    rest = [each for each in timed if not _is_above(each, above)]
    sounds = sound_captions(rest, [label.span for label in words], within, settings)
    return sorted([*words, *sounds], key=lambda label: label.span), shown


def check(settings: CaptionSettings) -> None:
    """
    Raises:
        UsageError: if windows are too short to read, or a hop leaves time between them.
    """
    length, hop = settings.per_window_seconds, settings.hop_seconds
    if length is None and hop is not None:
        raise UsageError(
            "--hop", expected="--per-window with it", found="--hop alone", hint="Try: --per-window 4 --hop 3"
        )
    if length is not None:
        shown = length if hop is None else min(hop, length)
        if not settings.min_seconds <= shown <= settings.max_seconds:
            raise UsageError(
                "--per-window",
                expected=f"a caption of {settings.min_seconds:g} to {settings.max_seconds:g} s for each window",
                found=f"{shown:g} s",
                hint="Try: --per-window 4 --hop 3",
            )


def _share(span: Span, speech: Sequence[Span]) -> float:
    """How much of a span lies under speech, 0 to 1."""
    covered = sum(each.duration for each in intersect_spans([span], speech))
    return covered / span.duration if span.duration > 0 else 0.0


def _is_above(heard: Heard, above: Sequence[tuple[Span, str]]) -> bool:
    """Whether a sound already stands as the first line of a caption of words near its onset."""
    near = Span(heard.span.start, heard.span.start).widen(4.0)
    return any(text == heard.caption.text and span.overlap(near) > 0 for span, text in above)
