"""Engines by name: which exist for a job, and how to load one.

A second engine for a job is a new file and one line here. Nothing is imported before it is asked for,
so that listing the engines costs nothing. The name is stored with what the engine produced.
"""

from __future__ import annotations

import hashlib
import inspect
import json
import re
from difflib import get_close_matches
from importlib import import_module
from pathlib import Path
from typing import Any

from earmark.errors import UsageError

__all__ = ["ENGINES", "PULLED", "load", "names", "plain_name", "stored_name"]

ENGINES: dict[str, dict[str, str]] = {
    "activity": {"silero": "earmark.engines.activity.silero:Silero"},
    "recogniser": {
        "moonshine": "earmark.engines.recogniser.moonshine:Moonshine",
        "whisper": "earmark.engines.recogniser.whisper:Whisper",
        "vosk": "earmark.engines.recogniser.vosk:Vosk",
    },
    "aligner": {"sphinx": "earmark.engines.aligner.sphinx:SphinxAligner"},
    "spotter": {"sphinx": "earmark.engines.spotter.sphinx:SphinxSpotter"},
    "sound": {"earmark": "earmark.engines.sound.builtin:BuiltinSound"},
    "separator": {
        "earmark": "earmark.engines.separator.builtin:BuiltinSeparator",
        "audiosep": "earmark.engines.separator.audiosep:AudioSep",
    },
    "speech_text": {"contrastive": "earmark.engines.speech_text.contrastive:ContrastiveEngine"},
    "text": {
        "wordpieces": "earmark.engines.text.wordpieces:WordPieceEncoder",
        "terms": "earmark.engines.text.terms:TermEncoder",
    },
}
"""Job -> name -> ``module:class``. The first engine of a job is its default."""

PULLED = frozenset({"whisper", "vosk", "audiosep"})
"""Engines whose weights do not come with the install: see `models`."""


def names(job: str) -> list[str]:
    """The engines of a job, the default one first.

    Raises:
        KeyError: if no such job exists; jobs are named by the program, not by its user.
    """
    return list(ENGINES[job])


def load(job: str, name: str, **options: Any) -> Any:
    """The engine `name` for `job`, made with `options`; ``whisper:small`` is whisper with ``model="small"``.

    Raises:
        UsageError: if it is unknown, or takes no model.
        EngineError: if what it needs is missing.
    """
    known = ENGINES[job]
    name, _, model = name.partition(":")
    if name not in known:
        near = get_close_matches(name, known, n=1)
        raise UsageError(
            name,
            expected=f"one of the {job} engines {', '.join(known)}",
            found="an unknown name",
            hint=f"Did you mean {near[0]}?" if near else f"Use {next(iter(known))}.",
        )
    module, _, kind = known[name].partition(":")
    make = getattr(import_module(module), kind)
    if model:
        if "model" not in inspect.signature(make).parameters:
            raise UsageError(
                f"{name}:{model}",
                expected=f"{name} alone, which takes no model",
                found=f"{model!r} after the colon",
                hint=f"Use {name}.",
            )
        options["model"] = model
    return make(**options)


def stored_name(job: str, engine: str, *settings: object) -> str:
    """``engine@digest``: what an engine's results are stored under.

    The digest covers the settings given and the weights: those of the folder in ``earmark:FOLDER``, else those the
    engine ships. So neither other settings nor other weights are ever mixed with what these heard.
    """
    digest = hashlib.blake2b(json.dumps(settings, sort_keys=True).encode(), digest_size=4)
    name, _, model = engine.partition(":")
    known = ENGINES[job].get(name)
    weights: Path | None = getattr(import_module(known.partition(":")[0]), "WEIGHTS", None) if known else None
    if weights is not None:
        weights = Path(model).expanduser() if model else weights
        for path in sorted(weights.glob("*.onnx")) or sorted(weights.glob("*.npy")):
            digest.update(path.read_bytes())
    return f"{plain_name(engine)}@{digest.hexdigest()}"


def plain_name(engine: str) -> str:
    """``whisper:small`` and a folder of weights as a name that files can have."""
    return re.sub(r"[^\w.+-]+", "-", engine)
