"""Captions: speech cut into pieces that can be read, laid out in lines, with times that leave enough of it.

Pure text layout, of whatever is written. A caption ends at a pause or a sentence where it can, at a comma where it
must, and never after an article or a preposition if there is another way; its lines are of about the same length. It
stands as long as it takes to read, within its own gap if that is long enough; else the next one comes a little late.
Times lie on a grid of hundredths of a second, the coarsest of any subtitle format: none rounds a rule away.

Sources: Netflix's Timed Text Style Guide and the BBC's Subtitle Guidelines for the rules (`CaptionSettings`); choosing
all ends together by least badness, as Knuth & Plass 1981 break paragraphs.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from earmark.formats.labels import Label
from earmark.records import Segment, Word
from earmark.settings import CaptionSettings
from earmark.timeline import Span

__all__ = ["Mark", "broken_rules", "lines_of", "reading_ticks", "spoken_captions"]

TICKS = 100
"""A second, in the hundredths that captions are timed in."""
LEAD_TICKS = 50
"""A caption may come this much before its first word where it could not be read otherwise."""
SENTENCE_ENDS = (".", "?", "!", "؟", "…", "。", "？", "！", "۔")
CLAUSE_ENDS = (",", ";", ":", "،", "؛", "–", "—", "、", "，")
CLOSING = "\"'”’»)]"
WEAK = frozenset(
    "a an the and or but nor of to in on at by for from with as that than if is are was were be my your his her its "
    "our their this these those very not no i we you he she they it mr mrs ms dr "
    "و که در به از با تا را بر برای این آن هر یک اگر چون یا اما ولی".split()
)  # fmt: skip
"""Words that lean on the next one: nothing should end after them."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A sound that begins while somebody speaks: it stands as a line of its own above the words from there on."""

    seconds: float
    text: str


@dataclass(frozen=True, slots=True)
class _Token:
    """A word, or a piece of a very long one, and what parts it from the one before (a blank, or nothing)."""

    text: str
    glue: str
    start: float
    end: float
    word: Word
    language: str
    closes: bool = False  # the last one of an utterance


@dataclass(slots=True)
class _Cue:
    """A caption before its times are settled; `start`, `end` and `need` in ticks."""

    lines: tuple[str, ...]
    tokens: Sequence[_Token]
    mark: str
    start: int
    end: int
    need: int


def lines_of(text: str, settings: CaptionSettings) -> tuple[str, ...] | None:
    """The text in as few lines as it fits, of even length; None where it does not fit."""
    word = Word("", Span(0.0, 0.0))
    tokens = [_Token(part, " ", 0.0, 0.0, word, "") for part in text.split()]
    return _lines(_pieces(tokens, settings.line_characters), settings.lines, settings.line_characters)


def reading_ticks(lines: Iterable[str], settings: CaptionSettings) -> int:
    """How long a caption has to stand to be read, in hundredths of a second."""
    characters = sum(map(len, lines))
    seconds = max(settings.min_seconds, min(settings.max_seconds, characters / settings.characters_per_second))
    return math.ceil(round(seconds * TICKS, 6))


def spoken_captions(
    segments: Sequence[Segment], within: Span, settings: CaptionSettings | None = None, marks: Sequence[Mark] = ()
) -> list[Label]:
    """Speech as captions, sorted, none over another, all of them inside `within`.

    Args:
        segments: utterances in order of time; words without times are spread over theirs by their letters.
        marks: sounds to name above the words. One that leaves no time to read is left out, whatever has been said not.

    Returns:
        Labels of kind ``said``, lines parted by newlines, with the words they hold.
    """
    settings = CaptionSettings() if settings is None else settings
    tokens = _pieces(_tokens(segments), settings.line_characters)
    runs = _runs(tokens, settings.pause_seconds)
    cues: list[_Cue] = []
    for number, run in enumerate(runs):
        until = runs[number + 1][0].start if number + 1 < len(runs) else within.end
        cues += _cut(run, until, settings, [mark for mark in marks if run[0].start <= mark.seconds < run[-1].end])
    _settle(cues, math.ceil(within.start * TICKS - 1e-6), math.floor(within.end * TICKS + 1e-6), settings)
    return [_label(cue) for cue in cues if cue.start < cue.end]


