"""Recordings of speech, music and noise, as MUSAN lays them out or as a table names them, ready to be mixed.

In a folder with a table (the ``manifest.csv`` of a data set or a collection, or one's own ``file,start,end,caption``)
the class follows from the label: speech, music and its instruments, and any other sound is noise; voices that do not
speak are left out. Elsewhere the class of a recording is the folder it lies in, at any depth (``musan/speech/…``), or
what its name begins with (``music-fma-0001.wav``). Everything is decoded once into one file of 16 kHz 16-bit samples,
read by memory mapping, so a corpus of a hundred hours needs no more memory than one of ten minutes.

Where in a recording its class is really heard is not told, so it is measured: frames near the recording's own loud
level count, pauses in them up to `BRIDGE_SECONDS` too; in speech, Silero must agree on the clean recording.
"""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from earmark.engines.activity.level import LevelMeter
from earmark.engines.activity.silero import Silero
from earmark.errors import EarmarkError, MediaError
from earmark.media.discover import discover
from earmark.progress import Progress, ignore
from earmark.scenes.builder import load_clip
from earmark.scenes.clips import Clip as LabelledClip
from earmark.scenes.clips import read_clips
from earmark.scenes.vocabulary import shipped_vocabulary
from earmark.settings import SAMPLE_RATE
from earmark.timeline import ScoreCurve, Span, merge_spans, spans_above

__all__ = ["CLASSES", "FRAME_SAMPLES", "Clip", "Corpus", "activity_spans", "kinds_of", "read_corpus"]

CLASSES = ("speech", "music", "noise")
FRAME_SAMPLES = SAMPLE_RATE // 50
RANGE_DB = {"speech": 35.0, "music": 45.0, "noise": 40.0}
"""A class is heard in the frames at most so much below the recording's 95th percentile."""
BRIDGE_SECONDS = {"speech": 0.3, "music": 1.5, "noise": 0.3}
"""Shorter pauses belong to the sound around them: rests are part of music, breaths of speech."""
INAUDIBLE_DB = -70.0
LEAST_SECONDS = 0.1


@dataclass(frozen=True)
class Clip:
    """One recording: samples ``[first, last)`` of the corpus, and where its class is heard.

    `heard` are spans in seconds from the start of the clip; `level_db` is the mean power of these, in dBFS.
    """

    name: str
    kind: str
    first: int
    last: int
    heard: tuple[tuple[float, float], ...]
    level_db: float

    @property
    def seconds(self) -> float:
        return (self.last - self.first) / SAMPLE_RATE

    @property
    def held_out(self) -> bool:
        """One recording in eight tells training when to stop; which, follows from its name alone."""
        return zlib.crc32(self.name.encode("utf-8", "surrogateescape")) % 8 == 0


@dataclass(frozen=True)
class Corpus:
    clips: tuple[Clip, ...]
    samples: NDArray[np.int16]
    skipped: tuple[str, ...] = ()

    @property
    def kinds(self) -> tuple[str, ...]:
        return tuple(kind for kind in CLASSES if any(clip.kind == kind for clip in self.clips))

    def audio(self, clip: Clip) -> NDArray[np.float32]:
        return self.samples[clip.first : clip.last].astype(np.float32) / np.float32(32768)

    def part(self, held_out: bool) -> Corpus:
        """The recordings training stops by, or those it learns from; where a class would be empty, all of it."""
        chosen = []
        for kind in self.kinds:
            mine = [clip for clip in self.clips if clip.kind == kind]
            half = [clip for clip in mine if clip.held_out == held_out]
            chosen.extend(half or mine)
        return Corpus(tuple(chosen), self.samples)


@dataclass(frozen=True)
class _Source:
    """A recording, or `span` of it, of one class; of one `name`, all is held out or nothing."""

    path: Path
    name: str
    span: Span | None = None

    def sort_key(self) -> tuple[str, float]:
        return str(self.path), self.span.start if self.span is not None else 0.0


def kinds_of(folders: Sequence[Path]) -> tuple[str, ...]:
    """The classes that folders have recordings of, by their names and tables alone: nothing is decoded.

    Raises:
        MediaError, FormatError: as `read_corpus`.
    """
    return tuple(_classify(folders))


