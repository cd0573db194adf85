"""What is learnt from: chunks of data sets, and sentences that synthetic voices speak."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from earmark import language
from earmark.errors import FormatError, UsageError
from earmark.formats.manifest import read_manifest
from earmark.timeline import Span
from earmark.training.speech_text.settings import Sentences, SpeechTextSettings

__all__ = ["Utterance", "plain", "read_sources"]

VALIDATION_SHARE = 20
"""One recording of so many of a list of sentences is kept for validation."""


@dataclass(frozen=True)
class Utterance:
    """Something said, or to be said by a synthetic voice.

    Attributes:
        id: of its own; its place in the cache.
        recording: what it shares with its neighbours, which follow it in the list.
        path: of the recording; empty where a voice speaks it.
        span: of the recording; None for all of it.
    """

    id: str
    recording: str
    text: str
    language: str = ""
    split: str = "train"
    path: str = ""
    span: Span | None = None
    keywords: tuple[str, ...] = field(default=(), compare=False)


def plain(text: str, spoken: str | None = None) -> str:
    """A text as both towers are taught and asked: keys of its words, by the one normaliser."""
    return " ".join(token.key for token in language.normalise(text, spoken or None))


def read_sources(settings: SpeechTextSettings) -> list[Utterance]:
    """Everything a config names, neighbours in a row, without what is to be left out.

    Raises:
        FormatError: if a list or a manifest is missing or does not parse.
        UsageError: if fewer than two utterances are left to train on.
    """
    never = {words for path in settings.leave_out for words in _texts_of(Path(path))}
    found: list[Utterance] = []
    for path in settings.manifests:
        found += _from_manifest(Path(path))
    for each in settings.sentences:
        found += _from_sentences(each, settings.seed)
    kept = [one for one in found if (words := plain(one.text, one.language)) and words not in never]
    if sum(one.split == "train" for one in kept) < 2:
        raise UsageError(
            "earmark train speech-text",
            expected="at least two utterances with a transcript to train on",
            found=str(sum(one.split == "train" for one in kept)),
            hint="Name more under `manifests:` or `sentences:`.",
        )
    return kept


def _from_manifest(path: Path) -> Iterable[Utterance]:
    for chunk in read_manifest(path):
        if chunk.transcript.strip() and chunk.split != "test":
            split = chunk.split or "train"
            yield Utterance(
                f"{chunk.recording}:{chunk.id}", chunk.recording, chunk.transcript, chunk.language, split,
                chunk.path, chunk.span, chunk.keywords,
            )  # fmt: skip


def _from_sentences(each: Sentences, seed: int) -> list[Utterance]:
    rows = _rows(each)
    if each.limit and len(rows) > each.limit:
        chosen = np.sort(np.random.default_rng(seed).permutation(len(rows))[: each.limit])
        rows = [rows[int(at)] for at in chosen]
    shuffled = sorted({recording for recording, _, _ in rows}, key=_drawn)
    kept = set(shuffled[: -(-len(shuffled) // VALIDATION_SHARE)]) if len(shuffled) > 1 else set()
    found, home = [], Path(each.file).name
    for take in range(max(1, each.takes)):
        for recording, id_, text in rows:
            split = "validation" if recording in kept else "train"
            found.append(Utterance(f"{home}:{id_}:{take}", f"{home}:{recording}:{take}", text, each.language, split))
    return found


def _drawn(recording: str) -> bytes:
    """An order that has nothing to do with the name."""
    return hashlib.blake2b(recording.encode(), digest_size=8).digest()


def _rows(each: Sentences) -> list[tuple[str, str, str]]:
    """Recording, id and text of each sentence. An id such as LJ001-0002 is the second of LJ001; else ten are one."""
    path = Path(each.file)
    lines = _read(path)
    cells = _cells(path, lines)
    if each.text or each.only:
        table = cells or [[]]
        head = {name: place for place, name in enumerate(table[0])}
        column, _, value = each.only.partition("=")
        for name in filter(None, (each.text, column)):
            if name not in head:
                raise FormatError(path, expected=f"a column {name}", found=", ".join(head), hint="Check the config.")
        body = [row for row in table[1:] if len(row) == len(head)]
        texts = [
            (str(number), row[head[each.text]] if each.text else row[-1])
            for number, row in enumerate(body)
            if not column or row[head[column]] == value
        ]
    elif path.suffix in (".tsv", ".csv"):
        texts = [(row[0] if len(row) > 1 else str(number), row[-1]) for number, row in enumerate(cells)]
    else:
        texts = [(str(number), line) for number, line in enumerate(lines)]
    rows = []
    for number, (id_, text) in enumerate(texts):
        head_part, dash, _ = id_.rpartition("-")
        rows.append((head_part if dash else str(number // 10), id_, text.strip()))
    return [row for row in rows if row[2]]


def _texts_of(path: Path) -> set[str]:
    """The plain transcripts of a manifest, or of a table with a column `transcript`."""
    if path.is_dir() or path.suffix == ".jsonl":
        return {plain(chunk.transcript, chunk.language) for chunk in read_manifest(path)} - {""}
    head, *body = _cells(path, _read(path)) or [[]]
    if "transcript" not in head:
        raise FormatError(path, expected="a column transcript", found=", ".join(head), hint="Check the config.")
    place = head.index("transcript")
    return {plain(row[place]) for row in body if len(row) > place} - {""}


def _cells(path: Path, lines: Sequence[str]) -> list[list[str]]:
    """The cells of a table. Those of a TSV hold quotes as they are."""
    if path.suffix == ".tsv":
        return [row for row in csv.reader(lines, delimiter="\t", quoting=csv.QUOTE_NONE) if row]
    return [row for row in csv.reader(lines) if row]


def _read(path: Path) -> Sequence[str]:
    try:
        return path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as exc:
        found = "no such file" if isinstance(exc, FileNotFoundError) else "no UTF-8 text"
        raise FormatError(path, expected="a list of sentences", found=found, hint="Check the path.") from exc
