"""AudioSep's published checkpoint: read without running anything in it, and only if every weight fits.

The file is a Lightning checkpoint of 1.26 GB. What is used lies in its ``state_dict``: the separation network below
``ss_model.``, the text side of the phrase encoder below ``query_encoder.model.text_branch.`` and
``query_encoder.model.text_projection.``. The audio side of that encoder and the optimiser's state are a good half of
the file; it is mapped, not read, so that they cost no memory.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from earmark.errors import EngineError

__all__ = ["CHECKPOINT", "PREFIXES", "fill", "read_weights"]

CHECKPOINT = "audiosep_base_4M_steps.ckpt"
PREFIXES = {
    "separator": "ss_model.",
    "reader": "query_encoder.model.text_branch.",
    "projection": "query_encoder.model.text_projection.",
}
COUNTED = frozenset({"embeddings.position_ids", "embeddings.token_type_ids"})
"""Buffers that older releases of transformers stored with the reader: 0, 1, 2, … and zeros."""


def read_weights(path: Path) -> dict[str, dict[str, Any]]:
    """The weights of the three parts, by their names inside the part; tensors stay in the file until they are used.

    Raises:
        EngineError: if it is missing, no such checkpoint, or holds anything but plain tensors and numbers.
    """
    import torch

    if not path.is_file():
        raise EngineError(
            path, expected="AudioSep's checkpoint", found="no such file", hint="Run: earmark models pull audiosep"
        )
    try:
        stored = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    except Exception as exc:  # torch raises RuntimeError, UnpicklingError, EOFError, BadZipFile, …
        said = str(exc).strip() or type(exc).__name__
        raise _no_checkpoint(path, said.splitlines()[0]) from exc
    state = stored.get("state_dict") if isinstance(stored, Mapping) else None
    if not isinstance(state, Mapping):
        raise _no_checkpoint(path, "no state_dict in it")
    parts: dict[str, dict[str, Any]] = {}
    for part, prefix in PREFIXES.items():
        parts[part] = {name[len(prefix) :]: value for name, value in state.items() if name.startswith(prefix)}
    for name in COUNTED:
        parts["reader"].pop(name, None)
    return parts


def fill(module: Any, weights: Mapping[str, Any], part: str, path: Path) -> None:
    """Puts weights in place of a module's own (which may lie on torch's device ``meta``) without copying them.

    Raises:
        EngineError: unless names and shapes are exactly those of the module; names the first of what is wrong.
    """
    wanted = {name: tuple(tensor.shape) for name, tensor in module.state_dict().items()}
    found = {name: tuple(getattr(tensor, "shape", ())) for name, tensor in weights.items()}
    missing = [PREFIXES[part] + name for name in wanted if name not in found]
    unknown = [PREFIXES[part] + name for name in found if name not in wanted]
    misshapen = [
        f"{PREFIXES[part]}{name} {found[name]}, not {shape}"
        for name, shape in wanted.items()
        if found.get(name, shape) != shape
    ]
    kinds = (("missing", missing), ("unknown", unknown), ("of another shape", misshapen))
    wrong = [f"{len(names)} {kind} ({_some(names)})" for kind, names in kinds if names]
    if wrong:
        raise EngineError(
            path,
            expected=f"the {len(wanted)} weights of AudioSep's {part}",
            found=", ".join(wrong),
            hint="Only the published audiosep_base_4M_steps.ckpt is known: earmark models pull audiosep",
        )
    module.load_state_dict(dict(weights), strict=True, assign=True)


def _some(names: Sequence[str], most: int = 2) -> str:
    return ", ".join(names[:most]) + (", …" if len(names) > most else "")


def _no_checkpoint(path: Path, found: str) -> EngineError:
    return EngineError(
        path,
        expected="AudioSep's checkpoint, tensors and nothing that runs",
        found=found,
        hint=f"Delete {path.parent} and run: earmark models pull audiosep",
    )
