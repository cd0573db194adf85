"""The dual encoder: a convolutional recurrent network for audio, frozen vectors for words.

    log-mel (frames, 64)
      conv 32 · pool 2×4 · conv 128 · conv 128 · pool 2×4 · conv 128 · conv 128 · pool 1×4
      bidirectional GRU · upsampled to the frames · unit length          -> (frames, dim)
    words · unit length                                                  -> (words, dim)

Pooling is by the 4th-power norm, convolutions are 3×3 behind a batch normalisation. The map of a clip and a
caption is the cosine of every frame with every word, clamped at 0.

Where this differs from the published code, and what it changes:

- Padding is masked: after every normalisation and pooling what lies behind a clip's end is zero again, it
  counts in no statistic, the backward half of the GRU begins at the clip's last frame, and each clip is
  upsampled by its own length. A clip's embeddings no longer depend on what it shares a batch with; there,
  padding leaked into the last frames of short clips.
- A batch that holds one clip only has no impostors and teaches nothing; there, looking for one never ended.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from earmark.training.align.settings import Reduction

__all__ = ["AlignModel", "impostors", "map_scores", "maps", "ranking_loss"]

POOLS = {0: (2, 4), 2: (2, 4), 4: (1, 4)}
"""Frames × bands that are pooled after the convolution of that number."""


class MaskedNorm(nn.Module):  # type: ignore[misc]
    """Batch normalisation whose statistics are of the frames inside the clips."""

    def __init__(self, channels: int, momentum: float = 0.1, eps: float = 1e-5) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.register_buffer("mean", torch.zeros(channels))
        self.register_buffer("variance", torch.ones(channels))
        self.momentum, self.eps = momentum, eps

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """x of shape (n, channels, frames, bands), mask (n, 1, frames, 1) of ones and zeros."""
        if self.training:
            count = (mask.sum() * x.shape[3]).clamp(min=1)
            mean = (x * mask).sum(dim=(0, 2, 3)) / count
            variance = ((x - mean[:, None, None]) ** 2 * mask).sum(dim=(0, 2, 3)) / count
            with torch.no_grad():
                self.mean.lerp_(mean, self.momentum)
                self.variance.lerp_(variance * count / (count - 1).clamp(min=1), self.momentum)
        else:
            mean, variance = self.mean, self.variance
        scale = self.weight * torch.rsqrt(variance + self.eps)
        return (x * scale[:, None, None] + (self.bias - mean * scale)[:, None, None]) * mask


class AudioEncoder(nn.Module):  # type: ignore[misc]
    def __init__(self, bands: int, dim: int, width: int, dropout: float) -> None:
        super().__init__()
        channels = ((1, width // 4), (width // 4, width), (width, width), (width, width), (width, width))
        self.norms = nn.ModuleList([MaskedNorm(before) for before, _ in channels])
        self.convolutions = nn.ModuleList(
            [nn.Conv2d(before, after, 3, padding=1, bias=False) for before, after in channels]
        )
        for convolution in self.convolutions:
            nn.init.kaiming_normal_(convolution.weight)
        self.dropout = nn.Dropout(dropout)
        for _, pooled in POOLS.values():
            bands //= pooled
        self.recurrent = nn.GRU(width * bands, dim // 2, bidirectional=True, batch_first=True)

    def forward(self, features: Tensor, lengths: Tensor) -> Tensor:
        """(n, frames, bands) and lengths (n,) -> unit rows (n, frames, dim), zero behind each clip's end."""
        frames = features.shape[1]
        x, left = features[:, None], lengths.clone()
        mask = _mask(left, frames, x)
        for i, (norm, convolution) in enumerate(zip(self.norms, self.convolutions, strict=True)):
            x = F.leaky_relu(convolution(norm(x, mask)), 0.1)
            if i in POOLS:
                x = F.lp_pool2d(x, 4, POOLS[i])
                left = torch.clamp(left // POOLS[i][0], min=1)
                mask = _mask(left, x.shape[2], x)
            x = x * mask
        x = self.dropout(x).transpose(1, 2).flatten(2)  # (n, frames', channels * bands')
        packed = nn.utils.rnn.pack_padded_sequence(x, left.cpu(), batch_first=True, enforce_sorted=False)
        x, _ = nn.utils.rnn.pad_packed_sequence(self.recurrent(packed)[0], batch_first=True)
        out = x.new_zeros(len(x), frames, x.shape[2])
        for i, (short, long) in enumerate(zip(left.tolist(), lengths.tolist(), strict=True)):
            row = F.interpolate(x[i : i + 1, :short].transpose(1, 2), long, mode="linear", align_corners=False)
            out[i, :long] = F.normalize(row[0].T, dim=-1)
        return out


def _mask(lengths: Tensor, frames: int, like: Tensor) -> Tensor:
    steps = torch.arange(frames, device=like.device)
    return (steps[None, :] < lengths.to(like.device)[:, None]).to(like.dtype)[:, None, :, None]


class AlignModel(nn.Module):  # type: ignore[misc]
    """Both encoders; the word vectors are a buffer, not a parameter: they stay as they are."""

    def __init__(self, vectors: NDArray[np.float32], bands: int = 64, width: int = 128, dropout: float = 0.3) -> None:
        super().__init__()
        dim = vectors.shape[1]
        if dim % 2:  # the GRU has two directions of one size
            vectors = np.pad(vectors, ((0, 0), (0, 1)))
        self.audio = AudioEncoder(bands, vectors.shape[1], width, dropout)
        unit = F.normalize(torch.from_numpy(np.ascontiguousarray(vectors)), dim=-1)
        self.register_buffer("vectors", unit)

    def embed_audio(self, features: Sequence[NDArray[np.float32]]) -> tuple[Tensor, Tensor]:
        """Clips of any lengths -> unit rows (n, frames, dim), and lengths (n,). At least 4 frames each."""
        device = self.vectors.device
        lengths = torch.tensor([len(one) for one in features])
        batch = torch.zeros(len(features), int(lengths.max()), features[0].shape[1])
        for row, one in zip(batch, features, strict=True):
            row[: len(one)] = torch.from_numpy(one)
        return self.audio(batch.to(device), lengths.to(device)), lengths.to(device)

    def embed_words(self, ids: Sequence[Sequence[int]]) -> tuple[Tensor, Tensor]:
        """Captions as rows of the vectors -> (n, words, dim), zero behind each caption's end, and lengths."""
        device = self.vectors.device
        lengths = torch.tensor([len(one) for one in ids], device=device)
        out = self.vectors.new_zeros(len(ids), int(lengths.max()), self.vectors.shape[1])
        for row, one in zip(out, ids, strict=True):
            row[: len(one)] = self.vectors[torch.tensor(list(one), device=device)]
        return out, lengths


def maps(audio: Tensor, words: Tensor) -> Tensor:
    """Frame × word similarities clamped at 0: (n, frames, dim), (n, words, dim) -> (n, frames, words).

    Padding of either is a zero row, so it scores 0.
    """
    return torch.bmm(audio, words.transpose(1, 2)).clamp(min=0.0)


def map_scores(found: Tensor, frames: Tensor, words: Tensor, reduction: Reduction) -> Tensor:
    """One score a map, shape (n,); lengths say what is padding."""
    if reduction == "stsq":
        return found.sum(dim=(1, 2)) / (frames * words)
    if reduction == "mqst":
        return found.amax(dim=2).sum(dim=1) / frames
    return found.amax(dim=1).sum(dim=1) / words


def impostors(clips: Sequence[str], generator: torch.Generator) -> tuple[list[int], list[int], list[int]]:
    """For each member of a batch another clip and another caption, of a clip that is not its own.

    Returns:
        anchors, impostor clips, impostor captions, as indices; a member without any other clip is left out.
    """
    anchors, audio, words = [], [], []
    for i, clip in enumerate(clips):
        others = [j for j, other in enumerate(clips) if other != clip]
        if others:
            picks = torch.randint(len(others), (2,), generator=generator).tolist()
            anchors.append(i)
            audio.append(others[picks[0]])
            words.append(others[picks[1]])
    return anchors, audio, words


def ranking_loss(
    audio: tuple[Tensor, Tensor],
    words: tuple[Tensor, Tensor],
    clips: Sequence[str],
    reduction: Reduction,
    margin: float,
    generator: torch.Generator,
) -> Tensor | None:
    """Triplet ranking loss of a batch: one impostor clip and one impostor caption per member.

    Returns:
        the mean over members of both hinges; None where the batch holds one clip only.
    """
    anchors, other_audio, other_words = impostors(clips, generator)
    if not anchors:
        return None

    def score(rows: list[int], columns: list[int]) -> Tensor:
        found = maps(audio[0][rows], words[0][columns])
        return map_scores(found, audio[1][rows], words[1][columns], reduction)

    right = score(anchors, anchors)
    by_audio = F.relu(margin + score(other_audio, anchors) - right)
    by_words = F.relu(margin + score(anchors, other_words) - right)
    return (by_audio + by_words).mean()
