"""What a training run of the separator is made of, as its YAML file says; collections are the sound model's."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from earmark.errors import FormatError, UsageError
from earmark.training.sound_config import CollectionConfig, SoundConfig

__all__ = ["SeparateConfig", "read_separate_config"]


@dataclass(frozen=True)
class SeparateConfig:
    """One run. Everything has a default but the data."""

    data: str
    collections: tuple[CollectionConfig, ...]
    name: str = "earmark-separate-1"
    """Stored with the weights."""
    seed: int = 0
    minutes: float = 65.0
    """Wall clock; the learning rate falls by it, so that a slower machine ends as well, only less far."""
    max_steps: int = 0
    """Ends the run earlier; 0 leaves it to the clock. The learning rate then follows the steps."""
    batch: int = 12
    """Mixtures in a step."""
    frames: int = 192
    """Length of a mixture in frames of the spectrum."""
    learning_rate: float = 1.5e-3
    warmup_steps: int = 150
    decay_share: float = 0.5
    """The last part of the run, in which the learning rate falls to nothing along a cosine."""
    weight_decay: float = 0.02
    average: float = 0.998
    """How much of the running average of the weights survives a step, once warm."""
    checkpoint_steps: int = 200
    check_mixtures: int = 48
    """Mixtures of kept-out recordings measured with each checkpoint; 0 for none."""
    instruments: bool = False
    """Add FluidR3 instruments (needs fluidsynth)."""
    tones: bool = True
    """Add computed tones: alarms, telephones, sirens."""
    skip_licences: tuple[str, ...] = SoundConfig.skip_licences
    """Clips whose licence contains one of these, in any case, are left out."""
    channels: tuple[int, ...] = (32, 96, 160, 224)
    cache: str = ""
    """Where decoded clips are kept between runs; empty for the output folder."""
    held_out_list: str = ""
    """A text file beside the config: recordings kept for measuring, one a line as ``collection/file``."""

    def clips(self) -> SoundConfig:
        """The same data as the sound model's config says it, for `choose_clips`."""
        return SoundConfig(
            data=self.data, collections=self.collections, seed=self.seed, skip_licences=self.skip_licences,
            held_out_list=self.held_out_list,
        )  # fmt: skip


def read_separate_config(path: Path) -> SeparateConfig:
    """Reads a YAML config; ``${NAME}`` in a path is taken from the environment.

    Raises:
        FormatError: if it is not YAML, names something unknown, or lacks `data` or `collections`.
        UsageError: if it names an environment variable that is not set.
    """
    import yaml

    hint = "See the shipped separate.yaml."
    if not path.is_file():
        raise FormatError(path, expected="a YAML file", found="no such file", hint=hint)
    text = re.sub(r"\$\{(\w+)\}", lambda match: _variable(path, match.group(1)), path.read_text(encoding="utf-8"))
    try:
        raw = yaml.safe_load(text)
    except yaml.YAMLError as exc:
        line = getattr(getattr(exc, "problem_mark", None), "line", -1) + 1
        raise FormatError(
            f"{path}, line {line}", expected="YAML", found=str(getattr(exc, "problem", exc)), hint="Correct that line."
        ) from exc
    raw = _checked(path, SeparateConfig, raw)
    for needed in ("data", "collections"):
        if not raw.get(needed):
            raise FormatError(path, expected=f"`{needed}`", found="nothing", hint=hint)
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
    lists = {name: tuple(value) for name, value in raw.items() if isinstance(value, list)}
    return SeparateConfig(collections=tuple(collections), **{**raw, **lists})


def _variable(path: Path, name: str) -> str:
    if name not in os.environ:
        raise UsageError(
            path,
            expected=f"the environment variable {name}",
            found="nothing under that name",
            hint=f"Set it to a folder: {name}=/path/to/data earmark train separate …",
        )
    return os.environ[name]


def _checked(path: Path, kind: type[Any], raw: Any) -> dict[str, Any]:
    known = {field.name for field in fields(kind)}
    if not isinstance(raw, dict) or (strange := sorted(set(raw) - known)):
        found = ", ".join(strange) if isinstance(raw, dict) else type(raw).__name__
        raise FormatError(
            path, expected=f"only {', '.join(sorted(known))}", found=found, hint="See the shipped separate.yaml."
        )
    return raw
