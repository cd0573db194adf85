"""The figures of the alignment model's card: convergence on planted times, and the row on real clips.

    python bench/alignment.py synthetic --out work/planted          # clips with planted sounds, and their CSV
    python bench/alignment.py real --data DATA --out work/real      # esc10, kitchen20 and moodist as one CSV
    earmark train align work/planted/align.yaml --out work/planted/run
        # align.yaml: data: …/clips.csv, words: …/words.txt, and what docs/models/alignment.md says of each run
    python bench/alignment.py measure work/planted                  # the figures, as a table
    python bench/alignment.py scenes --data DATA --out work/scenes  # 60 s scenes of clips held out
    python bench/alignment.py ground work/real --scenes work/scenes # R1 on them

DATA holds the folders named above, each with a manifest.csv. Held out: ESC-10 fold 4, kitchen20 fold 5, a
fifth of moodist's files; phrase times of real clips are where they are loud (`earmark.scenes.trimming`).
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import wave
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from earmark.evaluation.detection import detection_scores, min_max
from earmark.evaluation.grounding import grounding_scores
from earmark.evaluation.inputs import Answers, Estimates, Pair, References, answers_from, read_references
from earmark.evaluation.retrieval import retrieval_scores
from earmark.evaluation.scores import Score
from earmark.evaluation.tables import table
from earmark.timeline import ScoreCurve, Span, drop_short, merge_spans, spans_above

SAMPLE_RATE = 16_000
CSV_FIELDS = ("file", "caption", "split", "phrase", "start", "end")

Sound = Callable[[NDArray[np.float64], np.random.Generator], NDArray[np.float64]]


def _tone(pitch: float) -> Sound:
    return lambda t, rng: np.sin(2 * np.pi * pitch * rng.uniform(0.95, 1.05) * t)


def _sweep(low: float, high: float) -> Sound:
    return lambda t, rng: np.sin(2 * np.pi * (low * t + (high - low) * t**2 / (2 * t[-1])))


def _pulses(rate: float, pitch: float) -> Sound:
    return lambda t, rng: np.sin(2 * np.pi * pitch * t) * (np.sin(2 * np.pi * rate * t) > 0)


def _noise(low: float, high: float) -> Sound:
    def make(t: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
        spectrum = np.fft.rfft(rng.standard_normal(len(t)))
        pitches = np.fft.rfftfreq(len(t), 1 / SAMPLE_RATE)
        noise = np.fft.irfft(spectrum * ((pitches >= low) & (pitches < high)), len(t))
        return np.asarray(noise / np.abs(noise).max())

    return make


SOUNDS: dict[str, Sound] = {
    "hum": _tone(110),
    "horn": _tone(330),
    "whistle": _tone(1800),
    "beep": _tone(3500),
    "siren": _sweep(500, 1500),
    "chirp": _sweep(2000, 6000),
    "growl": _pulses(18, 150),
    "alarm": _pulses(8, 1000),
    "cricket": _pulses(30, 5000),
    "thunder": _noise(50, 300),
    "wind": _noise(400, 1200),
    "rain": _noise(2500, 7500),
}


def synthetic(out: Path, counts: dict[str, int], seconds: float, seed: int) -> None:
    """Clips over faint noise with two sounds of 0.15 to 0.35 s each, at times the CSV tells."""
    rng = np.random.default_rng(seed)
    (out / "audio").mkdir(parents=True, exist_ok=True)
    rows: list[dict[str, object]] = []
    names = list(SOUNDS)
    for split, count in counts.items():
        for number in range(count):
            samples = 0.003 * rng.standard_normal(round(seconds * SAMPLE_RATE))
            chosen = [names[i] for i in rng.permutation(len(names))[:2]]
            halves = rng.permutation(2)
            file = f"audio/{split}-{number:04d}.wav"
            caption = "a {} and a {}".format(*sorted(chosen))
            for name, half in zip(chosen, halves, strict=True):
                length = rng.uniform(0.15, 0.35)
                start = half * seconds / 2 + rng.uniform(0.05, seconds / 2 - length - 0.05)
                first, size = round(start * SAMPLE_RATE), round(length * SAMPLE_RATE)
                made = SOUNDS[name](np.arange(size) / SAMPLE_RATE, rng)
                samples[first : first + size] += rng.uniform(0.1, 0.5) * made
                rows.append(dict(zip(CSV_FIELDS, (file, caption, split, name, start, start + length), strict=True)))
            _write_wave(out / file, samples)
    _write_csv(out, rows)
    words = ["a", "and", *names]
    vectors = np.random.default_rng(0).standard_normal((len(words), 64))
    lines = [f"{word} {' '.join(f'{x:.5f}' for x in row)}" for word, row in zip(words, vectors, strict=True)]
    (out / "words.txt").write_text(f"{len(words)} 64\n" + "\n".join(lines) + "\n")


def _write_wave(path: Path, samples: NDArray[np.float64]) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE)
        file.writeframes((np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes())


def _write_csv(out: Path, rows: Sequence[dict[str, object]]) -> None:
    with (out / "clips.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, CSV_FIELDS)
        writer.writeheader()
        writer.writerows(rows)


def _share(text: str) -> float:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big") / 2**32


def real(data: Path, out: Path) -> None:
    """One CSV over links to the three collections, with the times at which each held-out clip is loud."""
    from earmark.media.logmel import HOP, mel_power
    from earmark.scenes.builder import load_clip
    from earmark.scenes.clips import read_clips
    from earmark.scenes.trimming import loud_spans

    out.mkdir(parents=True, exist_ok=True)
    rows: list[dict[str, object]] = []
    for collection, held_out in (("esc10", "4"), ("kitchen20", "5"), ("moodist", "")):
        if not (out / collection).exists():
            (out / collection).symlink_to((data / collection).resolve())
        for clip in read_clips(data / collection):
            file = f"{collection}/{clip.path.relative_to(data / collection).as_posix()}"
            # Whole sources are held out: clips cut from one recording stay together.
            gone = clip.fold == held_out if held_out else _share(f"test/{clip.recording}") < 0.2
            split = "test" if gone else "val" if _share(f"val/{clip.recording}") < 0.1 else "train"
            row: dict[str, object] = {"file": file, "caption": clip.caption or clip.label, "split": split}
            if split != "test":
                rows.append(row)
                continue
            samples = load_clip(clip)[: 10 * SAMPLE_RATE]
            for span in loud_spans(mel_power(samples).sum(axis=1), HOP / SAMPLE_RATE):
                times = {"start": f"{span.start:.3f}", "end": f"{span.end:.3f}"}
                rows.append({**row, "phrase": row["caption"], **times})
    _write_csv(out, rows)


def measure(folder: Path, checkpoint: Path, split: str) -> dict[str, list[Score]]:
    """Retrieval, and detection with the paper's per-clip min-max and without it."""
    from earmark.training.align.dataset import keep_known, read_csv
    from earmark.training.align.features import store_features
    from earmark.training.align.loop import load_checkpoint
    from earmark.training.align.scoring import phrase_curves, retrieval_matrix

    model, vectors, settings = load_checkpoint(checkpoint)
    held = keep_known(read_csv(folder / "clips.csv")[split], vectors.__contains__, lambda error: None)
    found: dict[str, list[Score]] = {}
    with store_features(folder / "features.h5", held.files, settings.most_seconds) as features:
        texts = list(dict.fromkeys(caption.text for caption in held.captions))
        captions = [next(c for c in held.captions if c.text == text) for text in texts]
        scores = retrieval_matrix(model, captions, held.clips, features, vectors, settings.reduction)
        truth = References({(c.clip, c.text): () for c in held.captions}, {}, {})
        found["retrieval"] = retrieval_scores(truth, scores, texts, held.clips)
        spans: dict[Pair, tuple[Span, ...]] = {(p.clip, p.text): p.spans for p in held.phrases}
        for over in ("mean", "max"):
            curves = phrase_curves(model, held.phrases, features, vectors, over)
            for name, chosen in (
                (f"detection, {over} over words", curves),
                (f"detection, {over} over words, min-max", {p: min_max(c) for p, c in curves.items()}),
            ):
                found[name] = detection_scores(References(spans, {}, {}), chosen)
        rng = np.random.default_rng(0)
        noise = {
            pair: min_max(ScoreCurve(rng.random(c.num_frames).astype(np.float32), c.step_seconds))
            for pair, c in curves.items()
        }
        found["detection, random baseline of the paper"] = detection_scores(References(spans, {}, {}), noise)
    return found


