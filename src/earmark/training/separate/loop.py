"""Training the separator: one loop, a checkpoint that carries everything, a picture of the losses, the export.

What is learned is the signal-to-noise ratio of the masked spectrum against the wanted one, and its magnitudes on a
compressed scale, so that quiet parts count too; where what is asked for is not there, how little is left. The learning
rate follows the clock (or the steps, where `max_steps` is given). What is exported is the running average of the
weights. A run that was interrupted goes on from its last checkpoint.
"""

from __future__ import annotations

import copy
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from earmark.engines.sound.builtin import WEIGHTS as TABLE
from earmark.engines.sound.builtin import BuiltinSound
from earmark.engines.sound.pieces import WordPieces
from earmark.progress import Progress, ignore
from earmark.training.run import (
    CHECKPOINT,
    check_start,
    follow,
    learning_rate,
    plot_log,
    restore,
    share_of,
    write_checkpoint,
)
from earmark.training.separate.config import SeparateConfig
from earmark.training.separate.corpus import Corpus, prepare_corpus
from earmark.training.separate.export import export_separator
from earmark.training.separate.mixing import Drawn, Mixer, MixSettings
from earmark.training.separate.network import Masker, MaskerSettings
from earmark.training.separate.scoring import Mixture, mixtures_of, si_sdr

__all__ = ["separated", "train_separate"]

FRAME, STEP = 1024, 256
"""Window and step of the spectrum, at 16 kHz: 64 and 16 ms."""
SOFT = 1e-3
"""Beyond 30 dB nothing is gained."""
WEIGHTS = {"snr": 1.0, "magnitude": 5.0, "there": 3.0, "absent": 3.0}


def spectrum(samples: torch.Tensor) -> torch.Tensor:
    """``(batch, n)`` to complex ``(batch, FRAME / 2 + 1, n // STEP + 1)``; noise of unit power has cells near 1."""
    window = torch.hann_window(FRAME, device=samples.device)
    found = torch.stft(samples, FRAME, STEP, window=window, pad_mode="constant", return_complex=True)
    return found / window.square().sum().sqrt()


def losses(model: Masker, drawn: Drawn, device: torch.device) -> dict[str, torch.Tensor]:
    """Means over the batch: ``snr`` (negative dB), ``magnitude``, ``there`` and ``absent`` (of patches).

    A mask m leaves ``|S - mX|^2 = |S|^2 - 2 m Re(S X*) + m^2 |X|^2`` of error: all but m is known before, which is
    faster than arithmetic on complex numbers with gradients.
    """
    frames, power, asked = drawn.mixtures.shape[1] // STEP, model.settings.compression, drawn.targets.shape[1]
    with torch.no_grad():
        mixture = spectrum(torch.from_numpy(drawn.mixtures).to(device))[..., :frames]
        target = spectrum(torch.from_numpy(drawn.targets).flatten(0, 1).to(device))[..., :frames]
        x, s = torch.view_as_real(mixture), torch.view_as_real(target)
        s = s.view(-1, asked, *s.shape[1:])
        loud, wanted = x.square().sum(-1), s.square().sum(-1)  # (batch, bins, frames), (batch, asked, bins, frames)
        shared = (x[:, None] * s).sum(-1)
        magnitude = loud.sqrt()
        compressed, goal = (magnitude + 1e-4).pow(power), (wanted.sqrt() + 1e-4).pow(power)
        energy = wanted.sum((2, 3))
        side = [2 * fold for fold in model.settings.fold]
        patch_loud = F.avg_pool2d(loud[:, None, :-1], side)  # (batch, 1, bins / 8, frames / 8)
        share = (F.avg_pool2d(wanted[:, :, :-1], side) / (patch_loud + 1e-6)).clamp(0.0, 1.0)
        weight = (patch_loud + 1e-6).pow(power)
        weight = weight / weight.mean((1, 2, 3), keepdim=True)
    with torch.autocast(device.type, torch.bfloat16):
        patches, cells = model.look(magnitude[:, :-1])
        meaning = model.hear(torch.from_numpy(drawn.pieces).to(device))
        absent = model.hear(torch.from_numpy(drawn.absent).to(device))
        likeness = model.liken(patches, meaning)
        others = model.liken(patches, absent)
        logits = model.masks(likeness, cells, meaning)
    logits = torch.cat([logits, logits[:, :, -1:]], dim=2).float()
    mask = torch.sigmoid(logits)
    lost = (mask * (mask * loud[:, None] - 2 * shared)).sum((2, 3)) + energy
    away = torch.from_numpy(drawn.away).to(device)[:, :, None, None]  # (batch, absent, 1, 1)
    there = F.binary_cross_entropy_with_logits(likeness.float(), share, reduction="none") * weight
    gone = F.softplus(others.float()) * weight * away
    return {
        "snr": (10 * torch.log10((lost.clamp_min(0.0) + SOFT * energy + 1e-9) / (energy + 1e-9))).mean(),
        "magnitude": (torch.exp(power * F.logsigmoid(logits)) * compressed[:, None] - goal).abs().mean(),
        "there": there.mean(),
        "absent": gone.mean() / away.mean().clamp_min(1e-3),
    }


