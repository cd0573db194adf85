"""`earmark components` measured: how long an hour takes, and how many of the names that stay are true.

    python bench/components.py scenes --config src/earmark/training/configs/sound.yaml --scenes 30 [--at-least 0.5]
    python bench/components.py hour --config src/earmark/training/configs/sound.yaml [--minutes 60]

Both mix 60 s scenes from clips that training kept out (the config says which). `scenes` takes each apart and judges
every part by what lies at its place: its name is true if the vocabulary of `earmark.scenes` lets it stand for a sound
there, and not judged where the vocabulary says neither yes nor no. Printed for what was heard in the mixture and for
what stayed after separating; how much of the truth each covers; and, from the scores that every part got, what other
thresholds would keep. `hour` lays scenes end to end, stereo at 44.1 kHz, and prints the time by the clock and by the
processor, with the default number of workers.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import resource
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from earmark.captioning import Caption, builtin_vocabulary
from earmark.captioning.hearing import sounds_heard
from earmark.cli.components import AT_ONCE
from earmark.components import Component, Part, Present, take_apart
from earmark.components.again import evidence_of
from earmark.engines import registry
from earmark.indexing import index
from earmark.library import Catalogue
from earmark.media.clips import write_waveforms
from earmark.records import Recording
from earmark.scenes.builder import Scene, SceneSettings, build_scene
from earmark.scenes.vocabulary import MATCH, OTHER, Vocabulary, shipped_vocabulary
from earmark.settings import CaptionSettings, IndexSettings
from earmark.timeline import Waveform
from earmark.training.sound_config import read_config
from earmark.training.sound_corpus import choose_clips

LEVELS = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8)


@dataclass(frozen=True)
class Judged:
    """A part, and whether its name is true: None where the vocabulary does not say."""

    part: Part
    sound: str
    true: bool | None


def label_of(sound: str, vocabulary: Vocabulary) -> str:
    for label, wordings in vocabulary.wordings.items():
        if sound.lower() in (wording.lower() for wording in wordings):
            return label
    return vocabulary.canonical(sound)


def scenes_of(options: argparse.Namespace, vocabulary: Vocabulary, count: int) -> list[Scene]:
    _, held_out = choose_clips(read_config(options.config), vocabulary)
    clips = [clip for clip in held_out.clips if clip.label != "silence"]
    names = {label_of(each.sound, vocabulary) for each in builtin_vocabulary()}
    asked = [c for c in clips if c.label != "speech" and any(vocabulary.relation(c.label, q) == MATCH for q in names)]
    mixing = SceneSettings(seconds=60.0, events=options.events, distractors=2, snr_db=(0.0, 20.0))
    return [build_scene(options.seed + n, asked, clips, held_out.backgrounds, mixing) for n in range(count)]


def truth_of(sound: str, part: Part, scene: Scene, vocabulary: Vocabulary) -> bool | None:
    """Whether something that the name may stand for lies there, at least for a third of the shorter of both."""
    label = label_of(sound, vocabulary)
    beside = []
    for each in scene.sounds:
        shared = each.span.overlap(part.span)
        if shared > 0.3 * min(each.span.duration, part.span.duration):
            beside.append(each.label)
    relations = {vocabulary.relation(there, label) for there in [*beside, scene.background.label]}
    return True if MATCH in relations else (False if relations <= {OTHER} else None)


def covered(components: Sequence[Component], scene: Scene, asked: Sequence[str], vocabulary: Vocabulary,
            kept: bool) -> tuple[int, int]:  # fmt: skip
    """How many of the scene's sounds that can be named have a true name on them, and how many there are."""
    found = total = 0
    for each in scene.sounds:
        if not any(vocabulary.relation(each.label, name) == MATCH for name in asked):
            continue
        total += 1
        found += any(
            vocabulary.relation(each.label, label_of(component.sound, vocabulary)) == MATCH
            and part.span.overlap(each.span) > 0.3 * min(each.span.duration, part.span.duration)
            for component in components
            for part in (component.kept if kept else component.parts)
        )
    return found, total


def apart(
    recording: Recording, library: Path, folder: Path, options: argparse.Namespace, captions: Sequence[Caption]
) -> list[Component]:
    settings = replace(CaptionSettings(), min_probability=options.at_least, at_once=AT_ONCE)
    heard, _ = sounds_heard(Catalogue.load(library), recording, captions, settings)
    present = [Present(each.caption.sound, each.caption.words, each.span, each.probability) for each in heard]
    folder.mkdir()
    separator = registry.load("separator", options.engine, **({"weights": options.weights} if options.weights else {}))
    names = [each.sound for each in captions]
    return take_apart(recording, present, folder, separator, names, workers=options.workers)


