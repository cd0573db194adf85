"""The two networks `earmark train activity` knows, and how they are written as ONNX.

Both read log-mel frames, 50 a second, and answer 25 times a second with one independent logit a class.

``temporal`` (the default, 0.12 M weights) finds patterns of a few frames and bands by convolution, then looks
5 seconds to both sides through dilated convolutions: music and noise are often only certain between words. Where
speech is asked for it also reads the logit of Silero, and its answer for speech is Silero's, corrected.

``mlp`` is the feed-forward network 30-20-10 over 40 MFCC of one moment, the field's classic.

Source: dilated temporal convolutions after Bai, Kolter & Koltun 2018 (arXiv:1803.01271), here looking both ways.
"""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from earmark.media.logmel import BANDS

__all__ = ["MODELS", "Description", "Mlp", "Temporal", "cosines", "export_onnx"]

COEFFICIENTS = 40
CHANNELS = 96
DILATIONS = (1, 2, 4, 8, 16, 32)
KERNEL = 5


@dataclass(frozen=True)
class Description:
    """What a model file says about itself, stored as the ONNX metadata ``earmark.activity``.

    `context_seconds` is how far the model looks to both sides; `silero` says whether it reads Silero's logit.
    """

    name: str
    classes: tuple[str, ...]
    features: str
    silero: bool
    context_seconds: float
    step_seconds: float = 0.04
    trained_on: str = ""


def cosines(coefficients: int = COEFFICIENTS, bands: int = BANDS) -> NDArray[np.float32]:
    """The orthonormal DCT-II that makes MFCC of log-mel bands, shape ``(coefficients, bands)``."""
    rows = np.arange(coefficients)[:, None]
    matrix = np.sqrt(2 / bands) * np.cos(np.pi / bands * (np.arange(bands)[None] + 0.5) * rows)
    matrix[0] /= math.sqrt(2)
    return np.asarray(matrix, dtype=np.float32)


class Features(nn.Module):  # type: ignore[misc]  # torch is not typed here
    """Log-mel ``(batch, frames, BANDS)`` as it is, or as MFCC; each column normalised as `fit` measured it."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.size = COEFFICIENTS if kind == "mfcc" else BANDS
        self.register_buffer("matrix", torch.from_numpy(cosines()) if kind == "mfcc" else torch.eye(BANDS))
        self.register_buffer("mean", torch.zeros(self.size))
        self.register_buffer("scale", torch.ones(self.size))

    def fit(self, mel: Tensor) -> None:
        """Takes mean and spread of each column from log-mel ``(scenes, frames, BANDS)``."""
        columns = mel @ self.matrix.T
        self.mean.copy_(columns.mean(dim=(0, 1)))
        self.scale.copy_(1 / columns.std(dim=(0, 1)).clamp(min=0.05))

    def forward(self, mel: Tensor) -> Tensor:
        columns = (mel @ self.matrix.T - self.mean) * self.scale
        return columns.transpose(1, 2)  # (batch, size, frames)


class Block(nn.Module):  # type: ignore[misc]  # torch is not typed here
    def __init__(self, dilation: int, dropout: float) -> None:
        super().__init__()
        padding = (KERNEL - 1) // 2 * dilation
        self.along = nn.Conv1d(CHANNELS, CHANNELS, KERNEL, padding=padding, dilation=dilation, groups=CHANNELS)
        self.norm = nn.BatchNorm1d(CHANNELS)
        self.across = nn.Conv1d(CHANNELS, CHANNELS, 1)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        inner = torch.relu(self.norm(self.along(x)))
        return x + self.dropout(self.across(inner))


class Temporal(nn.Module):  # type: ignore[misc]  # torch is not typed here
    context_seconds = 0.04 * ((KERNEL - 1) // 2 * sum(DILATIONS) + 5)

    def __init__(self, classes: int, features: str = "logmel", speech: int | None = None) -> None:
        """`speech` is the column corrected from Silero's logit; None reads no Silero."""
        super().__init__()
        self.features, self.speech = Features(features), speech
        if features == "logmel":
            widths, layers = (1, 16, 32, 48), []
            for index, (a, b) in enumerate(zip(widths, widths[1:], strict=False)):
                stride = (2, 2 if index == 1 else 1)  # (bands, frames)
                layers += [nn.Conv2d(a, b, 3, stride=stride, padding=1, bias=False), nn.BatchNorm2d(b), nn.ReLU()]
            self.front = nn.Sequential(*layers, nn.Flatten(1, 2))
            size = widths[-1] * BANDS // 8
        else:
            size = CHANNELS
            self.front = nn.Sequential(nn.Conv1d(self.features.size, size, 4, stride=2, padding=1), nn.ReLU())
        self.two_dimensional = features == "logmel"
        self.join = nn.Conv1d(size + (2 if speech is not None else 0), CHANNELS, 1)
        self.blocks = nn.Sequential(*[Block(dilation, 0.1) for dilation in DILATIONS])
        self.head = nn.Conv1d(CHANNELS, classes, 1)
        self.trust = nn.Parameter(torch.tensor([0.7, 0.0]))

    def forward(self, mel: Tensor, silero: Tensor) -> Tensor:
        """Log-mel ``(batch, 2 n, BANDS)``, logits of Silero ``(batch, 2 n)`` -> logits ``(batch, n, classes)``."""
        columns = self.features(mel)
        hidden = self.front(columns.unsqueeze(1) if self.two_dimensional else columns)
        pairs = silero.reshape(silero.shape[0], -1, 2).transpose(1, 2)  # (batch, 2, n)
        if self.speech is not None:
            hidden = torch.cat([hidden, pairs / 4], dim=1)
        logits = self.head(self.blocks(torch.relu(self.join(hidden)))).transpose(1, 2)
        if self.speech is None:
            return logits + 0 * pairs[:, 0, :, None]  # keeps the input in the graph
        believed = self.trust[0] * pairs.mean(dim=1) + self.trust[1]
        columns = [logits[..., i] + (believed if i == self.speech else 0) for i in range(logits.shape[2])]
        return torch.stack(columns, dim=-1)