def separated(model: Masker, samples: torch.Tensor, meaning: torch.Tensor) -> torch.Tensor:
    """Targets ``(texts, n)`` of one mixture ``(1, n)``, for texts that mean ``(texts, meaning)``."""
    level = samples.square().mean(1, keepdim=True).sqrt().clamp_min(1e-6)
    short = -samples.shape[1] % (STEP * model.settings.time_factor)
    found = spectrum(F.pad(samples / level, (0, short)))
    magnitude = F.pad(found.abs()[:, :-1], (0, -found.shape[2] % model.settings.time_factor))
    patches, cells = model.look(magnitude)
    logits = model.masks(model.liken(patches, meaning[None]), cells, meaning[None])[0].float()
    mask = torch.sigmoid(logits)[..., : found.shape[2]]
    mask = torch.cat([mask, mask[:, -1:]], dim=1)  # (texts, bins, frames)
    window = torch.hann_window(FRAME)
    scaled = found * mask * window.square().sum().sqrt()
    return torch.istft(scaled, FRAME, STEP, window=window, length=samples.shape[1]) * level


def gained(model: Masker, mixtures: list[Mixture], table: WordPieces) -> list[float]:
    """SI-SDR improvement in dB for each question of each mixture."""
    device = next(model.parameters()).device
    model = copy.deepcopy(model).cpu().eval() if device.type != "cpu" else model.eval()
    found = []
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        for mixture in mixtures:
            samples = torch.from_numpy(mixture.samples)[None]
            meaning = model.hear(torch.from_numpy(table.embed(list(mixture.texts))))
            for estimate, source in zip(separated(model, samples, meaning).numpy(), mixture.sources, strict=True):
                found.append(si_sdr(estimate, source) - si_sdr(mixture.samples, source))
    return found


