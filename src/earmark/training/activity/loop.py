"""Training a model of speech, music and noise: scenes made on the fly, early stopping, curves, one ONNX file."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from earmark.engines.activity.features import listen
from earmark.engines.activity.silero import Silero
from earmark.errors import FormatError, UsageError
from earmark.progress import Progress, ignore
from earmark.training.activity.corpus import kinds_of, read_corpus
from earmark.training.activity.models import MODELS, Description, export_onnx
from earmark.training.activity.scenes import SceneMaker

__all__ = ["ActivityTraining", "Epoch", "Outcome", "check_output", "train_activity"]

ROUNDS = 2
"""Making a scene costs more than learning from it, so each is learnt from twice."""


@dataclass(frozen=True)
class ActivityTraining:
    """How a model of speech, music and noise is trained."""

    model: str = "temporal"
    """Network: temporal, or mlp (30-20-10)."""
    features: str | None = None
    """What it reads: logmel or mfcc (40); none takes what suits the network."""
    classes: tuple[str, ...] | None = None
    """Classes it answers for; none takes all there are. The others are heard as neither."""
    silero: bool = True
    """Speech is Silero's answer, corrected, where the network can."""
    epochs: int = 60
    """At most so many."""
    patience: int = 8
    """Stop after so many epochs without a better one."""
    scenes: int = 150
    """Fresh scenes an epoch, each seen twice, with other parts hidden."""
    scene_seconds: float = 20.0
    """Length of a scene."""
    batch_size: int = 10
    """Scenes a step."""
    learning_rate: float = 2e-3
    """Of AdamW, at its highest."""
    seed: int = 0
    """Same corpus, settings and seed: same scenes."""


@dataclass(frozen=True)
class Epoch:
    number: int
    loss: float
    validation_loss: float
    f1: dict[str, float]
    """Class -> frame F1 on the held-out recordings at 0.5."""


@dataclass
class Outcome:
    description: Description
    epochs: list[Epoch] = field(default_factory=list)
    best: int = 0
    skipped: tuple[str, ...] = ()


Batch = tuple[Tensor, Tensor, Tensor, Tensor]
"""Log-mel, logits of Silero, truth, weight."""


