"""Frames of utterances, made once and kept: float16 in one file, with a line for each utterance beside it.

    frames.f16     frames of all utterances after one another, row by row
    index.jsonl    id, first row and number of rows of each, its keywords, and a digest of what was heard
    cache.json     the encoder

A run that was stopped leaves at most rows nobody counts; the next goes on behind the last that do.
"""

from __future__ import annotations

import hashlib
import json
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from earmark import language
from earmark.engines.speech_text import FrameEncoder
from earmark.errors import EarmarkError, UsageError
from earmark.media.decode import decode
from earmark.progress import Progress, ignore
from earmark.settings import SAMPLE_RATE
from earmark.training.speech_text.sources import Utterance
from earmark.training.speech_text.voices import MOST_SECONDS, speak

__all__ = ["Frames", "store_frames"]

KEYWORDS = 10
SPEAKERS = 3
"""Utterances spoken or decoded at once."""


@dataclass(frozen=True)
class Frames:
    """Frames on the disk.

    Attributes:
        rows: ``(rows, dim)`` float16, mapped.
        places: first row and number of rows, by utterance id.
        keywords: by utterance id.
        left_out: utterances that could not be heard, and why.
    """

    rows: NDArray[np.float16]
    places: dict[str, tuple[int, int]]
    keywords: dict[str, tuple[str, ...]]
    left_out: tuple[tuple[str, EarmarkError], ...] = ()

    def of(self, id_: str) -> NDArray[np.float16]:
        first, count = self.places[id_]
        return np.asarray(self.rows[first : first + count])


def store_frames(
    folder: Path,
    utterances: Sequence[Utterance],
    encoder: FrameEncoder,
    seed: int,
    on_progress: Progress = ignore,
) -> Frames:
    """Makes what is not there yet, and opens all of it.

    An utterance whose recording cannot be read is left out.

    Raises:
        UsageError: if the folder holds frames of another encoder.
        EngineError: if there is no program to speak with.
    """
    folder.mkdir(parents=True, exist_ok=True)
    card = {"encoder": encoder.name, "dim": encoder.dim}
    described = folder / "cache.json"
    if described.is_file() and (found := json.loads(described.read_text(encoding="utf-8"))) != card:
        raise UsageError(
            folder,
            expected=f"frames of {encoder.name}",
            found=f"those of {found.get('encoder')}",
            hint="Name another `cache:` in the config.",
        )
    described.write_text(json.dumps(card), encoding="utf-8")
    known = _read_index(folder / "index.jsonl")
    row_bytes = 2 * encoder.dim
    rows = max((row["first"] + row["count"] for row in known.values()), default=0)
    left_out: list[tuple[str, EarmarkError]] = []
    todo = [one for one in utterances if known.get(one.id, {}).get("digest") != _digest(one, seed)]
    done = len(utterances) - len(todo)
    with open(folder / "frames.f16", "ab") as frames, open(folder / "index.jsonl", "a", encoding="utf-8") as index:
        frames.truncate(rows * row_bytes)
        for number, (one, heard) in enumerate(_said(todo, seed), 1):
            if isinstance(heard, EarmarkError):
                left_out.append((one.id, heard))
                continue
            made = encoder.frames(heard).astype(np.float16)
            frames.write(made.tobytes())
            frames.flush()
            words = one.keywords or tuple(
                keyword.text for keyword in language.keywords(one.text, one.language or None, KEYWORDS)
            )
            row = {"id": one.id, "first": rows, "count": len(made), "keywords": words, "digest": _digest(one, seed)}
            index.write(json.dumps(row, ensure_ascii=False) + "\n")
            index.flush()
            known[one.id] = row
            rows += len(made)
            on_progress("frames", done + number, len(utterances))
    ids = [one.id for one in utterances if one.id in known]
    data: Any = np.zeros((0, encoder.dim), np.float16)
    if rows:
        data = np.memmap(folder / "frames.f16", np.float16, "r", shape=(rows, encoder.dim))
    return Frames(
        data,
        {id_: (known[id_]["first"], known[id_]["count"]) for id_ in ids},
        {id_: tuple(known[id_]["keywords"]) for id_ in ids},
        tuple(left_out),
    )


def _said(utterances: Sequence[Utterance], seed: int) -> Iterator[tuple[Utterance, NDArray[np.float32] | EarmarkError]]:
    """The samples of each, made a little ahead, for voices speak in programs of their own.

    Raises:
        EngineError: if there is no program to speak with.
    """
    with ThreadPoolExecutor(SPEAKERS) as pool:
        waiting: deque[tuple[Utterance, Future[NDArray[np.float32]]]] = deque()
        for one in utterances:
            waiting.append((one, pool.submit(_samples, one, seed)))
            if len(waiting) > 2 * SPEAKERS:
                yield _result(*waiting.popleft())
        while waiting:
            yield _result(*waiting.popleft())


def _result(
    one: Utterance, future: Future[NDArray[np.float32]]
) -> tuple[Utterance, NDArray[np.float32] | EarmarkError]:
    try:
        return one, future.result()
    except EarmarkError as exc:
        if not one.path:
            raise
        return one, exc


def _samples(one: Utterance, seed: int) -> NDArray[np.float32]:
    if not one.path:
        number = hashlib.blake2b(f"{seed}:{one.id}".encode(), digest_size=8).digest()
        return speak(one.text, one.language or "en", int.from_bytes(number, "big"))
    start = one.span.start if one.span else None
    end = min(one.span.end, one.span.start + MOST_SECONDS) if one.span else None
    blocks = [block.mono() for block in decode(one.path, sample_rate=SAMPLE_RATE, start_seconds=start, end_seconds=end)]
    samples = np.concatenate([np.zeros(0, np.float32), *blocks])
    return np.asarray(samples[: int(MOST_SECONDS * SAMPLE_RATE)], dtype=np.float32)


def _digest(one: Utterance, seed: int) -> str:
    what = (one.text, one.language, one.path, str(one.span), 0 if one.path else seed)
    return hashlib.blake2b(repr(what).encode("utf-8", "surrogateescape"), digest_size=8).hexdigest()


def _read_index(path: Path) -> dict[str, dict[str, Any]]:
    """The lines that are whole; the rest of a line that is not is cut off."""
    if not path.is_file():
        return {}
    known, whole = {}, 0
    data = path.read_bytes()
    for line in data.splitlines(keepends=True):
        if not line.endswith(b"\n"):
            break
        row = json.loads(line)
        known[row["id"]] = row
        whole += len(line)
    if whole < len(data):
        with open(path, "r+b") as file:
            file.truncate(whole)
    return known
