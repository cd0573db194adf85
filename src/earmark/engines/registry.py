"""Engines by name: which exist for a job, and how to load one.

A second engine for a job is a new file and one line here. Nothing is imported before it is asked for,
so that listing the engines costs nothing. The name is stored with what the engine produced.
"""

from __future__ import annotations

from difflib import get_close_matches
from importlib import import_module
from typing import Any

from earmark.errors import EngineError

__all__ = ["ENGINES", "load", "names"]

ENGINES: dict[str, dict[str, str]] = {
    "activity": {"silero": "earmark.engines.activity.silero:Silero"},
    "recogniser": {"moonshine": "earmark.engines.recogniser.moonshine:Moonshine"},
    "aligner": {"sphinx": "earmark.engines.aligner.sphinx:SphinxAligner"},
    "sound": {"earmark": "earmark.engines.sound.builtin:BuiltinSound"},
}
"""Job -> name -> ``module:class``. The first engine of a job is its default."""


def names(job: str) -> list[str]:
    """The engines of a job, the default one first.

    Raises:
        KeyError: if no such job exists; jobs are named by the program, not by its user.
    """
    return list(ENGINES[job])


def load(job: str, name: str, **options: Any) -> Any:
    """The engine `name` for `job`, made with `options`; ``whisper:small`` is whisper with ``model="small"``.

    Raises:
        EngineError: if it is unknown, or what it needs is missing.
    """
    known = ENGINES[job]
    name, _, model = name.partition(":")
    if model:
        options["model"] = model
    if name not in known:
        near = get_close_matches(name, known, n=1)
        raise EngineError(
            name,
            expected=f"one of the {job} engines {', '.join(known)}",
            found="an unknown name",
            hint=f"Did you mean {near[0]}?" if near else f"Use {next(iter(known))}.",
        )
    module, _, kind = known[name].partition(":")
    return getattr(import_module(module), kind)(**options)
