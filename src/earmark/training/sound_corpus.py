"""All clips of a training run, decoded once: log-mel, events with strong times, the teacher's opinion.

The cache is a folder of arrays with a fingerprint of what made them; the same config finds it again, another makes it
anew. What the caller gets is a `Corpus`: arrays in memory and a `Mixer` that draws scenes from them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from fnmatch import fnmatch
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from earmark.errors import EarmarkError, MediaError
from earmark.media.logmel import HOP, SAMPLE_RATE, log_mel
from earmark.progress import Progress, ignore
from earmark.scenes.builder import load_clip
from earmark.scenes.clips import Clip, read_clips, split_by_recording
from earmark.scenes.trimming import loud_spans
from earmark.scenes.vocabulary import OTHER, UNKNOWN, Vocabulary, shipped_vocabulary
from earmark.training.config import CollectionConfig
from earmark.training.mixing import Event, Mixer, MixSettings
from earmark.training.sound_config import SoundConfig
from earmark.training.teacher import HOP_SAMPLES, Teacher, reduced

__all__ = ["Corpus", "HeldOut", "choose_clips", "prepare_corpus"]

SILENT_LABELS = frozenset({"silence"})
LONG_FRAMES = 500
"""Clips longer than this (10 s) may also lie under a scene."""


@dataclass(frozen=True)
class HeldOut:
    """Clips no training step ever sees: what can be asked for, and what lies under it."""

    clips: tuple[Clip, ...]
    backgrounds: tuple[Clip, ...]


@dataclass(frozen=True)
class Corpus:
    """What the training loop draws from.

    Attributes:
        labels: the row of each label in everything below.
        durations: label -> seconds of each of its events.
        captions: label -> what its clips' tables call it.
        teacher: unit rows ``(patches, dim)``, and class scores ``(patches, classes)``; None without a teacher.
    """

    labels: tuple[str, ...]
    vocabulary: Vocabulary
    mixer: Mixer
    strict: NDArray[np.int8]
    durations: dict[str, list[float]]
    captions: dict[str, tuple[str, ...]]
    teacher: tuple[NDArray[np.float16], NDArray[np.float16]] | None
    held_out: HeldOut


@dataclass(slots=True)
class _Entry:
    """A cached clip: rows of the log-mel and of the teacher."""

    label: str
    caption: str
    first: int
    last: int
    teacher: int
    collection: int


def choose_clips(config: SoundConfig, vocabulary: Vocabulary | None = None) -> tuple[list[tuple[int, Clip]], HeldOut]:
    """Clips to train on with the number of their collection, and those kept out.

    Raises:
        MediaError, FormatError: what `read_clips` raises.
    """
    vocabulary = vocabulary or shipped_vocabulary()
    listed: set[Path] = set()
    if config.held_out_list:
        lines = Path(config.held_out_list).read_text(encoding="utf-8").splitlines()
        listed = {Path(config.data) / line for line in lines if line and not line.startswith("#")}
    kept: list[tuple[int, Clip]] = []
    asked: list[Clip] = []
    under: list[Clip] = []
    for number, collection in enumerate(config.collections):
        clips = read_clips(Path(config.data) / collection.folder, vocabulary)
        clips = [c for c in clips if not any(word in c.licence.lower() for word in config.skip_licences)]
        clips = [c for c in clips if _matches(c.path, Path(config.data) / collection.folder, collection.files)]
        if collection.label:
            clips = [Clip(c.path, collection.label, c.caption, c.collection, c.fold, c.licence, c.span) for c in clips]
        clips = [c for c in clips if c.label]
        folds = collection.held_out_folds
        out = [c for c in clips if c.path in listed or (c.fold and c.fold in folds)]
        rest = [c for c in clips if not (c.path in listed or (c.fold and c.fold in folds))]
        rest, more = split_by_recording(rest, collection.held_out_share, config.seed)
        kept.extend((number, c) for c in rest)
        (under if collection.backgrounds else asked).extend([*out, *more])
    return kept, HeldOut(tuple(asked), tuple(under))


def _matches(path: Path, folder: Path, pattern: str) -> bool:
    return not pattern or fnmatch(path.relative_to(folder).as_posix(), pattern)


def _synthetic(config: SoundConfig) -> Iterator[tuple[str, NDArray[np.float32]]]:
    from earmark.training import synthesis

    if config.tones:
        yield from synthesis.tones(config.seed)
    if config.instruments:
        yield from synthesis.instruments(config.seed)
    if config.speech:
        lines = Path(config.speech).read_text(encoding="utf-8").splitlines()
        sentences = [line.split("\t")[-1] for line in lines]
        generator = np.random.default_rng(config.seed)
        fitting = [s for s in generator.permutation(sentences) if 20 < len(s) < 110]
        yield from synthesis.speech(fitting[:200], config.seed)


def _fingerprint(config: SoundConfig, clips: list[tuple[int, Clip]]) -> str:
    facts = [[str(c.path), c.label, str(c.span)] for _, c in clips]
    made = [config.seed, config.instruments, config.tones, config.speech, config.teacher]
    layout = [asdict(c) for c in config.collections]
    return hashlib.sha256(json.dumps([facts, made, layout], sort_keys=True).encode()).hexdigest()


def prepare_corpus(config: SoundConfig, folder: Path, on_progress: Progress = ignore) -> Corpus:
    """Decodes what the config names, or reads it back from `folder`.

    Raises:
        MediaError: if no clip could be read.
        EarmarkError: what the tables, the synthesisers and the teacher raise.
    """
    vocabulary = shipped_vocabulary()
    clips, held_out = choose_clips(config, vocabulary)
    mark = _fingerprint(config, clips)
    folder.mkdir(parents=True, exist_ok=True)
    index = folder / "clips.json"
    if not index.is_file() or json.loads(index.read_text(encoding="utf-8"))["fingerprint"] != mark:
        _decode_all(config, clips, folder, mark, on_progress)
    described = json.loads(index.read_text(encoding="utf-8"))
    mel = np.load(folder / "mel.npy")
    teacher = None
    if config.teacher:
        teacher = reduced(np.load(folder / "embeddings.npy"), 256), np.load(folder / "scores.npy")
    entries = [_Entry(**entry) for entry in described["clips"]]
    return _assemble(config, vocabulary, entries, mel, teacher, held_out)


def _decode_all(
    config: SoundConfig, clips: list[tuple[int, Clip]], folder: Path, mark: str, on_progress: Progress
) -> None:
    teacher = Teacher(Path(config.teacher)) if config.teacher else None
    mels: list[NDArray[np.float16]] = []
    heard: list[tuple[NDArray[np.float16], NDArray[np.float16]]] = []
    entries: list[_Entry] = []
    at = patches = 0
    skipped: list[str] = []

    def add(label: str, caption: str, samples: NDArray[np.float32], collection: int) -> None:
        nonlocal at, patches
        mel = log_mel(samples).astype(np.float16)
        entries.append(_Entry(label, caption, at, at + len(mel), patches if teacher else -1, collection))
        mels.append(mel)
        at += len(mel)
        if teacher is not None:
            heard.append(teacher.hear(samples))
            patches += len(heard[-1][0])

    for count, (number, clip) in enumerate(clips, start=1):
        try:
            samples = load_clip(clip)
        except EarmarkError as exc:
            skipped.append(str(exc))
            continue
        if len(samples) >= HOP:
            add(clip.label, clip.caption, samples, number)
        on_progress("decode", count, len(clips))
    if not entries:
        raise MediaError(
            config.data,
            expected="clips to train on",
            found=skipped[0] if skipped else "none",
            hint="Check the folders and their tables.",
        )
    for label, samples in _synthetic(config):
        add(vocabulary_label(label), "", samples, -1)
    np.save(folder / "mel.npy", np.concatenate(mels))
    if teacher is not None:
        np.save(folder / "embeddings.npy", np.concatenate([e for e, _ in heard]))
        np.save(folder / "scores.npy", np.concatenate([s for _, s in heard]))
    facts = {"fingerprint": mark, "skipped": skipped, "clips": [asdict(entry) for entry in entries]}
    (folder / "clips.json").write_text(json.dumps(facts, ensure_ascii=False), encoding="utf-8")


def vocabulary_label(label: str) -> str:
    return shipped_vocabulary().canonical(label)


STRICT_SHARE = 0.65
"""Of a label heard in a collection that tells its classes apart and elsewhere, what the former gets, however small."""


def _weights(events: Sequence[Event], shares: Sequence[float], labels: int) -> NDArray[np.float64]:
    """How often each event is placed: its label's share, divided among the label's events."""
    placed = np.array([event.label for event in events])
    strict = np.array([event.strict for event in events])
    counts = np.stack([np.bincount(placed[strict == kind], minlength=labels) for kind in (False, True)])
    both = (counts[0, placed] > 0) & (counts[1, placed] > 0)
    part = np.where(both, np.where(strict, STRICT_SHARE, 1 - STRICT_SHARE), 1.0)
    # A label of few clips is placed less often, or the model learns these clips by heart.
    common = np.minimum(1.0, 0.4 + counts.sum(axis=0)[placed] / 10)
    return np.asarray(np.asarray(shares) * common * part / counts[strict.astype(int), placed])


def _assemble(
    config: SoundConfig,
    vocabulary: Vocabulary,
    entries: list[_Entry],
    mel: NDArray[np.float16],
    teacher: tuple[NDArray[np.float16], NDArray[np.float16]] | None,
    held_out: HeldOut,
) -> Corpus:
    named = {entry.label for entry in entries} - SILENT_LABELS
    labels = tuple(sorted(named | {parent for label in named for parent in vocabulary.parents.get(label, ())}))
    row = {label: number for number, label in enumerate(labels)}
    plain = CollectionConfig(folder="")
    events: list[Event] = []
    shares: list[float] = []
    backgrounds: list[Event] = []
    durations: dict[str, list[float]] = {}
    captions: dict[str, set[str]] = {}
    step = HOP / SAMPLE_RATE
    for entry in entries:
        collection = config.collections[entry.collection] if entry.collection >= 0 else plain
        whole = Event(row.get(entry.label, -1), entry.first, entry.last, entry.teacher, entry.first)
        if collection.backgrounds or entry.label in SILENT_LABELS or entry.last - entry.first > LONG_FRAMES:
            backgrounds.append(whole)
        if entry.label in SILENT_LABELS:
            continue
        if entry.caption:
            captions.setdefault(entry.label, set()).add(entry.caption)
        energy = np.exp(mel[entry.first : entry.last].astype(np.float32)).sum(axis=1)
        for span in loud_spans(energy, step):
            first = entry.first + round(span.start / step)
            last = min(entry.last, entry.first + round(span.end / step))
            if last - first >= 3:
                strict = collection.tells_apart
                events.append(Event(row[entry.label], first, last, entry.teacher, entry.first, strict))
                shares.append(collection.share)
                durations.setdefault(entry.label, []).append(span.duration)
    weights = _weights(events, shares, len(labels))
    relations = vocabulary.relations(labels, labels)
    strict_relations = relations.copy()
    apart = sorted({event.label for event in events if event.strict})
    block = strict_relations[np.ix_(apart, apart)]
    strict_relations[np.ix_(apart, apart)] = np.where(block == UNKNOWN, OTHER, block)
    mixer = Mixer(
        mel, events, weights, backgrounds, relations, strict_relations, config.seed + 1, MixSettings(),
        HOP_SAMPLES // HOP,
    )  # fmt: skip
    named_captions = {label: tuple(sorted(found)) for label, found in captions.items()}
    return Corpus(labels, vocabulary, mixer, strict_relations, durations, named_captions, teacher, held_out)
