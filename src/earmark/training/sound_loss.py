"""What the sound model is told: five losses, each for one thing it must be able to do.

frames    is the text heard in this frame? Binary cross-entropy against every text, easy ones weighted down, divided by
          what is heard so that a scene full of silence does not drown it.
presence  is it heard anywhere in the scene? The same on the loudest frames: this is what "not here" is learned from.
clip      the same of the clip's own vector, from a head of its own: coarse, for choosing where to look.
ranking   which label's wording is nearest to a sound's mean vector? Cross-entropy: tells like sounds apart.
teacher   does a projection of the features point where the teacher's embedding points?
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from earmark.training.mixing import Scenes
from earmark.training.sound_model import SoundModel
from earmark.training.sound_texts import Asked

__all__ = ["LossWeights", "losses"]


@dataclass(frozen=True)
class LossWeights:
    frames: float = 0.5
    presence: float = 0.5
    clip: float = 0.25
    ranking: float = 1.0
    teacher: float = 2.0


def _weighted_down(logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Binary cross-entropy times its own error (focal, gamma 1)."""
    error = (torch.sigmoid(logits.detach()) - target).abs()
    return F.binary_cross_entropy_with_logits(logits, target, reduction="none") * error


def losses(
    model: SoundModel,
    scenes: Scenes,
    asked: Asked,
    relations: torch.Tensor,
    teacher: torch.Tensor | None,
    text_noise: float = 0.75,
) -> dict[str, torch.Tensor]:
    """The five losses of a batch, unweighted.

    Args:
        relations: ``(labels, labels)``, for the ranking: only labels that are plainly other count against a sound.
        teacher: unit rows of the teacher, or None.
        text_noise: length of the noise added to text vectors, at most; those are of length 1.
    """
    device = next(model.parameters()).device
    texts = torch.from_numpy(asked.pieces).to(device)
    noise = torch.randn_like(texts) * (text_noise * torch.rand(()) / math.sqrt(texts.shape[1]))
    texts = F.normalize(texts + noise, dim=-1)
    heard = torch.from_numpy(asked.heard).to(device)
    judged = torch.from_numpy(asked.judged).to(device)
    mel = torch.from_numpy(scenes.mel).to(device)
    with torch.autocast(device.type, dtype=torch.bfloat16):
        features = model.audio.features(mel)  # (scenes, width, frames)
        taught = model.teacher(features)
        projected = model.audio.project(features)
    frames = F.normalize(projected.float().transpose(1, 2), dim=-1)  # (scenes, frames, dim)
    vectors = model.text(texts)
    logits = model.logits(frames, vectors)  # (scenes, texts, frames)

    by_frame = (_weighted_down(logits, heard) * judged).sum() / (heard * judged).sum().clamp_min(50.0)
    loudest = torch.logsumexp(logits.masked_fill(~judged, -30.0), dim=2) - math.log(6)
    anywhere, asked_at_all = (heard.amax(2) > 0.5).float(), judged.any(2)
    presence = (_weighted_down(loudest, anywhere) * asked_at_all).sum() / anywhere.sum().clamp_min(5.0)
    clips = model.clip_logits(frames, vectors)
    clip = (_weighted_down(clips, anywhere) * asked_at_all).sum() / anywhere.sum().clamp_min(5.0)
    ranking = _ranking(frames, vectors, scenes, relations, scenes.heard)
    zero = frames.new_zeros(())
    distilled = zero
    if teacher is not None:
        row = torch.from_numpy(scenes.teacher).to(device)
        if bool((row >= 0).any()):
            guess = taught.float().transpose(1, 2)[row >= 0]
            distilled = 1 - F.cosine_similarity(guess, teacher[row[row >= 0]].float()).mean()
    return {"frames": by_frame, "presence": presence, "clip": clip, "ranking": ranking, "teacher": distilled}


def _ranking(
    frames: torch.Tensor,
    vectors: torch.Tensor,
    scenes: Scenes,
    relations: torch.Tensor,
    heard: NDArray[np.float32],
    sharpness: float = 12.0,
) -> torch.Tensor:
    if not scenes.spans:
        return frames.new_zeros(())
    means = torch.stack([F.normalize(frames[s, a:b].mean(0), dim=0) for s, _, a, b in scenes.spans])
    label = torch.tensor([label for _, label, _, _ in scenes.spans], device=frames.device)
    excused = relations[label] != 0
    for row, (scene, _, first, last) in enumerate(scenes.spans):
        # Another sound over much of the same stretch cannot be called wrong.
        excused[row] |= torch.from_numpy(heard[scene, :, first:last].mean(1) > 0.25).to(frames.device)
    excused[torch.arange(len(label)), label] = False
    cosine = means @ vectors[: relations.shape[0]].T
    return F.cross_entropy((sharpness * cosine).masked_fill(excused, -1e4), label)
