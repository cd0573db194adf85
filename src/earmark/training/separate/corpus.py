"""All clips of a training run as samples in one array, and the stretches of them in which their sound is heard.

The cache is a folder with a fingerprint of what made it; the same config finds it again, another makes it anew.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from earmark.errors import EarmarkError, MediaError
from earmark.progress import Progress, ignore
from earmark.scenes.builder import load_clip
from earmark.scenes.clips import Clip
from earmark.scenes.trimming import loud_spans
from earmark.scenes.vocabulary import Vocabulary, shipped_vocabulary
from earmark.settings import SAMPLE_RATE
from earmark.training.config import CollectionConfig
from earmark.training.separate.config import SeparateConfig
from earmark.training.sound_corpus import HeldOut, choose_clips

__all__ = ["Corpus", "Stretch", "prepare_corpus"]

FRAME = 320
"""Samples in a frame of the energy that stretches are cut by: 20 ms."""
SILENT_LABELS = frozenset({"silence"})
SHORTEST = 3 * FRAME


@dataclass(frozen=True, slots=True)
class Stretch:
    """Samples ``[first, last)`` in which a clip's sound is heard, inside the clip ``[clip_first, clip_last)``."""

    label: int
    first: int
    last: int
    clip_first: int
    clip_last: int


@dataclass(frozen=True)
class Corpus:
    """What mixtures are drawn from.

    Attributes:
        samples: all clips one after the other, mono at 16 kHz, int16.
        weights: how often each stretch is drawn; sums to 1.
        backgrounds: clips ``(first, last)`` that may lie under a mixture.
        texts: label -> what it may be called, in the order of `labels`.
    """

    samples: NDArray[np.int16]
    labels: tuple[str, ...]
    stretches: tuple[Stretch, ...]
    weights: NDArray[np.float64]
    backgrounds: tuple[tuple[int, int], ...]
    texts: tuple[tuple[str, ...], ...]
    vocabulary: Vocabulary
    held_out: HeldOut


def prepare_corpus(config: SeparateConfig, folder: Path, on_progress: Progress = ignore) -> Corpus:
    """Decodes what the config names, or reads it back from `folder`.

    Raises:
        MediaError: if no clip could be read.
        EarmarkError: what the tables and the synthesisers raise.
    """
    vocabulary = shipped_vocabulary()
    clips, held_out = choose_clips(config.clips(), vocabulary)
    facts = [[str(clip.path), clip.label, str(clip.span), number] for number, clip in clips]
    mark = hashlib.sha256(json.dumps([facts, config.seed, config.instruments, config.tones]).encode()).hexdigest()
    folder.mkdir(parents=True, exist_ok=True)
    index = folder / "separate.json"
    if not index.is_file() or json.loads(index.read_text(encoding="utf-8"))["fingerprint"] != mark:
        entries, skipped = _decode_all(config, clips, folder / "separate.i16", vocabulary, on_progress)
        kept = {"fingerprint": mark, "skipped": skipped, "clips": entries}
        index.write_text(json.dumps(kept, ensure_ascii=False), encoding="utf-8")
    entries = json.loads(index.read_text(encoding="utf-8"))["clips"]
    samples = np.memmap(folder / "separate.i16", dtype=np.int16, mode="r")
    return _assemble(config, vocabulary, entries, samples, held_out)


def _decode_all(
    config: SeparateConfig, clips: list[tuple[int, Clip]], path: Path, vocabulary: Vocabulary, on_progress: Progress
) -> tuple[list[dict[str, object]], list[str]]:
    entries: list[dict[str, object]] = []
    skipped: list[str] = []
    at = 0
    with path.open("wb") as file:

        def add(label: str, caption: str, samples: NDArray[np.float32], collection: int) -> None:
            nonlocal at
            if len(samples) < SHORTEST:
                return
            loud = [
                [at + round(span.start * SAMPLE_RATE), at + min(len(samples), round(span.end * SAMPLE_RATE))]
                for span in loud_spans(_energy(samples), FRAME / SAMPLE_RATE)
            ]
            file.write((np.clip(samples, -1.0, 1.0) * 32767).astype(np.int16).tobytes())
            entries.append(
                {"label": label, "caption": caption, "first": at, "last": at + len(samples), "loud": loud,
                 "collection": collection}
            )  # fmt: skip
            at += len(samples)

        for count, (number, clip) in enumerate(clips, start=1):
            try:
                add(clip.label, clip.caption, load_clip(clip), number)
            except EarmarkError as exc:
                skipped.append(str(exc))
            on_progress("decode", count, len(clips))
        if not entries:
            raise MediaError(
                config.data,
                expected="clips to train on",
                found=skipped[0] if skipped else "none",
                hint="Check the folders and their tables.",
            )
        for label, made in _synthetic(config):
            add(vocabulary.canonical(label), "", made, -1)
    return entries, skipped


def _energy(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    frames = len(samples) // FRAME
    squared = np.square(samples[: frames * FRAME].reshape(frames, FRAME)).mean(axis=1)
    # loud_spans reads the power of a log-mel frame, which is about so much larger than the mean square
    return np.asarray(squared * FRAME, dtype=np.float32)


def _synthetic(config: SeparateConfig) -> Iterator[tuple[str, NDArray[np.float32]]]:
    from earmark.training import synthesis

    if config.tones:
        yield from synthesis.tones(config.seed)
    if config.instruments:
        yield from synthesis.instruments(config.seed)


def _assemble(
    config: SeparateConfig,
    vocabulary: Vocabulary,
    entries: list[dict[str, object]],
    samples: NDArray[np.int16],
    held_out: HeldOut,
) -> Corpus:
    labels = tuple(sorted({str(entry["label"]) for entry in entries} - SILENT_LABELS))
    row = {label: number for number, label in enumerate(labels)}
    plain = CollectionConfig(folder="")
    stretches: list[Stretch] = []
    shares: list[float] = []
    backgrounds: list[tuple[int, int]] = []
    called: dict[str, dict[str, None]] = {label: dict.fromkeys(vocabulary.words(label)) for label in labels}
    for entry in entries:
        number, label = int(entry["collection"]), str(entry["label"])  # type: ignore[call-overload]
        collection = config.collections[number] if number >= 0 else plain
        first, last = int(entry["first"]), int(entry["last"])  # type: ignore[call-overload]
        if collection.backgrounds:
            backgrounds.append((first, last))
        if label in SILENT_LABELS:
            continue
        if entry["caption"]:
            called[label].setdefault(str(entry["caption"]))
        for begin, end in entry["loud"]:  # type: ignore[attr-defined]
            if end - begin >= SHORTEST:
                stretches.append(Stretch(row[label], begin, end, first, last))
                shares.append(collection.share)
    placed = np.array([stretch.label for stretch in stretches])
    counts = np.bincount(placed, minlength=len(labels))[placed]
    # A label of few clips is drawn less often, or the model learns these clips by heart.
    weights = np.array(shares) * np.minimum(1.0, 0.4 + counts / 10) / counts
    texts = tuple(tuple(called[label]) for label in labels)
    return Corpus(
        samples, labels, tuple(stretches), weights / weights.sum(), tuple(backgrounds), texts, vocabulary, held_out
    )
