"""Captions measured: are the sounds right and on time, are the words on time, are the rules of reading kept?

    python bench/captions.py scenes --config src/earmark/training/configs/sound.yaml --scenes 40 [--list wide]
    python bench/captions.py words --clips FOLDER     # a manifest.csv with hand times of words (TIMIT)
    python bench/captions.py rules --text FILE        # three hours of speech and sounds with made-up times

`scenes` mixes 60 s scenes from clips that training kept out (the config says which) and captions them by the default
settings. An event is right with its onset within 200 ms, its offset within 200 ms or 20 % of its length, and a name
that the vocabulary of `earmark.scenes` lets stand for the sound. Events of names nobody could judge there count
neither way. Printed twice: for the sounds as heard, and for the captions as they stand on the screen (a short sound
stands 0.8 s to be read). `--list wide` asks for the labels of the kept-out clips instead of the built-in list, `--list
core` for those of the collections that tell their classes apart (ESC-10, kitchen20), in scenes of these.
"""

from __future__ import annotations

import argparse
import csv
import json
import random
import re
import tempfile
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from earmark.captioning import Caption, Heard, builtin_vocabulary, caption, laid_out
from earmark.evaluation.matching import match_count
from earmark.formats import Label
from earmark.formats.captions import broken_rules, spoken_captions
from earmark.indexing import index
from earmark.library import Catalogue
from earmark.media.clips import write_waveforms
from earmark.records import Segment, Word
from earmark.scenes.builder import Scene, SceneSettings, build_scene
from earmark.scenes.vocabulary import MATCH, OTHER, Vocabulary, shipped_vocabulary
from earmark.settings import CaptionSettings, IndexSettings
from earmark.timeline import Span, Waveform, merge_spans
from earmark.training.sound_config import read_config
from earmark.training.sound_corpus import choose_clips
from earmark.transcribing import transcript


@dataclass(frozen=True)
class Event:
    label: str
    span: Span


@dataclass
class Counts:
    references: int = 0
    estimates: int = 0
    right: int = 0

    def __str__(self) -> str:
        precision, recall = self.right / max(1, self.estimates), self.right / max(1, self.references)
        f1 = 2 * self.right / max(1, self.references + self.estimates)
        return (
            f"event-F1 {f1:.3f} (precision {precision:.3f}, recall {recall:.3f}; "
            f"{self.right} of {self.references} events right, {self.estimates} captioned)"
        )


def label_of(each: Caption, vocabulary: Vocabulary) -> str:
    for label, wordings in vocabulary.wordings.items():
        if each.sound.lower() in (wording.lower() for wording in wordings):
            return label
    return vocabulary.canonical(each.sound)


def score(
    scene: Scene, estimates: Sequence[Event], asked: Sequence[str], vocabulary: Vocabulary, counts: Counts,
    onsets: list[float],
) -> None:  # fmt: skip
    """Adds one scene to the counts; `onsets` gets the error of each estimate that has the right name and place."""
    references = [
        Event(s.label, s.span) for s in scene.sounds if any(vocabulary.relation(s.label, q) == MATCH for q in asked)
    ]
    named: NDArray[np.bool_] = np.array(
        [[vocabulary.relation(r.label, e.label) == MATCH for r in references] for e in estimates], bool
    ).reshape(len(estimates), len(references))
    timed = np.array(
        [
            [
                round(abs(e.span.start - r.span.start), 4) <= 0.2
                and round(abs(e.span.end - r.span.end), 4) <= max(0.2, 0.2 * r.span.duration)
                for r in references
            ]
            for e in estimates
        ],
        bool,
    ).reshape(named.shape)
    right = named & timed
    counts.right += match_count(right)
    counts.references += len(references)
    for row, each in enumerate(estimates):
        beside = [s.label for s in scene.sounds if s.span.overlap(each.span) > 0] + [scene.background.label]
        if right[row].any() or all(vocabulary.relation(label, each.label) == OTHER for label in beside):
            counts.estimates += 1
        elif any(vocabulary.relation(s.label, each.label) == MATCH for s in scene.sounds):
            counts.estimates += 1  # the right name at the wrong time
        near = [abs(each.span.start - r.span.start) for k, r in enumerate(references)
                if named[row, k] and each.span.iou(r.span) > 0.3]  # fmt: skip
        if near:
            onsets.append(min(near))


