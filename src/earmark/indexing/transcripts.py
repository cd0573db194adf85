"""Transcripts that others wrote: subtitles and the JSON of recognisers, read into segments that can be trusted.

What comes in may be anything: ends before starts, cues past the end of the media, captions that roll (each cue
repeats the line before, as YouTube's do), cues that overlap. What comes out is in order of time, inside the
recording, and every word has a time: the transcript's own, else one interpolated by its letters
(``aligned=False``). Descriptions of sounds (``[applause]``, ``♪``) are not words and are left out.

JSON is read as written by earmark, openai-whisper, WhisperX and faster-whisper (``segments``, or a bare list of
them), whisper.cpp (``transcription``) and Vosk (``result``).
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Any

from earmark.errors import FormatError
from earmark.formats import subtitles
from earmark.records import Segment, Word
from earmark.timeline import Span

__all__ = [
    "Cue",
    "cues_of_json",
    "cues_of_subtitles",
    "interpolated",
    "segments_of",
    "sentences",
    "spoken_text",
]

LETTERS_PER_SECOND = 15.0
"""How fast text is taken to be said where a cue has no end of its own."""
JOIN_SECONDS = 0.4
"""Cues no further apart become one segment, so that a phrase that runs over several is found."""
LONGEST_SECONDS = 28.0
"""No segment of several cues is longer: what a recogniser's utterance may be, too."""

_DESCRIPTION = re.compile(r"\[[^\[\]]{0,120}\]|^\s*\([^()]{0,120}\)\s*$|[♪♫#]*[♪♫]+", re.MULTILINE)
_VTT_TIME = re.compile(r"<((?:\d+:)?\d{1,2}:\d{2}[.,]\d{3})>")
_VTT_TAG = re.compile(r"</?(?:c|v|lang|ruby|rt|b|i|u)(?:[.\s][^<>]*)?>")
_MARK = re.compile("\ue000(\\d+)\ue001")
_SENTENCE_END = (".", "?", "!", "؟", "…", "。")


@dataclass(frozen=True, slots=True)
class Cue:
    """Text and its time as a transcript gives it; nothing about either is checked yet.

    `end` is None, or before `start`, where the transcript knows none. `words` are those with times, if it has any:
    text, start, end and probability each, with None for what is missing.
    """

    start: float
    end: float | None
    text: str
    words: tuple[tuple[str, float | None, float | None, float], ...] = ()


def cues_of_subtitles(text: str, name: str, format: str) -> list[Cue]:
    """The cues of SRT, WebVTT or ASS text, word times inside WebVTT cues included.

    Raises:
        FormatError: if it does not parse.
    """
    if format == "vtt":
        text = _VTT_TIME.sub(lambda found: f"\ue000{_milliseconds(found[1])}\ue001", text)
        text = _VTT_TAG.sub("", text)
        text = re.sub(r"^[ \t]+$", "\u2060", text, flags=re.MULTILINE)  # a blank first line is no end of the cue
    cues = []
    for label in subtitles.loads(text, name, format):
        start, end = label.span.start, label.span.end
        lines = [line.strip(" \t\u2060") for line in label.text.split("\n")]
        cues.append(Cue(start, end if end > start else None, "\n".join(line for line in lines if line)))
    return [_with_inline_times(cue) for cue in _unrolled(cues)]


def cues_of_json(text: str, name: str) -> tuple[list[Cue], str] | None:
    """The cues of a recogniser's JSON and its language (empty if it names none); None if it is JSON of another kind.

    Raises:
        FormatError: if it is no JSON.
    """
    try:
        document = json.loads(text)
    except (json.JSONDecodeError, RecursionError) as exc:
        line = getattr(exc, "lineno", 1)
        raise FormatError(
            f"{name}:{line}", expected="a JSON document", found=getattr(exc, "msg", str(exc)), hint="Correct that line."
        ) from exc
    language = ""
    if isinstance(document, dict):
        result = document.get("result")
        language = str(document.get("language") or (isinstance(result, dict) and result.get("language")) or "")
        if isinstance(document.get("transcription"), list):
            entries = document["transcription"]
        elif isinstance(document.get("segments"), list):
            entries = document["segments"]
        elif isinstance(result, list):
            entries = [{"text": document.get("text", ""), "words": result}]
        else:
            return None
    elif isinstance(document, list):
        entries = document
    else:
        return None
    cues = [cue for entry in entries if isinstance(entry, dict) and (cue := _cue_of(entry)) is not None]
    return (cues, language) if cues or not entries else None


