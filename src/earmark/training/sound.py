"""Training the sound model: one loop, a checkpoint that carries everything, a picture of the losses, the export.

The learning rate follows the clock (or the steps, where `max_steps` is given): flat, then down along a cosine. What is
exported is the running average of the weights. A run that was interrupted goes on from its last checkpoint with the
same random numbers it would have drawn from there.
"""

from __future__ import annotations

import copy
import json
import math
import os
import random
import shutil
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch

from earmark.engines.sound.builtin import WEIGHTS
from earmark.engines.sound.pieces import WordPieces
from earmark.errors import FormatError, UsageError
from earmark.progress import Progress, ignore
from earmark.training.export import duration_fit, export_sound
from earmark.training.sound_config import SoundConfig
from earmark.training.sound_corpus import Corpus, prepare_corpus
from earmark.training.sound_loss import LossWeights, losses
from earmark.training.sound_model import SoundModel, SoundModelSettings
from earmark.training.sound_texts import TextBank

__all__ = ["train_sound"]

TABLE_FILES = ("pieces.npy", "scales.npy", "tokenizer.json")
AVERAGE = 0.999
"""How much of the running average of the weights survives a step, once warm."""


def learning_rate(config: SoundConfig, step: int, share: float) -> float:
    """At `step`, when `share` of the run is over."""
    rate = config.learning_rate * min(1.0, (step + 1) / config.warmup_steps)
    late = (share - 1 + config.decay_share) / config.decay_share if config.decay_share > 0 else -1.0
    if late <= 0:
        return rate
    return rate * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * min(1.0, late))))


def train_sound(
    config: SoundConfig, out: Path, *, resume: bool = False, table: Path = WEIGHTS, on_progress: Progress = ignore
) -> Path:
    """Trains, and writes the engine's files to ``out/weights``.

    Args:
        table: folder with the word-piece table; `earmark.training.text_table` makes one.

    Returns:
        The folder of the weights.

    Raises:
        UsageError: to begin anew where a checkpoint is, or to resume where none is.
        EarmarkError: what reading the data raises.
    """
    out.mkdir(parents=True, exist_ok=True)
    checkpoint = out / "checkpoint.pt"
    if checkpoint.is_file() != resume:
        raise UsageError(
            out,
            expected="a checkpoint to go on from" if resume else "a folder without a checkpoint",
            found="none" if resume else "checkpoint.pt",
            hint="Start without --resume." if resume else "Pass --resume, or another --out.",
        )
    random.seed(config.seed)
    np.random.seed(config.seed)
    torch.manual_seed(config.seed)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    corpus = prepare_corpus(config, Path(config.cache or out / "cache"), on_progress)
    texts = TextBank(config, corpus, WordPieces(table), config.seed + 2)
    teacher = None if corpus.teacher is None else torch.from_numpy(corpus.teacher[0]).to(device)
    settings = SoundModelSettings(
        channels=tuple(config.channels), width=config.width, dim=config.dim, text_dim=WordPieces(table).dim,
        teacher_dim=256 if teacher is None else teacher.shape[1],
    )  # fmt: skip
    model = SoundModel(settings).to(device).to(memory_format=torch.channels_last)
    average = copy.deepcopy(model).eval()
    matrices = [p for p in model.parameters() if p.ndim > 1]
    others = [p for p in model.parameters() if p.ndim <= 1]
    optimiser = torch.optim.AdamW(
        [{"params": matrices, "weight_decay": config.weight_decay}, {"params": others, "weight_decay": 0.0}],
        lr=config.learning_rate, betas=(0.9, 0.98),
    )  # fmt: skip
    state: dict[str, Any] = {"step": 0, "seconds": 0.0, "log": []}
    if resume:
        _restore(checkpoint, config, model, average, optimiser, corpus, texts, state)
    relations, weights = torch.from_numpy(corpus.strict).to(device), asdict(LossWeights())
    begun, sums = time.monotonic() - state["seconds"], dict.fromkeys(weights, 0.0)
    while True:
        seconds = time.monotonic() - begun
        share = state["step"] / config.max_steps if config.max_steps else seconds / (60 * config.minutes)
        if share >= 1:
            break
        rate = learning_rate(config, state["step"], share)
        for group in optimiser.param_groups:
            group["lr"] = rate
        scenes = corpus.mixer.draw(config.batch)
        asked = texts.ask(scenes)
        if random.random() < 0.5:  # a band nobody hears
            band = random.randrange(58)
            scenes.mel[:, band : band + random.randint(2, 6)] = scenes.mel.mean()
        model.train()
        parts = losses(model, scenes, asked, relations, teacher)
        total = sum(weights[name] * part for name, part in parts.items())
        optimiser.zero_grad(set_to_none=True)
        total.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 2.0)
        optimiser.step()
        _follow(average, model, min(AVERAGE, (state["step"] + 10) / (state["step"] + 100)))
        for name, part in parts.items():
            sums[name] += float(part.detach())
        state["step"] += 1
        state["seconds"] = time.monotonic() - begun
        on_progress("train", min(share, 1.0), 1.0)
        if state["step"] % 50 == 0:
            state["log"].append({"step": state["step"], "rate": rate, **{k: v / 50 for k, v in sums.items()}})
            sums = dict.fromkeys(weights, 0.0)
        if state["step"] % config.checkpoint_steps == 0:
            _save(checkpoint, config, model, average, optimiser, corpus, texts, state)
    _save(checkpoint, config, model, average, optimiser, corpus, texts, state)
    plot_losses(state["log"], out / "losses.png")
    return _export(config, average.cpu(), corpus, table, out / "weights", state)