def broken_rules(captions: Sequence[Label], within: Span, settings: CaptionSettings | None = None) -> list[str]:
    """What is wrong with captions, one line a fault; empty where every rule is kept. Times count in milliseconds."""
    settings = CaptionSettings() if settings is None else settings
    faults = []
    before = None
    for number, caption in enumerate(captions, 1):
        start, end = round(caption.span.start * 1000), round(caption.span.end * 1000)
        lines = caption.text.split("\n")
        name = f"caption {number} at {start / 1000:.3f} s"
        if len(lines) > settings.lines:
            faults.append(f"{name}: {len(lines)} lines")
        if max(map(len, lines)) > settings.line_characters:
            faults.append(f"{name}: a line of {max(map(len, lines))} characters")
        if not caption.text.strip():
            faults.append(f"{name}: no text")
        if end - start < settings.min_seconds * 1000:
            faults.append(f"{name}: stands {(end - start) / 1000:.3f} s")
        if end - start > settings.max_seconds * 1000:
            faults.append(f"{name}: stands {(end - start) / 1000:.3f} s")
        if sum(map(len, lines)) * 1000 > settings.characters_per_second * (end - start):
            faults.append(f"{name}: {sum(map(len, lines)) * 1000 / max(1, end - start):.1f} characters a second")
        if before is not None and start < before:
            faults.append(f"{name}: begins before the one before it ends")
        if start < round(within.start * 1000) or end > round(within.end * 1000):
            faults.append(f"{name}: outside of the recording")
        before = end
    return faults


# --- words ---


def _tokens(segments: Sequence[Segment]) -> list[_Token]:
    """All words in a row, onsets never falling; blanks are kept as the utterance's text has them."""
    tokens: list[_Token] = []
    latest = -math.inf
    for segment in segments:
        at = 0
        words = segment.words or _spread(segment)
        for number, word in enumerate(words):
            text = " ".join(word.text.split())
            if not text:
                continue
            found = segment.text.find(word.text, at)
            glue = "" if at and found == at else " "  # scripts without blanks keep none
            at = found + len(word.text) if found >= 0 else at
            latest = max(latest, word.span.start)
            closes = number == len(words) - 1
            tokens.append(_Token(text, glue, latest, max(latest, word.span.end), word, segment.language, closes))
    return tokens


def _spread(segment: Segment) -> tuple[Word, ...]:
    texts = segment.text.split()
    total = max(1, sum(map(len, texts)))
    words, letters = [], 0
    for text in texts:
        first, last = letters / total, (letters + len(text)) / total
        begin, length = segment.span.start, segment.span.duration
        words.append(Word(text, Span(begin + first * length, begin + last * length), aligned=False))
        letters += len(text)
    return tuple(words)


