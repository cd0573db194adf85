"""Clips, their captions, and the phrases of known times: AudioGrounding in both versions, or any CSV.

Clips are keyed by their path below the data folder. (The published code keys them by the YouTube name and
so takes two excerpts of one video for one clip; here they are two, and a caption of one excerpt may be
the impostor of the other.)

Formats: version 1 of AudioGrounding is a table of columns, one row per phrase (`audiocap_id`, `filename` or
`audio_id`, `caption` or `tokens`, `soundtag`, `timestamps`); version 2 a list of clips with `phrases`
(https://github.com/wsntxxn/TextToAudioGrounding). In both, a segment [0, 0] marks a phrase that is not
heard. A CSV has the columns `file` and `caption`, and may have `split`, `phrase`, `start` and `end`.
"""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from earmark.errors import EarmarkError, FormatError, MediaError
from earmark.timeline import Span
from earmark.training.align.captions import SPELLINGS, caption_words

__all__ = ["SPLITS", "Caption", "Phrase", "Split", "keep_known", "read_audio_grounding", "read_csv", "refuse"]

SPLITS = ("train", "val", "test")

OnBroken: TypeAlias = Callable[[EarmarkError], None]


def refuse(error: EarmarkError) -> None:
    """The `on_broken` of a caller who wants whole data only."""
    raise error


@dataclass(frozen=True)
class Caption:
    """What a clip sounds like, as words. `place` is the file and line it was read from."""

    clip: str
    text: str
    words: tuple[str, ...]
    place: str = ""


@dataclass(frozen=True)
class Phrase:
    """A part of a caption, and where in the clip it is heard; no spans where it is not."""

    clip: str
    text: str
    words: tuple[str, ...]
    spans: tuple[Span, ...]
    place: str = ""


@dataclass(frozen=True)
class Split:
    """One part of a data set. `files` gives the audio file of each clip."""

    files: Mapping[str, Path]
    captions: tuple[Caption, ...]
    phrases: tuple[Phrase, ...] = ()

    @property
    def clips(self) -> list[str]:
        return list(self.files)


def read_audio_grounding(
    folder: Path,
    on_broken: OnBroken = refuse,
    spellings: Mapping[str, str] = SPELLINGS,
) -> dict[str, Split]:
    """The splits of an AudioGrounding folder: `train.json`, `val.json`, `test.json` and `*/audio/*.wav`.

    Raises:
        FormatError, MediaError: (through `on_broken`) for a clip without its audio file, a phrase without a
            segment, times that are reversed or overlap, a caption without a word; with file and line.
    """
    if not (folder / "train.json").is_file():
        raise FormatError(
            folder,
            expected="train.json and audio below it",
            found="no train.json" if folder.is_dir() else "no such folder",
            hint="Pass the folder of AudioGrounding, or a CSV of file,caption.",
        )
    splits = {}
    for name in SPLITS:
        path = folder / f"{name}.json"
        if path.is_file():
            splits[name] = _split(_Rows(path, folder, name, on_broken, spellings))
    return splits


@dataclass
class _Rows:
    path: Path
    folder: Path
    name: str
    on_broken: OnBroken
    spellings: Mapping[str, str]


def _split(source: _Rows) -> Split:
    files: dict[str, Path] = {}
    captions: dict[tuple[str, str], Caption] = {}
    phrases: dict[tuple[str, str, tuple[Span, ...]], Phrase] = {}
    for place, audio, caption, phrase, segments in _entries(source):
        try:
            clip, file = _audio_file(source, place, audio)
            words = _words(place, caption, source.spellings)
        except EarmarkError as error:
            source.on_broken(error)
            continue
        files[clip] = file
        captions.setdefault((clip, caption), Caption(clip, caption, words, place))
        if phrase is None:
            continue
        try:
            spans = _spans(place, phrase, segments)
            found = Phrase(clip, phrase, _words(place, phrase, source.spellings), spans, place)
            phrases.setdefault((clip, phrase, spans), found)
        except EarmarkError as error:
            source.on_broken(error)
    return Split(files, tuple(captions.values()), tuple(phrases.values()))


Entry: TypeAlias = tuple[str, str, str, str | None, object]
"""Place, audio file, caption, phrase, segments."""


def _entries(source: _Rows) -> Iterator[Entry]:
    text = source.path.read_text(encoding="utf-8")
    try:
        whole = json.loads(text)
    except json.JSONDecodeError as error:
        raise FormatError(
            f"{source.path}:{error.lineno}",
            expected="JSON",
            found=f"{error.msg} at column {error.colno}",
            hint="The file may have been cut off: fetch it again.",
        ) from error
    if isinstance(whole, dict):
        yield from _columns(source, whole, text)
    elif isinstance(whole, list):
        yield from _items(source, text)
    else:
        raise FormatError(
            source.path, expected="a list of clips, or a table of columns", found=type(whole).__name__,
            hint="See `train.json` of AudioGrounding.",
        )  # fmt: skip


