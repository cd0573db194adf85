"""From a config to the engine's files: read what is to be learnt, hear it, train, export."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from earmark.engines import registry
from earmark.engines.speech_text.frames import load_frames
from earmark.engines.speech_text.pretrained import BertTexts
from earmark.errors import EarmarkError, EngineError, UsageError
from earmark.progress import Progress, ignore
from earmark.training.speech_text.batches import Batches, TextReader
from earmark.training.speech_text.export import calibrated, export_towers
from earmark.training.speech_text.features import store_frames
from earmark.training.speech_text.loop import Check, cosines, hits_of_six, train_towers
from earmark.training.speech_text.model import SpeechTextModel
from earmark.training.speech_text.settings import SpeechTextSettings
from earmark.training.speech_text.sources import read_sources

__all__ = ["run"]


def run(
    settings: SpeechTextSettings,
    out: Path,
    *,
    resume: bool = False,
    on_progress: Progress = ignore,
    on_check: Callable[[Check], None] = lambda check: None,
    on_broken: Callable[[EarmarkError], None] = lambda error: None,
) -> Path:
    """Trains, and returns the folder of the weights, ``out/weights``.

    Args:
        on_broken: told of each recording that could not be heard and was left out.

    Raises:
        UsageError: if `out` holds another run and `resume` is not asked for, or none and it is.
        EarmarkError: what reading the data raises.
    """
    checkpoint = out / "checkpoint.pt"
    if checkpoint.is_file() != resume:
        raise UsageError(
            out,
            expected="a checkpoint to go on from" if resume else "a folder without a checkpoint",
            found="none" if resume else "checkpoint.pt",
            hint="Start without --resume." if resume else "Pass --resume, or another folder.",
        )
    encoder = load_frames(settings.encoder)
    reader = _reader(settings.text_encoder)
    utterances = read_sources(settings)
    out.mkdir(parents=True, exist_ok=True)
    cache = Path(settings.cache) if settings.cache else out / "cache"
    frames = store_frames(cache, utterances, encoder, settings.seed, on_progress)
    for _, error in frames.left_out:
        on_broken(error)
    splits = {
        name: [one for one in utterances if one.id in frames.places and (one.split == "train") == (name == "train")]
        for name in ("train", "validation")
    }
    if len(splits["train"]) < 2:
        raise UsageError(
            "earmark train speech-text",
            expected="at least two utterances that can be heard",
            found=str(len(splits["train"])),
            hint="Check the paths in the manifest.",
        )
    torch.manual_seed(settings.seed)
    model = SpeechTextModel(settings, encoder.dim, reader.dim)
    model.to("cuda" if torch.cuda.is_available() else "cpu")
    train = Batches(splits["train"], frames, settings)
    validation = Batches(splits["validation"], frames, settings) if len(splits["validation"]) > 1 else None
    history = train_towers(
        model, train, validation, reader, settings, out, resume=resume, on_progress=on_progress, on_check=on_check
    )
    # Without a validation split the training one has to do, and says too much of itself.
    scores, alike = cosines(model, validation or train, reader, settings.text_encoder == "words")
    seconds = {
        name: sum(frames.places[one.id][1] for one in split) * encoder.step_seconds for name, split in splits.items()
    }
    facts: dict[str, Any] = {
        "steps": history[-1].step if history else 0,
        "seed": settings.seed,
        "utterances": {name: len(split) for name, split in splits.items()},
        "hours": {name: round(value / 3600, 2) for name, value in seconds.items()},
        "validation_hits_of_six": round(hits_of_six(scores, alike), 4) if validation else None,
        "data": _digest(utterances),
    }
    weights = out / "weights"
    export_towers(model, settings, weights, calibration=calibrated(scores, alike), facts=facts)
    return weights


def _reader(name: str) -> TextReader:
    if name == "words":
        reader: TextReader = registry.load("text", "wordpieces")
        return reader
    kind, _, where = name.partition(":")
    if kind == "bert" and where:
        return BertTexts(where)
    raise EngineError(
        name,
        expected="a reader of text: words or bert:FOLDER",
        found="an unknown name",
        hint="Write one of these as `text_encoder:` in the config.",
    )


def _digest(utterances: Any) -> str:
    """Of what was learnt from, whatever folder it lay in."""
    listed = json.dumps([[one.id, one.text, one.split] for one in utterances])
    return hashlib.blake2b(listed.encode("utf-8", "surrogateescape"), digest_size=8).hexdigest()
