"""How long `earmark evaluate` takes on 10,000 pairs of 60 s: grounding and detection, one after the other.

    python bench/evaluate.py --pairs 10000

Prints seconds by stage, and of processor time, which other work on the machine does not stretch. The scores are
random curves with planted events; only their size matters.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path

import numpy as np

from earmark.evaluation.detection import detection_scores
from earmark.evaluation.grounding import grounding_scores
from earmark.evaluation.inputs import read_estimates, read_references
from earmark.evaluation.score_files import read_curves, write_curves
from earmark.timeline import ScoreCurve


def make(folder: Path, num_pairs: int, seconds: float, step: float, queries_per_recording: int) -> None:
    """Reference, estimates and curves: smooth noise, raised where an event is."""
    rng = np.random.default_rng(0)
    num_frames = round(seconds / step)
    smooth = np.hanning(round(1.0 / step)) / np.hanning(round(1.0 / step)).sum()
    curves = {}
    with (folder / "truth.jsonl").open("w") as truth, (folder / "said.jsonl").open("w") as said:
        for i in range(num_pairs):
            pair = (f"{i // queries_per_recording}.wav", f"sound {i % 97}")
            noise = np.convolve(rng.standard_normal(num_frames), smooth, "same") * 4 - 2
            edges = np.sort(rng.uniform(0, seconds, 2 * rng.integers(0, 3))).reshape(-1, 2)
            row = {"recording": pair[0], "query": pair[1], "duration": seconds}
            for start, end in edges:
                noise[int(start / step) : int(end / step)] += 2
                print(json.dumps({**row, "start": start, "end": end}), file=truth)
                shift = rng.normal(0, 0.3, 2)
                estimate = {"start": max(0.0, start + shift[0]), "end": max(0.0, start + shift[0]) + end - start}
                print(json.dumps({**row, **estimate, "probability": rng.uniform(0.3, 1)}), file=said)
            if not len(edges):
                print(json.dumps({**row, "start": None, "end": None}), file=truth)
            curves[pair] = ScoreCurve((1 / (1 + np.exp(-noise))).astype(np.float32), step)
    write_curves(folder / "curves.npz", curves)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=10_000)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--step", type=float, default=0.04, help="seconds of one frame")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make(folder, arguments.pairs, arguments.seconds, arguments.step, queries_per_recording=5)
        begin, cpu = time.perf_counter(), time.process_time()
        references = read_references(folder / "truth.jsonl")
        estimates = read_estimates(folder / "said.jsonl", references)
        curves = read_curves(folder / "curves.npz")
        read = time.perf_counter()
        grounding_scores(references, estimates)
        grounded = time.perf_counter()
        detection_scores(references, curves)
        detected, cpu = time.perf_counter(), time.process_time() - cpu
    print(f"pairs {arguments.pairs}, {arguments.seconds:g} s each, {arguments.step:g} s frames")
    for stage, seconds in (
        ("read", read - begin),
        ("grounding", grounded - read),
        ("detection", detected - grounded),
        ("all", detected - begin),
    ):
        print(f"{stage:10} {seconds:6.1f} s")
    print(f"processor  {cpu:6.1f} s")


if __name__ == "__main__":
    main()
