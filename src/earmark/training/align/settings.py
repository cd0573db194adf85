"""The one config: every value of the paper is the default. A YAML file names those that differ."""

from __future__ import annotations

import dataclasses
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from earmark.errors import FormatError

__all__ = ["AlignSettings", "Reduction", "read_settings"]

Reduction = Literal["stsq", "mqst", "mtsq"]
"""How a frame × word map becomes one score: ``stsq`` the mean of all; ``mqst`` the mean over frames of the best
word; ``mtsq`` the mean over words of the best frame."""


@dataclass(frozen=True)
class AlignSettings:
    """What `earmark train align` does; stored in the checkpoint."""

    data: str = ""
    """Folder of AudioGrounding, or a CSV of file,caption. Variables such as $DATA are filled in."""
    words: str = ""
    """A word2vec file, text or binary; empty takes the package's own table."""
    spellings: str = ""
    """A table of spellings to put right, two columns; empty takes the one that comes along."""
    most_seconds: float = 30.0
    """Longer clips are cut."""
    reduction: Reduction = "stsq"
    """How a frame by word map becomes a score: stsq, mqst or mtsq."""
    margin: float = 1.0
    """By how much the right pair should score above an impostor."""
    epochs: int = 100
    """At most so many passes over the captions."""
    batch_size: int = 32
    """Captions a step."""
    learning_rate: float = 0.001
    """Of Adam, at the start."""
    patience: int = 5
    """Epochs without a better validation loss before the rate falls to a tenth."""
    plateau_epochs: int = 10
    """Training ends when the validation loss stays within `plateau_deviation` for so many epochs …"""
    plateau_deviation: float = 0.01
    """… in standard deviation …"""
    grace_epochs: int = 60
    """… but not before this epoch."""
    width: int = 128
    """Channels of the convolutions; the first has a quarter of them."""
    dropout: float = 0.3
    """Share of activations dropped before the recurrent layer."""
    seed: int = 0
    """The same seed trains the same model on the same machine."""

    def __post_init__(self) -> None:
        if self.reduction not in get_args(Reduction):
            raise ValueError(f"reduction must be one of {', '.join(get_args(Reduction))}, got {self.reduction!r}")
        if self.width < 4 or self.width % 4:
            raise ValueError(f"width must be a multiple of 4, got {self.width}")
        if self.batch_size < 1 or self.epochs < 1:
            raise ValueError(f"batch_size and epochs must be at least 1, got {self.batch_size} and {self.epochs}")


def read_settings(path: Path, **changes: object) -> AlignSettings:
    """A YAML file of settings; `changes` outrank it.

    Raises:
        FormatError: for a file that is missing or no YAML, a name that is not a setting, a value of another kind.
    """
    import yaml

    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except FileNotFoundError as error:
        raise FormatError(path, expected="a config", found="no such file", hint="Check the path.") from error
    except yaml.YAMLError as error:
        raise FormatError(
            path,
            expected="YAML",
            found=" ".join(str(error).split())[:120],
            hint="Write one `name: value` a line.",
        ) from error
    if not isinstance(found, dict):
        raise FormatError(
            path, expected="settings as `name: value`", found=type(found).__name__, hint="See the model's page."
        )
    fields = {field.name: field for field in dataclasses.fields(AlignSettings)}
    values: dict[str, object] = {}
    found.pop("search", None)  # what `earmark train align --search` tries
    for name, value in {**found, **changes}.items():
        if name not in fields:
            raise FormatError(
                path,
                expected=f"a setting out of {', '.join(fields)}",
                found=repr(name),
                hint="Check the spelling.",
            )
        default = fields[name].default
        if isinstance(default, float) and isinstance(value, int) and not isinstance(value, bool):
            value = float(value)
        if type(value) is not type(default):
            raise FormatError(
                path,
                expected=f"{name} as {type(default).__name__}",
                found=repr(value),
                hint=f"The paper's value is {default!r}.",
            )
        values[name] = os.path.expandvars(value) if isinstance(value, str) else value
    try:
        return AlignSettings(**values)  # type: ignore[arg-type]
    except ValueError as error:
        raise FormatError(
            path,
            expected="settings that can be meant",
            found=str(error),
            hint="See `earmark train align --help`.",
        ) from error
