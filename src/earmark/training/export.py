"""From a trained `SoundModel` to the files the engine reads: ``audio.onnx``, ``text.npz``, ``model.json``.

Weights are stored as float16 and cast back when ONNX Runtime loads them: half the size, the same arithmetic.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from earmark.training.sound_model import SoundModel

__all__ = ["duration_fit", "export_sound"]


def halve(path: Path) -> None:
    """Float32 initialisers of the graph become float16 ones followed by a cast, which is folded at loading."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    model = onnx.load(str(path))
    kept, casts = [], []
    for tensor in model.graph.initializer:
        values = numpy_helper.to_array(tensor)
        if tensor.data_type == TensorProto.FLOAT and values.size > 256:
            kept.append(numpy_helper.from_array(values.astype(np.float16), tensor.name + "_half"))
            casts.append(helper.make_node("Cast", [tensor.name + "_half"], [tensor.name], to=TensorProto.FLOAT))
        else:
            kept.append(tensor)
    del model.graph.initializer[:]
    model.graph.initializer.extend(kept)
    for position, node in enumerate(casts):
        model.graph.node.insert(position, node)
    onnx.checker.check_model(model)
    onnx.save(model, str(path))


class _Inference(nn.Module):  # type: ignore[misc]
    def __init__(self, model: SoundModel) -> None:
        super().__init__()
        self.audio = model.audio

    def forward(self, mel: torch.Tensor) -> torch.Tensor:
        vectors = self.audio.project(self.audio.features(mel)).transpose(1, 2)
        return vectors / vectors.norm(dim=-1, keepdim=True).clamp_min(1e-6)


def duration_fit(
    pieces: NDArray[np.float32], seconds: NDArray[np.float64], penalty: float = 0.3
) -> tuple[NDArray[np.float32], float]:
    """Ridge regression of log seconds on word-piece vectors ``(n, dim)``: weights ``(dim,)`` and offset."""
    target = np.log(seconds)
    offset = float(target.mean())
    gram = pieces.T @ pieces + penalty * np.eye(pieces.shape[1])
    return np.linalg.solve(gram, pieces.T @ (target - offset)).astype(np.float32), offset


def export_sound(
    model: SoundModel,
    folder: Path,
    *,
    name: str,
    vocabulary: Mapping[str, Sequence[str]],
    duration: tuple[NDArray[np.float32], float],
    calibration: tuple[float, float] = (1.0, 0.0),
    knows_above: float = 0.62,
    facts: dict[str, Any] | None = None,
) -> None:
    """Writes the engine's files; the word-piece table is put beside them by `save_table`.

    Args:
        vocabulary: each sound it was trained on, by its plainest name, with its wordings.
        duration: from `duration_fit`.
        calibration: slope and offset put on the logits of frames; see `earmark.training.calibrating`.
        knows_above: cosine to the nearest wording from which a query counts as known.
        facts: written into ``model.json`` as they are.
    """
    folder.mkdir(parents=True, exist_ok=True)
    model = model.eval()
    inference = _Inference(model).eval().to(memory_format=torch.contiguous_format)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            inference,
            (torch.zeros(1, model.settings.bands, 400),),
            str(folder / "audio.onnx"),
            input_names=["mel"],
            output_names=["frames"],
            dynamic_axes={"mel": {0: "batch", 2: "rows"}, "frames": {0: "batch", 1: "frames"}},
            opset_version=17,
            dynamo=False,
        )
    halve(folder / "audio.onnx")
    text = {
        key.replace(".", "_"): value.detach().numpy().astype(np.float16) for key, value in model.text.named_parameters()
    }
    clip = {
        "clip_" + key.replace(".", "_"): value.detach().numpy().astype(np.float16)
        for key, value in model.clip.named_parameters()
    }
    weight, offset = duration
    np.savez(
        folder / "text.npz",
        **text,
        **clip,
        duration_weight=weight.astype(np.float16),
        duration_bias=np.array([offset], dtype=np.float32),
    )
    card = {
        "name": name,
        "dim": model.settings.dim,
        "scale": float(model.scale.detach().exp()),
        "bias": float(model.bias.detach()),
        "clip_scale": float(model.clip_scale.detach().exp()),
        "clip_bias": float(model.clip_bias.detach()),
        "calibration": list(calibration),
        "knows_above": knows_above,
        "vocabulary": {name: list(wordings) for name, wordings in vocabulary.items()},
        **(facts or {}),
    }
    (folder / "model.json").write_text(json.dumps(card, indent=1, ensure_ascii=False), encoding="utf-8")