def teach_meaning(model: Masker, pieces: torch.Tensor, meant: torch.Tensor, steps: int = 600) -> float:
    """Lets the network read texts as the sound engine does; returns the mean cosine it came to.

    What the engine learned of which words name like sounds is worth more than these mixtures could teach.

    Args:
        pieces: word-piece vectors ``(texts, text_dim)``.
        meant: the engine's unit rows for these texts, ``(texts, meaning)``.
    """
    parts = [*model.hear_linear.parameters(), *model.hear_widen.parameters(), *model.hear_narrow.parameters()]
    optimiser = torch.optim.AdamW(parts, lr=2e-3, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    for _ in range(steps):
        chosen = torch.randint(len(pieces), (min(len(pieces), 512),), device=pieces.device)
        loss = 1 - F.cosine_similarity(model.hear(pieces[chosen]), meant[chosen]).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
    with torch.no_grad():
        return float(F.cosine_similarity(model.hear(pieces), meant).mean())


def train_separate(
    config: SeparateConfig, out: Path, *, resume: bool = False, table: Path = TABLE, on_progress: Progress = ignore
) -> Path:
    """Trains, and writes the engine's files to ``out/weights``.

    Args:
        table: folder with the word-piece table.

    Returns:
        The folder of the weights.

    Raises:
        UsageError: to begin anew where a checkpoint is, or to resume where none is.
        EarmarkError: what reading the data raises.
    """
    out.mkdir(parents=True, exist_ok=True)
    checkpoint = out / CHECKPOINT
    check_start(out, begun=checkpoint.is_file(), resume=resume)
    torch.manual_seed(config.seed)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    corpus = prepare_corpus(config, Path(config.cache or out / "cache"), on_progress)
    pieces = WordPieces(table)
    ears = BuiltinSound(table)
    settings = replace(MaskerSettings(), channels=tuple(config.channels), text_dim=pieces.dim, meaning=ears.dim)
    frames = -(-config.frames // settings.time_factor) * settings.time_factor
    mixer = Mixer(corpus, pieces, config.seed + 1, MixSettings(frames * STEP))
    model = Masker(settings).to(device).to(memory_format=torch.channels_last)
    if not resume:
        texts = list(dict.fromkeys(text for called in corpus.texts for text in called))
        meant = torch.from_numpy(ears.embed_text(texts)).to(device)
        teach_meaning(model, torch.from_numpy(pieces.embed(texts)).to(device), meant)
    average = copy.deepcopy(model).eval()
    matrices = [p for p in model.parameters() if p.ndim > 1]
    others = [p for p in model.parameters() if p.ndim <= 1]
    optimiser = torch.optim.AdamW(
        [{"params": matrices, "weight_decay": config.weight_decay}, {"params": others, "weight_decay": 0.0}],
        lr=config.learning_rate, betas=(0.9, 0.98),
    )  # fmt: skip
    state: dict[str, Any] = {"step": 0, "seconds": 0.0, "log": []}
    if resume:
        _restore(checkpoint, model, average, optimiser, corpus, mixer, state)
    checks = _checks(config, corpus)
    begun, sums, summed = time.monotonic() - state["seconds"], dict.fromkeys(WEIGHTS, 0.0), 0
    while True:
        share = share_of(config, state["step"], time.monotonic() - begun)
        if share >= 1:
            break
        rate = learning_rate(config, state["step"], share)
        for group in optimiser.param_groups:
            group["lr"] = rate
        model.train()
        parts = losses(model, mixer.draw(config.batch), device)
        total = sum(WEIGHTS[name] * part for name, part in parts.items())
        optimiser.zero_grad(set_to_none=True)
        total.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 5.0)
        optimiser.step()
        follow(average, model, min(config.average, (state["step"] + 10) / (state["step"] + 100)))
        for name, part in parts.items():
            sums[name] += float(part.detach())
        summed += 1
        state["step"] += 1
        state["seconds"] = time.monotonic() - begun
        on_progress("train", min(share, 1.0), 1.0)
        if state["step"] % config.checkpoint_steps == 0:
            means = {name: value / summed for name, value in sums.items()}
            better = float(np.mean(gained(average, checks, pieces))) if checks else 0.0
            state["log"].append(
                {"step": state["step"], "minutes": state["seconds"] / 60, "rate": rate, **means, "gained": better}
            )
            sums, summed = dict.fromkeys(sums, 0.0), 0
            _save(checkpoint, config, model, average, optimiser, corpus, mixer, state)
            plot_log(state["log"], [*WEIGHTS, "gained", "rate"], out / "losses.png")
    _save(checkpoint, config, model, average, optimiser, corpus, mixer, state)
    plot_log(state["log"], [*WEIGHTS, "gained", "rate"], out / "losses.png")
    facts = {"name": config.name, "steps": state["step"], "seed": config.seed, "log": state["log"]}
    return export_separator(average, out / "weights", table, dict(zip(corpus.labels, corpus.texts, strict=True)), facts)


def _checks(config: SeparateConfig, corpus: Corpus) -> list[Mixture]:
    if not config.check_mixtures or len({clip.label for clip in corpus.held_out.clips}) < 2:
        return []
    return list(mixtures_of(corpus.held_out.clips, corpus.vocabulary, config.check_mixtures, seed=config.seed + 7))


def _save(
    path: Path, config: SeparateConfig, model: Masker, average: Masker, optimiser: Any, corpus: Corpus, mixer: Mixer,
    state: dict[str, Any],
) -> None:  # fmt: skip
    kept = {
        "config": asdict(config), "model": model.state_dict(), "average": average.state_dict(),
        "optimiser": optimiser.state_dict(), "torch": torch.get_rng_state(), "labels": corpus.labels,
        "draws": mixer.generator.bit_generator.state, **state,
    }  # fmt: skip
    write_checkpoint(path, kept)


def _restore(
    path: Path, model: Masker, average: Masker, optimiser: Any, corpus: Corpus, mixer: Mixer, state: dict[str, Any]
) -> None:
    kept = restore(path, corpus.labels, model, average, optimiser)
    mixer.generator.bit_generator.state = kept["draws"]
    state.update({name: kept[name] for name in ("step", "seconds", "log")})
