"""Training the sound model: one loop, a checkpoint that carries everything, a picture of the losses, the export.

The learning rate follows the clock (or the steps, where `max_steps` is given): flat, then down along a cosine. What is
exported is the running average of the weights, of one network or of several whose opinions are averaged. A run that
was interrupted goes on from its last checkpoint with the same random numbers it would have drawn from there.
"""

from __future__ import annotations

import copy
import json
import random
import shutil
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from earmark.engines.sound.builtin import WEIGHTS
from earmark.engines.sound.pieces import WordPieces
from earmark.errors import UsageError
from earmark.progress import Progress, ignore
from earmark.training.export import duration_fit, export_sound
from earmark.training.joining import join, shares
from earmark.training.run import (
    CHECKPOINT,
    check_start,
    follow,
    learning_rate,
    plot_log,
    read_checkpoint,
    restore,
    share_of,
    write_checkpoint,
)
from earmark.training.sound_config import SoundConfig
from earmark.training.sound_corpus import Corpus, prepare_corpus
from earmark.training.sound_loss import LossWeights, losses
from earmark.training.sound_model import SoundModel, SoundModelSettings
from earmark.training.sound_texts import TextBank

__all__ = ["train_sound"]

TABLE_FILES = ("pieces.npy", "scales.npy", "tokenizer.json")
AVERAGE = 0.999
"""How much of the running average of the weights survives a step, once warm."""


def train_sound(
    config: SoundConfig, out: Path, *, resume: bool = False, member: int | None = None, table: Path = WEIGHTS,
    on_progress: Progress = ignore,
) -> Path | None:  # fmt: skip
    """Trains every member, and writes the engine's files to ``out/weights``.

    Args:
        member: train this one alone (from 0), so that each can have its own core, GPU or job of a cluster; all must be
            given the same `out`, and the last one to end writes the weights.
        table: folder with the word-piece table; `earmark.training.text_table` makes one.

    Returns:
        The folder of the weights; None where other members are still to be trained.

    Raises:
        UsageError: to begin anew where a checkpoint is, to resume where none is, or for a member there is not.
        EarmarkError: what reading the data raises.
    """
    if member is not None and not 0 <= member < config.members:
        raise UsageError(
            f"member {member + 1}",
            expected="the only one, 1" if config.members == 1 else f"one of 1 to {config.members}",
            found=str(member + 1),
            hint="The config says how many there are: `members`.",
        )
    out.mkdir(parents=True, exist_ok=True)
    folders = [out / f"member-{k}" for k in range(config.members)] if config.members > 1 else [out]
    chosen = range(config.members) if member is None else [member]
    begun = [k for k in chosen if (folders[k] / CHECKPOINT).is_file()]
    check_start(folders[begun[0]] if begun else out, begun=bool(begun), resume=resume)
    corpus = prepare_corpus(config, Path(config.cache or out / "cache"), on_progress)
    for k in chosen:
        _train_member(config, folders[k], corpus, k, table, k in begun, on_progress)
    kept = [read_checkpoint(folder / CHECKPOINT) for folder in folders if (folder / CHECKPOINT).is_file()]
    if len(kept) < config.members or any(share_of(config, one["step"], one["seconds"]) < 1 for one in kept):
        return None
    return _export(config, kept, corpus, table, out / "weights")


def _train_member(
    config: SoundConfig, out: Path, corpus: Corpus, member: int, table: Path, resume: bool, on_progress: Progress
) -> None:
    """One network, from its own start, on scenes of its own, of the recordings all members share."""
    out.mkdir(parents=True, exist_ok=True)
    seed = config.seed + member
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    corpus.mixer.generator = np.random.default_rng(seed + 1)
    texts = TextBank(config, corpus, WordPieces(table), seed + 2)
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
        _restore(out / CHECKPOINT, model, average, optimiser, corpus, texts, state)
    stage = "train" if config.members == 1 else f"train {member + 1} of {config.members}"
    relations, weights = torch.from_numpy(corpus.strict).to(device), asdict(LossWeights())
    begun, sums = time.monotonic() - state["seconds"], dict.fromkeys(weights, 0.0)
    while True:
        share = share_of(config, state["step"], time.monotonic() - begun)
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
        follow(average, model, min(AVERAGE, (state["step"] + 10) / (state["step"] + 100)))
        for name, part in parts.items():
            sums[name] += float(part.detach())
        state["step"] += 1
        state["seconds"] = time.monotonic() - begun
        on_progress(stage, min(share, 1.0), 1.0)
        if state["step"] % 50 == 0:
            state["log"].append({"step": state["step"], "rate": rate, **{k: v / 50 for k, v in sums.items()}})
            sums = dict.fromkeys(weights, 0.0)
        if state["step"] % config.checkpoint_steps == 0:
            _save(out / CHECKPOINT, config, model, average, optimiser, corpus, texts, state)
    state["seconds"] = max(state["seconds"], 60 * config.minutes if not config.max_steps else 0.0)
    _save(out / CHECKPOINT, config, model, average, optimiser, corpus, texts, state)
    plot_log(state["log"], [*weights, "rate"], out / "losses.png")


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
    write_checkpoint(path, kept)


