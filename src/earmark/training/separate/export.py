"""From a trained `Masker` to the files the engine reads: ``masker.onnx``, ``reader.onnx`` and ``model.json``.

Weights are stored as float16 and cast back when ONNX Runtime loads them: half the size, the same arithmetic.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import nn

from earmark.engines.separator.builtin import fingerprint
from earmark.training.export import halve
from earmark.training.separate.network import Masker

__all__ = ["export_separator"]


class _Masks(nn.Module):  # type: ignore[misc]
    def __init__(self, model: Masker) -> None:
        super().__init__()
        self.model = model

    def forward(self, magnitude: torch.Tensor, meaning: torch.Tensor) -> torch.Tensor:
        patches, cells = self.model.look(magnitude)
        asked = meaning[:, None]
        return torch.sigmoid(self.model.masks(self.model.liken(patches, asked), cells, asked)[:, 0])


class _Reads(nn.Module):  # type: ignore[misc]
    def __init__(self, model: Masker) -> None:
        super().__init__()
        self.hear_linear, self.hear_widen, self.hear_narrow = model.hear_linear, model.hear_widen, model.hear_narrow

    def forward(self, pieces: torch.Tensor) -> torch.Tensor:
        return Masker.hear(self, pieces)


def export_separator(
    model: Masker, folder: Path, table: Path, vocabulary: Mapping[str, Sequence[str]], facts: dict[str, Any]
) -> Path:
    """Writes the engine's files.

    Args:
        table: folder with the word-piece table the model was trained with.
        vocabulary: each sound it was taught, with its wordings.
        facts: written into ``model.json`` as they are.

    Returns:
        The folder.
    """
    folder.mkdir(parents=True, exist_ok=True)
    settings = model.settings
    model = model.float().cpu().eval().to(memory_format=torch.contiguous_format)
    _write(
        _Masks(model), (torch.zeros(1, settings.bins, 16 * settings.time_factor), torch.ones(1, settings.meaning)),
        folder / "masker.onnx", ["magnitude", "meaning"], "mask", {"magnitude": {2: "frames"}, "mask": {2: "frames"}},
    )  # fmt: skip
    _write(
        _Reads(model), (torch.ones(2, settings.text_dim),), folder / "reader.onnx", ["pieces"], "meaning",
        {"pieces": {0: "texts"}, "meaning": {0: "texts"}},
    )  # fmt: skip
    card = {
        "time_factor": settings.time_factor,
        "table": fingerprint(table),
        "network": asdict(settings),
        **facts,
        "vocabulary": {name: list(wordings) for name, wordings in vocabulary.items()},
    }
    (folder / "model.json").write_text(json.dumps(card, indent=1, ensure_ascii=False), encoding="utf-8")
    return folder


def _write(
    part: nn.Module, example: tuple[torch.Tensor, ...], path: Path, inputs: list[str], output: str,
    axes: dict[str, dict[int, str]],
) -> None:  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            part, example, str(path), input_names=inputs, output_names=[output], dynamic_axes=axes, opset_version=17,
            dynamo=False,
        )  # fmt: skip
    halve(path)