def _columns(source: _Rows, table: dict[str, object], text: str) -> Iterator[Entry]:
    """Version 1: {"column": {"row": value, …}, …}, as pandas writes it."""

    def column(*names: str) -> dict[str, object]:
        for name in names:
            found = table.get(name)
            if isinstance(found, dict):
                return found
        raise FormatError(
            source.path,
            expected=f"a column {' or '.join(names)}",
            found=", ".join(table) or "none",
            hint="This is neither version of AudioGrounding.",
        )

    audio, caption = column("filename", "audio_id"), column("caption", "tokens")
    tags, times = column("soundtag"), column("timestamps")
    for row, name in audio.items():
        place = f"{source.path}:{1 + text.count(chr(10), 0, max(0, text.find(json.dumps(row))))} (row {row})"
        yield place, str(name), str(caption.get(row, "")), str(tags.get(row, "")), times.get(row)


def _items(source: _Rows, text: str) -> Iterator[Entry]:
    """Version 2, item by item, so that each has its line."""
    decoder = json.JSONDecoder()
    position = text.index("[") + 1
    line, counted = 1, 0
    while True:
        while position < len(text) and text[position] in " \t\r\n,":
            position += 1
        if position >= len(text) or text[position] == "]":
            return
        line += text.count("\n", counted, position)
        counted = position
        place = f"{source.path}:{line}"
        item, position = decoder.raw_decode(text, position)
        if not isinstance(item, dict) or not isinstance(item.get("audio_id"), str):
            source.on_broken(
                FormatError(
                    place,
                    expected="a clip with its audio_id",
                    found=json.dumps(item)[:60],
                    hint="See `train.json` of AudioGrounding.",
                )
            )
            continue
        caption = item.get("tokens", "")
        caption = " ".join(map(str, caption)) if isinstance(caption, list) else str(caption)
        found = item.get("phrases")
        if not isinstance(found, list) or not found:
            yield place, item["audio_id"], caption, None, None
            continue
        for number, phrase in enumerate(found, start=1):
            text_of = phrase.get("phrase", "") if isinstance(phrase, dict) else ""
            text_of = " ".join(map(str, text_of)) if isinstance(text_of, list) else str(text_of)
            segments = phrase.get("segments") if isinstance(phrase, dict) else None
            yield f"{place} (phrase {number})", item["audio_id"], caption, text_of, segments


def _audio_file(source: _Rows, place: str, audio: str) -> tuple[str, Path]:
    for folder in (source.name, "."):
        for inner in ("audio", "."):
            path = source.folder / folder / inner / audio
            if path.is_file():
                return path.relative_to(source.folder).as_posix(), path
    raise MediaError(
        place,
        expected=f"the audio file {audio} in {source.name}/audio",
        found="no such file",
        hint="Fetch it, or leave such clips out with --skip-broken.",
    )


def _words(place: str, text: str, spellings: Mapping[str, str]) -> tuple[str, ...]:
    words = caption_words(text, spellings)
    if not words:
        raise FormatError(
            place,
            expected="a caption with at least one word",
            found=f"{text!r}, which is empty after cleaning",
            hint="Give the clip a caption, or leave it out with --skip-broken.",
        )
    return words


def _spans(place: str, phrase: str, segments: object) -> tuple[Span, ...]:
    if not isinstance(segments, list) or not segments:
        raise FormatError(
            place,
            expected=f"the segments of the phrase {phrase!r}",
            found="none",
            hint="Write [[0, 0]] for a phrase that is not heard.",
        )
    spans: list[Span] = []
    for segment in segments:
        if segment == [0, 0] or segment == [0.0, 0.0]:
            continue
        spans.append(_span(place, segment))
    return _apart(place, spans)


def _span(place: str, segment: object) -> Span:
    if (
        not isinstance(segment, list)
        or len(segment) != 2
        or not all(isinstance(edge, (int, float)) and math.isfinite(edge) for edge in segment)
    ):
        raise FormatError(
            place,
            expected="segments of two times, [onset, offset]",
            found=json.dumps(segment)[:60],
            hint="Write times in seconds.",
        )
    start, end = segment
    if end <= start:
        raise FormatError(
            place,
            expected="an offset after its onset",
            found=f"{start:g} to {end:g}",
            hint="Write the earlier time first.",
        )
    return Span(float(start), float(end))


