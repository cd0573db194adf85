"""The ears for words that are known already: they only listen for when each was said.

`ReadyEar` has words whose times are as good as they get, and listens to nothing.
`CueEar` has cues with times and an aligner that knows their language: it places every word inside its cue.
`PlainEar` has text without times. Where the recogniser knows its language, what is recognised is laid beside
the text and lends it its times (the text keeps its own words); else the text is spread over what is speech by
its letters.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from earmark import language
from earmark.engines.aligner import Aligner
from earmark.indexing.ears import Harvest, InOrder
from earmark.indexing.speech import CURVE_SCALE, SpeechEar, joined, passage_of
from earmark.indexing.transcripts import JOIN_SECONDS, LETTERS_PER_SECOND, LONGEST_SECONDS, interpolated
from earmark.records import Recording, Segment, Word
from earmark.settings import UtteranceSettings
from earmark.timeline import ScoreCurve, Span, Waveform, merge_spans, spans_above

__all__ = ["PAD_SECONDS", "CueEar", "PlainEar", "ReadyEar", "aligned", "is_placed", "place_lines"]

PAD_SECONDS = 0.3
"""Sound heard on both sides of a cue, whose times are rarely exact."""
BLOCK_GAP_SECONDS = 0.6
"""Segments no further apart are placed together, so that a word may cross from one cue's time into the next's."""
LEAST_SCORE = -3.0
"""An alignment below this did not find its words, and the cue's own times are better. Of 160 English sentences (TIMIT
and one reader of Apache-2.0 prompts) every right text scored above -2.6, every text of another sentence below -5."""
MOST_WORDS_PER_SECOND = 10.0
"""More are not said; a book pasted into a cue would only keep the aligner busy."""
MOST_WORDS = 20_000
"""Longer texts are not laid beside what was recognised: the table for it grows with the square (50 MB here)."""


def is_placed(segments: Sequence[Segment]) -> bool:
    """Whether a transcript's times stay as they are: at least half its words have their own, or it holds more words
    than anybody says in the time it covers (thousands of cues one over the other), which no aligner could sort out."""
    words = [word.aligned for segment in segments for word in segment.words]
    covered = sum(span.duration for span in merge_spans(segment.span for segment in segments))
    return 2 * sum(words) >= len(words) or len(words) > MOST_WORDS_PER_SECOND * covered


class ReadyEar:
    """Hands over `segments` (sorted) that begin at `begin` or later, in one piece."""

    def __init__(self, recording: Recording, segments: Sequence[Segment], words_id: str, begin: float) -> None:
        self._recording = recording
        self._words_id = words_id
        self._segments = [segment for segment in segments if segment.span.start >= begin - 1e-6]

    def feed(self, block: Waveform) -> None:
        pass

    def finish(self) -> None:
        pass

    def harvest(self) -> list[Harvest]:
        segments, self._segments = self._segments, []
        passages = [passage_of(self._recording.id, segment) for segment in segments]
        return [Harvest("words", self._words_id, self._recording.span.end, passages)]


class CueEar:
    """Places the words of `segments` (sorted, each word with some time) that begin at `begin` or later."""

    def __init__(
        self,
        recording: Recording,
        segments: Sequence[Segment],
        aligner: Aligner,
        words_id: str,
        pool: ThreadPoolExecutor,
        workers: int,
        begin: float,
    ) -> None:
        self._recording = recording
        self._aligner = aligner
        self._words_id = words_id
        self._blocks = [block for block in blocks_of(segments) if block[0].span.start >= begin - 1e-6]
        self._sent = 0
        self._harvested = 0
        self._work: InOrder[list[Segment]] = InOrder(pool, limit=2 * workers)
        self._audio: list[Waveform] = []

    def feed(self, block: Waveform) -> None:
        self._audio.append(block)
        heard = self._audio[-1].span.end
        while self._sent < len(self._blocks) and self._end(self._sent) + PAD_SECONDS <= heard:
            self._send()
        if self._sent == len(self._blocks):
            self._audio.clear()
            return
        needed = self._blocks[self._sent][0].span.start - PAD_SECONDS
        while self._audio and self._audio[0].span.end <= needed:
            self._audio.pop(0)

    def finish(self) -> None:
        while self._sent < len(self._blocks):
            self._send()
        self._work.wait()

    def harvest(self) -> list[Harvest]:
        passages = []
        for segments in self._work.ready():
            self._harvested += 1
            passages += [passage_of(self._recording.id, segment) for segment in segments]
        done = self._harvested == len(self._blocks)
        position = self._recording.span.end if done else self._blocks[self._harvested][0].span.start
        return [Harvest("words", self._words_id, position, passages)]

    def _end(self, block: int) -> float:
        return max(segment.span.end for segment in self._blocks[block])

    def _send(self) -> None:
        block = self._blocks[self._sent]
        span = Span(block[0].span.start, self._end(self._sent)).widen(PAD_SECONDS)
        waveform = joined(self._audio, span) if self._audio else None
        aligner = self._aligner
        self._sent += 1
        self._work.send(lambda: aligned(block, waveform, aligner))


def blocks_of(segments: Sequence[Segment]) -> list[list[Segment]]:
    """Neighbouring segments that are placed together; those that overlap are placed by themselves."""
    blocks: list[list[Segment]] = []
    for segment in segments:
        last = blocks[-1][-1] if blocks else None
        if (
            last is not None
            and -0.05 <= segment.span.start - last.span.end <= BLOCK_GAP_SECONDS
            and segment.span.end - blocks[-1][0].span.start <= LONGEST_SECONDS
        ):
            blocks[-1].append(segment)
        else:
            blocks.append([segment])
    return blocks


def aligned(block: Sequence[Segment], waveform: Waveform | None, aligner: Aligner) -> list[Segment]:
    """The segments of a block with their words placed; as they were where the words are not to be found there."""
    words = [word for segment in block for word in segment.words]
    if waveform is None or not words or len(words) > MOST_WORDS_PER_SECOND * waveform.span.duration:
        return list(block)
    alignment = aligner.align(waveform, [word.text for word in words], [word.probability for word in words])
    if alignment.score is None or alignment.score < LEAST_SCORE:
        if len(block) == 1:
            return list(block)
        parts = [waveform.cut(segment.span.widen(PAD_SECONDS)) for segment in block]
        return [one for segment, part in zip(block, parts, strict=True) for one in aligned([segment], part, aligner)]
    placed = []
    rest = list(alignment.words)
    for segment in block:
        own, rest = rest[: len(segment.words)], rest[len(segment.words) :]
        placed.append(replace(segment, words=tuple(own)))
    return placed


class PlainEar:
    """Listens through `ear` to the whole of a recording and gives `lines` the times of what it heard.

    It cannot be resumed: a text without times can only be laid beside the whole.
    """

    def __init__(
        self,
        recording: Recording,
        ear: SpeechEar,
        lines: Sequence[str],
        language_code: str,
        words_id: str,
        settings: UtteranceSettings,
        keep_activity: bool,
    ) -> None:
        self._recording = recording
        self._ear = ear
        self._lines = list(lines)
        self._language = language_code
        self._words_id = words_id
        self._settings = settings
        self._keep_activity = keep_activity
        self._curve: list[NDArray[np.float32]] = []
        self._step = 0.0
        self._heard: list[Word] = []
        self._finished = False

    def feed(self, block: Waveform) -> None:
        self._ear.feed(block)

    def finish(self) -> None:
        self._ear.finish()
        self._finished = True

    def harvest(self) -> list[Harvest]:
        harvests = []
        for harvest in self._ear.harvest():
            if harvest.job == "words":
                self._heard += [word for passage in harvest.passages for word in passage.segment.words]
            elif harvest.track is not None:
                self._step = harvest.track.header.step_seconds
                self._curve.append(harvest.track.rows[:, 0].astype(np.float32) / np.float32(CURVE_SCALE))
                if self._keep_activity:
                    harvests.append(harvest)
        start = self._recording.start_seconds
        if not self._finished:
            return [*harvests, Harvest("words", self._words_id, start)]
        curve = ScoreCurve(np.concatenate([np.zeros(0, np.float32), *self._curve]), self._step or 1.0, start)
        speech = merge_spans(spans_above(curve, self._settings.on, self._settings.off))
        segments = place_lines(self._lines, self._heard, speech or [self._recording.span], self._recording.span)
        named = [replace(segment, language=self._language, engine=self._words_id) for segment in segments]
        passages = [passage_of(self._recording.id, segment) for segment in named]
        return [*harvests, Harvest("words", self._words_id, self._recording.span.end, passages)]


def place_lines(lines: Sequence[str], heard: Sequence[Word], speech: Sequence[Span], within: Span) -> list[Segment]:
    """Text without times as segments with them.

    Args:
        lines: at least one word each.
        heard: what a recogniser made of the recording, in order of time; may be empty.
        speech: where somebody speaks, disjoint and sorted, at least one span.
    """
    words = [word for line in lines for word in line.split()]
    anchors = _anchors(words, heard) if heard and max(len(words), len(heard)) <= MOST_WORDS else {}
    if len(anchors) * 4 < len(words):  # too little of it was recognised to hang the rest upon
        anchors = {}
    placed: list[Word] = []
    at = 0
    while at < len(words):
        if at in anchors:
            placed.append(replace(heard[anchors[at]], text=words[at]))
            at += 1
            continue
        last = next((n for n in range(at, len(words)) if n in anchors), len(words))
        left = placed[-1].span.end if placed else within.start
        right = heard[anchors[last]].span.start if last < len(words) else within.end
        slow = sum(len(word) + 1 for word in words[at:last]) / (LETTERS_PER_SECOND / 2)
        if placed:  # words that were not recognised stay with those that were
            right = min(right, left + slow)
        elif last < len(words):
            left = max(left, right - slow)
        placed += _spread(words[at:last], [s for s in speech if s.end > left and s.start < right], left, right)
        at = last
    for at in range(1, len(placed)):  # recognised utterances may overlap by a pad
        start = placed[at - 1].span.start
        if placed[at].span.start < start:
            placed[at] = replace(placed[at], span=Span(start, max(start, placed[at].span.end)))
    return _segments(lines, placed)


def _anchors(words: Sequence[str], heard: Sequence[Word]) -> dict[int, int]:
    """Word of the text -> the word heard that is the same, along the alignment with the fewest edits."""
    from rapidfuzz.distance import Levenshtein

    said = [_key(word) for word in words]
    recognised = [_key(word.text) for word in heard]
    anchors = {}
    for step in Levenshtein.opcodes(said, recognised):
        if step.tag == "equal":
            for offset in range(step.src_end - step.src_start):
                anchors[step.src_start + offset] = step.dest_start + offset
    return anchors


def _key(word: str) -> str:
    return " ".join(token.key for token in language.normalise(word)) or word


def _spread(words: Sequence[str], speech: Sequence[Span], left: float, right: float) -> list[Word]:
    """Words over the speech between two times by their letters; over all the time where there is no speech."""
    right = max(left, right)
    parts = [Span(max(s.start, left), min(s.end, right)) for s in speech]
    parts = [part for part in parts if part.duration > 0] or [Span(left, right)]
    edges = np.cumsum([0.0, *(part.duration for part in parts)])  # seconds of speech before each part

    def at(seconds: float, part: int) -> float:
        return parts[part].start + seconds - float(edges[part])

    spread = []
    for word in interpolated(words, Span(0.0, float(edges[-1]))):
        middle = int(np.searchsorted(edges, word.span.middle, side="right")) - 1
        part = min(max(0, middle), len(parts) - 1)  # a word lies where most of it does
        start = max(parts[part].start, at(word.span.start, part))
        end = min(parts[part].end, at(word.span.end, part))
        spread.append(replace(word, span=Span(start, max(start, end))))
    return spread


def _segments(lines: Sequence[str], words: Sequence[Word]) -> list[Segment]:
    """One segment a line, parted at long pauses and where it grows too long."""
    segments = []
    at = 0
    for line in lines:
        count = len(line.split())
        run: list[Word] = []
        for word in words[at : at + count]:
            if run and (
                word.span.start - run[-1].span.end > 5 * JOIN_SECONDS
                or word.span.end - run[0].span.start > LONGEST_SECONDS
            ):
                segments.append(_segment(run))
                run = []
            run.append(word)
        segments.append(_segment(run))
        at += count
    return segments


def _segment(words: Sequence[Word]) -> Segment:
    span = Span(words[0].span.start, max(word.span.end for word in words))
    return Segment(span, " ".join(word.text for word in words), tuple(words))
