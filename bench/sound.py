"""How well the built-in sound model hears: scenes of 60 s from recordings no training step has heard.

    python bench/sound.py --data FOLDER [--weights DIR] [--scenes 60] [--yamnet DIR] [--calibrate] [--elsewhere DIR]

FOLDER holds the collections of the shipped config. Its held-out recordings are halved: scenes of the one half
calibrate (`--calibrate` fits probabilities and edges anew and writes them into the weights' ``model.json``), scenes of
the other half measure. Every query is a wording training never saw. `mixed` scenes ask for sounds of all collections,
`core` scenes for those of ESC-10 and kitchen20 only. With `--yamnet`, YAMNet is asked the same, each query mapped to
the class name nearest to it by text, on the classes whose name is near enough. `--elsewhere` names the clips of a
collection that no recording of training comes from by text alone (`tools/debian_sounds.py` makes one).
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from importlib.resources import files
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from earmark.engines.sound import EdgeSettings, LocateSettings, locate, sharpened
from earmark.engines.sound.builtin import POOL, WEIGHTS, BuiltinSound
from earmark.engines.sound.edges import candidates, edge_features
from earmark.evaluation.ranking import auroc, average_precision
from earmark.media.levels import pooled
from earmark.media.logmel import log_mel
from earmark.scenes.builder import Scene, SceneSettings, build_scene, load_clip
from earmark.scenes.clips import Clip, read_clips
from earmark.scenes.queries import Query, queries_of
from earmark.scenes.vocabulary import MATCH, UNKNOWN, Vocabulary, shipped_vocabulary
from earmark.timeline import ScoreCurve
from earmark.training.calibrating import Heard, calibrate_edges, calibrate_frames, calibrate_moments, right
from earmark.training.sound_config import read_config
from earmark.training.sound_corpus import choose_clips

CORE = {"esc10": 4, "kitchen20": 5}
Floats = NDArray[np.float64]
UNMOVED = EdgeSettings()
ANSWERED = 0.5
"""The default threshold of `earmark find`."""


@dataclass(frozen=True)
class Half:
    """What scenes of one half of the held-out recordings are built from."""

    asked: list[Clip]
    distractors: list[Clip]
    backgrounds: list[Clip]


def halves(vocabulary: Vocabulary) -> tuple[Half, Half]:
    _, held_out = choose_clips(read_config(Path(str(files("earmark.training").joinpath("configs", "sound.yaml")))))
    found = []
    for part in (0, 1):
        by_label: dict[str, int] = defaultdict(int)
        kept: list[Clip] = []
        for clip in held_out.clips:  # every other clip of a label
            if by_label[clip.label] % 2 == part:
                kept.append(clip)
            by_label[clip.label] += 1
        named = [c for c in kept if c.label in vocabulary.unseen and c.label not in ("speech", "music")]
        others = [c for c in kept if c.label in ("speech", "music") or c.label not in vocabulary.unseen]
        found.append(Half(named, others, list(held_out.backgrounds)))
    return found[0], found[1]


def scenes_of(half: Half, count: int, seed: int, core: bool) -> list[Scene]:
    asked = [c for c in half.asked if not core or c.collection in CORE]
    return [
        build_scene(seed + n, asked, half.distractors, half.backgrounds, SceneSettings(), load_clip)
        for n in range(count)
    ]


def curves(engine: BuiltinSound, frames: list[NDArray[np.float32]]) -> Callable[[int, str], NDArray[np.float32]]:
    return lambda scene, text: engine.curve(frames[scene], text)


def measure(
    asked: Sequence[tuple[int, Query]],
    curve_of: Callable[[int, str], NDArray[np.float32]],
    seconds_of: Callable[[str], float],
    step: float,
    settings: LocateSettings,
    frames: list[NDArray[np.float32]] | None = None,
    edges: EdgeSettings = UNMOVED,
) -> dict[str, float]:
    """The issue's table, for anything that gives a curve for a text; edges are sharpened where there are `frames`."""
    ious, aucs, precisions, first, is_right, present = [], [], [], [], [], []
    pooled: list[Floats] = []
    truths: list[NDArray[np.bool_]] = []
    for scene, query in asked:
        values = curve_of(scene, query.text)
        found = locate(ScoreCurve(values, step), seconds_of(query.text), settings)
        if frames is not None:
            answered = [moment for moment in found if moment[1] >= ANSWERED] or found[:1]
            found = sharpened(answered, ScoreCurve(values, step), between(frames[scene]), edges)
        middle = (np.arange(len(values)) + 0.5) * step
        truth = np.zeros(len(values), dtype=bool)
        for span in query.spans:
            truth |= (middle >= span.start) & (middle < span.end)
        pooled.append(values.astype(np.float64)[::4])
        truths.append(truth[::4])
        present.append(bool(query.spans))
        first.append(found[0][1] if found else 0.0)
        is_right.append(bool(found) and right(found[0][0], query.spans))
        if query.spans:
            ious.append(max((found[0][0].iou(span) for span in query.spans), default=0.0) if found else 0.0)
            aucs.append(auroc(values.astype(np.float64), truth) or 0.0)
            precisions.append(average_precision(values.astype(np.float64), truth) or 0.0)
    there, chance, correct = np.array(present), np.array(first), np.array(is_right)
    bins = np.minimum((chance * 10).astype(int), 9)
    gaps = [(bins == b).mean() * abs(chance[bins == b].mean() - correct[bins == b].mean()) for b in set(bins.tolist())]
    at_80 = float(np.quantile(chance[there], 0.2))
    every, all_truth = np.concatenate(pooled), np.concatenate(truths)
    return {
        "R1@0.5": float(np.mean(np.array(ious) >= 0.5)),
        "R1@0.7": float(np.mean(np.array(ious) >= 0.7)),
        "mean IoU": float(np.mean(ious)),
        "frame AUROC (mean of queries)": float(np.mean(aucs)),
        "frame AP (mean of queries)": float(np.mean(precisions)),
        "frame AUROC (pooled, absent ones too)": auroc(every, all_truth) or 0.0,
        "frame AP (pooled, absent ones too)": average_precision(every, all_truth) or 0.0,
        "present found at 0.5": float((chance[there] >= 0.5).mean()),
        "absent refused at 0.5": float((chance[~there] < 0.5).mean()),
        "absent refused where 80 % are found": float((chance[~there] < at_80).mean()),
        "presence AUROC": auroc(chance, there) or 0.0,
        "ECE": float(sum(gaps)),
        "queries": float(len(asked)),
    }