def _apart(place: str, spans: Sequence[Span]) -> tuple[Span, ...]:
    ordered = tuple(sorted(spans))
    for left, right in zip(ordered, ordered[1:], strict=False):
        if right.start < left.end:
            raise FormatError(
                place,
                expected="segments that do not overlap",
                found=f"{left.start:g} to {left.end:g} and {right.start:g} to {right.end:g}",
                hint="Merge them into one.",
            )
    return ordered


def read_csv(path: Path, on_broken: OnBroken = refuse, spellings: Mapping[str, str] = SPELLINGS) -> dict[str, Split]:
    """The splits of a CSV of clips and captions; files are relative to its folder.

    A line without a `split` belongs to `train`. Lines with a `phrase` give its times; several lines of one
    clip and phrase give several.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            columns = set(reader.fieldnames or ())
            rows = [(reader.line_num, row) for row in reader]
    except FileNotFoundError as error:
        raise FormatError(
            path, expected="a CSV of file,caption", found="no such file", hint="Check `data` in the config."
        ) from error
    if not {"file", "caption"} <= columns:
        raise FormatError(
            f"{path}:1",
            expected="the columns file and caption",
            found=", ".join(sorted(columns)) or "an empty file",
            hint="Name the columns in the first line.",
        )
    files: dict[str, dict[str, Path]] = {}
    captions: dict[str, dict[tuple[str, str], Caption]] = {}
    spans: dict[str, dict[tuple[str, str], list[Span]]] = {}
    places: dict[tuple[str, str], str] = {}
    for number, row in rows:
        place = f"{path}:{number}"
        try:
            name = (row.get("split") or "").strip() or "train"
            if name not in SPLITS:
                raise FormatError(
                    place, expected=f"a split out of {', '.join(SPLITS)}", found=repr(name),
                    hint="Leave it empty for train.",
                )  # fmt: skip
            clip = (row["file"] or "").strip()
            if not clip or not (path.parent / clip).is_file():
                raise MediaError(
                    place,
                    expected=f"the audio file {clip} beside the table" if clip else "a file name",
                    found="no such file" if clip else "an empty field",
                    hint="Fetch it, or leave such clips out with --skip-broken.",
                )
            text = (row["caption"] or "").strip()
            caption = Caption(clip, text, _words(place, text, spellings), place)
            phrase = (row.get("phrase") or "").strip()
            if phrase:
                _words(place, phrase, spellings)
                kept = spans.setdefault(name, {}).setdefault((clip, phrase), [])
                places.setdefault((clip, phrase), place)
                if (row.get("start") or "").strip() or (row.get("end") or "").strip():
                    span = _span(place, [_seconds(place, row, "start"), _seconds(place, row, "end")])
                    kept[:] = _apart(place, [*kept, span])
        except EarmarkError as error:
            on_broken(error)
            continue
        files.setdefault(name, {})[clip] = path.parent / clip
        captions.setdefault(name, {}).setdefault((clip, text), caption)
    return {
        name: Split(
            files[name],
            tuple(captions[name].values()),
            tuple(
                Phrase(clip, text, caption_words(text, spellings), tuple(found), places[clip, text])
                for (clip, text), found in spans.get(name, {}).items()
            ),
        )
        for name in SPLITS
        if name in files
    }


def _seconds(place: str, row: Mapping[str, str], field: str) -> float:
    try:
        return float(row.get(field) or "")
    except ValueError as error:
        raise FormatError(
            place, expected=f"a number in {field!r}", found=repr(row.get(field)), hint="Write times in seconds."
        ) from error


def keep_known(split: Split, known: Callable[[str], bool], on_broken: OnBroken = refuse) -> Split:
    """The split with the words that have a vector; one that has none is reported once, with its line.

    A caption or phrase of which no word is left is left out.
    """
    told: set[str] = set()

    def kept(words: Sequence[str], place: str) -> tuple[str, ...]:
        for word in words:
            if not known(word) and word not in told:
                told.add(word)
                on_broken(
                    FormatError(
                        place,
                        expected="words that have a vector",
                        found=repr(word),
                        hint="Add it to the spelling table, or leave such words out with --skip-broken.",
                    )
                )
        return tuple(word for word in words if known(word))

    captions = [Caption(c.clip, c.text, kept(c.words, c.place), c.place) for c in split.captions]
    phrases = [Phrase(p.clip, p.text, kept(p.words, p.place), p.spans, p.place) for p in split.phrases]
    captions = [caption for caption in captions if caption.words]
    clips = {caption.clip for caption in captions} | {phrase.clip for phrase in phrases if phrase.words}
    return Split(
        {clip: file for clip, file in split.files.items() if clip in clips},
        tuple(captions),
        tuple(phrase for phrase in phrases if phrase.words),
    )
