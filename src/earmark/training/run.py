"""What training runs by the clock share: a learning rate, a running average, a checkpoint, a picture of the losses.

The learning rate follows the clock (or the steps, where `max_steps` is given): it rises, stays flat, and falls along a
cosine. A checkpoint is written beside its name and then put in its place, so that there is always a whole one.
"""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import nn

from earmark.errors import FormatError, UsageError

__all__ = [
    "CHECKPOINT", "Schedule", "check_start", "follow", "learning_rate", "plot_log", "read_checkpoint", "restore",
    "share_of", "write_checkpoint",
]  # fmt: skip

CHECKPOINT = "checkpoint.pt"


class Schedule(Protocol):
    """What a config says of the time a run takes."""

    @property
    def minutes(self) -> float: ...
    @property
    def max_steps(self) -> int: ...
    @property
    def learning_rate(self) -> float: ...
    @property
    def warmup_steps(self) -> int: ...
    @property
    def decay_share(self) -> float: ...


def share_of(config: Schedule, step: int, seconds: float) -> float:
    """How much of the run is over; 1 and more at its end."""
    return step / config.max_steps if config.max_steps else seconds / (60 * config.minutes)


def learning_rate(config: Schedule, step: int, share: float) -> float:
    """At `step`, when `share` of the run is over."""
    rate = config.learning_rate * min(1.0, (step + 1) / config.warmup_steps)
    late = (share - 1 + config.decay_share) / config.decay_share if config.decay_share > 0 else -1.0
    return rate if late <= 0 else rate * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * min(1.0, late))))


def follow(average: nn.Module, model: nn.Module, kept: float) -> None:
    """The running average moves towards the model; of itself the share `kept` survives."""
    with torch.no_grad():
        for mean, now in zip(average.state_dict().values(), model.state_dict().values(), strict=True):
            if mean.dtype.is_floating_point:
                mean.lerp_(now, 1 - kept)
            else:
                mean.copy_(now)


def check_start(out: Path, *, begun: bool, resume: bool) -> None:
    """Neither a run that was begun is begun anew, nor one resumed that was not.

    Raises:
        UsageError: if it would be.
    """
    if begun != resume:
        raise UsageError(
            out,
            expected="a checkpoint to go on from" if resume else "a folder without a checkpoint",
            found="none" if resume else CHECKPOINT,
            hint="Start without --resume." if resume else "Pass --resume, or another --out.",
        )


def write_checkpoint(path: Path, kept: dict[str, Any]) -> None:
    beside = path.with_suffix(".tmp")
    torch.save(kept, beside)
    os.replace(beside, path)


def read_checkpoint(path: Path) -> dict[str, Any]:
    """What `write_checkpoint` kept. Our own file, but no code is read from it either way: tensors and plain values."""
    kept: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    return kept


def restore(
    path: Path, labels: tuple[str, ...], model: nn.Module, average: nn.Module, optimiser: Any
) -> dict[str, Any]:
    """Networks and optimiser as they were; the rest of what was kept is returned.

    Raises:
        FormatError: if the checkpoint is of other labels.
    """
    kept = read_checkpoint(path)
    if tuple(kept["labels"]) != labels:
        raise FormatError(
            path,
            expected="a checkpoint of the same collections",
            found=f"{len(kept['labels'])} labels instead of {len(labels)}",
            hint="Start anew in another --out.",
        )
    model.load_state_dict(kept["model"])
    average.load_state_dict(kept["average"])
    optimiser.load_state_dict(kept["optimiser"])
    torch.set_rng_state(kept["torch"])
    return kept


def plot_log(log: Sequence[dict[str, float]], names: Sequence[str], path: Path) -> None:
    """Each of `names` over the steps, at most six panels, as a PNG."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 6), layout="constrained")
    FigureCanvasAgg(figure)
    for place, name in enumerate(names, start=1):
        axes = figure.add_subplot(2, 3, place)
        axes.plot([entry["step"] for entry in log], [entry[name] for entry in log])
        axes.set_title(name)
        axes.set_xlabel("step")
    figure.savefig(path, dpi=100)
