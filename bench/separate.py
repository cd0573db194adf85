"""How well the built-in separator separates: two sounds over one another at 0 dB, from recordings kept out of training.

    python bench/separate.py --data FOLDER [--weights DIR] [--mixtures 100] [--seed 0]

FOLDER holds the collections of the shipped config. Every mixture is 4 s long and asked for both of its sounds, in
wordings training never saw. What is measured is the gain in SI-SDR: doing nothing gains 0 dB, and a mask made from the
true sources (the ideal ratio mask, on the same spectrum) is the ceiling. `wrong` asks for a third sound that is not
there, and says how much of the mixture comes out all the same.
"""

from __future__ import annotations

import argparse
import os
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from earmark.engines.separator.builtin import WEIGHTS, BuiltinSeparator
from earmark.engines.separator.masking import masked, spectrum_of
from earmark.scenes.clips import Clip
from earmark.scenes.vocabulary import OTHER, Vocabulary, shipped_vocabulary
from earmark.training.separate.config import read_separate_config
from earmark.training.separate.scoring import Mixture, mixtures_of, si_sdr
from earmark.training.sound_corpus import choose_clips

CORE = ("esc10", "kitchen20")


@dataclass
class Scores:
    """SI-SDR improvements in dB; `left` in dB of the mixture."""

    gained: list[float] = field(default_factory=list)
    ceiling: list[float] = field(default_factory=list)
    left: list[float] = field(default_factory=list)
    by_label: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))


def measure(engine: BuiltinSeparator, mixtures: Sequence[Mixture], vocabulary: Vocabulary, seed: int) -> Scores:
    scores = Scores()
    generator = np.random.default_rng(seed)
    for mixture in mixtures:
        samples = mixture.samples
        sizes = [np.abs(spectrum_of(source, engine.frame_samples, engine.step_samples)) for source in mixture.sources]
        for number, source in enumerate(mixture.sources):
            before = si_sdr(samples, source)
            ideal = (sizes[number] / (sizes[0] + sizes[1] + 1e-9)).astype(np.float32)
            gained = si_sdr(pulled(engine, samples, mixture.texts[number]), source) - before
            scores.gained.append(gained)
            scores.by_label[mixture.clips[number].label].append(gained)
            scores.ceiling.append(si_sdr(masked(ideal, engine, samples[None], engine.sample_rate)[0], source) - before)
        away = [
            label
            for label in sorted(vocabulary.unseen)
            if all(vocabulary.relation(clip.label, label) == OTHER for clip in mixture.clips)
            and all(vocabulary.relation(label, clip.label) == OTHER for clip in mixture.clips)
        ]
        wordings = vocabulary.unseen[away[int(generator.integers(len(away)))]]
        out = pulled(engine, samples, wordings[int(generator.integers(len(wordings)))])
        scores.left.append(10 * np.log10(float(np.mean(np.square(out))) / float(np.mean(np.square(samples))) + 1e-9))
    return scores


def pulled(engine: BuiltinSeparator, samples: NDArray[np.float32], text: str) -> NDArray[np.float32]:
    target: NDArray[np.float32] = masked(engine.mask(samples, text), engine, samples[None], engine.sample_rate)[0]
    return target


def kinds_of(clips: Sequence[Clip]) -> dict[str, tuple[list[Clip], list[Clip]]]:
    """Name of a kind of pair -> clips of the first source and of the second; empty where they are the same."""
    speech = [clip for clip in clips if clip.label == "speech"]
    music = [clip for clip in clips if clip.label == "music"]
    sounds = [clip for clip in clips if clip.label not in ("speech", "music", "silence")]
    core = [clip for clip in sounds if clip.collection in CORE]
    kinds = {"ESC-10 and kitchen20": (core, core), "all sounds": (sounds, sounds)}
    kinds["speech and a sound"] = (speech, core)
    kinds["music and a sound"] = (music, core)
    return {name: pair for name, pair in kinds.items() if pair[0] and pair[1]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--weights", type=Path, default=WEIGHTS)
    parser.add_argument("--mixtures", type=int, default=100, help="of each kind")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--labels", action="store_true", help="also print the mean of each label")
    options = parser.parse_args()
    os.environ["EARMARK_DATA"] = str(options.data)
    config = read_separate_config(Path(str(files("earmark.training").joinpath("configs", "separate.yaml"))))
    vocabulary = shipped_vocabulary()
    _, held_out = choose_clips(config.clips(), vocabulary)
    engine = BuiltinSeparator(options.weights)
    print(f"{'pairs at 0 dB':24s} {'mean':>6s} {'median':>7s} {'improved':>9s} {'ideal':>6s} {'wrong':>7s}   (dB)")
    labels: dict[str, list[float]] = defaultdict(list)
    spent = heard = 0.0
    every: list[float] = []
    for number, (name, (first, second)) in enumerate(kinds_of(held_out.clips).items()):
        mixtures = list(mixtures_of(first, vocabulary, options.mixtures, seed=options.seed + number, others=second))
        began = time.process_time()
        scores = measure(engine, mixtures, vocabulary, options.seed)
        spent += time.process_time() - began
        heard += sum(3 * len(mixture.samples) / engine.sample_rate for mixture in mixtures)
        every += scores.gained
        for label, gained in scores.by_label.items():
            labels[label] += gained
        print(row(name, scores.gained, float(np.mean(scores.ceiling)), float(np.mean(scores.left))))
    print(row("all", every))
    if options.labels:
        for label in sorted(labels, key=lambda label: -np.mean(labels[label])):
            print(f"  {label:22s} {np.mean(labels[label]):6.2f}  ({len(labels[label])})")
    print(f"doing nothing gains 0 dB; measured at {heard / spent:.0f} × real time of one core, scoring included")


def row(name: str, gained: Sequence[float], ideal: float | None = None, left: float | None = None) -> str:
    values = np.array(gained)
    rest = "" if ideal is None or left is None else f" {ideal:6.2f} {left:7.1f}"
    return f"{name:24s} {values.mean():6.2f} {np.median(values):7.2f} {np.mean(values > 0):9.0%}{rest}"


if __name__ == "__main__":
    main()