def scenes(data: Path, out: Path, count: int, seed: int) -> None:
    """Scenes of held-out clips over held-out ambiences; five sounds and three distractors in 60 s."""
    from earmark.evaluation.scene_files import write_scenes
    from earmark.scenes.clips import read_clips

    esc, kitchen = read_clips(data / "esc10"), read_clips(data / "kitchen20")
    clips = [c for c in esc if c.fold == "4"] + [c for c in kitchen if c.fold == "5"]
    ambient = [c for c in read_clips(data / "moodist") if _share(f"test/{c.recording}") < 0.2]
    write_scenes(out, clips, count=count, seed=seed, distractors=ambient, backgrounds=ambient, force=True)


def ground(checkpoint: Path, scene_folder: Path) -> dict[str, list[Score]]:
    """Detection on scenes, and R1: spans above a threshold that is chosen on every second scene for the others."""
    from earmark.training.align.captions import caption_words
    from earmark.training.align.dataset import Phrase
    from earmark.training.align.features import load, log_mel
    from earmark.training.align.loop import load_checkpoint
    from earmark.training.align.scoring import phrase_curves

    model, vectors, _ = load_checkpoint(checkpoint)
    truth = read_references(scene_folder / "truth.jsonl")
    phrases = [Phrase(recording, query, caption_words(query), ()) for recording, query in truth.pairs]
    known = [phrase for phrase in phrases if vectors.ids(phrase.words)]
    features = {name: log_mel(load(scene_folder / name, 60.0)) for name in truth.recordings}
    curves = phrase_curves(model, known, features, vectors)
    halves = [set(truth.recordings[0::2]), set(truth.recordings[1::2])]
    answers: dict[Pair, Answers] = {}
    for half, other in (halves, halves[::-1]):
        best = max(
            np.quantile(np.concatenate([curve.values for curve in curves.values()]), np.arange(0.5, 1.0, 0.02)),
            key=lambda t: _recall(truth, other, _answers(curves, float(t))),
        )
        chosen = _answers(curves, float(best))
        answers |= {pair: answer for pair, answer in chosen.items() if pair[0] in half}
    asked = {pair: truth.spans[pair] for pair in curves}
    return {
        "grounding": grounding_scores(truth, Estimates(answers, {})),
        "detection": detection_scores(References(asked, truth.durations, {}), curves),
    }


