"""From a trained `SoundModel` to the files the engine reads: ``audio.onnx``, ``text.npz``, ``model.json``.

Weights are stored small, the large ones as int8 with a scale for each output channel and the rest as float16, and
brought back when ONNX Runtime loads them: the arithmetic is float32's.
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


def shrink(path: Path, least: int = 4096) -> None:
    """Float32 initialisers of at least `least` values become int8 with a scale for each row of the first axis; the
    others are treated as `halve` does."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    model = onnx.load(str(path))
    kept, nodes = [], []
    for tensor in model.graph.initializer:
        values = numpy_helper.to_array(tensor)
        if tensor.data_type != TensorProto.FLOAT or values.ndim < 2 or values.size < least:
            kept.append(tensor)
            continue
        axes = tuple(range(1, values.ndim))
        scale = np.maximum(np.abs(values).max(axis=axes, keepdims=True), 1e-12) / 127
        name = tensor.name
        kept.append(numpy_helper.from_array(np.round(values / scale).astype(np.int8), name + "_int8"))
        kept.append(numpy_helper.from_array(scale.astype(np.float32), name + "_scale"))
        nodes.append(helper.make_node("Cast", [name + "_int8"], [name + "_whole"], to=TensorProto.FLOAT))
        nodes.append(helper.make_node("Mul", [name + "_whole", name + "_scale"], [name]))
    del model.graph.initializer[:]
    model.graph.initializer.extend(kept)
    for position, node in enumerate(nodes):
        model.graph.node.insert(position, node)
    onnx.checker.check_model(model)
    onnx.save(model, str(path))
    halve(path)


class _Inference(nn.Module):  # type: ignore[misc]
    """All members on the same log-mel, and their joint unit vectors."""

    def __init__(self, models: Sequence[SoundModel], joint: NDArray[np.float32]) -> None:
        super().__init__()
        self.members = nn.ModuleList([model.audio for model in models])
        self.joint = nn.ParameterList([nn.Parameter(torch.from_numpy(matrix)) for matrix in joint])

    def forward(self, mel: torch.Tensor) -> torch.Tensor:
        vectors = sum(
            _unit(audio.project(audio.features(mel)).transpose(1, 2)) @ matrix
            for audio, matrix in zip(self.members, self.joint, strict=True)
        )
        return _unit(vectors)


def _unit(rows: torch.Tensor) -> torch.Tensor:
    return rows / rows.norm(dim=-1, keepdim=True).clamp_min(1e-6)


def duration_fit(
    pieces: NDArray[np.float32], seconds: NDArray[np.float64], penalty: float = 0.3
) -> tuple[NDArray[np.float32], float]:
    """Ridge regression of log seconds on word-piece vectors ``(n, dim)``: weights ``(dim,)`` and offset."""
    target = np.log(seconds)
    offset = float(target.mean())
    gram = pieces.T @ pieces + penalty * np.eye(pieces.shape[1])
    return np.linalg.solve(gram, pieces.T @ (target - offset)).astype(np.float32), offset


def export_sound(
    models: Sequence[SoundModel],
    folder: Path,
    *,
    name: str,
    vocabulary: Mapping[str, Sequence[str]],
    duration: tuple[NDArray[np.float32], float],
    joint: NDArray[np.float32],
    calibration: tuple[float, float] = (1.0, 0.0),
    knows_above: float = 0.62,
    facts: dict[str, Any] | None = None,
) -> None:
    """Writes the engine's files; the word-piece table is put beside them by `save_table`.

    Args:
        models: the members whose opinions are averaged; one is enough.
        vocabulary: each sound they were trained on, by its plainest name, with its wordings.
        duration: from `duration_fit`.
        joint: from `earmark.training.joining.join`, shape ``(members, size, dim)``.
        calibration: slope and offset put on the logits of frames; see `earmark.training.calibrating`.
        knows_above: cosine to the nearest wording from which a query counts as known.
        facts: written into ``model.json`` as they are.
    """
    folder.mkdir(parents=True, exist_ok=True)
    models = [model.eval() for model in models]
    inference = _Inference(models, joint).eval().to(memory_format=torch.contiguous_format)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            inference,
            (torch.zeros(1, models[0].settings.bands, 400),),
            str(folder / "audio.onnx"),
            input_names=["mel"],
            output_names=["frames"],
            dynamic_axes={"mel": {0: "batch", 2: "rows"}, "frames": {0: "batch", 1: "frames"}},
            opset_version=17,
            dynamo=False,
        )
    shrink(folder / "audio.onnx")
    scales = np.array([float(model.scale.detach().exp()) for model in models])
    clip_scales = np.array([float(model.clip_scale.detach().exp()) for model in models])
    weight, offset = duration
    arrays: dict[str, Any] = {
        **_stacked("", [model.text for model in models]),
        **_stacked("clip_", [model.clip for model in models]),
        "joint": joint.astype(np.float16),
        "clip_share": (clip_scales / scales).astype(np.float32),
        "duration_weight": weight.astype(np.float16),
        "duration_bias": np.array([offset], dtype=np.float32),
    }
    np.savez(folder / "text.npz", **arrays)
    card = {
        "name": name,
        "dim": joint.shape[2],
        "scale": float(scales.mean()),
        "bias": float(np.mean([float(model.bias.detach()) for model in models])),
        "calibration": list(calibration),
        "knows_above": knows_above,
        "vocabulary": {name: list(wordings) for name, wordings in vocabulary.items()},
        **(facts or {}),
    }
    (folder / "model.json").write_text(json.dumps(card, indent=1, ensure_ascii=False), encoding="utf-8")


def _stacked(prefix: str, parts: Sequence[nn.Module]) -> dict[str, NDArray[np.float16]]:
    """The parameters of like modules, one beside the other along a first axis."""
    return {
        prefix + key.replace(".", "_"): np.stack(
            [part.get_parameter(key).detach().numpy().astype(np.float16) for part in parts]
        )
        for key, _ in parts[0].named_parameters()
    }
