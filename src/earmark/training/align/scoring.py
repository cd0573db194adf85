"""What a trained model says: scores of captions and clips for retrieval, curves of phrases for detection."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray

from earmark.progress import Progress, ignore
from earmark.timeline import ScoreCurve
from earmark.training.align.dataset import Caption, Phrase
from earmark.training.align.features import HOP_SECONDS
from earmark.training.align.loop import Features
from earmark.training.align.model import AlignModel, map_scores, maps
from earmark.training.align.settings import Reduction
from earmark.training.align.words import WordVectors

__all__ = ["alignment_map", "phrase_curves", "retrieval_matrix"]


def alignment_map(model: AlignModel, features: NDArray[np.float32], ids: Sequence[int]) -> NDArray[np.float32]:
    """Similarity of every frame with every word, in [0, 1], shape (frames, words)."""
    model.eval()
    with torch.no_grad():
        audio, _ = model.embed_audio([features])
        words, _ = model.embed_words([ids])
        return np.asarray(maps(audio, words)[0].cpu().numpy(), dtype=np.float32)


def phrase_curves(
    model: AlignModel,
    phrases: Sequence[Phrase],
    features: Features,
    vectors: WordVectors,
    over_words: Literal["mean", "max"] = "mean",
    on_progress: Progress = ignore,
) -> dict[tuple[str, str], ScoreCurve]:
    """The curve of each (clip, phrase): the map's mean or greatest over the phrase's words, in [0, 1]."""
    model.eval()
    curves = {}
    embedded: dict[str, torch.Tensor] = {}
    with torch.no_grad():
        for i, phrase in enumerate(sorted(phrases, key=lambda one: one.clip)):
            if phrase.clip not in embedded:
                embedded = {phrase.clip: model.embed_audio([features[phrase.clip]])[0]}
            words, _ = model.embed_words([vectors.ids(phrase.words)])
            found = maps(embedded[phrase.clip], words)[0].cpu().numpy()
            values = found.mean(axis=1) if over_words == "mean" else found.max(axis=1)
            curves[phrase.clip, phrase.text] = ScoreCurve(values.astype(np.float32), HOP_SECONDS)
            on_progress("phrases", i + 1, len(phrases))
    return curves


def retrieval_matrix(
    model: AlignModel,
    captions: Sequence[Caption],
    clips: Sequence[str],
    features: Features,
    vectors: WordVectors,
    reduction: Reduction,
    on_progress: Progress = ignore,
) -> NDArray[np.float64]:
    """The score of every caption with every clip, shape (captions, clips)."""
    model.eval()
    scores = np.zeros((len(captions), len(clips)))
    with torch.no_grad():
        words, counts = model.embed_words([vectors.ids(caption.words) for caption in captions])
        for column, clip in enumerate(clips):
            audio, length = model.embed_audio([features[clip]])
            for first in range(0, len(captions), 64):
                rows = slice(first, first + 64)
                found = maps(audio.expand(len(words[rows]), -1, -1), words[rows])
                size = len(found)
                scores[rows, column] = map_scores(found, length.expand(size), counts[rows], reduction).cpu()
            on_progress("retrieval", column + 1, len(clips))
    return scores
