"""From a trained `Masker` to the files the engine reads: ``masker.onnx``, ``model.json`` and the word-piece table."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from earmark.training.separate.network import Masker

__all__ = ["export_separator"]


def export_separator(model: Masker, folder: Path, table: Path, facts: dict[str, Any]) -> Path:
    raise NotImplementedError
