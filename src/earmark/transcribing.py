"""What was said in one recording, from its first word to its last, whole or in lines short enough to read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from earmark.library import Catalogue
from earmark.records import Recording, Segment, Word
from earmark.timeline import Span

__all__ = ["cues", "transcript"]

CUE_CHARACTERS = 84
"""Two lines of 42: what subtitles hold at once (Netflix's and the BBC's guides agree)."""
CUE_SECONDS = 7.0
"""The longest a subtitle stands, by the same guides."""
PAUSE_SECONDS = 0.6
"""A pause this long always begins a new one."""


def transcript(catalogue: Catalogue, recording: Recording) -> list[Segment]:
    """What the library holds of the words of a recording, in order of time; empty where nothing was said."""
    ids = catalogue.column("recording_id")
    return [catalogue.segment(row) for row, id_ in enumerate(ids) if id_ == recording.id]


def cues(segments: Sequence[Segment]) -> list[Segment]:
    """Segments cut into subtitles: at pauses, after sentences, else where they would grow too long.

    Segments without word times are kept whole.
    """
    short = []
    for segment in segments:
        if not segment.words:
            short.append(segment)
            continue
        for words in _groups(segment.words):
            text = " ".join(word.text for word in words)
            span = Span(words[0].span.start, max(word.span.end for word in words))
            short.append(replace(segment, span=span, text=text, words=tuple(words)))
    return short


def _groups(words: Sequence[Word]) -> Iterator[list[Word]]:
    group: list[Word] = []
    for word in words:
        if group and _ends(group, word):
            yield group
            group = []
        group.append(word)
    if group:
        yield group


def _ends(group: Sequence[Word], following: Word) -> bool:
    """Whether a subtitle that holds `group` ends before the following word."""
    characters = sum(len(word.text) + 1 for word in group) + len(following.text)
    seconds = following.span.end - group[0].span.start
    pause = following.span.start - group[-1].span.end
    sentence = group[-1].text.rstrip("\"'”’)").endswith((".", "?", "!", "؟", "…"))
    return (
        characters > CUE_CHARACTERS
        or seconds > CUE_SECONDS
        or pause >= PAUSE_SECONDS
        or (sentence and characters > CUE_CHARACTERS // 2)
    )