def train_activity(
    folders: Sequence[Path], out: Path, settings: ActivityTraining | None = None, on_progress: Progress = ignore,
    work: Path | None = None, force: bool = False,
) -> Outcome:  # fmt: skip
    """Trains on folders as `read_corpus` expects; writes `out` (ONNX), its history and its curves.

    Args:
        work: where the decoded corpus is kept; a folder beside `out` by default.

    Raises:
        MediaError: as `read_corpus`.
        UsageError: if `out` is not named .onnx, or a class asked for is not in the corpus.
        FormatError: if `out` exists and `force` is not set.
    """
    settings = ActivityTraining() if settings is None else settings
    check_output(out, force)
    kinds = kinds_of(folders)
    classes = kinds if settings.classes is None else _known(settings.classes, kinds, folders[0])
    out.parent.mkdir(parents=True, exist_ok=True)
    corpus = read_corpus(folders, out.with_suffix(".corpus") if work is None else work, on_progress)
    torch.manual_seed(settings.seed)
    kind, usual = MODELS[settings.model]
    features = usual if settings.features is None else settings.features
    speech = classes.index("speech") if "speech" in classes and settings.silero and settings.model != "mlp" else None
    network = kind(len(classes), features, speech)
    description = Description(
        settings.model, classes, features, speech is not None, network.context_seconds,
        trained_on=f"{len(corpus.clips)} recordings, {sum(c.seconds for c in corpus.clips) / 3600:.2f} h",
    )  # fmt: skip
    outcome = Outcome(description, skipped=corpus.skipped)
    silero = Silero()
    maker = SceneMaker(corpus.part(held_out=False), classes, settings.scene_seconds)
    judge = SceneMaker(corpus.part(held_out=True), classes, settings.scene_seconds)
    count = max(1, settings.scenes // 3)
    held_out = list(_batches(judge, np.random.default_rng([settings.seed, 1]), count, settings.batch_size, silero))
    network.features.fit(torch.cat([mel for mel, *_ in held_out]))
    optimiser = torch.optim.AdamW(network.parameters(), settings.learning_rate, weight_decay=0.01)
    steps = settings.epochs * ROUNDS * -(-settings.scenes // settings.batch_size)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, settings.learning_rate, steps, pct_start=0.1)
    best_loss, best_state = float("inf"), network.state_dict()
    for number in range(settings.epochs):
        generator = np.random.default_rng([settings.seed, 2, number])
        network.train()
        losses = []
        fresh = list(_batches(maker, generator, settings.scenes, settings.batch_size, silero))
        for mel, logits, truth, weight in fresh * ROUNDS:
            loss = _loss(network(_masked(mel, generator), logits), truth, weight)
            optimiser.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(network.parameters(), 2.0)
            optimiser.step()
            schedule.step()
            losses.append(float(loss.detach()))
            on_progress("train", number + len(losses) / (ROUNDS * len(fresh)), settings.epochs)
        validation, f1 = _judge(network, held_out, classes)
        outcome.epochs.append(Epoch(number, float(np.mean(losses)), validation, f1))
        if validation < best_loss:
            best_loss, outcome.best = validation, number
            best_state = {name: value.clone() for name, value in network.state_dict().items()}
            network.eval()
            export_onnx(network, description, out)
        _write_history(outcome, settings, out)
        if number - outcome.best >= settings.patience:
            break
    network.load_state_dict(best_state)
    network.eval()
    export_onnx(network, description, out)
    _draw(outcome, out.with_suffix(".png"))
    return outcome


def check_output(out: Path, force: bool = False) -> None:
    """Whether a model may be written there, asked before anything is decoded.

    Raises:
        UsageError, FormatError: as `train_activity`.
    """
    if out.suffix.lower() != ".onnx":
        raise UsageError(
            out, expected="the name of a model, .onnx", found=repr(out.suffix) if out.suffix else "no extension",
            hint=f"Call it {out.stem or 'activity'}.onnx.",
        )  # fmt: skip
    if out.exists() and not force:
        raise FormatError(
            out, expected="a free name", found="a file that is already there",
            hint="Choose another name, or pass --force to write over it.",
        )  # fmt: skip


def _known(classes: tuple[str, ...], kinds: tuple[str, ...], folder: Path) -> tuple[str, ...]:
    for kind in classes:
        if kind not in kinds:
            raise UsageError(
                kind, expected=f"one of the classes in {folder}: {', '.join(kinds)}", found="none of that name",
                hint="Leave it out, or add recordings of it.",
            )  # fmt: skip
    return classes


def _batches(
    maker: SceneMaker, generator: np.random.Generator, count: int, size: int, silero: Silero
) -> Iterator[Batch]:
    for first in range(0, count, size):
        rows: list[tuple[NDArray[np.float32], ...]] = []
        for _ in range(min(size, count - first)):
            scene = maker.make(generator)
            mel, logits = listen(scene.samples, silero)
            rows.append((mel, logits, scene.truth, scene.weight))
        mel_, logits_, truth, weight = (torch.from_numpy(np.stack(column)) for column in zip(*rows, strict=True))
        yield mel_, logits_, truth, weight


def _masked(mel: Tensor, generator: np.random.Generator) -> Tensor:
    """One random stretch of bands of each scene replaced by its mean, and the whole a little louder or softer."""
    mel = mel + torch.from_numpy(generator.normal(0, 1.0, (len(mel), 1, 1)).astype(np.float32))
    for row in mel:
        if generator.random() < 0.5:
            first, count = int(generator.integers(0, mel.shape[2])), int(generator.integers(1, 12))
            row[:, first : first + count] = row[:, first : first + count].mean()
    return mel


def _loss(logits: Tensor, truth: Tensor, weight: Tensor) -> Tensor:
    losses = nn.functional.binary_cross_entropy_with_logits(logits, truth, weight, reduction="sum")
    return losses / weight.sum().clamp(min=1)


@torch.no_grad()  # type: ignore[untyped-decorator]
def _judge(network: nn.Module, batches: list[Batch], classes: tuple[str, ...]) -> tuple[float, dict[str, float]]:
    network.eval()
    total = weights = 0.0
    counts = np.zeros((3, len(classes)))  # hits, what was found, what was there
    for mel, logits, truth, weight in batches:
        answer = network(mel, logits)
        total += float(_loss(answer, truth, weight)) * float(weight.sum())
        weights += float(weight.sum())
        found, there = (answer > 0) & (weight > 0), (truth > 0.5) & (weight > 0)
        counts += np.stack([x.float().sum(dim=(0, 1)).numpy() for x in (found & there, found, there)])
    f1 = 2 * counts[0] / np.maximum(1, counts[1] + counts[2])
    return total / max(weights, 1.0), {kind: float(value) for kind, value in zip(classes, f1, strict=True)}


def _write_history(outcome: Outcome, settings: ActivityTraining, out: Path) -> None:
    story = {
        "settings": asdict(settings), "description": asdict(outcome.description), "best": outcome.best,
        "epochs": [asdict(epoch) for epoch in outcome.epochs], "skipped": outcome.skipped,
    }  # fmt: skip
    out.with_suffix(".json").write_text(json.dumps(story, indent=1), "utf-8", "backslashreplace")


def _draw(outcome: Outcome, path: Path) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 4), layout="constrained")
    left, right = figure.subplots(1, 2)
    numbers = [epoch.number + 1 for epoch in outcome.epochs]
    left.plot(numbers, [epoch.loss for epoch in outcome.epochs], label="training")
    left.plot(numbers, [epoch.validation_loss for epoch in outcome.epochs], label="held-out recordings")
    left.axvline(outcome.best + 1, color="grey", linestyle=":", label="kept")
    left.set(xlabel="epoch", ylabel="loss")
    left.legend()
    for kind in outcome.description.classes:
        right.plot(numbers, [epoch.f1[kind] for epoch in outcome.epochs], label=kind)
    right.set(xlabel="epoch", ylabel="frame F1, held-out recordings", ylim=(0, 1))
    right.legend()
    figure.savefig(path, dpi=110)
