"""What a training run of the sound model is made of, as its YAML file says.

``${NAME}`` in a path is taken from the environment, so that a config can be shared without naming anyone's folders.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from earmark.errors import FormatError, UsageError

__all__ = ["CollectionConfig", "SoundConfig", "read_config"]


@dataclass(frozen=True)
class CollectionConfig:
    """A folder of clips with its table (see `earmark.scenes.clips`)."""

    folder: str
    """Below the config's `data`, or absolute."""
    files: str = ""
    """Only files that match this pattern: ``speech/*``. Empty for all."""
    label: str = ""
    """One label for every clip, whatever its table says."""
    backgrounds: bool = False
    """Its clips also lie under the scenes."""
    tells_apart: bool = False
    """Its own classes count as different even where the vocabulary calls them alike."""
    share: float = 0.25
    """How often each of its labels is placed, relative to the others."""
    held_out_folds: tuple[str, ...] = ()
    """Folds kept for measuring."""
    held_out_share: float = 0.0
    """Share of its recordings kept for measuring."""


@dataclass(frozen=True)
class SoundConfig:
    """One run. Everything has a default but the data."""

    data: str
    collections: tuple[CollectionConfig, ...]
    name: str = "earmark-sound-1"
    """Stored with everything the model will ever produce."""
    seed: int = 0
    members: int = 1
    """Networks trained from starts of their own on the same recordings, whose opinions are averaged: each adds its
    cost to hearing and its size to the weights."""
    minutes: float = 75.0
    """Wall clock of each member; the learning rate falls by it: a slower machine ends as well, only less far."""
    max_steps: int = 0
    """Ends the run earlier; 0 leaves it to the clock. The learning rate then follows the steps."""
    batch: int = 16
    learning_rate: float = 2e-3
    warmup_steps: int = 300
    decay_share: float = 0.4
    """The last part of the run, in which the learning rate falls to nothing along a cosine."""
    weight_decay: float = 0.02
    checkpoint_steps: int = 500
    phrases: str = ""
    """A CSV with a column `caption`: free wordings, matched to labels by meaning. Needs the sentence encoder."""
    ontology: str = ""
    """AudioSet's ontology.json: descriptions of the teacher's classes."""
    teacher: str = ""
    """YAMNet as TFLite; its embeddings are a second thing to learn. Needs `ai-edge-litert`."""
    teacher_classes: str = ""
    """The CSV of the teacher's class names, with a column `display_name`."""
    instruments: bool = False
    """Add FluidR3 instruments (needs fluidsynth)."""
    tones: bool = True
    """Add computed tones: alarms, telephones, sirens."""
    speech: str = ""
    """A text file of sentences for espeak-ng to say, one a line; the last column of a table."""
    skip_licences: tuple[str, ...] = ("by-nc", "noncommercial", "sampling+", "unknown")
    """Clips whose licence contains one of these, in any case, are left out."""
    channels: tuple[int, ...] = (32, 64, 128, 192)
    width: int = 256
    dim: int = 96
    calibration_scenes: int = 60
    cache: str = ""
    """Where decoded clips are kept between runs; empty for the output folder."""
    held_out_list: str = ""
    """A text file beside the config: recordings kept for measuring, one a line as ``collection/file``."""


def _expand(path: Path, value: Any) -> Any:
    if isinstance(value, str):

        def replace(match: re.Match[str]) -> str:
            name = match.group(1)
            if name not in os.environ:
                raise UsageError(
                    path,
                    expected=f"the environment variable {name}",
                    found="nothing under that name",
                    hint=f"Set it to a folder: {name}=/path/to/data earmark train sound …",
                )
            return os.environ[name]

        return re.sub(r"\$\{(\w+)\}", replace, value)
    if isinstance(value, list):
        return tuple(_expand(path, item) for item in value)
    if isinstance(value, dict):
        return {key: _expand(path, item) for key, item in value.items()}
    return value


def _checked(path: Path, kind: type[Any], raw: Any) -> dict[str, Any]:
    known = {f.name for f in fields(kind)}
    if not isinstance(raw, dict) or (strange := sorted(set(raw) - known)):
        found = f"{', '.join(strange)}" if isinstance(raw, dict) else type(raw).__name__
        raise FormatError(
            path, expected=f"only {', '.join(sorted(known))}", found=found, hint="See the shipped sound.yaml."
        )
    return raw


def read_config(path: Path) -> SoundConfig:
    """Reads a YAML config.

    Raises:
        FormatError: if it is not YAML, names something unknown, or lacks `data` or `collections`.
        UsageError: if it names an environment variable that is not set.
    """
    import yaml

    if not path.is_file():
        raise FormatError(path, expected="a YAML file", found="no such file", hint="Start from the shipped sound.yaml.")
    try:
        raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as exc:
        line = getattr(getattr(exc, "problem_mark", None), "line", -1) + 1
        raise FormatError(
            f"{path}, line {line}", expected="YAML", found=str(getattr(exc, "problem", exc)), hint="Correct that line."
        ) from exc
    raw = _expand(path, _checked(path, SoundConfig, raw))
    for needed in ("data", "collections"):
        if not raw.get(needed):
            raise FormatError(path, expected=f"`{needed}`", found="nothing", hint="See the shipped sound.yaml.")
    if raw.get("held_out_list"):
        raw["held_out_list"] = str(path.parent / raw["held_out_list"])
        if not Path(raw["held_out_list"]).is_file():
            raise FormatError(
                raw["held_out_list"], expected="a list of recordings", found="no such file",
                hint="Put it beside the config, or leave `held_out_list` out.",
            )  # fmt: skip
    collections = []
    for entry in raw.pop("collections"):
        entry = {"folder": entry} if isinstance(entry, str) else _checked(path, CollectionConfig, entry)
        entry["held_out_folds"] = tuple(str(fold) for fold in entry.get("held_out_folds", ()))
        collections.append(CollectionConfig(**entry))
    return SoundConfig(collections=tuple(collections), **raw)