def read_corpus(folders: Sequence[Path], work: Path, on_progress: Progress = ignore) -> Corpus:
    """Decodes a corpus into `work`, or takes what an earlier run decoded there.

    Raises:
        MediaError: if a class folder holds no audio, or fewer than two classes are found.
        FormatError: if a table is not as `earmark.scenes.clips.read_clips` asks.
    """
    by_class = _classify(folders)
    sources = [(kind, source) for kind in CLASSES for source in by_class.get(kind, [])]
    signature = [[kind, str(one.path), str(one.span), _size(one.path)] for kind, one in sources]
    index, audio = work / "corpus.json", work / "corpus.i16"
    if index.is_file() and audio.is_file():
        stored = json.loads(index.read_text("utf-8", "surrogateescape"))
        if stored["signature"] == signature:
            return _open(stored["clips"], stored["skipped"], audio)
    work.mkdir(parents=True, exist_ok=True)
    silero = Silero()
    clips: list[Clip] = []
    skipped: list[str] = []
    with audio.open("wb") as file:
        for number, (kind, source) in enumerate(sources):
            on_progress("decode", number, len(sources))
            try:
                samples = load_clip(LabelledClip(source.path, kind, span=source.span))
            except EarmarkError as error:
                skipped.append(str(error))
                continue
            heard = activity_spans(samples, kind, silero)
            if not heard:
                skipped.append(f"{source.path}: no {kind} is heard in it")
                continue
            first = file.tell() // 2
            (np.clip(samples, -1, 1) * 32767).round().astype("<i2").tofile(file)
            pairs = tuple((span.start, span.end) for span in heard)
            clips.append(Clip(source.name, kind, first, file.tell() // 2, pairs, _level(samples, heard)))
    on_progress("decode", len(sources), len(sources))
    for kind in by_class:
        if not any(clip.kind == kind for clip in clips):
            raise MediaError(
                folders[0], expected=f"recordings with audible {kind}", found=f"none among {len(by_class[kind])} files",
                hint="Check the files of this class.",
            )  # fmt: skip
    stored = {"signature": signature, "clips": [asdict(clip) for clip in clips], "skipped": skipped}
    index.write_text(json.dumps(stored), "utf-8", "surrogateescape")
    return _open(stored["clips"], skipped, audio)


def activity_spans(samples: NDArray[np.float32], kind: str, silero: Silero) -> list[Span]:
    """Where in a clean recording of one class that class is heard, sorted and disjoint."""
    meter = LevelMeter()
    parts = [meter.feed(samples), meter.flush()]
    levels = ScoreCurve(np.concatenate([part.values for part in parts]), meter.step_seconds)
    if not levels.num_frames:
        return []
    threshold = max(INAUDIBLE_DB, float(np.percentile(levels.values, 95)) - RANGE_DB[kind])
    loud = levels.values > threshold
    if kind == "speech":
        stream = silero.stream()
        scores = np.concatenate([stream.feed(samples).values, stream.flush().values])
        centres = (np.arange(levels.num_frames) + 0.5) * levels.step_seconds / silero.step_seconds
        loud &= scores[np.minimum(centres.astype(int), len(scores) - 1)] >= 0.4
    spans = spans_above(ScoreCurve(loud.astype(np.float32), levels.step_seconds), 0.5, 0.5)
    bridged = merge_spans(spans, BRIDGE_SECONDS[kind])
    end = len(samples) / SAMPLE_RATE
    kept = [Span(span.start, min(span.end, end)) for span in bridged if span.start < end]
    return [span for span in kept if span.duration >= min(LEAST_SECONDS, 0.5 * end)]


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:  # decoding says what is the matter
        return -1


def _classify(folders: Sequence[Path]) -> dict[str, list[_Source]]:
    """The recordings of each class, sorted; a class folder that exists is there even without any."""
    found: dict[str, list[_Source]] = {}
    for folder in folders:
        laid_out = {} if (folder / "manifest.csv").is_file() else _by_layout(folder)
        chosen = laid_out if laid_out or not any(folder.glob("*.csv")) else _by_table(folder)
        for kind, sources in chosen.items():
            found.setdefault(kind, []).extend(sources)
    if len(found) < 2:
        raise MediaError(
            ", ".join(str(folder) for folder in folders),
            expected="recordings of at least two classes",
            found=f"only {next(iter(found))}" if found else "folders and names of no class",
            hint="Lay them out as speech/, music/ and noise/, or begin their names with the class.",
        )
    return {kind: sorted(found[kind], key=_Source.sort_key) for kind in CLASSES if kind in found}


def _by_layout(folder: Path) -> dict[str, list[_Source]]:
    found: dict[str, list[_Source]] = {}
    files: Sequence[Path] = discover([folder])
    for path in files:
        relative = path.relative_to(folder)
        inside = [part.lower() for part in relative.parts[:-1]]
        kind = next((kind for kind in CLASSES if kind in inside), None)
        if kind is None:
            kind = next((kind for kind in CLASSES if relative.name.lower().startswith(kind)), None)
        if kind is not None:
            found.setdefault(kind, []).append(_Source(path, str(relative)))
    for kind in CLASSES:
        empty = folder / kind
        if empty.is_dir() and kind not in found:
            raise MediaError(
                empty, expected="recordings of this class", found="no audio in the folder",
                hint="Put audio files into it, or remove the folder.",
            )  # fmt: skip
    return found


def _by_table(folder: Path) -> dict[str, list[_Source]]:
    vocabulary = shipped_vocabulary()
    found: dict[str, list[_Source]] = {}
    for clip in read_clips(folder, vocabulary):
        kinds = {clip.label, *vocabulary.parents.get(clip.label, ())}
        if not clip.label or clip.label == "silence":
            continue
        if "speech" in kinds:
            kind = "speech"
        elif kinds & {"music", "musical_instrument"}:
            kind = "music"
        elif kinds & {"human_voice", "crowd"}:
            continue
        else:
            kind = "noise"
        name = os.path.relpath(clip.path, folder)
        found.setdefault(kind, []).append(_Source(clip.path, name, clip.span))
    return found


def _level(samples: NDArray[np.float32], heard: Sequence[Span]) -> float:
    pieces = [samples[int(span.start * SAMPLE_RATE) : int(span.end * SAMPLE_RATE)] for span in heard]
    power = float(np.mean(np.square(np.concatenate(pieces), dtype=np.float64)))
    return float(10 * np.log10(max(power, 1e-12)))


def _open(clips: Sequence[dict[str, object]], skipped: Sequence[str], audio: Path) -> Corpus:
    made = tuple(Clip(**{**clip, "heard": tuple(tuple(pair) for pair in clip["heard"])}) for clip in clips)  # type: ignore[arg-type, attr-defined]
    samples = np.memmap(audio, dtype="<i2", mode="r") if audio.stat().st_size else np.zeros(0, np.int16)
    return Corpus(made, samples, tuple(skipped))
