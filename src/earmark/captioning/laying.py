"""Sounds laid between the words, and over one another, as captions that can be read and never overlap.

A caption of sounds begins where a sound does, and changes where another one begins or ends, if what is shown before
and after can be read. In the gaps between captions of words there is room for sounds; one that begins under words is
shown after them if most of it is still to come, and else left out.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from earmark.captioning.hearing import Heard
from earmark.formats import Label
from earmark.formats.captions import lines_of, reading_ticks
from earmark.settings import CaptionSettings
from earmark.timeline import Span, invert_spans, merge_spans

__all__ = ["sound_captions"]

TICKS = 100
LEAD_TICKS = 30
"""A sound may be named this much early where it could not be read otherwise."""


@dataclass(slots=True)
class _Piece:
    """A stretch in which the same sounds are shown; times in hundredths of a second."""

    start: int
    end: int
    sounds: list[_Sound]


@dataclass(frozen=True, slots=True)
class _Sound:
    start: int
    end: int
    text: str
    probability: float


def sound_captions(
    heard: Sequence[Heard], taken: Sequence[Span], within: Span, settings: CaptionSettings
) -> list[Label]:  # fmt: skip
    """Captions of sounds in the time that `taken` (the captions of words) leaves free; of kind ``heard``, sorted."""
    lower, upper = math.ceil(within.start * TICKS - 1e-6), math.floor(within.end * TICKS + 1e-6)
    gaps = [
        (round(gap.start * TICKS), round(gap.end * TICKS))
        for gap in invert_spans(merge_spans(taken), Span(lower / TICKS, max(lower, upper) / TICKS))
    ]
    placed: dict[tuple[int, int], list[_Sound]] = {}
    for each in heard:
        found = _placed(each, gaps, settings)
        if found is not None:
            placed.setdefault(found[0], []).append(found[1])
    labels = []
    for gap, sounds in sorted(placed.items()):
        for piece in _pieces(sounds, *gap, settings):
            lines = _lines(piece.sounds, settings)
            assert lines is not None
            end = min(piece.end, piece.start + math.floor(settings.max_seconds * TICKS))
            span = Span(piece.start / TICKS, end / TICKS)
            likely = min(sound.probability for sound in piece.sounds)
            labels.append(Label(span, "\n".join(lines), kind="heard", probability=likely))
    return labels


def _placed(
    heard: Heard, gaps: Sequence[tuple[int, int]], settings: CaptionSettings
) -> tuple[tuple[int, int], _Sound] | None:
    """The first gap in which a sound can be read, and its time there; None where there is none worth it."""
    lines = lines_of(heard.caption.text, settings)
    if lines is None:
        return None
    needed = reading_ticks(lines, settings)
    onset, offset = round(heard.span.start * TICKS), max(round(heard.span.end * TICKS), round(heard.span.start * TICKS))
    shown_until = min(max(offset, onset + needed), onset + math.floor(settings.max_seconds * TICKS))
    for first, last in gaps:
        start = max(onset, first)
        if first > shown_until or start >= last:
            continue
        if onset < first and offset - first < 0.5 * (offset - onset):
            return None  # most of it lies under what is said
        end = min(shown_until, last)
        lacking = needed - (end - start)
        if lacking > 0:
            end = min(last, end + lacking)
            start = max(first, start - min(LEAD_TICKS, max(0, needed - (end - start))))
        if end - start >= needed:
            return (first, last), _Sound(start, end, heard.caption.text, heard.probability)
        if onset >= first and last < offset:
            continue  # cut off by words: there may be more of it behind them
    return None


def _pieces(sounds: Sequence[_Sound], lower: int, upper: int, settings: CaptionSettings) -> list[_Piece]:
    """Stretches of time with the sounds shown in each, every one long enough to read."""
    cuts = sorted({time for sound in sounds for time in (sound.start, sound.end)})
    pieces = []
    for start, end in zip(cuts, cuts[1:], strict=False):
        active = [sound for sound in sounds if sound.start <= start and sound.end >= end]
        while active and _lines(active, settings) is None:
            active.remove(min(active, key=lambda sound: sound.probability))
        if active:
            pieces.append(_Piece(start, end, sorted(active, key=lambda sound: sound.start)))
    while True:
        at = next((i for i, piece in enumerate(pieces) if piece.end - piece.start < _needed(piece, settings)), None)
        if at is None:
            return pieces
        _mend(pieces, at, lower, upper, settings)


def _mend(pieces: list[_Piece], at: int, lower: int, upper: int, settings: CaptionSettings) -> None:
    """Gives a piece too short to read more time, joins it to a neighbour, or takes a sound out of it.

    Every call either makes a piece long enough for good, or leaves fewer pieces or sounds: repeating it ends.
    """
    piece = pieces[at]
    before = pieces[at - 1] if at > 0 else None
    after = pieces[at + 1] if at + 1 < len(pieces) else None
    free_from, free_until = before.end if before else lower, after.start if after else upper
    lacking = _needed(piece, settings) - (piece.end - piece.start)
    if piece.end + lacking <= free_until:
        piece.end += lacking
        return
    if piece.start - min(lacking, LEAD_TICKS) >= free_from and lacking <= LEAD_TICKS:
        piece.start -= lacking
        return
    begins = any(sound.start == piece.start for sound in piece.sounds)
    touches_before = before is not None and before.end == piece.start
    touches_after = after is not None and after.start == piece.end
    if before is not None and touches_before and (not begins or not touches_after):
        joined = _Piece(before.start, piece.end, _together(before.sounds, piece.sounds, settings))
        pieces[at - 1 : at + 1] = [joined]
    elif after is not None and touches_after:
        joined = _Piece(piece.start, after.end, _together(piece.sounds, after.sounds, settings))
        pieces[at : at + 2] = [joined]
    elif len(piece.sounds) > 1:
        piece.sounds.remove(min(piece.sounds, key=lambda sound: sound.probability))
    else:
        del pieces[at]


def _together(first: Sequence[_Sound], second: Sequence[_Sound], settings: CaptionSettings) -> list[_Sound]:
    joined = list(dict.fromkeys([*first, *second]))
    while _lines(joined, settings) is None:
        joined.remove(min(joined, key=lambda sound: sound.probability))
    return sorted(joined, key=lambda sound: sound.start)


def _needed(piece: _Piece, settings: CaptionSettings) -> int:
    return reading_ticks(_lines(piece.sounds, settings) or (), settings)


def _lines(sounds: Sequence[_Sound], settings: CaptionSettings) -> tuple[str, ...] | None:
    """A line for each sound; several share one where there are more sounds than lines. None where they do not fit."""
    texts = list(dict.fromkeys(sound.text for sound in sounds))
    if len(texts) == 1:
        return lines_of(texts[0], settings)
    while len(texts) > settings.lines:
        at = min(range(len(texts) - 1), key=lambda i: len(texts[i]) + len(texts[i + 1]))
        texts[at : at + 2] = [f"{texts[at]} {texts[at + 1]}"]
    return tuple(texts) if max(map(len, texts)) <= settings.line_characters else None