def scenes(options: argparse.Namespace) -> None:
    vocabulary = shipped_vocabulary()
    captions = list(builtin_vocabulary())
    asked = sorted({label_of(each.sound, vocabulary) for each in captions})
    judged: list[Judged] = []
    before, after = np.zeros(2, int), np.zeros(2, int)
    with tempfile.TemporaryDirectory() as folder:
        made = {}
        for number, scene in enumerate(scenes_of(options, vocabulary, options.scenes)):
            path = Path(folder) / f"scene{number:03d}.wav"
            write_waveforms(path, Waveform(scene.samples[None], 16_000))
            made[str(path)] = scene
        report = index([Path(path) for path in made], Path(folder) / "library", IndexSettings(recogniser=None))
        for recording in report.recordings.values():
            scene = made[recording.path]
            found = apart(recording, Path(folder) / "library", Path(recording.path + ".out"), options, captions)
            for component in found:
                for part in component.parts:
                    judged.append(Judged(part, component.sound, truth_of(component.sound, part, scene, vocabulary)))
            before += covered(found, scene, asked, vocabulary, kept=False)
            after += covered(found, scene, asked, vocabulary, kept=True)
    heard = [each for each in judged if each.true is not None]
    stayed = [each for each in heard if each.part.kept]
    print(f"{options.scenes} scenes of 60 s, {options.events} sounds and 2 others each; {len(captions)} names; "
          f"{len(judged)} parts, {len(judged) - len(heard)} of them not to be judged")  # fmt: skip
    for name, chosen, (found_, total) in (("heard", heard, before), ("stayed", stayed, after)):
        true = sum(bool(each.true) for each in chosen)
        print(f"  {name:7s} {len(chosen):4d} parts, {true} true: {true / max(1, len(chosen)):.3f}; "
              f"{found_} of {total} sounds named: {found_ / max(1, total):.3f}")  # fmt: skip
    print("  among the true / the false, the share that has at least")
    scores = {
        "evidence": lambda part: evidence_of(part.probability, part.share),
        "probability": lambda part: part.probability,
        "again": lambda part: part.again,
    }
    for name, score in scores.items():
        print(f"    {name:12s}" + "".join(f" {least:.1f}: {has(heard, score, least, True):.2f} /"
                                          f" {has(heard, score, least, False):.2f} " for least in LEVELS))  # fmt: skip
    if options.dump:
        rows = [{"sound": e.sound, "true": e.true, **asdict(e.part)} for e in judged]
        options.dump.write_text(json.dumps(rows), encoding="utf-8")


def has(judged: Sequence[Judged], score: Callable[[Part], float], least: float, true: bool) -> float:
    values = [score(each.part) >= least for each in judged if each.true is true]
    return sum(values) / max(1, len(values))


def hour(options: argparse.Namespace) -> None:
    vocabulary = shipped_vocabulary()
    captions = list(builtin_vocabulary())
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "hour.wav"
        made = (scene.samples for scene in scenes_of(options, vocabulary, options.minutes))
        write_waveforms(path, (Waveform(stereo(samples), 44_100) for samples in made))
        began, busy = time.monotonic(), _processor_seconds()
        report = index([path], Path(folder) / "library", IndexSettings(recogniser=None, workers=options.workers))
        recording = next(iter(report.recordings.values()))
        listened, listened_busy = time.monotonic() - began, _processor_seconds() - busy
        found = apart(recording, Path(folder) / "library", Path(folder) / "out", options, captions)
        took, took_busy = time.monotonic() - began, _processor_seconds() - busy
        size = sum(each.stat().st_blocks * 512 for each in (Path(folder) / "out").iterdir())
    parts = list(itertools.chain.from_iterable(component.parts for component in found))
    seconds = sum(part.span.duration for part in parts)
    print(f"{recording.duration_seconds / 60:.0f} min, stereo, 44.1 kHz; {len(captions)} names; "
          f"{len(found)} sounds, {len(parts)} parts of {seconds / 60:.1f} min; "
          f"{sum(bool(component.file) for component in found)} files, {size / 1e6:.0f} MB on the disk")  # fmt: skip
    print(f"  {took:.0f} s by the clock, {took_busy:.0f} s by the processor, of which listening {listened:.0f} s / "
          f"{listened_busy:.0f} s; {os.cpu_count()} cores, {options.workers or os.cpu_count()} workers; "
          f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")  # fmt: skip


def stereo(samples: np.ndarray[tuple[int, ...], np.dtype[np.float32]]) -> np.ndarray[
    tuple[int, ...], np.dtype[np.float32]
]:  # fmt: skip
    """Mono at 16 kHz to stereo at 44.1 kHz, the second channel half as loud; between samples by straight lines."""
    at = np.arange(len(samples) * 441 // 160) * (160 / 441)
    wide = np.interp(at, np.arange(len(samples)), samples).astype(np.float32)
    return np.stack([wide, 0.5 * wide])


def _processor_seconds() -> float:
    return sum(resource.getrusage(resource.RUSAGE_SELF)[:2])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    kinds = parser.add_subparsers(required=True)
    for name, run in (("scenes", scenes), ("hour", hour)):
        kind = kinds.add_parser(name)
        kind.add_argument("--config", type=Path, required=True)
        kind.add_argument("--engine", default="earmark")
        kind.add_argument("--weights", type=Path, help="a folder of weights for it, instead of those that ship")
        kind.add_argument("--at-least", type=float, default=0.5)
        kind.add_argument("--events", type=int, default=5)
        kind.add_argument("--seed", type=int, default=7_000)
        kind.add_argument("--workers", type=int)
        if name == "scenes":
            kind.add_argument("--scenes", type=int, default=30)
            kind.add_argument("--dump", type=Path)
        else:
            kind.add_argument("--minutes", type=int, default=60)
        kind.set_defaults(run=run)
    options = parser.parse_args()
    options.run(options)


if __name__ == "__main__":
    main()
