"""Training both towers: one loop, a checkpoint that carries everything, a picture of the losses.

A run that was stopped goes on from its last checkpoint with the random numbers it would have drawn.
"""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from earmark.errors import FormatError
from earmark.progress import Progress, ignore
from earmark.training.speech_text.batches import Batches, TextReader, embed_speech, embed_texts
from earmark.training.speech_text.loss import info_nce, nt_xent
from earmark.training.speech_text.model import SpeechTextModel
from earmark.training.speech_text.settings import SpeechTextSettings

__all__ = ["Check", "cosines", "hits_of_six", "train_towers"]

FORMAT = "earmark-speech-text-1"
WARMUP_STEPS = 50
LOSSES = {"infonce": info_nce, "ntxent": nt_xent}


@dataclass(frozen=True)
class Check:
    """A look at where training stands: the mean loss since the last, and Hits@1 of six on the validation split."""

    step: int
    loss: float
    hits: float
    temperature: float


def train_towers(
    model: SpeechTextModel,
    train: Batches,
    validation: Batches | None,
    reader: TextReader,
    settings: SpeechTextSettings,
    out: Path,
    *,
    resume: bool = False,
    on_progress: Progress = ignore,
    on_check: Callable[[Check], None] = lambda check: None,
) -> list[Check]:
    """Trains `model` in place, and writes ``checkpoint.pt``, ``log.jsonl`` and ``losses.png`` to `out`.

    Raises:
        FormatError: if the checkpoint to go on from is none of this model.
    """
    optimiser = torch.optim.AdamW(model.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay)
    history: list[Check] = []
    step = 0
    if resume:
        step, history = _restore(out / "checkpoint.pt", model, optimiser, train)
    letters = settings.text_encoder == "words"
    judge = LOSSES[settings.loss]
    losses: list[float] = []
    while step < settings.max_steps:
        for group in optimiser.param_groups:
            group["lr"] = settings.learning_rate * _share(step, settings.max_steps)
        batch = train.draw()
        model.train()
        speech = embed_speech(model.audio, batch.speech)
        text = embed_texts(model.text, batch.texts, reader, letters)
        loss = judge(speech, text, model.scale, torch.from_numpy(batch.alike).to(speech.device))
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        losses.append(float(loss.detach()))
        step += 1
        on_progress("train", step, settings.max_steps)
        if step % settings.check_steps == 0 or step == settings.max_steps:
            hits = math.nan
            if validation is not None:
                hits = hits_of_six(*cosines(model, validation, reader, letters))
            history.append(Check(step, float(np.mean(losses)), hits, 1.0 / float(model.scale.detach())))
            losses = []
            _save(out / "checkpoint.pt", model, optimiser, train, settings, step, history)
            rows = (json.dumps(dataclasses.asdict(check)) + "\n" for check in history)
            (out / "log.jsonl").write_text("".join(rows), encoding="utf-8")
            on_check(history[-1])
    plot_losses(history, out / "losses.png")
    return history


def cosines(model: SpeechTextModel, batches: Batches, reader: TextReader, letters: bool) -> tuple[Any, Any]:
    """Cosines of every text with all speech of a split, ``(n, n)``, and which pairs are no impostors, as bool."""
    model.eval()
    whole = batches.whole()
    with torch.no_grad():
        speech = embed_speech(model.audio, whole.speech)
        text = embed_texts(model.text, whole.texts, reader, letters)
    return (text @ speech.T).cpu().numpy(), whole.alike


def hits_of_six(scores: Any, alike: Any) -> float:
    """The chance that a text's own speech scores above five impostors drawn at random, exactly; ties lose."""
    hits = []
    for row, own in enumerate(np.diag(scores)):
        wrong = scores[row][~alike[row]]
        below = int((wrong < own).sum())
        draws = np.arange(min(5, len(wrong)))
        hits.append(float(np.prod(np.clip(below - draws, 0, None) / (len(wrong) - draws))))
    return float(np.mean(hits)) if hits else math.nan


def _share(step: int, steps: int) -> float:
    warm = min(1.0, (step + 1) / min(WARMUP_STEPS, max(1, steps // 4)))
    return warm * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * step / steps)))


def _save(
    path: Path, model: SpeechTextModel, optimiser: Any, train: Batches, settings: SpeechTextSettings, step: int,
    history: list[Check],
) -> None:  # fmt: skip
    state = {
        "format": FORMAT, "model": model.state_dict(), "optimiser": optimiser.state_dict(), "step": step,
        "torch": torch.get_rng_state(), "draws": train.generator.bit_generator.state,
        "settings": dataclasses.asdict(settings), "history": [dataclasses.asdict(check) for check in history],
    }  # fmt: skip
    beside = path.with_suffix(".part")
    torch.save(state, beside)
    beside.replace(path)


def _restore(path: Path, model: SpeechTextModel, optimiser: Any, train: Batches) -> tuple[int, list[Check]]:
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
        if not isinstance(state, dict) or state.get("format") != FORMAT:
            raise ValueError("not a checkpoint of this model")
        model.load_state_dict(state["model"])
        optimiser.load_state_dict(state["optimiser"])
    except Exception as exc:  # torch raises many kinds for a file that is not its own
        raise FormatError(
            path,
            expected="a checkpoint of this model",
            found="that of another, or a file that was cut off",
            hint="Start anew in another folder, or with the config it was made with.",
        ) from exc
    torch.set_rng_state(state["torch"])
    train.generator.bit_generator.state = state["draws"]
    return state["step"], [Check(**row) for row in state["history"]]


def plot_losses(history: list[Check], path: Path) -> None:
    """The loss, and Hits@1 on the validation split, over the steps, as a PNG."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 4), layout="constrained")
    FigureCanvasAgg(figure)
    left, right = figure.subplots(1, 2)
    steps = [check.step for check in history]
    left.plot(steps, [check.loss for check in history])
    left.set(title="loss", xlabel="step")
    right.plot(steps, [check.hits for check in history])
    right.axhline(1 / 6, linestyle=":", color="grey")
    right.set(title="Hits@1 of six, validation (dotted: chance)", xlabel="step", ylim=(0, 1))
    figure.savefig(path, dpi=100)
