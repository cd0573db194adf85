"""Reading a run's YAML file into its dataclass: the same checks, whatever is trained.

``${NAME}`` in a value is taken from the environment, so that a config can be shared without naming anyone's folders.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, TypeVar

from earmark.errors import FormatError, UsageError

__all__ = ["CollectionConfig", "read_run"]

Run = TypeVar("Run")
KINDS: dict[str, tuple[Any, str]] = {
    "int": (int, "a whole number"), "float": ((int, float), "a number"), "bool": (bool, "true or false"),
    "str": (str, "text"),
}  # fmt: skip


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


def read_run(path: Path, kind: type[Run], example: str) -> Run:
    """Reads a YAML config of `kind`, a dataclass with `data` and `collections`.

    Args:
        example: the config that ships, named where something is wrong.

    Raises:
        FormatError: if it is not YAML, names something unknown, or lacks `data` or `collections`.
        UsageError: if it names an environment variable that is not set.
    """
    import yaml

    hint = f"See the shipped {example}."
    if not path.is_file():
        raise FormatError(path, expected="a YAML file", found="no such file", hint=f"Start from the shipped {example}.")
    try:
        raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as exc:
        line = getattr(getattr(exc, "problem_mark", None), "line", -1) + 1
        raise FormatError(
            f"{path}, line {line}", expected="YAML", found=str(getattr(exc, "problem", exc)), hint="Correct that line."
        ) from exc
    raw = _expand(path, _checked(path, kind, raw, hint))
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
        entry = {"folder": entry} if isinstance(entry, str) else _checked(path, CollectionConfig, entry, hint)
        entry["held_out_folds"] = tuple(str(fold) for fold in entry.get("held_out_folds", ()))
        collections.append(CollectionConfig(**entry))
    return kind(**{**raw, "collections": tuple(collections)})


def _expand(path: Path, value: Any) -> Any:
    if isinstance(value, str):

        def replace(match: re.Match[str]) -> str:
            name = match.group(1)
            if name not in os.environ:
                raise UsageError(
                    path,
                    expected=f"the environment variable {name}",
                    found="nothing under that name",
                    hint=f"Set it to a folder: {name}=/path/to/data earmark train …",
                )
            return os.environ[name]

        return re.sub(r"\$\{(\w+)\}", replace, value)
    if isinstance(value, list):
        return tuple(_expand(path, item) for item in value)
    if isinstance(value, dict):
        return {key: _expand(path, item) for key, item in value.items()}
    return value


def _checked(path: Path, kind: type[Any], raw: Any, hint: str) -> dict[str, Any]:
    known = {f.name for f in fields(kind)}
    if not isinstance(raw, dict) or (strange := sorted(set(raw) - known)):
        found = ", ".join(strange) if isinstance(raw, dict) else type(raw).__name__
        raise FormatError(path, expected=f"only {', '.join(sorted(known))}", found=found, hint=hint)
    for field in fields(kind):
        wanted, named = KINDS.get(str(field.type), (object, ""))
        if wanted is object:
            continue
        value = raw.get(field.name, field.default)
        if field.name in raw and not (isinstance(value, wanted) and isinstance(value, bool) <= (field.type == "bool")):
            tip = "YAML reads 2e-3 as a word: write 0.002." if named == "a number" else hint
            raise FormatError(path, expected=f"`{field.name}` to be {named}", found=repr(value), hint=tip)
    return raw
