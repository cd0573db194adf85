"""The separator's network: a U-Net over a compressed spectrum, told by a text what to keep.

In goes the magnitude of a short-time spectrum, raised to 0.3; out comes a mask of the same size. Cells are folded four
by two into channels before the first convolution and unfolded after the last one, for the finest scale costs most and
gains least. After every block the text scales and shifts the channels (FiLM), so that already the first layers can
listen for what is asked.

Sources: U-Net, Ronneberger et al. 2015; for masking, Jansson et al. 2017. FiLM, Perez et al. 2018.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import nn

__all__ = ["Masker", "MaskerSettings"]


@dataclass(frozen=True)
class MaskerSettings:
    bins: int = 512
    """Bins the network sees; the one at half the sample rate is given the mask of its neighbour."""
    fold: tuple[int, int] = (4, 2)
    """Bins and frames of a cell of the finest scale."""
    channels: tuple[int, ...] = (32, 64, 128, 192)
    """At each scale, the finest first; frequency halves from each to the next, time up to the last but one."""
    dilations: tuple[int, ...] = (1, 2, 4)
    """Of the blocks at the coarsest scale, along time."""
    text_dim: int = 192
    """Size of the word-piece vectors."""
    condition: int = 128
    """Size of what the blocks are told of the text."""
    compression: float = 0.3
    """Power the magnitudes are raised to."""

    @property
    def time_factor(self) -> int:
        """Frames of the spectrum in one step of the coarsest scale."""
        return self.fold[1] * 2 ** (len(self.channels) - 2)


class _Block(nn.Module):  # type: ignore[misc]
    """Two 3x3 convolutions with a way around the second; the text scales and shifts what it found."""

    def __init__(
        self, before: int, after: int, condition: int, stride: tuple[int, int] = (1, 1), dilation: int = 1
    ) -> None:
        super().__init__()
        self.first = nn.Conv2d(before, after, 3, stride, (1, dilation), (1, dilation), bias=False)
        self.first_norm = nn.BatchNorm2d(after)
        self.second = nn.Conv2d(after, after, 3, 1, 1, bias=False)
        self.second_norm = nn.BatchNorm2d(after)
        self.tell = nn.Linear(condition, 2 * after)
        nn.init.normal_(self.tell.weight, std=0.02)
        nn.init.zeros_(self.tell.bias)

    def forward(self, x: torch.Tensor, told: torch.Tensor) -> torch.Tensor:
        x = F.relu(self.first_norm(self.first(x)))
        scale, shift = self.tell(told)[:, :, None, None].chunk(2, dim=1)
        return F.relu(x + self.second_norm(self.second(x)) * (1 + scale) + shift)


class Masker(nn.Module):  # type: ignore[misc]
    """Magnitudes and texts to masks; frames have to divide by `MaskerSettings.time_factor`."""

    def __init__(self, settings: MaskerSettings = MaskerSettings()) -> None:
        super().__init__()
        s = self.settings = settings
        widths, cells = s.channels, s.fold[0] * s.fold[1]
        self.linear = nn.Linear(s.text_dim, s.condition, bias=False)
        self.widen = nn.Linear(s.text_dim, 2 * s.text_dim)
        self.narrow = nn.Linear(2 * s.text_dim, s.condition)
        self.text_dropout = nn.Dropout(0.1)
        self.stem = nn.Conv2d(cells + 1, widths[0], 3, 1, 1, bias=False)
        self.stem_norm = nn.BatchNorm2d(widths[0])
        self.start = _Block(widths[0], widths[0], s.condition)
        strides = [(2, 2)] * (len(widths) - 2) + [(2, 1)]
        steps = list(zip(widths, widths[1:], strict=False))
        self.down = nn.ModuleList([_Block(a, b, s.condition, by) for (a, b), by in zip(steps, strides, strict=True)])
        self.middle = nn.ModuleList([_Block(widths[-1], widths[-1], s.condition, dilation=d) for d in s.dilations])
        self.lift = nn.ModuleList([nn.Conv2d(b, a, 1) for a, b in steps[::-1]])
        self.up = nn.ModuleList([_Block(a, a, s.condition) for a in widths[-2::-1]])
        self.strides = strides[::-1]
        self.last = nn.Conv2d(widths[0], cells, 3, 1, 1)

    def read(self, pieces: torch.Tensor) -> torch.Tensor:
        """Word-piece vectors ``(texts, text_dim)`` to what the blocks are told, ``(texts, condition)``."""
        x = F.normalize(pieces, dim=-1) * pieces.shape[-1] ** 0.5
        return self.linear(x) + self.narrow(self.text_dropout(F.gelu(self.widen(x))))

    def forward(self, magnitude: torch.Tensor, told: torch.Tensor) -> torch.Tensor:
        """``(batch, bins, frames)``, of audio with a root mean square near 1, to masks of that shape, as logits."""
        (high, wide), (batch, bins, frames) = self.settings.fold, magnitude.shape
        x = (magnitude + 1e-6).pow(self.settings.compression)
        x = x.view(batch, bins // high, high, frames // wide, wide).permute(0, 2, 4, 1, 3).flatten(1, 2)
        height = torch.linspace(-1.0, 1.0, bins // high, dtype=x.dtype, device=x.device)[None, None, :, None]
        x = torch.cat([x, height.expand(batch, 1, -1, frames // wide)], dim=1)
        x = x.contiguous(memory_format=torch.channels_last)
        x = self.start(F.relu(self.stem_norm(self.stem(x))), told)
        kept = [x]
        for block in self.down:
            x = block(x, told)
            kept.append(x)
        for block in self.middle:
            x = block(x, told)
        for lift, block, stride, beside in zip(self.lift, self.up, self.strides, kept[-2::-1], strict=True):
            x = F.interpolate(lift(x), scale_factor=(float(stride[0]), float(stride[1])), mode="nearest")
            x = block(x + beside, told)
        x = self.last(x).contiguous()
        x = x.view(batch, high, wide, bins // high, frames // wide).permute(0, 3, 1, 4, 2)
        return x.reshape(batch, bins, frames)