def between(frames: NDArray[np.float32]) -> Callable[[int, int], NDArray[np.float32]]:
    return lambda first, last: frames[first:last]


def fits(engine: BuiltinSound, clip: Clip, vectors: Sequence[NDArray[np.float32]]) -> list[NDArray[np.float32]]:
    """How well a clip fits each wording of each label, by the better half of its frames."""
    frames = engine.embed_audio(load_clip(clip))
    most = max(3, len(frames) // 2)
    return [np.sort(frames @ wordings.T, axis=0)[-most:].mean(axis=0) for wordings in vectors]


def zero_shot(engine: BuiltinSound, vocabulary: Vocabulary, data: Path) -> None:
    """Whole clips named by text alone: the class whose unseen wordings are nearest to the clip's loudest frames."""
    for collection, fold in CORE.items():
        with (data / collection / "manifest.csv").open(encoding="utf-8", newline="") as file:
            rows = [row for row in csv.DictReader(file) if row["fold"] == str(fold)]
        labels = sorted({vocabulary.canonical(row["label"]) for row in rows})
        vectors = [engine.embed_text(vocabulary.unseen[label]) for label in labels]  # (wordings, dim) each
        hits: dict[str, list[bool]] = defaultdict(list)
        single: list[float] = []
        for row in rows:
            scores = np.array(fits(engine, Clip(data / collection / row["file"], ""), vectors))  # (labels, wordings)
            truth = labels.index(vocabulary.canonical(row["label"]))
            hits[labels[truth]].append(int(scores.mean(axis=1).argmax()) == truth)
            single.append(float(np.mean(scores.argmax(axis=0) == truth)))
        total = float(np.mean([hit for found in hits.values() for hit in found]))
        print(
            f"\nzero-shot, {collection} fold {fold}: {total:.3f} (three wordings), {np.mean(single):.3f} (one wording)"
        )
        print("  " + ", ".join(f"{label} {np.mean(found):.2f}" for label, found in sorted(hits.items())))


def elsewhere(engine: BuiltinSound, vocabulary: Vocabulary, folder: Path) -> None:
    """Clips of other collections named by text alone, of all labels there; and each label's clips ranked by it."""
    clips = read_clips(folder, vocabulary)
    labels = sorted({clip.label for clip in clips})
    vectors = [engine.embed_text(vocabulary.unseen.get(label) or vocabulary.words(label)[:1]) for label in labels]
    scores, truth = np.zeros((len(clips), len(labels))), vocabulary.relations([clip.label for clip in clips], labels)
    for row, clip in enumerate(clips):
        scores[row] = [fit.mean() for fit in fits(engine, clip, vectors)]
    first = np.where(truth == UNKNOWN, -np.inf, scores).argmax(axis=1)
    hits: dict[str, list[bool]] = defaultdict(list)
    for row, clip in enumerate(clips):
        hits[clip.label].append(bool(truth[row, first[row]] == MATCH))
    ranked = [average_precision(scores[truth[:, k] != UNKNOWN, k], truth[truth[:, k] != UNKNOWN, k] == MATCH)
              for k in range(len(labels))]  # fmt: skip
    chance = np.mean([float((truth[:, k] == MATCH).mean()) for k in range(len(labels))])
    print(f"\n{folder.name}: {len(clips)} clips of {len(labels)} labels, named by text: mean over labels "
          f"{np.mean([np.mean(found) for found in hits.values()]):.3f} (chance {1 / len(labels):.3f}), over clips "
          f"{np.mean([hit for found in hits.values() for hit in found]):.3f}; mean average precision "
          f"{np.mean([p or 0.0 for p in ranked]):.3f} (chance {chance:.3f})")  # fmt: skip
    print("  " + ", ".join(f"{label} {sum(found)}/{len(found)}" for label, found in sorted(hits.items())))


def coarse(asked: Sequence[tuple[int, Query]], engine: BuiltinSound, frames: list[NDArray[np.float32]]) -> None:
    """How many present sounds are in what is looked at, where that is only the best share of all stretches."""
    clips = [engine.embed_clips(scene) for scene in frames]
    offsets = np.cumsum([0, *[len(rows) for rows in clips]])
    every, seconds = np.concatenate(clips), engine.clip_frames * engine.step_seconds
    kept: dict[float, list[bool]] = {0.05: [], 0.1: [], 0.2: []}
    for scene, query in asked:
        if query.spans:
            order = np.argsort(-engine.clip_scores(every, query.text))
            holds = {offsets[scene] + int((s.start + s.end) / 2 / seconds) for s in query.spans}
            for share, found in kept.items():
                best = {int(n) + beside for n in order[: round(share * len(every))] for beside in (-1, 0, 1)}
                found.append(bool(holds & best))
    told = ", ".join(f"{np.mean(found):.3f} of the best {share:.0%}" for share, found in kept.items())
    print(f"  sounds kept by the coarse vectors, of {len(every)} stretches of {seconds:.1f} s: {told}")


def over_speech(engine: BuiltinSound, half: Half, vocabulary: Vocabulary) -> None:
    """A minute of held-out speech and nothing else, asked for every sound with a wording of its own."""
    clips = [clip for clip in half.distractors if clip.label == "speech"]
    samples = np.concatenate([load_clip(clip) for clip in clips])[: 60 * 16_000]
    frames = engine.embed_audio(samples)
    voices = {"speech", "crowd", "human_voice"}
    asked = [text for label, unseen in vocabulary.unseen.items() if label not in voices for text in unseen]
    answers = []
    for text in asked:
        curve = ScoreCurve(engine.curve(frames, text), engine.step_seconds)
        found = locate(curve, engine.expected_seconds(text), engine.moments)
        answers.append(found[0][1] if found else 0.0)
    worst = sorted(zip(answers, asked, strict=True), reverse=True)[:5]
    print(f"\n{len(samples) / 16_000:.0f} s of speech asked for {len(asked)} wordings of other sounds: refused at 0.5 "
          f"{np.mean(np.array(answers) < 0.5):.3f}")  # fmt: skip
    print("  most sure of: " + ", ".join(f"{text} {p:.2f}" for p, text in worst))


def by_class(asked: Sequence[tuple[int, Query]], engine: BuiltinSound, frames: list[NDArray[np.float32]]) -> None:
    hits: dict[str, list[bool]] = defaultdict(list)
    for scene, query in asked:
        if query.spans:
            curve = ScoreCurve(engine.curve(frames[scene], query.text), engine.step_seconds)
            found = locate(curve, engine.expected_seconds(query.text), engine.moments)
            found = sharpened(found[:1], curve, between(frames[scene]), engine.edges)
            hits[query.label].append(bool(found) and max(found[0][0].iou(s) for s in query.spans) >= 0.5)
    print("  R1@0.5 " + ", ".join(f"{label} {sum(h)}/{len(h)}" for label, h in sorted(hits.items())))


def yamnet(
    folder: Path,
    engine: BuiltinSound,
    scenes: list[Scene],
    asked: list[tuple[int, Query]],
    ours: list[NDArray[np.float32]],
) -> None:
    """Both on the queries YAMNet has a class for, peak-relative edges for both, YAMNet's scores as they are."""
    from earmark.training.teacher import HOP_SAMPLES, Teacher

    with (folder / "yamnet_class_map.csv").open(encoding="utf-8", newline="") as file:
        names = [row["display_name"] for row in csv.DictReader(file)]
    table = engine._pieces.embed(names)
    teacher = Teacher(folder / "yamnet.tflite")
    scores = [teacher.hear(scene.samples)[1].astype(np.float32) for scene in scenes]
    near = {}
    for _, query in asked:
        alike = table @ engine._pieces.embed([query.text])[0]
        if alike.max() >= 0.6:
            near[query.text] = int(alike.argmax())
    both = [(scene, query) for scene, query in asked if query.text in near]
    raw = LocateSettings(floor=1e-6)
    theirs = measure(both, lambda s, t: scores[s][:, near[t]], engine.expected_seconds, HOP_SAMPLES / 16_000, raw)
    mine = measure(both, curves(engine, ours), engine.expected_seconds, engine.step_seconds, raw)
    print(f"\nearmark / YAMNet on the {len(both)} queries it has a class for ({len(set(near.values()))} classes)")
    for name in ("R1@0.5", "R1@0.7", "frame AUROC (mean of queries)", "frame AP (mean of queries)", "presence AUROC"):
        print(f"  {name:40s} {mine[name]:.3f} / {theirs[name]:.3f}")


def calibrated(engine: BuiltinSound, scenes: list[Scene], vocabulary: Vocabulary, card_path: Path) -> BuiltinSound:
    """The engine with probabilities and edges fitted to these scenes, as written into its card."""
    step = engine.step_seconds
    frames_of = [engine.embed_audio(scene.samples) for scene in scenes]
    asked = [(n, query) for n, scene in enumerate(scenes) for query in queries_of(scene, vocabulary)]
    heard = [
        Heard(query, engine.logits(frames_of[n], query.text), engine.expected_seconds(query.text))
        for n, query in asked
    ]  # fmt: skip
    calibration = calibrate_frames(heard, step)
    moments = calibrate_moments(heard, calibration, step, engine.moments)
    bands_of = [pooled(log_mel(scene.samples), POOL) for scene in scenes]
    examples: dict[tuple[str, int], list[tuple[Floats, float]]] = defaultdict(list)
    for (n, query), one in zip(asked, heard, strict=True):
        logits = np.clip(calibration[0] * one.logits + calibration[1], -30, 30)
        curve = ScoreCurve((1 / (1 + np.exp(-logits))).astype(np.float32), step)
        located = [span for span, probability in locate(curve, one.expected_seconds, moments) if probability >= 0.3]
        for truth in query.spans:
            span = max(located, key=truth.iou, default=None)
            if span is None or span.iou(truth) < 0.25:
                continue
            for way, at, true in ((1, span.start, truth.start), (-1, span.end, truth.end)):
                edges = candidates(span, curve, way, -np.inf if way > 0 else np.inf)
                for name, bands in (("edges", None), ("band_edges", between(bands_of[n]))):
                    features = edge_features(edges, at, curve, between(frames_of[n]), way, bands)
                    examples[name, way].append((features, true / step - edges.start))
    card = json.loads(card_path.read_text(encoding="utf-8"))
    card["calibration"] = list(calibration)
    card["moments"] = asdict(moments)
    for name in ("edges", "band_edges"):
        card[name] = {end: calibrate_edges(examples[name, way]) for end, way in (("onset", 1), ("offset", -1))}
    card_path.write_text(json.dumps(card, indent=1, ensure_ascii=False), encoding="utf-8")
    print(
        f"calibrated on {len(heard)} queries and {len(examples['edges', 1])} moments: frames {calibration}, {moments}"
    )
    return BuiltinSound(card_path.parent)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--weights", type=Path, default=WEIGHTS)
    parser.add_argument("--scenes", type=int, default=60)
    parser.add_argument("--yamnet", type=Path)
    parser.add_argument("--calibrate", action="store_true")
    parser.add_argument("--elsewhere", type=Path)
    options = parser.parse_args()
    os.environ["EARMARK_DATA"] = str(options.data)
    os.environ.setdefault("EARMARK_TEACHER", str(options.yamnet or "."))
    vocabulary = shipped_vocabulary()
    first, second = halves(vocabulary)
    engine = BuiltinSound(options.weights)
    if options.calibrate:
        scenes = [*scenes_of(first, options.scenes, 10_000, False), *scenes_of(first, options.scenes, 11_000, True)]
        engine = calibrated(engine, scenes, vocabulary, options.weights / "model.json")
    for name, core, seed in (("mixed", False, 20_000), ("core", True, 21_000)):
        scenes = scenes_of(second, options.scenes, seed, core)
        asked = [(n, query) for n, scene in enumerate(scenes) for query in queries_of(scene, vocabulary)]
        began, busy = time.perf_counter(), time.process_time()
        frames_of = [engine.embed_audio(scene.samples) for scene in scenes]
        busy, began = time.process_time() - busy, time.perf_counter() - began
        curve_of = curves(engine, frames_of)
        table = measure(
            asked, curve_of, engine.expected_seconds, engine.step_seconds, engine.moments, frames_of, engine.edges
        )
        print(f"\n{name}: {len(scenes)} scenes of 60 s")
        for row, value in table.items():
            print(f"  {row:40s} {value:.3f}")
        by_class(asked, engine, frames_of)
        coarse(asked, engine, frames_of)
        print(f"  log-mel and model: {60 * len(scenes) / busy:.0f} x real time by processor time, one thread")
        if options.yamnet:
            yamnet(options.yamnet, engine, scenes, asked, frames_of)
    over_speech(engine, second, vocabulary)
    zero_shot(engine, vocabulary, options.data)
    if options.elsewhere:
        elsewhere(engine, vocabulary, options.elsewhere)


if __name__ == "__main__":
    main()