def _cue_of(entry: dict[str, Any]) -> Cue | None:
    """One segment of JSON; None if it has no text, or no time in any known place."""
    words = []
    listed = entry.get("words") or entry.get("result") or ()
    for word in listed if isinstance(listed, (list, tuple)) else ():
        if isinstance(word, dict):
            said = str(word.get("text") or word.get("word") or "").strip()
            numbers = [_number(word.get(key)) for key in ("probability", "score", "conf")]
            sure = next((number for number in numbers if number is not None), 1.0)
            if said:
                words.append((said, _number(word.get("start")), _number(word.get("end")), min(1.0, max(0.0, sure))))
    start, end = _number(entry.get("start")), _number(entry.get("end"))
    if start is None and isinstance(offsets := entry.get("offsets"), dict):  # whisper.cpp, milliseconds
        first, last = _number(offsets.get("from")), _number(offsets.get("to"))
        start, end = first and first / 1000, last and last / 1000
    if start is None:
        start = next((begin for _, begin, _, _ in words if begin is not None), None)
        end = next((finish for _, _, finish, _ in reversed(words) if finish is not None), None)
    text = str(entry.get("text") or " ".join(word[0] for word in words))
    return None if start is None or not text.strip() else Cue(start, end, text, tuple(words))


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def spoken_text(text: str) -> str:
    """The text without descriptions of sounds, on one line."""
    return " ".join(_DESCRIPTION.sub(" ", text).split())


def sentences(text: str) -> list[str]:
    """The lines of a text without times, long ones parted after sentences, descriptions of sounds left out."""
    parts: list[str] = []
    for line in text.split("\n"):
        parts += [part for part in re.split(r"(?<=[.?!؟…])\s+", spoken_text(line)) if part]
    return parts


def segments_of(
    cues: Iterable[Cue], within: Span, language: str, engine: str, note: Callable[[str], None]
) -> list[Segment]:
    """Segments inside `within`, in order of time, every word with a time.

    Args:
        within: the time of the recording.
        note: called with one line for what had to be left out or mended.
    """
    ordered = sorted((cue for cue in cues if spoken_text(cue.text)), key=lambda cue: cue.start)
    bounded, outside, mended = [], 0, 0
    for at, cue in enumerate(ordered):
        end = cue.end
        if end is None or end <= cue.start:
            mended += 1
            following = ordered[at + 1].start if at + 1 < len(ordered) else math.inf
            end = cue.start + max(0.5, len(cue.text) / LETTERS_PER_SECOND)
            end = min(end, following) if following > cue.start else end
        start, end = max(cue.start, within.start), min(end, within.end)
        if start >= end:
            outside += 1
            continue
        bounded.append(_segment(cue, Span(start, end), language, engine))
    if mended:
        note(f"{mended} of {len(ordered)} cues had no end after their start; it was estimated")
    if outside:
        note(f"{outside} of {len(ordered)} cues lie outside the recording and were left out")
    return _joined(bounded)


def _segment(cue: Cue, span: Span, language: str, engine: str) -> Segment:
    """A cue with a time for each of its words."""
    known = [(spoken_text(text), start, end, sure) for text, start, end, sure in cue.words]
    known = [word for word in known if word[0]]
    if any(start is not None for _, start, _, _ in known):
        words = _timed(known, span)
        text = spoken_text(cue.text)
        if "".join(word.text for word in words) != text.replace(" ", ""):
            text = " ".join(word.text for word in words)
        return Segment(span, text, words, language, engine)
    text = spoken_text(cue.text)
    return Segment(span, text, interpolated(text.split(" "), span), language, engine)


def interpolated(words: Sequence[str], span: Span, probabilities: Sequence[float] | None = None) -> tuple[Word, ...]:
    """Words that share a span by their letters, ``aligned=False``; a word counts one more for the gap after it."""
    sure = [1.0] * len(words) if probabilities is None else probabilities
    edges = [0, *accumulate(len(word) + 1 for word in words)]
    scale = span.duration / edges[-1] if edges[-1] else 0.0
    return tuple(
        Word(word, Span(span.start + left * scale, span.start + right * scale), p, False)
        for word, left, right, p in zip(words, edges, edges[1:], sure, strict=False)
    )


