"""Training the alignment model: one loop, checkpoints that carry their settings, and going on from one.

Source: Adam at 0.001, divided by ten after 5 epochs without a better validation loss, ended on a plateau after
epoch 60, as in the paper's configuration.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from earmark.errors import FormatError, UsageError
from earmark.progress import Progress, ignore
from earmark.training.align.dataset import Caption, Split
from earmark.training.align.model import AlignModel, ranking_loss
from earmark.training.align.settings import AlignSettings
from earmark.training.align.words import WordVectors

__all__ = ["Epoch", "load_checkpoint", "train_alignment"]

Features = Mapping[str, NDArray[np.float32]] | Any
"""Log-mel by clip: a dict, or a `FeatureStore`."""


@dataclass(frozen=True)
class Epoch:
    """What one pass came to."""

    number: int
    train_loss: float
    val_loss: float
    learning_rate: float


OnEpoch = Callable[[Epoch], None]


def train_alignment(
    splits: Mapping[str, Split],
    features: Features,
    vectors: WordVectors,
    settings: AlignSettings,
    out: Path,
    *,
    resume: bool = False,
    on_progress: Progress = ignore,
    on_epoch: OnEpoch | None = None,
) -> AlignModel:
    """Trains on `splits["train"]` and keeps the weights of the best loss on `splits["val"]` (or on train without).

    Writes `last.pt` and `best.pt` after every epoch, and `losses.jsonl`.

    Raises:
        UsageError: if fewer than two clips have a caption: there is no impostor.
    """
    if len({caption.clip for caption in splits["train"].captions}) < 2:
        raise UsageError(
            "train",
            expected="captions of at least two clips",
            found=str(len({caption.clip for caption in splits["train"].captions})),
            hint="A clip is learnt by telling it from others.",
        )
    out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(settings.seed)
    generator = torch.Generator().manual_seed(settings.seed)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    model = AlignModel(vectors.matrix, width=settings.width, dropout=settings.dropout).to(device)
    model.audio.to(memory_format=torch.channels_last)  # a fifth faster on a CPU
    optimizer = torch.optim.Adam(model.audio.parameters(), lr=settings.learning_rate)
    schedule = torch.optim.lr_scheduler.ReduceLROnPlateau(
        optimizer, factor=0.1, patience=settings.patience, threshold=0.001
    )
    history: list[Epoch] = []
    if resume and (out / "last.pt").is_file():
        state = _load(out / "last.pt")
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        schedule.load_state_dict(state["schedule"])
        generator.set_state(state["generator"])
        history = [Epoch(**row) for row in state["history"]]
    judged = splits["val"].captions if "val" in splits else splits["train"].captions
    for number in range(len(history) + 1, settings.epochs + 1):
        model.train()
        batches = _batches(splits["train"].captions, settings.batch_size, generator)
        losses = []
        for step, batch in enumerate(batches, start=1):
            loss = _loss(model, batch, features, vectors, settings, generator)
            if loss is not None:
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                losses.append(float(loss.detach()))
            on_progress(f"epoch {number} of {settings.epochs}", step, len(batches))
        val_loss = _judge(model, judged, features, vectors, settings)
        rate = float(optimizer.param_groups[0]["lr"])
        history.append(Epoch(number, float(np.mean(losses)) if losses else float("nan"), val_loss, rate))
        schedule.step(val_loss)
        _save(out / "last.pt", model, vectors, settings, history, optimizer, schedule, generator)
        if val_loss <= min(epoch.val_loss for epoch in history):
            _save(out / "best.pt", model, vectors, settings, history)
        rows = (json.dumps(dataclasses.asdict(epoch)) + "\n" for epoch in history)
        (out / "losses.jsonl").write_text("".join(rows), encoding="utf-8")
        if on_epoch is not None:
            on_epoch(history[-1])
        if _on_plateau(history, settings):
            break
    return load_checkpoint(out / "best.pt")[0]


def _batches(captions: Sequence[Caption], size: int, generator: torch.Generator | None) -> list[list[Caption]]:
    """Captions in batches, shuffled by the generator; without one in their order."""
    order = range(len(captions)) if generator is None else torch.randperm(len(captions), generator=generator).tolist()
    shuffled = [captions[i] for i in order]
    return [shuffled[i : i + size] for i in range(0, len(shuffled), size)]


def _loss(
    model: AlignModel,
    batch: Sequence[Caption],
    features: Features,
    vectors: WordVectors,
    settings: AlignSettings,
    generator: torch.Generator,
) -> torch.Tensor | None:
    clips = list(dict.fromkeys(caption.clip for caption in batch))
    embedded, lengths = model.embed_audio([features[clip] for clip in clips])
    rows = [clips.index(caption.clip) for caption in batch]
    return ranking_loss(
        (embedded[rows], lengths[rows]),
        model.embed_words([vectors.ids(caption.words) for caption in batch]),
        [caption.clip for caption in batch],
        settings.reduction,
        settings.margin,
        generator,
    )


def _judge(
    model: AlignModel,
    captions: Sequence[Caption],
    features: Features,
    vectors: WordVectors,
    settings: AlignSettings,
) -> float:
    """The mean loss, with the same impostors every time."""
    model.eval()
    generator = torch.Generator().manual_seed(settings.seed)
    total, count = 0.0, 0
    with torch.no_grad():
        for batch in _batches(captions, settings.batch_size, generator):
            loss = _loss(model, batch, features, vectors, settings, generator)
            if loss is not None:
                total, count = total + float(loss) * len(batch), count + len(batch)
    return total / count if count else float("inf")


def _on_plateau(history: Sequence[Epoch], settings: AlignSettings) -> bool:
    last = [epoch.val_loss for epoch in history[-settings.plateau_epochs :]]
    enough = len(history) >= max(settings.grace_epochs, settings.plateau_epochs)
    return enough and float(np.std(last)) < settings.plateau_deviation


def _save(
    path: Path,
    model: AlignModel,
    vectors: WordVectors,
    settings: AlignSettings,
    history: Sequence[Epoch],
    optimizer: torch.optim.Optimizer | None = None,
    schedule: Any = None,
    generator: torch.Generator | None = None,
) -> None:
    state = {
        "format": "earmark-align-1",
        "model": model.state_dict(),
        "words": list(vectors.rows),
        "settings": dataclasses.asdict(settings),
        "history": [dataclasses.asdict(epoch) for epoch in history],
    }
    if optimizer is not None and generator is not None:
        state |= {
            "optimizer": optimizer.state_dict(),
            "schedule": schedule.state_dict(),
            "generator": generator.get_state(),
        }
    half = path.with_suffix(".part")
    torch.save(state, half)
    half.replace(path)


def _load(path: Path) -> dict[str, Any]:
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
        if not isinstance(state, dict) or state.get("format") != "earmark-align-1":
            raise ValueError("not a checkpoint of the alignment model")
    except FileNotFoundError as error:
        raise FormatError(
            path, expected="a checkpoint", found="no such file", hint="Train one with `earmark train align`."
        ) from error
    except Exception as error:  # torch raises many kinds for a file that is not its own
        raise FormatError(
            path,
            expected="a checkpoint of the alignment model",
            found="another kind of file, or one that was cut off",
            hint="Pass the best.pt that `earmark train align` wrote.",
        ) from error
    return state


def load_checkpoint(path: Path) -> tuple[AlignModel, WordVectors, AlignSettings]:
    """A trained model ready to embed, with its words and settings.

    Raises:
        FormatError: if the file is missing or is not a checkpoint of this model.
    """
    state = _load(path)
    known = {field.name for field in dataclasses.fields(AlignSettings)}
    settings = AlignSettings(**{name: value for name, value in state["settings"].items() if name in known})
    matrix = state["model"]["vectors"].numpy()
    vectors = WordVectors({word: row for row, word in enumerate(state["words"])}, matrix)
    model = AlignModel(matrix, width=settings.width, dropout=settings.dropout)
    model.load_state_dict(state["model"])
    model.eval()
    return model, vectors, settings
