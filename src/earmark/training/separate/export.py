"""From a trained `Masker` to the files the engine reads: ``masker.onnx`` and ``model.json``.

Weights are stored as float16 and cast back when ONNX Runtime loads them: half the size, the same arithmetic.
"""

from __future__ import annotations

import json
import warnings
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import nn

from earmark.engines.separator.builtin import fingerprint
from earmark.training.export import halve
from earmark.training.separate.network import Masker

__all__ = ["export_separator"]


class _Inference(nn.Module):  # type: ignore[misc]
    def __init__(self, model: Masker) -> None:
        super().__init__()
        self.model = model

    def forward(self, magnitude: torch.Tensor, pieces: torch.Tensor) -> torch.Tensor:
        return torch.sigmoid(self.model(magnitude, pieces))


def export_separator(model: Masker, folder: Path, table: Path, facts: dict[str, Any]) -> Path:
    """Writes the engine's files.

    Args:
        table: folder with the word-piece table the model was trained with.
        facts: written into ``model.json`` as they are.

    Returns:
        The folder.
    """
    folder.mkdir(parents=True, exist_ok=True)
    settings = model.settings
    inference = _Inference(model).float().cpu().eval().to(memory_format=torch.contiguous_format)
    example = torch.zeros(1, settings.bins, 16 * settings.time_factor), torch.ones(1, settings.text_dim)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            inference,
            example,
            str(folder / "masker.onnx"),
            input_names=["magnitude", "pieces"],
            output_names=["mask"],
            dynamic_axes={"magnitude": {2: "frames"}, "mask": {2: "frames"}},
            opset_version=17,
            dynamo=False,
        )
    halve(folder / "masker.onnx")
    card = {"time_factor": settings.time_factor, "table": fingerprint(table), "network": asdict(settings), **facts}
    (folder / "model.json").write_text(json.dumps(card, indent=1, ensure_ascii=False), encoding="utf-8")
    return folder