def _pieces(tokens: Sequence[_Token], most: int) -> list[_Token]:
    """The same, with what is longer than a line cut to its length."""
    pieces = []
    for token in tokens:
        count = -(-len(token.text) // most)
        if count < 2:
            pieces.append(token)
            continue
        step = (token.end - token.start) / count
        for k in range(count):
            pieces.append(
                replace(
                    token, text=token.text[k * most : (k + 1) * most], glue=token.glue if k == 0 else "",
                    start=token.start + k * step, end=token.start + (k + 1) * step,
                    closes=token.closes and k == count - 1,
                )
            )  # fmt: skip
    return pieces


def _runs(tokens: Sequence[_Token], pause_seconds: float) -> list[list[_Token]]:
    """Stretches of speech in one language without a long pause."""
    runs: list[list[_Token]] = []
    spoken_until = -math.inf
    for token in tokens:
        if not runs or token.start - spoken_until >= pause_seconds or token.language != runs[-1][-1].language:
            runs.append([])
        runs[-1].append(token)
        spoken_until = max(spoken_until, token.end)
    return runs


# --- where captions and lines end ---


def _text(tokens: Sequence[_Token]) -> str:
    return "".join((token.glue if number else "") + token.text for number, token in enumerate(tokens))


def _badness(last: _Token) -> float:
    """How bad it is to end after a word, 0 after a sentence."""
    bare = last.text.rstrip(CLOSING)
    if bare.endswith(SENTENCE_ENDS):
        return 0.0
    if bare.endswith(CLAUSE_ENDS):
        return 0.6
    if last.closes:
        return 0.8
    return 2.2 if bare.lower() in WEAK else 1.5


def _lines(tokens: Sequence[_Token], count: int, most: int) -> tuple[str, ...] | None:
    text = _text(tokens)
    if len(text) <= most:
        return (text,)
    if count < 2 or len(text) > count * (most + 1):
        return None
    best: tuple[float, tuple[str, ...]] | None = None
    for cut in range(1, len(tokens)):
        first = _text(tokens[:cut])
        if len(first) > most:
            break
        rest = _lines(tokens[cut:], count - 1, most)
        if rest is not None:
            uneven = abs(len(first) - len(rest[0])) / most
            bad = 2.0 * uneven + 0.5 * _badness(tokens[cut - 1])
            if best is None or bad < best[0]:
                best = bad, (first, *rest)
    return None if best is None else best[1]


def _cut(run: Sequence[_Token], until: float, settings: CaptionSettings, marks: Sequence[Mark]) -> list[_Cue]:
    """The captions of a stretch of speech; marks that leave no time to read give way to the words."""
    wanted: dict[int, str] = {}
    for mark in marks:
        index = min(range(len(run)), key=lambda i: abs(run[i].start - mark.seconds))
        if index not in wanted and len(mark.text) <= settings.line_characters and settings.lines > 1:
            wanted[index] = mark.text
    while True:
        cues = _best_cut(run, until, settings, wanted)
        firsts = [cue.tokens[0] for cue in cues]
        rushed = set()
        for number, cue in enumerate(cues):
            room = (firsts[number + 1].start if number + 1 < len(cues) else until) - firsts[number].start
            if cue.mark and cue.need > room * TICKS:
                rushed.add(cue.mark)
        if not rushed:
            return cues
        wanted = {index: text for index, text in wanted.items() if text not in rushed}


def _best_cut(run: Sequence[_Token], until: float, settings: CaptionSettings, marks: dict[int, str]) -> list[_Cue]:
    """Of all ways to cut, the one of least badness: later captions pay for what earlier ones choose."""
    ends_at = [0]  # characters up to and with each word, blanks included
    sentences = [0]  # sentences that end before each word
    for number, token in enumerate(run):
        ends_at.append(ends_at[-1] + len(token.text) + (len(token.glue) if number else 0))
        sentences.append(sentences[-1] + (_badness(token) == 0.0))
    costs = [0.0] + [math.inf] * len(run)  # of the best captions for the first n words
    origins = [0] * (len(run) + 1)
    for first in range(len(run)):
        skipped = ends_at[first] + (len(run[first].glue) if first else 0)  # characters before this caption
        count, begins = settings.lines - (first in marks), skipped  # lines that are left, where the last one begins
        for last in range(first + 1, len(run) + 1):
            if last > first + 1 and (last - 1 in marks or run[last - 1].end - run[first].start > settings.max_seconds):
                break
            if ends_at[last] - begins > settings.line_characters:
                count, begins = count - 1, ends_at[last] - len(run[last - 1].text)
                if count < 1:
                    break
            after = run[last].start if last < len(run) else until
            characters = ends_at[last] - skipped + len(marks.get(first, ""))
            needed = max(settings.min_seconds, characters / settings.characters_per_second)
            cost = 1.0 + 4.0 * max(0.0, needed - (after - run[first].start))
            cost += 0.4 * (sentences[last - 1] - sentences[first])
            if last < len(run):
                cost += max(0.0, _badness(run[last - 1]) - 2.0 * max(0.0, after - run[last - 1].end))
            if costs[first] + cost < costs[last]:
                costs[last], origins[last] = costs[first] + cost, first
    ends = [len(run)]
    while ends[-1] > 0:
        ends.append(origins[ends[-1]])
    ends.reverse()
    return [_cue(run[a:b], marks.get(a, ""), settings) for a, b in zip(ends, ends[1:], strict=False)]


def _cue(tokens: Sequence[_Token], mark: str, settings: CaptionSettings) -> _Cue:
    lines = _lines(tokens, settings.lines - bool(mark), settings.line_characters)
    assert lines is not None, "only captions that fit are chosen"
    lines = (mark, *lines) if mark else lines
    start = math.floor(tokens[0].start * TICKS + 1e-6)
    end = math.ceil(max(token.end for token in tokens) * TICKS - 1e-6)
    return _Cue(lines, tokens, mark, start, end, reading_ticks(lines, settings))


# --- times ---


def _settle(cues: Sequence[_Cue], lower: int, upper: int, settings: CaptionSettings) -> None:
    """Gives every caption the time to be read, one after the other, between `lower` and `upper` ticks."""
    longest = math.floor(settings.max_seconds * TICKS)
    late = round(settings.most_late_seconds * TICKS)
    free = lower
    for number, cue in enumerate(cues):
        following = max(cues[number + 1].start, lower) if number + 1 < len(cues) else upper
        start = max(cue.start, free)
        lacking = start + cue.need - following
        if lacking > 0:
            start -= max(0, min(lacking, LEAD_TICKS, start - free))
        end = max(min(cue.end, following), start + cue.need)
        end = min(end, start + longest, max(following + late, start + math.ceil(settings.min_seconds * TICKS)))
        cue.start, cue.end = start, end
        free = end
    bound = upper
    for cue in reversed(cues):
        if cue.end <= bound:
            break
        cue.end = bound
        cue.start = min(cue.start, bound - cue.need)
        bound = cue.start
    if cues and cues[0].start < lower:  # more to read than there is time: all share what there is
        total = sum(cue.need for cue in cues)
        passed = 0
        for cue in cues:
            cue.start = lower + (upper - lower) * passed // total
            passed += cue.need
            cue.end = lower + (upper - lower) * passed // total


def _label(cue: _Cue) -> Label:
    words = tuple(word for word, _ in groupby(token.word for token in cue.tokens))
    probability = sum(word.probability for word in words) / len(words)
    return Label(
        Span(cue.start / TICKS, cue.end / TICKS),
        "\n".join(cue.lines),
        kind="said",
        probability=min(1.0, max(0.0, probability)),
        words=words,
        language=cue.tokens[0].language,
    )