def _timed(known: Sequence[tuple[str, float | None, float | None, float]], span: Span) -> tuple[Word, ...]:
    """The transcript's own word times, forced into order and into `span`; words without one between the others."""
    words: list[Word] = []
    waiting: list[tuple[str, float]] = []

    def place(until: float) -> None:
        after = words[-1].span.end if words else span.start
        gap = Span(after, max(after, until))
        words.extend(interpolated([text for text, _ in waiting], gap, [sure for _, sure in waiting]))
        waiting.clear()

    for text, start, end, sure in known:
        if start is None or not span.start - 1e-3 <= start <= span.end + 1e-3:
            waiting.append((text, sure))
            continue
        begin = min(max(start, span.start, words[-1].span.start if words else span.start), span.end)
        place(begin)
        finish = begin if end is None else min(max(begin, end), span.end)
        words.append(Word(text, Span(begin, finish), sure))
    place(span.end)
    return tuple(words)


def _joined(segments: Sequence[Segment]) -> list[Segment]:
    """Neighbouring cues of one sentence as one segment; those that overlap stay apart, they may be two voices."""
    joined: list[Segment] = []
    run: list[Segment] = []

    def close() -> None:
        if run:
            words = tuple(word for part in run for word in part.words)
            span = Span(run[0].span.start, run[-1].span.end)
            joined.append(replace(run[0], span=span, text=" ".join(part.text for part in run), words=words))
            run.clear()

    for segment in segments:
        if run:
            gap = segment.span.start - run[-1].span.end
            ended = run[-1].text.rstrip("\"'”’»)").endswith(_SENTENCE_END)
            too_long = segment.span.end - run[0].span.start > LONGEST_SECONDS
            if ended or too_long or not -0.05 <= gap <= JOIN_SECONDS or _crosses(run[-1], segment):
                close()
        run.append(segment)
    close()
    return joined


def _crosses(left: Segment, right: Segment) -> bool:
    return bool(left.words and right.words) and left.words[-1].span.start > right.words[0].span.start


def _unrolled(cues: Sequence[Cue]) -> list[Cue]:
    """Captions that roll, each line once; others as they are.

    Captions roll if at least a third of the cues of two lines or more begin with what stood last before.
    """
    last = [_unmarked(cue.text).split("\n")[-1] for cue in cues]
    first = [_unmarked(cue.text).split("\n")[0] for cue in cues]
    several = [at for at in range(1, len(cues)) if "\n" in cues[at].text]
    repeats = sum(bool(first[at]) and first[at] == last[at - 1] for at in several)
    if repeats < 2 or 3 * repeats < len(several):
        return list(cues)
    kept: list[Cue] = []
    before: list[str] = []
    for cue in cues:
        lines = [line for line in cue.text.split("\n") if line]
        plain = [_unmarked(line) for line in lines]
        shared = next((n for n in range(min(len(before), len(plain)), 0, -1) if before[-n:] == plain[:n]), 0)
        before = plain or before
        if shared < len(lines):
            kept.append(replace(cue, text="\n".join(lines[shared:])))
    return kept


def _unmarked(text: str) -> str:
    return _MARK.sub("", text)


def _with_inline_times(cue: Cue) -> Cue:
    """Marks of word times (milliseconds between two private characters) become words with times."""
    if "\ue000" not in cue.text:
        return cue
    words: list[tuple[str, float | None, float | None, float]] = []
    start = cue.start
    parts = _MARK.split(cue.text)
    times = [cue.start, *(int(mark) / 1000 for mark in parts[1::2])]
    ends = [*times[1:], cue.end]
    for part, start, end in zip(parts[0::2], times, ends, strict=True):
        spoken = spoken_text(part).split()
        if len(spoken) == 1:
            words.append((spoken[0], start, end, 1.0))
        elif spoken:
            span = Span(start, max(start, start if end is None else end))
            words += [(word.text, word.span.start, word.span.end, 1.0) for word in interpolated(spoken, span)]
    return replace(cue, text=_unmarked(cue.text), words=tuple(words))


def _milliseconds(clock: str) -> int:
    *rest, seconds = clock.replace(",", ".").split(":")
    minutes = int(rest[-1]) + 60 * (int(rest[0]) if len(rest) > 1 else 0)
    return round((60 * minutes + float(seconds)) * 1000)