class Mlp(nn.Module):  # type: ignore[misc]  # torch is not typed here
    context_seconds = 0.0

    def __init__(self, classes: int, features: str = "mfcc", speech: int | None = None) -> None:
        super().__init__()
        self.features = Features(features)
        self.layers = nn.Sequential(
            nn.Linear(self.features.size, 30), nn.ReLU(), nn.Linear(30, 20), nn.ReLU(), nn.Linear(20, 10), nn.ReLU(),
            nn.Linear(10, classes),
        )  # fmt: skip

    def forward(self, mel: Tensor, silero: Tensor) -> Tensor:
        columns = self.features(mel).transpose(1, 2)  # (batch, 2 n, size)
        moments = columns.reshape(columns.shape[0], -1, 2, columns.shape[2]).mean(dim=2)
        logits = self.layers(moments)
        return logits + 0 * silero.reshape(silero.shape[0], -1, 2)[:, :, :1]


MODELS: dict[str, tuple[type[Temporal] | type[Mlp], str]] = {"temporal": (Temporal, "logmel"), "mlp": (Mlp, "mfcc")}
"""Name -> network and the features it reads unless told otherwise."""


def export_onnx(network: nn.Module, description: Description, path: Path) -> None:
    """Writes probabilities ``(1, n, classes)`` of inputs ``mel`` and ``silero``; checked by loading it again."""
    import onnx

    class Probabilities(nn.Module):  # type: ignore[misc]  # torch is not typed here
        def __init__(self) -> None:
            super().__init__()
            self.network = network

        def forward(self, mel: Tensor, silero: Tensor) -> Tensor:
            return torch.sigmoid(self.network(mel, silero))

    example = (torch.zeros(1, 200, BANDS), torch.zeros(1, 200))
    axes = {"mel": {1: "frames"}, "silero": {1: "frames"}, "probabilities": {1: "steps"}}
    torch.onnx.export(
        Probabilities().eval(), example, str(path), input_names=list(axes)[:2], output_names=["probabilities"],
        dynamic_axes=axes, opset_version=17, dynamo=False,
    )  # fmt: skip
    model = onnx.load(str(path))
    entry = model.metadata_props.add()
    entry.key, entry.value = "earmark.activity", json.dumps(asdict(description))
    onnx.checker.check_model(model)
    onnx.save(model, str(path))
