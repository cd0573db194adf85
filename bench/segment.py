"""Speech, music and noise: how well and how fast they are told apart, against Silero alone and auditok.

    python bench/segment.py HELDOUT [--model FILE] [--scenes 40] [--seed 7]

HELDOUT holds ``speech/``, ``music/`` and ``noise/``, recordings no model was trained on. Scenes of a minute are mixed
from them here, by other code than training uses: utterances with pauses, over music, noise, both or neither, −5 to
20 dB below the speech; stretches of music or noise alone; digital silence. Every second of the recordings has the same
chance; with ``--draw clip`` every clip has, so that single notes and drum hits make up most of the music. The truth
about speech comes from the level of the clean recordings alone (up to 35 dB below their loud frames, 10 dB above their
noise; pauses to 0.3 s bridged), not from any detector.

Printed, all from one run: ROC AUC and frame F1 of speech by how much louder it is than the rest; false speech on music
alone and on silence; F1 of the three classes; median distance of speech boundaries; speed and peak memory on an MP3.
Peers: `silero` is the curve earmark starts from; `auditok` is a dependency of this script alone (pip install auditok).
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from earmark.engines.activity.classes import Classes
from earmark.engines.activity.level import LevelMeter
from earmark.engines.activity.silero import Silero
from earmark.media.clips import write_waveforms
from earmark.media.decode import decode
from earmark.segmenting import Segmenter, segments_of
from earmark.settings import SegmentSettings
from earmark.timeline import ScoreCurve, Span, Waveform, merge_spans, spans_above

RATE = 16_000
SCENE_SECONDS = 60.0
GRID = 0.02
KINDS = ("speech", "music", "noise")
RANGE_DB = {"speech": 35.0, "music": 45.0, "noise": 40.0}
BRIDGE_SECONDS = {"speech": 0.3, "music": 1.5, "noise": 0.3}
AUDIBLE_NOISE_DB = 32.0
"""Speech recorded with noise less far below it is left out: what a mixture with it holds could not be told."""
Samples = NDArray[np.float32]
Mask = NDArray[np.bool_]


@dataclass
class Mixture:
    """A scene with what is in it, per 20 ms; `snr` is speech over the rest in dB, NaN where there is no rest."""

    samples: Samples
    truth: dict[str, Mask]
    setting: str
    snr: float


@dataclass
class Clip:
    name: str
    samples: Samples
    heard: list[Span]


def load(folder: Path, kind: str) -> list[Clip]:
    clips = []
    for path in sorted((folder / kind).iterdir()):
        samples = np.concatenate([block.mono() for block in decode(path)])
        heard = clean_spans(samples, kind)
        if heard and (kind != "speech" or noise_below(samples) > AUDIBLE_NOISE_DB):
            power = np.mean([np.mean(samples[int(s.start * RATE) : int(s.end * RATE)] ** 2) for s in heard])
            clips.append(Clip(path.name, np.asarray(samples / (np.sqrt(power) + 1e-9), np.float32), heard))
    return clips


def noise_below(samples: Samples) -> float:
    """How far the quietest frames of a recording lie below its loud ones, in dB."""
    values = LevelMeter().feed(np.pad(samples, (0, -len(samples) % 320))).values
    return float(np.percentile(values, 95) - np.percentile(values, 3))


def clean_spans(samples: Samples, kind: str) -> list[Span]:
    """Where a clean recording is within `RANGE_DB` of its loud frames."""
    values = LevelMeter().feed(np.pad(samples, (0, -len(samples) % 320))).values
    if not len(values):
        return []
    floor, peak = (float(value) for value in np.percentile(values, [3, 95]))
    above_noise = min(floor + 10.0, peak - 12.0) if kind == "speech" else -70.0  # recordings bring a room with them
    loud = values > max(-70.0, peak - RANGE_DB[kind], above_noise)
    spans = spans_above(ScoreCurve(loud.astype(np.float32), GRID), 0.5, 0.5)
    return [span for span in merge_spans(spans, BRIDGE_SECONDS[kind]) if span.duration >= 0.06]


def fill(
    clips: Sequence[Clip],
    start: float,
    end: float,
    gaps: tuple[float, float],
    by_length: bool,
    generator: np.random.Generator,
) -> tuple[Samples, Mask]:
    """Clips one after the other from `start` to `end`, at unit power, and where they are heard."""
    layer = np.zeros(int(SCENE_SECONDS * RATE), np.float32)
    mask = np.zeros(int(SCENE_SECONDS / GRID), dtype=np.bool_)
    lengths = np.array([len(clip.samples) for clip in clips], dtype=np.float64)
    shares = lengths / lengths.sum() if by_length else np.full(len(clips), 1 / len(clips))
    at = start
    while at < end - 0.5:
        clip = clips[int(generator.choice(len(clips), p=shares))]
        first = 0.0
        if len(clip.samples) / RATE > end - at:
            first = float(generator.uniform(0, len(clip.samples) / RATE - (end - at)))
        piece = clip.samples[int(first * RATE) : int((first + end - at) * RATE)].copy()
        ramp = np.linspace(0, 1, min(80, len(piece)), dtype=np.float32)
        piece[: len(ramp)] *= ramp
        piece[len(piece) - len(ramp) :] *= ramp[::-1]
        place = int(at * RATE)
        piece = piece[: len(layer) - place]
        layer[place : place + len(piece)] += piece
        for span in clip.heard:
            a, b = at + span.start - first, at + min(span.end, first + len(piece) / RATE) - first
            if b > max(a, at):
                mask[round(max(a, at) / GRID) : round(b / GRID)] = True
        at += len(piece) / RATE + float(generator.uniform(*gaps))
    return layer, mask


def mixtures(folder: Path, count: int, seed: int, by_length: bool = True) -> list[Mixture]:
    pools = {kind: load(folder, kind) for kind in KINDS}
    settings = [
        "speech",
        "speech+music",
        "speech+noise",
        "speech+music+noise",
        "speech+music",
        "speech+noise",
        "music",
        "noise",
        "turns",
        "silence",
    ]
    made = []
    for number in range(count):
        generator = np.random.default_rng([seed, number])
        setting = settings[number % len(settings)]
        kinds = setting.split("+") if setting != "turns" else list(KINDS)
        snr = float(generator.uniform(-5, 20))
        level = 10 ** (float(generator.uniform(-32, -18)) / 20)
        total = np.zeros(int(SCENE_SECONDS * RATE), np.float32)
        truth = {kind: np.zeros(int(SCENE_SECONDS / GRID), dtype=np.bool_) for kind in KINDS}
        for index, kind in enumerate(kinds):
            if kind not in KINDS:
                continue
            start, end = (0.0, SCENE_SECONDS) if setting != "turns" else (20.0 * index, 20.0 * index + 18)
            if "+" in setting and kind != "speech" and generator.random() < 0.5:
                start, end = sorted(generator.uniform(0, SCENE_SECONDS, 2))
                start = min(start, SCENE_SECONDS - 5)
                end = max(end, start + 5)
            gaps = (0.2, 2.5) if kind == "speech" else (0.0, 0.0)
            layer, mask = fill(pools[kind], start, end, gaps, by_length, generator)
            below = snr if "+" in setting and kind != "speech" else 0.0
            if setting == "speech+music+noise" and kind == "noise":
                below += 3
            total += layer * np.float32(level * 10 ** (-below / 20))
            truth[kind] |= mask[: len(truth[kind])]
        samples = np.round(np.clip(total, -1, 1) * 32767).astype(np.float32) / np.float32(32768)
        made.append(Mixture(samples, truth, setting, snr if "+" in setting else float("nan")))
    return made


def on_grid(curve: ScoreCurve, frames: int) -> NDArray[np.float32]:
    index = np.floor((np.arange(frames) + 0.5) * GRID / curve.step_seconds).astype(int)
    scores: NDArray[np.float32] = curve.values[np.clip(index, 0, curve.num_frames - 1)]
    return scores


def mask_of(spans: Sequence[Span], frames: int) -> Mask:
    mask = np.zeros(frames, dtype=np.bool_)
    for span in spans:
        mask[round(span.start / GRID) : round(span.end / GRID)] = True
    return mask


def roc_auc(truth: Mask, scores: NDArray[np.float32]) -> float:
    """The share of (speech, other) pairs of frames that the scores put in the right order; ties count half."""
    values, inverse, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[inverse]
    positives = int(truth.sum())
    if not 0 < positives < truth.size:
        return float("nan")
    total = float(ranks[truth].sum()) - positives * (positives + 1) / 2
    return total / (positives * (truth.size - positives))


def f1(truth: Mask, found: Mask) -> float:
    shared, sizes = int((truth & found).sum()), int(truth.sum() + found.sum())
    return 2 * shared / sizes if sizes else 1.0


def boundary_errors(truth: Mask, found: Mask) -> list[float]:
    """Seconds from each onset and offset of speech to the nearest one of its kind that was found, up to 2 s away."""
    errors = []
    for direction in (1, -1):
        there = np.flatnonzero(np.diff(truth.astype(np.int8), prepend=0, append=0) == direction)
        guessed = np.flatnonzero(np.diff(found.astype(np.int8), prepend=0, append=0) == direction)
        for edge in there:
            if guessed.size:
                errors.append(float(np.abs(guessed - edge).min()) * GRID)
    return [error for error in errors if error <= 2.0]


def auditok_spans(samples: Samples) -> list[Span] | None:
    try:
        auditok: Any = import_module("auditok")
    except ModuleNotFoundError:
        return None
    data = (samples * 32767).astype("<i2").tobytes()
    regions = auditok.split(
        data, sampling_rate=RATE, sample_width=2, channels=1, min_dur=0.2, max_dur=60, max_silence=0.3
    )
    return [Span(float(region.start), float(region.end)) for region in regions]


@dataclass
class Result:
    """One detector over all scenes: its curve of speech (None where it has none) and its segments."""

    name: str
    scores: list[NDArray[np.float32]]
    found: list[dict[str, Mask]]


def run_all(scenes: Sequence[Mixture], model: Path | None, settings: SegmentSettings) -> list[Result]:
    engine, silero = Classes(model), Silero()
    ours, theirs, energy = Result("earmark", [], []), Result("silero alone", [], []), Result("auditok", [], [])
    for scene in scenes:
        frames, within = len(scene.truth["speech"]), Span(0, SCENE_SECONDS)
        stream = engine.stream()
        parts = [stream.feed(scene.samples), stream.flush()]
        values = np.concatenate([part.values for part in parts])
        curves = replace(parts[0], values=values)
        ours.scores.append(on_grid(curves["speech"], frames))
        spans = {kind: segments_of(curves[kind], settings, within) for kind in engine.classes}
        ours.found.append({kind: mask_of(found, frames) for kind, found in spans.items()})
        vad = silero.stream()
        curve = ScoreCurve(np.concatenate([vad.feed(scene.samples).values, vad.flush().values]), silero.step_seconds)
        theirs.scores.append(on_grid(curve, frames))
        theirs.found.append({"speech": mask_of(segments_of(curve, settings, within), frames)})
        regions = auditok_spans(scene.samples)
        if regions is not None:
            energy.scores.append(on_grid(LevelMeter().feed(scene.samples), frames))
            energy.found.append({"speech": mask_of(regions, frames)})
    return [ours, theirs] + ([energy] if energy.found else [])


def report(scenes: Sequence[Mixture], results: Sequence[Result]) -> None:
    groups: list[tuple[str, list[int]]] = [("all scenes", list(range(len(scenes))))]
    groups.append(("mixed, -5..20 dB", [i for i, scene in enumerate(scenes) if not np.isnan(scene.snr)]))
    for low, high in ((-5, 0), (0, 10), (10, 20)):
        groups.append((f"mixed, {low}..{high} dB", [i for i, scene in enumerate(scenes) if low <= scene.snr < high]))
    for setting in dict.fromkeys(scene.setting for scene in scenes):
        groups.append((setting, [i for i, scene in enumerate(scenes) if scene.setting == setting]))
    print(f"{'speech: ROC AUC | F1':24s}" + "".join(f"{result.name:>18s}" for result in results))
    for name, members in groups:
        if not members or not any(scenes[i].truth["speech"].any() for i in members):
            continue
        cells = []
        truth = np.concatenate([scenes[i].truth["speech"] for i in members])
        for result in results:
            scores = np.concatenate([result.scores[i] for i in members])
            found = np.concatenate([result.found[i]["speech"] for i in members])
            cells.append(f"{roc_auc(truth, scores):.4f} | {f1(truth, found):.3f}")
        print(f"{name:24s}" + "".join(f"{cell:>18s}" for cell in cells))
    print("\nfalse speech, share of frames in speech segments")
    for setting in ("music", "noise", "silence"):
        members = [i for i, scene in enumerate(scenes) if scene.setting == setting]
        if members:
            cells = [f"{np.mean([result.found[i]['speech'].mean() for i in members]):.2%}" for result in results]
            print(f"{setting:24s}" + "".join(f"{cell:>18s}" for cell in cells))
    print("\nmedian distance of speech boundaries, s (all; mixed)")
    mixed = groups[1][1]
    for result in results:
        both = []
        for members in (groups[0][1], mixed):
            errors = [e for i in members for e in boundary_errors(scenes[i].truth["speech"], result.found[i]["speech"])]
            both.append(float(np.median(errors)))
        print(f"{result.name:24s}" + "".join(f"{value:18.3f}" for value in both))
    ours = results[0]
    print("\nearmark, frame F1 by class (all scenes; mixed ones)")
    for members in (groups[0][1], mixed):
        each = {}
        for kind in KINDS:
            truth = np.concatenate([scenes[i].truth[kind] for i in members])
            each[kind] = f1(truth, np.concatenate([ours.found[i][kind] for i in members]))
        print(
            "  ".join(f"{kind} {value:.3f}" for kind, value in each.items()),
            f" macro {np.mean(list(each.values())):.3f}",
        )


def speed(scenes: Sequence[Mixture], model: Path | None, minutes: float, with_auditok: bool) -> None:
    """An MP3 of scenes in a row, from file to segments; each figure is the best of three."""
    repeats = max(1, round(minutes * 60 / (SCENE_SECONDS * len(scenes))))
    seconds = repeats * len(scenes) * SCENE_SECONDS
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "scenes.mp3"
        write_waveforms(path, (Waveform(scene.samples[None], RATE) for _ in range(repeats) for scene in scenes))
        segmenter, silero = Segmenter(model=model), Silero()

        def silero_alone() -> None:
            stream = silero.stream()
            for block in decode(path):
                stream.feed(block.mono())

        def auditok_alone() -> None:
            auditok_spans(np.concatenate([block.mono() for block in decode(path)]))

        print(f"\nspeed on an MP3 of {seconds / 60:.0f} minutes: × real time (clock, CPU), peak RSS so far")
        jobs: list[tuple[str, Callable[[], object]]] = [
            ("earmark, everything", lambda: segmenter.segment(path)),
            ("silero alone", silero_alone),
        ]
        if with_auditok:
            jobs.append(("auditok", auditok_alone))
        for name, work in jobs:
            walls, cpus = [], []
            for _ in range(3):
                wall, cpu = time.perf_counter(), time.process_time()
                work()
                walls.append(time.perf_counter() - wall)
                cpus.append(time.process_time() - cpu)
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            print(f"{name:24s}{seconds / min(walls):12.0f}{seconds / min(cpus):12.0f}{peak:10.0f} MB")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("heldout", type=Path)
    parser.add_argument("--model", type=Path)
    parser.add_argument("--scenes", type=int, default=40)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument(
        "--draw", choices=["length", "clip"], default="length", help="chances: every second the same, or every clip"
    )
    parser.add_argument(
        "--minutes", type=float, default=20, help="length of the MP3 of the speed test; 0 leaves it out"
    )
    options = parser.parse_args()
    scenes = mixtures(options.heldout, options.scenes, options.seed, options.draw == "length")
    results = run_all(scenes, options.model, SegmentSettings())
    if len(results) < 3:
        print("auditok is not installed (pip install auditok): left out\n")
    report(scenes, results)
    if options.minutes:
        speed(scenes, options.model, options.minutes, len(results) > 2)


if __name__ == "__main__":
    main()