def standing(captions: Sequence[Label], label_by_text: dict[str, str]) -> list[Event]:
    """The sounds as the screen shows them: a line that stays on through several captions is one."""
    spans: dict[str, list[Span]] = {}
    for each in captions:
        for line in each.text.split("\n"):
            if line in label_by_text:
                spans.setdefault(line, []).append(each.span)
    return [Event(label_by_text[line], span) for line, of in spans.items() for span in merge_spans(of, 0.001)]


def scenes(options: argparse.Namespace) -> None:
    vocabulary = shipped_vocabulary()
    config = read_config(options.config)
    _, held_out = choose_clips(config, vocabulary)
    clips = [clip for clip in held_out.clips if clip.label != "silence"]
    asked_clips = [clip for clip in clips if clip.label != "speech"]
    if options.list == "core":
        core = {collection.folder for collection in config.collections if collection.tells_apart}
        asked_clips = [clip for clip in asked_clips if clip.collection in core]
    if options.list != "builtin":
        captions = [Caption(vocabulary.words(label)[0], vocabulary.words(label)[0])
                    for label in sorted({clip.label for clip in asked_clips})]  # fmt: skip
    else:
        captions = list(builtin_vocabulary())
    labels = {each.text: label_of(each, vocabulary) for each in captions}
    asked = sorted(set(labels.values()))
    if options.list == "builtin":
        asked_clips = [c for c in asked_clips if any(vocabulary.relation(c.label, q) == MATCH for q in asked)]
    settings = CaptionSettings(min_probability=options.min_probability)
    mixing = SceneSettings(seconds=60.0, events=options.events, distractors=options.distractors, snr_db=(0.0, 20.0))
    heard_counts, shown_counts = Counts(), Counts()
    heard_onsets, shown_onsets = list[float](), list[float]()
    faults = seconds = 0.0
    with tempfile.TemporaryDirectory() as folder:
        made = {}
        for seed in range(options.scenes):
            scene = build_scene(5_000 + seed, asked_clips, clips, held_out.backgrounds, mixing)
            path = Path(folder) / f"scene{seed:03d}.wav"
            write_waveforms(path, Waveform(scene.samples[None], 16_000))
            made[str(path)] = scene
        began = time.monotonic()
        library = Path(folder) / "library"
        report = index([Path(path) for path in made], library, IndexSettings(recogniser=None, workers=1))
        listened = time.monotonic() - began
        catalogue = Catalogue.load(library)
        began = time.monotonic()
        for recording in report.recordings.values():
            scene = made[recording.path]
            done = caption(catalogue, recording, [], captions, settings)
            events = [Event(labels[each.caption.text], each.span) for each in done.sounds]
            score(scene, events, asked, vocabulary, heard_counts, heard_onsets)
            score(scene, standing(done.captions, labels), asked, vocabulary, shown_counts, shown_onsets)
            faults += len(broken_rules(done.captions, recording.span, settings))
            seconds += recording.duration_seconds
        captioned = time.monotonic() - began
    print(f"{options.scenes} scenes, {seconds / 60:.0f} min, {len(captions)} sounds asked for in each")
    print(f"as heard: {heard_counts}; onset error, median {1000 * float(np.median(heard_onsets or [np.nan])):.0f} ms")
    print(f"as shown: {shown_counts}; onset error, median {1000 * float(np.median(shown_onsets or [np.nan])):.0f} ms")
    print(f"rules broken: {faults:.0f}; listening {listened:.0f} s, captioning {captioned:.1f} s")


