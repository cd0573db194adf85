"""From two trained towers to the files the engine reads: ``audio.onnx``, ``text.onnx``, ``model.json``.

Weights are stored as float16 and cast back when ONNX Runtime loads them: half the size, the same arithmetic.
"""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from earmark.engines.speech_text.contrastive import FORMAT
from earmark.engines.speech_text.spelling import MOST_LETTERS
from earmark.training.export import halve
from earmark.training.speech_text.model import SpeechTextModel
from earmark.training.speech_text.settings import SpeechTextSettings

__all__ = ["calibrated", "export_towers"]


def export_towers(
    model: SpeechTextModel,
    settings: SpeechTextSettings,
    folder: Path,
    *,
    calibration: tuple[float, float],
    facts: dict[str, Any],
) -> None:
    """Writes the engine's files.

    Args:
        calibration: slope and offset that make a cosine the logit of even chances; see `calibrated`.
        facts: written into ``model.json`` as they are.
    """
    folder.mkdir(parents=True, exist_ok=True)
    model = model.cpu().eval()
    frames_dim = int(model.audio.first.in_channels)
    frames = torch.zeros(2, 97, frames_dim)
    _export(model.audio, (frames,), folder / "audio.onnx", {"frames": {0: "windows", 1: "frames"}}, ("frames",))
    if settings.text_encoder == "words":
        pieces_dim = int(model.text.pieces.in_features)
        asked: tuple[torch.Tensor, ...] = (
            torch.ones(3, MOST_LETTERS, dtype=torch.long), torch.ones(2, 3), torch.zeros(2, pieces_dim),
        )  # fmt: skip
        axes = {"letters": {0: "words"}, "counts": {0: "texts", 1: "words"}, "read": {0: "texts"}}
    else:
        asked = (torch.zeros(2, int(model.text.layers[0].normalized_shape[0])),)
        axes = {"read": {0: "texts"}}
    _export(model.text, asked, folder / "text.onnx", axes, tuple(axes))
    card = {
        "format": FORMAT,
        "name": settings.name,
        "dim": settings.dim,
        "encoder": settings.encoder,
        "text_encoder": settings.text_encoder,
        "calibration": list(calibration),
        "temperature": 1.0 / float(model.scale.detach()),
        **facts,
    }
    (folder / "model.json").write_text(json.dumps(card, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def calibrated(scores: NDArray[np.float32], alike: NDArray[np.bool_], steps: int = 50) -> tuple[float, float]:
    """Slope and offset of a logistic from cosine to "this says it", partners and impostors weighing the same.

    Args:
        scores: ``(texts, speech)``, partners on the diagonal.
        alike: pairs that are no impostors.

    Newton's method with a little ridge, so that a split told apart without an error has a finite slope, too.
    """
    own, wrong = (
        np.diag(scores).astype(np.float64),
        scores[~alike & ~np.eye(len(scores), dtype=bool)].astype(np.float64),
    )
    if not own.size or not wrong.size:
        return 10.0, -3.0
    x = np.stack([np.concatenate([own, wrong]), np.ones(own.size + wrong.size)], axis=1)
    y = np.concatenate([np.ones(own.size), np.zeros(wrong.size)])
    weight = np.concatenate([np.full(own.size, 0.5 / own.size), np.full(wrong.size, 0.5 / wrong.size)])
    ridge = np.diag([1e-5, 1e-7])
    line = np.zeros(2)
    for _ in range(steps):
        p = 1.0 / (1.0 + np.exp(-np.clip(x @ line, -30, 30)))
        slope = x.T @ (weight * (y - p)) - ridge @ line
        curve = (x * (weight * p * (1 - p))[:, None]).T @ x + ridge
        line = line + np.clip(np.linalg.solve(curve, slope), -10, 10)
    return float(line[0]), float(line[1])


def _export(
    tower: torch.nn.Module, example: tuple[torch.Tensor, ...], path: Path, axes: dict[str, dict[int, str]],
    names: tuple[str, ...],
) -> None:  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            tower,
            example,
            str(path),
            input_names=list(names),
            output_names=["vectors"],
            dynamic_axes={**axes, "vectors": {0: "rows"}},
            opset_version=17,
            dynamo=False,
        )
    halve(path)