def _follow(average: SoundModel, model: SoundModel, kept: float) -> None:
    with torch.no_grad():
        for mean, now in zip(average.state_dict().values(), model.state_dict().values(), strict=True):
            if mean.dtype.is_floating_point:
                mean.lerp_(now, 1 - kept)
            else:
                mean.copy_(now)


def _save(
    path: Path, config: SoundConfig, model: SoundModel, average: SoundModel, optimiser: Any, corpus: Corpus,
    texts: TextBank, state: dict[str, Any],
) -> None:  # fmt: skip
    draws = {"numpy": corpus.mixer.generator.bit_generator.state, "texts": texts.generator.bit_generator.state}
    kept = {
        "config": asdict(config), "model": model.state_dict(), "average": average.state_dict(),
        "optimiser": optimiser.state_dict(), "torch": torch.get_rng_state(), "python": random.getstate(),
        "labels": corpus.labels, "draws": draws, **state,
    }  # fmt: skip
    beside = path.with_suffix(".tmp")
    torch.save(kept, beside)
    os.replace(beside, path)


def _restore(
    path: Path, config: SoundConfig, model: SoundModel, average: SoundModel, optimiser: Any, corpus: Corpus,
    texts: TextBank, state: dict[str, Any],
) -> None:  # fmt: skip
    # Our own file, but no code is read from it either way: only tensors and plain values.
    kept = torch.load(path, map_location="cpu", weights_only=True)
    if tuple(kept["labels"]) != corpus.labels:
        raise FormatError(
            path,
            expected="a checkpoint of the same collections",
            found=f"{len(kept['labels'])} labels instead of {len(corpus.labels)}",
            hint="Start anew in another --out.",
        )
    model.load_state_dict(kept["model"])
    average.load_state_dict(kept["average"])
    optimiser.load_state_dict(kept["optimiser"])
    torch.set_rng_state(kept["torch"])
    version, internal, gauss = kept["python"]
    random.setstate((version, tuple(internal), gauss))
    corpus.mixer.generator.bit_generator.state = kept["draws"]["numpy"]
    texts.generator.bit_generator.state = kept["draws"]["texts"]
    state.update({name: kept[name] for name in ("step", "seconds", "log")})


def plot_losses(log: list[dict[str, float]], path: Path) -> None:
    """The losses over the steps, one panel each, as a PNG."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 6), layout="constrained")
    FigureCanvasAgg(figure)
    names = [name for name in (log[0] if log else {}) if name != "step"]
    for place, name in enumerate(names, start=1):
        axes = figure.add_subplot(2, 3, place)
        axes.plot([entry["step"] for entry in log], [entry[name] for entry in log])
        axes.set_title(name)
        axes.set_xlabel("step")
    figure.savefig(path, dpi=100)


def _export(
    config: SoundConfig, model: SoundModel, corpus: Corpus, table: Path, folder: Path, state: dict[str, Any]
) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name in TABLE_FILES:
        if (table / name).resolve() != (folder / name).resolve():
            shutil.copy(table / name, folder / name)
    pieces, words = WordPieces(folder), corpus.vocabulary.words
    texts = [(text, label) for label in corpus.durations for text in words(label)]
    typical = {label: float(np.clip(np.median(found), 0.1, 10.0)) for label, found in corpus.durations.items()}
    duration = duration_fit(pieces.embed([t for t, _ in texts]), np.array([typical[label] for _, label in texts]))
    known = set(corpus.durations)
    named = sorted(known | {parent for label in known for parent in corpus.vocabulary.parents.get(label, ())})
    export_sound(
        model, folder, name=config.name, vocabulary={words(label)[0]: words(label) for label in named},
        duration=duration, facts={"steps": state["step"], "seed": config.seed},
    )  # fmt: skip
    (folder.parent / "log.json").write_text(json.dumps(state["log"]), encoding="utf-8")
    return folder
