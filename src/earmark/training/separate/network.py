"""The separator's network: a U-Net that tells of every patch of a spectrum what it sounds like, and a text to ask it.

In goes the magnitude of a short-time spectrum, raised to 0.3; out comes a mask of the same size. Cells are folded four
by four into channels before the first convolution and unfolded after the last one, for the finest scale costs most and
gains least. The convolutions do not know what will be asked: they give every patch of 125 Hz by 128 ms a vector, whose
product with the text's says how much it is like that, and every cell features that the text's own last layer reads. So
one look at a mixture answers any number of questions, and training can ask for many sounds that are not there.

Sources: U-Net, Ronneberger et al. 2015; for masking, Jansson et al. 2017. A layer whose weights are made from what is
asked: Ha et al., "HyperNetworks", 2017.
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
    fold: tuple[int, int] = (4, 4)
    """Bins and frames of a cell of the finest scale."""
    channels: tuple[int, ...] = (32, 96, 160, 224)
    """At each scale, the finest first; frequency halves from each to the next, time up to the last but one."""
    dilations: tuple[int, ...] = (1, 2)
    """Of the blocks at the coarsest scale, along time."""
    text_dim: int = 192
    """Size of the word-piece vectors."""
    meaning: int = 96
    """Size of the vectors of texts and patches: that of the sound engine's, which reading texts starts from."""
    compression: float = 0.3
    """Power the magnitudes are raised to."""

    @property
    def time_factor(self) -> int:
        """Frames of the spectrum in one step of the coarsest scale."""
        return int(self.fold[1] * 2 ** (len(self.channels) - 2))


class _Block(nn.Module):  # type: ignore[misc]
    """Two 3x3 convolutions with a way around the second."""

    def __init__(self, before: int, after: int, stride: tuple[int, int] = (1, 1), dilation: int = 1) -> None:
        super().__init__()
        self.first = nn.Conv2d(before, after, 3, stride, (1, dilation), (1, dilation), bias=False)
        self.first_norm = nn.BatchNorm2d(after)
        self.second = nn.Conv2d(after, after, 3, 1, 1, bias=False)
        self.second_norm = nn.BatchNorm2d(after)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = F.relu(self.first_norm(self.first(x)))
        return F.relu(x + self.second_norm(self.second(x)))