def words(options: argparse.Namespace) -> None:
    with (options.clips / "manifest.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["events"]]
    errors = []
    faults = 0
    with tempfile.TemporaryDirectory() as folder:
        library = Path(folder) / "library"
        report = index([options.clips / row["file"] for row in rows], library, IndexSettings(sound=None, workers=1))
        catalogue = Catalogue.load(library)
        by_path = {recording.path: recording for recording in report.recordings.values()}
        for row in rows:
            recording = by_path.get(str((options.clips / row["file"]).absolute()))
            if recording is None:
                continue
            said = [(bare(event["word"]), event["start"]) for event in json.loads(row["events"])]
            captions = spoken_captions(transcript(catalogue, recording), recording.span)
            for fault in broken_rules(captions, recording.span):
                faults += 1
                print(f"{row['file']} ({recording.duration_seconds:.2f} s): {fault}: {captions[0].text!r}")
            for each in captions:
                first = bare(each.words[0].text)
                onsets = [start for word, start in said if word == first]
                if onsets:
                    errors.append(min(abs(each.span.start - onset) for onset in onsets))
    print(f"{len(rows)} sentences, {len(errors)} captions whose first word was said: onset error, "
          f"median {1000 * float(np.median(errors)):.0f} ms, 95 % {1000 * float(np.quantile(errors, 0.95)):.0f} ms; "
          f"rules broken: {faults}")  # fmt: skip


def bare(word: str) -> str:
    return re.sub(r"[^\w']", "", word).lower()


def speech(sentences: Iterable[str], seconds: float, generator: random.Random) -> Iterable[Segment]:
    """Sentences said one after the other at 9 to 19 letters a second, some without a pause between them."""
    at = 1.0
    for sentence in sentences:
        pace = generator.uniform(9.0, 19.0)
        said = []
        for text in sentence.split():
            length = (len(text) + 1) / pace * generator.uniform(0.7, 1.3)
            said.append(Word(text, Span(at, at + 0.9 * length)))
            at += length
        yield Segment(Span(said[0].span.start, said[-1].span.end), sentence, tuple(said), "en")
        at += generator.choice([0.0, 0.2, 0.5, 0.9, 2.5, 6.0])
        if at > seconds - 30.0:
            return


def rules(options: argparse.Namespace) -> None:
    lines = [line.split("\t")[-1].strip() for line in options.text.read_text(encoding="utf-8").splitlines()]
    lines = [line for line in lines if line]
    within = Span(0.0, 3600.0 * options.hours)
    for under in (False, True):
        generator = random.Random(0)
        segments = list(speech(generator.sample(lines, len(lines)), within.end, generator))
        names = builtin_vocabulary()
        heard, at = [], 0.0
        while at < within.end - 20.0:
            at += generator.expovariate(1 / 6.0)
            span = Span(at, at + min(20.0, generator.lognormvariate(0.0, 1.0)))
            heard.append(Heard(generator.choice(names), span, generator.uniform(0.5, 1.0)))
        settings = CaptionSettings(sounds_under_speech=under)
        voices = merge_spans(segment.span for segment in segments)
        began = time.monotonic()
        captions, _ = laid_out(segments, heard, voices, within, settings)
        took = time.monotonic() - began
        faults = broken_rules(captions, within, settings)
        late = [each.span.start - each.words[0].span.start for each in captions if each.words]
        spoken = sum(voice.duration for voice in voices) / 3600
        print(f"{options.hours:g} h, {spoken:.1f} of speech, {len(segments)} sentences, sounds under speech {under}: "
              f"{len(captions)} captions, {sum(each.kind == 'heard' for each in captions)} of sounds alone; "
              f"rules broken: {len(faults)}; latest caption of words {max(late):.2f} s after its first word; "
              f"laid out in {took:.1f} s")  # fmt: skip
        for fault in faults[:5]:
            print("  ", fault)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    kinds = parser.add_subparsers(required=True)
    one = kinds.add_parser("scenes")
    one.add_argument("--config", type=Path, required=True)
    one.add_argument("--scenes", type=int, default=40)
    one.add_argument("--events", type=int, default=5)
    one.add_argument("--distractors", type=int, default=2)
    one.add_argument("--list", choices=("builtin", "wide", "core"), default="builtin")
    one.add_argument("--min-probability", type=float, default=CaptionSettings.min_probability)
    one.set_defaults(run=scenes)
    two = kinds.add_parser("words")
    two.add_argument("--clips", type=Path, required=True)
    two.set_defaults(run=words)
    three = kinds.add_parser("rules")
    three.add_argument("--text", type=Path, required=True)
    three.add_argument("--hours", type=float, default=3.0)
    three.set_defaults(run=rules)
    options = parser.parse_args()
    options.run(options)


if __name__ == "__main__":
    main()