def _answers(curves: dict[Pair, ScoreCurve], threshold: float) -> dict[Pair, Answers]:
    found: dict[Pair, Answers] = {}
    for pair, curve in curves.items():
        smooth = np.convolve(curve.values, np.ones(13) / 13, "same").astype(np.float32)
        curve = ScoreCurve(smooth, curve.step_seconds)
        spans = drop_short(merge_spans(spans_above(curve, threshold, threshold), 0.3), 0.2)
        peaks = [float(curve.cut(span).values.max()) for span in spans]
        found[pair] = answers_from(spans, [min(1.0, peak) for peak in peaks])
    return found


def _recall(truth: References, recordings: set[str], answers: dict[Pair, Answers]) -> float:
    kept = {pair: spans for pair, spans in truth.spans.items() if pair[0] in recordings}
    scores = grounding_scores(References(kept, truth.durations, {}), Estimates(answers, {}), repeats=0)
    return next(score.value or 0.0 for score in scores if score.name == "R1@0.5")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = parser.add_subparsers(dest="verb", required=True)
    for verb in ("synthetic", "real", "measure", "scenes", "ground"):
        sub = verbs.add_parser(verb)
        if verb in ("real", "scenes"):
            sub.add_argument("--data", type=Path, required=True)
        if verb in ("synthetic", "real", "scenes"):
            sub.add_argument("--out", type=Path, required=True)
        if verb in ("measure", "ground"):
            sub.add_argument("folder", type=Path)
            sub.add_argument("--checkpoint", type=Path)
            sub.add_argument("--split", default="test")
        if verb == "ground":
            sub.add_argument("--scenes", type=Path, required=True)
        if verb == "scenes":
            sub.add_argument("--count", type=int, default=60)
            sub.add_argument("--seed", type=int, default=7)
    given = parser.parse_args()
    if given.verb == "synthetic":
        synthetic(given.out, {"train": 256, "val": 32, "test": 96}, seconds=2.5, seed=1)
    elif given.verb == "real":
        real(given.data, given.out)
    elif given.verb == "scenes":
        scenes(given.data, given.out, given.count, given.seed)
    else:
        checkpoint = given.checkpoint or given.folder / "run" / "best.pt"
        if given.verb == "ground":
            for name, scores in ground(checkpoint, given.scenes).items():
                print(f"\n{name} on scenes\n{table(scores)}")
        else:
            for name, scores in measure(given.folder, checkpoint, given.split).items():
                print(f"\n{name}\n{table(scores)}")


if __name__ == "__main__":
    main()