def _restore(
    path: Path, model: SoundModel, average: SoundModel, optimiser: Any, corpus: Corpus,
    texts: TextBank, state: dict[str, Any],
) -> None:  # fmt: skip
    kept = restore(path, corpus.labels, model, average, optimiser)
    version, internal, gauss = kept["python"]
    random.setstate((version, tuple(internal), gauss))
    corpus.mixer.generator.bit_generator.state = kept["draws"]["numpy"]
    texts.generator.bit_generator.state = kept["draws"]["texts"]
    state.update({name: kept[name] for name in ("step", "seconds", "log")})


def _export(config: SoundConfig, kept: Sequence[dict[str, Any]], corpus: Corpus, table: Path, folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name in TABLE_FILES:
        if (table / name).resolve() != (folder / name).resolve():
            shutil.copy(table / name, folder / name)
    pieces, words = WordPieces(folder), corpus.vocabulary.words
    models = [_averaged(config, one, pieces.dim) for one in kept]
    texts = [(text, label) for label in corpus.durations for text in words(label)]
    typical = {label: float(np.clip(np.median(found), 0.1, 10.0)) for label, found in corpus.durations.items()}
    read = pieces.embed([t for t, _ in texts])
    known = set(corpus.durations)
    named = sorted(known | {parent for label in known for parent in corpus.vocabulary.parents.get(label, ())})
    facts = {"steps": [one["step"] for one in kept], "seeds": [config.seed + k for k in range(len(kept))]}
    export_sound(
        models, folder, name=config.name, vocabulary={words(label)[0]: words(label) for label in named},
        duration=duration_fit(read, np.array([typical[label] for _, label in texts])),
        joint=_joint(config, models, corpus, read), facts=facts,
    )  # fmt: skip
    (folder.parent / "log.json").write_text(json.dumps([one["log"] for one in kept]), encoding="utf-8")
    return folder


def _averaged(config: SoundConfig, kept: dict[str, Any], text_dim: int) -> SoundModel:
    """The running average a checkpoint holds, as a model on the CPU."""
    teacher_dim = kept["average"]["teacher.weight"].shape[0]
    model = SoundModel(
        SoundModelSettings(
            channels=tuple(config.channels), width=config.width, dim=config.dim, text_dim=text_dim,
            teacher_dim=teacher_dim,
        )
    )  # fmt: skip
    model.load_state_dict(kept["average"])
    model.eval()
    return model


def _joint(
    config: SoundConfig, models: Sequence[SoundModel], corpus: Corpus, read: NDArray[np.float32], scenes: int = 256
) -> NDArray[np.float32]:
    """The space members share, found on scenes of the recordings they were trained on and the sounds' wordings."""
    corpus.mixer.generator = np.random.default_rng(config.seed)
    said: list[list[NDArray[np.float32]]] = [[] for _ in models]
    with torch.no_grad():
        for _ in range(-(-scenes // config.batch)):
            mel = torch.from_numpy(corpus.mixer.draw(config.batch).mel)
            for rows, model in zip(said, models, strict=True):
                rows.append(model.audio(mel).flatten(0, 1).numpy())
        texts = np.stack([model.text(torch.from_numpy(read)).numpy() for model in models])
    weights = shares([float(model.scale.detach().exp()) for model in models])
    return join(np.stack([np.concatenate(rows) for rows in said]), texts, weights, config.dim)
