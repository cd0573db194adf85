"""The one config: a YAML file names what differs from these values."""

from __future__ import annotations

import dataclasses
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from earmark.errors import FormatError

__all__ = ["Loss", "Sentences", "SpeechTextSettings", "read_settings"]

Loss = Literal["infonce", "ntxent"]


@dataclass(frozen=True)
class Sentences:
    """A list of sentences that synthetic voices speak: TSV or CSV, or one a line."""

    file: str = ""
    """The list. Variables such as $DATA are filled in; other paths are relative to the config."""
    language: str = "en"
    """Code of the language they are in: what the voices speak."""
    text: str = ""
    """Name of the column of the sentences; empty takes the last one of a file without a header."""
    only: str = ""
    """``column=value``: only rows where that holds."""
    takes: int = 1
    """How often each is spoken, in other voices."""
    limit: int = 0
    """At most so many sentences, drawn by the seed; 0 takes all."""


@dataclass(frozen=True)
class SpeechTextSettings:
    """What `earmark train speech-text` does; stored in the checkpoint and in the model's card."""

    name: str = "speech-text"
    """Stored with everything the model makes."""
    seed: int = 0
    """The same seed trains the same model on the same machine."""
    manifests: tuple[str, ...] = ()
    """Data sets of `earmark dataset build`, folders or manifest.jsonl; rows of the split test are left out."""
    sentences: tuple[Sentences, ...] = ()
    """Sentences for synthetic voices."""
    leave_out: tuple[str, ...] = ()
    """Tables with a column `transcript`, or manifests: a sentence in one of them is never learnt."""
    cache: str = ""
    """Folder for frames, shared by runs of the same data; empty puts them beside the run."""
    encoder: str = "moonshine"
    """What hears: logmel (from scratch), moonshine, or wav2vec2:FOLDER."""
    text_encoder: str = "words"
    """What reads: words (word pieces and letters) or bert:FOLDER."""
    dim: int = 256
    """Of the shared space."""
    width: int = 256
    """Channels of both towers."""
    heads: int = 8
    """Places a window is looked at in at once."""
    loss: Loss = "infonce"
    """infonce, or ntxent: impostors of the same kind count, too."""
    temperature: float = 0.07
    """At the start; it is learnt."""
    batch: int = 128
    """Utterances a step."""
    neighbours: int = 8
    """So many of them from the same recording: the hardest to tell apart."""
    joined: float = 0.25
    """Share of utterances that go on into the next one of their recording."""
    keywords: float = 0.6
    """Share of utterances asked for by keywords; the others by their transcript."""
    learning_rate: float = 0.002
    """Of AdamW, after the warm-up; it falls along a cosine."""
    weight_decay: float = 0.01
    """Of all weights."""
    max_steps: int = 2000
    """Steps in all."""
    check_steps: int = 100
    """From one look at the validation split, and one checkpoint, to the next."""

    def __post_init__(self) -> None:
        if self.loss not in get_args(Loss):
            raise ValueError(f"loss must be one of {', '.join(get_args(Loss))}, got {self.loss!r}")
        if self.batch < 2 or self.max_steps < 1 or self.check_steps < 1 or self.neighbours < 1:
            raise ValueError("batch must be at least 2, max_steps, check_steps and neighbours at least 1")
        if self.dim % self.heads or self.dim < 1 or self.width < 2 or self.width % 2:
            raise ValueError(
                f"dim must be a multiple of heads and width even, got {self.dim}, {self.heads}, {self.width}"
            )
        if not 0.0 < self.temperature <= 1.0:
            raise ValueError(f"temperature must lie in (0, 1], got {self.temperature}")


def read_settings(path: Path, **changes: Any) -> SpeechTextSettings:
    """A YAML file of settings; `changes` outrank it. Paths in it become absolute.

    Raises:
        FormatError: for a file that is missing or no YAML, a name that is not a setting, a value of another kind.
    """
    import yaml

    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except OSError as exc:
        raise FormatError(path, expected="a config", found="no such file", hint="Check the path.") from exc
    except (yaml.YAMLError, UnicodeDecodeError) as exc:
        found_text = " ".join(str(exc).split())[:120]
        raise FormatError(path, expected="YAML", found=found_text, hint="Write one `name: value` a line.") from exc
    if not isinstance(found, dict):
        raise FormatError(
            path, expected="settings as `name: value`", found=type(found).__name__, hint="See the model's page."
        )
    home = path.resolve().parent
    lists = found.pop("sentences", None) or []
    if not isinstance(lists, list):
        raise _wrong(path, "sentences", "a list of `{file: …, language: …}`", lists)
    values = _values(path, SpeechTextSettings, {**found, **changes}, home)
    spoken = tuple(Sentences(**_values(path, Sentences, each, home)) for each in lists)
    try:
        settings = SpeechTextSettings(**values, sentences=spoken)
    except ValueError as exc:
        raise FormatError(
            path, expected="settings that can be meant", found=str(exc), hint="Correct it in the config."
        ) from exc
    if not settings.manifests and not settings.sentences:
        raise FormatError(
            path, expected="`manifests:` or `sentences:`", found="neither", hint="Name what is to be learnt from."
        )
    return settings


def _values(path: Path, kind: type, given: Any, home: Path) -> dict[str, Any]:
    """The values for a dataclass, each of the kind of its default."""
    if not isinstance(given, dict):
        raise _wrong(path, kind.__name__.lower(), "`name: value`", given)
    known = {field.name: field.default for field in dataclasses.fields(kind) if field.name != "sentences"}
    values: dict[str, Any] = {}
    for name, value in given.items():
        if name not in known:
            expected = f"a setting out of {', '.join(known)}"
            raise FormatError(path, expected=expected, found=repr(name), hint="Check the spelling.")
        default = known[name]
        if isinstance(default, float) and type(value) is int:
            value = float(value)
        if isinstance(default, tuple):
            if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
                raise _wrong(path, str(name), "a list of paths", value)
            values[name] = tuple(_place(each, home) for each in value)
            continue
        if type(value) is not type(default):
            raise _wrong(path, str(name), type(default).__name__, value)
        if isinstance(value, str) and value and name in ("cache", "file"):
            value = _place(value, home)
        elif isinstance(value, str):
            value = os.path.expandvars(value)
        values[name] = value
    return values


def _place(value: str, home: Path) -> str:
    return str(home / Path(os.path.expandvars(value)).expanduser())


def _wrong(path: Path, name: str, expected: str, found: Any) -> FormatError:
    return FormatError(path, expected=f"{name} as {expected}", found=repr(found)[:80], hint="Correct it in the config.")
