"""A folder of recordings of speech, music and noise, as MUSAN lays them out, ready to be mixed.

The class of a recording is the folder it lies in, at any depth (``musan/speech/…``), or what its name begins with
(``music-fma-0001.wav``). Everything is decoded once into one file of 16 kHz 16-bit samples, read by memory mapping,
so a corpus of a hundred hours needs no more memory than one of ten minutes.

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
from earmark.media.decode import decode
from earmark.media.discover import discover
from earmark.progress import Progress, ignore
from earmark.settings import SAMPLE_RATE
from earmark.timeline import ScoreCurve, Span, merge_spans, spans_above

__all__ = ["CLASSES", "FRAME_SAMPLES", "Clip", "Corpus", "activity_spans", "read_corpus"]

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


def read_corpus(folder: Path, work: Path, on_progress: Progress = ignore) -> Corpus:
    """Decodes a corpus into `work`, or takes what an earlier run decoded there.

    Raises:
        MediaError: if a class folder holds no audio, or fewer than two classes are found.
    """
    by_class = _classify(folder)
    paths = [(kind, path) for kind in CLASSES for path in by_class.get(kind, [])]
    signature = [[kind, str(path), os.stat(path).st_size] for kind, path in paths]
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
        for number, (kind, path) in enumerate(paths):
            on_progress("decode", number, len(paths))
            try:
                samples = np.concatenate([np.zeros(0, np.float32), *(block.mono() for block in decode(path))])
            except EarmarkError as error:
                skipped.append(str(error))
                continue
            heard = activity_spans(samples, kind, silero)
            if not heard:
                skipped.append(f"{path}: no {kind} is heard in it")
                continue
            first = file.tell() // 2
            (np.clip(samples, -1, 1) * 32767).round().astype("<i2").tofile(file)
            name = str(path.relative_to(folder))
            pairs = tuple((span.start, span.end) for span in heard)
            clips.append(Clip(name, kind, first, file.tell() // 2, pairs, _level(samples, heard)))
    on_progress("decode", len(paths), len(paths))
    for kind in by_class:
        if not any(clip.kind == kind for clip in clips):
            raise MediaError(
                folder, expected=f"recordings with audible {kind}", found=f"none among {len(by_class[kind])} files",
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


def _classify(folder: Path) -> dict[str, list[Path]]:
    """The recordings of each class, sorted; a class folder that exists is there even without any."""
    found: dict[str, list[Path]] = {}
    files: Sequence[Path] = discover([folder])
    for path in files:
        relative = path.relative_to(folder)
        inside = [part.lower() for part in relative.parts[:-1]]
        kind = next((kind for kind in CLASSES if kind in inside), None)
        if kind is None:
            kind = next((kind for kind in CLASSES if relative.name.lower().startswith(kind)), None)
        if kind is not None:
            found.setdefault(kind, []).append(path)
    for kind in CLASSES:
        empty = folder / kind
        if empty.is_dir() and kind not in found:
            raise MediaError(
                empty, expected="recordings of this class", found="no audio in the folder",
                hint="Put audio files into it, or remove the folder.",
            )  # fmt: skip
    if len(found) < 2:
        raise MediaError(
            folder,
            expected="recordings of at least two classes",
            found=f"only {next(iter(found))}" if found else "folders and names of no class",
            hint="Lay them out as speech/, music/ and noise/, or begin their names with the class.",
        )
    return {kind: sorted(found[kind]) for kind in CLASSES if kind in found}


def _level(samples: NDArray[np.float32], heard: Sequence[Span]) -> float:
    pieces = [samples[int(span.start * SAMPLE_RATE) : int(span.end * SAMPLE_RATE)] for span in heard]
    power = float(np.mean(np.square(np.concatenate(pieces), dtype=np.float64)))
    return float(10 * np.log10(max(power, 1e-12)))


def _open(clips: Sequence[dict[str, object]], skipped: Sequence[str], audio: Path) -> Corpus:
    made = tuple(Clip(**{**clip, "heard": tuple(tuple(pair) for pair in clip["heard"])}) for clip in clips)  # type: ignore[arg-type, attr-defined]
    samples = np.memmap(audio, dtype="<i2", mode="r") if audio.stat().st_size else np.zeros(0, np.int16)
    return Corpus(made, samples, tuple(skipped))