class Masker(nn.Module):  # type: ignore[misc]
    """Magnitudes and texts to masks; frames have to divide by `MaskerSettings.time_factor`."""

    def __init__(self, settings: MaskerSettings = MaskerSettings()) -> None:
        super().__init__()
        s = self.settings = settings
        widths, cells = s.channels, s.fold[0] * s.fold[1]
        self.hear_linear = nn.Linear(s.text_dim, s.meaning, bias=False)
        self.hear_widen = nn.Linear(s.text_dim, 2 * s.text_dim)
        self.hear_narrow = nn.Linear(2 * s.text_dim, s.meaning)
        self.stem = nn.Conv2d(cells + 1, widths[0], 3, 1, 1, bias=False)
        self.stem_norm = nn.BatchNorm2d(widths[0])
        self.start = _Block(widths[0], widths[0])
        strides = [(2, 2)] * (len(widths) - 2) + [(2, 1)]
        steps = list(zip(widths, widths[1:], strict=False))
        self.down = nn.ModuleList([_Block(a, b, by) for (a, b), by in zip(steps, strides, strict=True)])
        self.middle = nn.ModuleList([_Block(widths[-1], widths[-1], dilation=d) for d in s.dilations])
        self.lift = nn.ModuleList([nn.Conv2d(b, a, 1) for a, b in steps[::-1]])
        self.up = nn.ModuleList([_Block(a, a) for a in widths[-2::-1]])
        self.strides = strides[::-1]
        self.patch = nn.Conv2d(widths[1], s.meaning, 1)
        self.answer = nn.Linear(s.meaning, cells * widths[0])
        nn.init.normal_(self.answer.weight, std=0.1 * s.meaning**-0.5)
        nn.init.normal_(self.answer.bias, std=0.3 * widths[0] ** -0.5)
        self.bias = nn.Parameter(torch.tensor(-3.0))
        self.gain = nn.Parameter(torch.tensor(0.5))
        self.offset = nn.Parameter(torch.tensor(1.5))

    def hear(self, pieces: torch.Tensor) -> torch.Tensor:
        """Word-piece vectors ``(..., text_dim)`` to what they mean in sound: unit vectors ``(..., meaning)``."""
        x = F.normalize(pieces, dim=-1) * pieces.shape[-1] ** 0.5
        return F.normalize(self.hear_linear(x) + self.hear_narrow(F.gelu(self.hear_widen(x))), dim=-1)

    def look(self, magnitude: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """``(batch, bins, frames)``, of audio with a root mean square near 1, to the vectors of its patches,
        ``(batch, meaning, bins / 8, frames / 8)``, and features of its cells, ``(batch, channels, bins / 4,
        frames / 4)``."""
        (high, wide), (batch, bins, frames) = self.settings.fold, magnitude.shape
        x = (magnitude + 1e-6).pow(self.settings.compression)
        x = x.view(batch, bins // high, high, frames // wide, wide).permute(0, 2, 4, 1, 3).flatten(1, 2)
        height = torch.linspace(-1.0, 1.0, bins // high, dtype=x.dtype, device=x.device)[None, None, :, None]
        x = torch.cat([x, height.expand(batch, 1, -1, frames // wide)], dim=1)
        x = x.contiguous(memory_format=torch.channels_last)
        x = self.start(F.relu(self.stem_norm(self.stem(x))))
        kept = [x]
        for block in self.down:
            x = block(x)
            kept.append(x)
        for block in self.middle:
            x = block(x)
        patches = x
        for lift, block, stride, beside in zip(self.lift, self.up, self.strides, kept[-2::-1], strict=True):
            patches = x
            x = F.interpolate(lift(x), scale_factor=(float(stride[0]), float(stride[1])), mode="nearest")
            x = block(x + beside)
        return self.patch(patches), x

    def liken(self, patches: torch.Tensor, meaning: torch.Tensor) -> torch.Tensor:
        """How much each patch is like texts, as logits: ``(batch, texts, bins / 8, frames / 8)``.

        Args:
            meaning: ``(batch, texts, meaning)``, or ``(texts, meaning)`` to ask the same of all.
        """
        return torch.einsum("qk,bkhw->bqhw" if meaning.ndim == 2 else "bqk,bkhw->bqhw", meaning, patches) + self.bias

    def masks(self, likeness: torch.Tensor, cells: torch.Tensor, meaning: torch.Tensor) -> torch.Tensor:
        """Masks as logits ``(batch, texts, bins, frames)``, for texts ``(batch, texts, meaning)``."""
        (high, wide), (batch, channels, rows, columns) = self.settings.fold, cells.shape
        texts = meaning.shape[1]
        layer = self.answer(meaning).view(batch, texts * high * wide, channels)
        fine = torch.bmm(layer, cells.flatten(2)).view(batch, texts, high, wide, rows, columns)
        coarse = F.interpolate(likeness, scale_factor=(2.0, 2.0), mode="nearest")
        fine = fine + (self.gain * coarse + self.offset)[:, :, None, None]
        return fine.permute(0, 1, 4, 2, 5, 3).reshape(batch, texts, rows * high, columns * wide)

    def forward(self, magnitude: torch.Tensor, pieces: torch.Tensor) -> torch.Tensor:
        """Magnitudes ``(batch, bins, frames)`` and one text for each to masks of that shape, as logits."""
        patches, cells = self.look(magnitude)
        meaning = self.hear(pieces)[:, None]
        return self.masks(self.liken(patches, meaning), cells, meaning)[:, 0]
