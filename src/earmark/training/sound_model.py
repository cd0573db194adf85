"""The sound model's network: log-mel to one unit vector per frame, word-piece sums to one unit vector per text.

Audio: 3x3 convolutions that halve the bands four times and the time twice (20 ms in, 80 ms out), then residual
dilated convolutions along time, about 2.5 s to either side. It has no recurrence and no look at the whole clip, so
that what it says of a frame does not depend on how a long recording was cut.
Text: linear, plus a small gated correction, so that words never met in training still land near their neighbours.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import nn

__all__ = ["AudioEncoder", "ClipHead", "SoundModel", "SoundModelSettings", "TextEncoder"]


@dataclass(frozen=True)
class SoundModelSettings:
    bands: int = 64
    channels: tuple[int, ...] = (32, 64, 128, 192)
    width: int = 256
    dilations: tuple[int, ...] = (1, 2, 4, 8, 16)
    dim: int = 96
    text_dim: int = 192
    teacher_dim: int = 256


class _Stage(nn.Module):  # type: ignore[misc]
    """Two 3x3 convolutions and a shortcut; the first one strides."""

    def __init__(self, before: int, after: int, stride: tuple[int, int]) -> None:
        super().__init__()
        self.first = nn.Conv2d(before, after, 3, stride, 1, bias=False)
        self.second = nn.Conv2d(after, after, 3, 1, 1, bias=False)
        self.norms = nn.ModuleList([nn.BatchNorm2d(after), nn.BatchNorm2d(after)])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = F.relu(self.norms[0](self.first(x)))
        return F.relu(x + self.norms[1](self.second(x)))


class _Temporal(nn.Module):  # type: ignore[misc]
    """A residual dilated convolution along time."""

    def __init__(self, width: int, dilation: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(width)
        self.spread = nn.Conv1d(width, width, 3, padding=dilation, dilation=dilation, bias=False)
        self.inner = nn.BatchNorm1d(width)
        self.join = nn.Conv1d(width, width, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.join(F.relu(self.inner(self.spread(F.relu(self.norm(x))))))


class AudioEncoder(nn.Module):  # type: ignore[misc]
    """Log-mel ``(batch, bands, frames)`` to unit vectors ``(batch, frames / 4, dim)``; frames divide by four."""

    def __init__(self, s: SoundModelSettings) -> None:
        super().__init__()
        a, b, c, d = s.channels
        self.norm = nn.BatchNorm1d(s.bands)
        self.stem = nn.Conv2d(1, a, 3, 2, 1, bias=False)
        self.stem_norm = nn.BatchNorm2d(a)
        self.stages = nn.ModuleList([_Stage(a, b, (2, 1)), _Stage(b, c, (2, 2)), _Stage(c, d, (2, 1))])
        self.gather = nn.Conv1d(d * (s.bands // 16), s.width, 1)
        self.dropout = nn.Dropout(0.1)
        self.temporal = nn.ModuleList([_Temporal(s.width, dilation) for dilation in s.dilations])
        self.last_norm = nn.BatchNorm1d(s.width)
        self.project = nn.Conv1d(s.width, s.dim, 1)

    def features(self, mel: torch.Tensor) -> torch.Tensor:
        """Before the projection, ``(batch, width, frames / 4)``."""
        x = self.norm(mel).unsqueeze(1)
        if mel.is_cpu and self.training:
            x = x.contiguous(memory_format=torch.channels_last)
        x = F.relu(self.stem_norm(self.stem(x)))
        for stage in self.stages:
            x = stage(x)
        x = self.gather(self.dropout(x.flatten(1, 2)))
        for layer in self.temporal:
            x = layer(x)
        return F.relu(self.last_norm(x))

    def forward(self, mel: torch.Tensor) -> torch.Tensor:
        return F.normalize(self.project(self.features(mel)).transpose(1, 2).float(), dim=-1)


class TextEncoder(nn.Module):  # type: ignore[misc]
    """Sums of word-piece vectors ``(texts, text_dim)`` to unit vectors ``(texts, dim)``.

    A prior per text was tried, learned from the vector: on wordings never met it is noise, and costs 5 points of
    zero-shot accuracy. The text says what to listen for; how likely that is, only the audio says.
    """

    def __init__(self, s: SoundModelSettings) -> None:
        super().__init__()
        self.linear = nn.Linear(s.text_dim, s.dim, bias=False)
        self.widen = nn.Linear(s.text_dim, 2 * s.text_dim)
        self.narrow = nn.Linear(2 * s.text_dim, s.dim)
        self.dropout = nn.Dropout(0.2)

    def forward(self, pieces: torch.Tensor) -> torch.Tensor:
        x = F.normalize(pieces, dim=-1)
        hidden = self.narrow(self.dropout(F.gelu(self.widen(x * x.shape[-1] ** 0.5))))
        return F.normalize(self.linear(x * x.shape[-1] ** 0.5) + hidden, dim=-1)


class ClipHead(nn.Module):  # type: ignore[misc]
    """Unit vectors of frames ``(batch, frames, dim)`` to one unit vector a clip ``(batch, dim)``.

    It weighs the frames by themselves, so that a clip of any length can be had from frames that are already stored.
    """

    def __init__(self, s: SoundModelSettings, hidden: int = 64) -> None:
        super().__init__()
        self.attend = nn.Linear(s.dim, hidden)
        self.weigh = nn.Linear(hidden, 1)
        self.value = nn.Linear(s.dim, s.dim)

    def forward(self, frames: torch.Tensor) -> torch.Tensor:
        spread = frames * frames.shape[-1] ** 0.5
        share = torch.softmax(self.weigh(torch.tanh(self.attend(spread))), dim=1)
        return F.normalize(self.value((share * spread).sum(1)), dim=-1)


class SoundModel(nn.Module):  # type: ignore[misc]
    def __init__(self, settings: SoundModelSettings = SoundModelSettings()) -> None:
        super().__init__()
        self.settings = settings
        self.audio = AudioEncoder(settings)
        self.text = TextEncoder(settings)
        self.clip = ClipHead(settings)
        self.scale = nn.Parameter(torch.tensor(2.7))
        self.bias = nn.Parameter(torch.tensor(-6.0))
        self.clip_scale = nn.Parameter(torch.tensor(2.7))
        self.clip_bias = nn.Parameter(torch.tensor(-6.0))
        self.teacher = nn.Conv1d(settings.width, settings.teacher_dim, 1)

    def logits(self, frames: torch.Tensor, vectors: torch.Tensor) -> torch.Tensor:
        """Frames ``(batch, frames, dim)`` against texts: ``(batch, texts, frames)``, before the sigmoid."""
        cosine = torch.einsum("btd,kd->bkt", frames, vectors)
        return self.scale.exp() * cosine + self.bias

    def clip_logits(self, frames: torch.Tensor, vectors: torch.Tensor) -> torch.Tensor:
        """The clips these frames make against texts: ``(batch, texts)``, before the sigmoid."""
        return self.clip_scale.exp() * (self.clip(frames) @ vectors.T) + self.clip_bias


def receptive_seconds(dilations: Sequence[int], step_seconds: float = 0.08) -> float:
    """How far to either side a frame hears, at most."""
    return (sum(dilations) + 3) * step_seconds
