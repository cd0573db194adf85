"""AudioSep's separation network: a residual U-Net over magnitudes, steered by a phrase, that answers with a mask.

Rebuilt so that the published weights fit it: every module has the name its weights have in the checkpoint, which is
why the names here are the publisher's (`base`, `film`, `conv_block1`, `bn1`) and why it holds parts that are read but
not used: a second norm in every decoder with its own shift, and the Fourier kernels of the transform, which is done
by FFT here (to 1e-5 the same; the tests compare).

The magnitudes (2,048 samples, Hann, every 320 at 32 kHz) pass six encoders, a middle and six decoders. The phrase adds
one constant to each channel before each activation. Per bin come out a gain in (0, 1) and a turn of the phase.

Source: Liu et al., "Separate Anything You Describe", arXiv 2308.05037; Kong et al., "Decoupling Magnitude and Phase
Estimation with Deep ResUNet for Music Source Separation", ISMIR 2021.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

__all__ = ["HOP", "PHRASE_DIM", "STRIDE", "WINDOW", "ResUNet"]

WINDOW = 2_048
"""Samples in one frame of the transform."""
HOP = 320
"""Samples from one frame to the next."""
BINS = WINDOW // 2 + 1
PHRASE_DIM = 512
"""Size of the phrase's vector."""
SHRINK = 32
"""The encoders halve the frames five times."""
STRIDE = HOP * SHRINK
"""Samples by which the input can be moved and the answer moves with it."""
LEAST_MAGNITUDE = 1e-5
LEAST_TURN = 1e-10

WIDTHS = (32, 32, 64, 128, 256, 384, 384)
"""Channels before the first encoder and after each."""


def _activate(x: torch.Tensor, norm: nn.Module, shift: torch.Tensor) -> torch.Tensor:
    return F.leaky_relu_(norm(x).add_(shift), negative_slope=0.01)


class _Residual(nn.Module):  # type: ignore[misc]
    """Two 3x3 convolutions beside a shortcut, each after norm, shift and activation."""

    def __init__(self, path: str, before: int, after: int) -> None:
        super().__init__()
        self.shifts = {f"{path}->beta1": before, f"{path}->beta2": after}
        self.bn1 = nn.BatchNorm2d(before)
        self.bn2 = nn.BatchNorm2d(after)
        self.conv1 = nn.Conv2d(before, after, 3, padding=1, bias=False)
        self.conv2 = nn.Conv2d(after, after, 3, padding=1, bias=False)
        self.shortcut = nn.Conv2d(before, after, 1) if before != after else None

    def forward(self, x: torch.Tensor, shifts: dict[str, torch.Tensor]) -> torch.Tensor:
        first, second = (shifts[name] for name in self.shifts)
        y = self.conv1(_activate(x, self.bn1, first))
        y = self.conv2(_activate(y, self.bn2, second))
        return y + (x if self.shortcut is None else self.shortcut(x))


class _Encoder(nn.Module):  # type: ignore[misc]
    """A residual block, then the mean over `pool` frames and bins; gives both."""

    def __init__(self, path: str, before: int, after: int, pool: tuple[int, int]) -> None:
        super().__init__()
        self.pool = pool
        self.conv_block1 = _Residual(f"{path}->conv_block1", before, after)

    def forward(self, x: torch.Tensor, shifts: dict[str, torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
        whole = self.conv_block1(x, shifts)
        return F.avg_pool2d(whole, self.pool), whole


class _Decoder(nn.Module):  # type: ignore[misc]
    """Undoes an encoder: spreads over `pool` frames and bins, joins what that encoder gave, a residual block."""

    def __init__(self, path: str, before: int, after: int, pool: tuple[int, int]) -> None:
        super().__init__()
        self.shifts = {f"{path}->beta1": before, f"{path}->beta2": before}  # the second is never used, nor is bn2
        self.conv1 = nn.ConvTranspose2d(before, after, pool, pool, bias=False)
        self.bn1 = nn.BatchNorm2d(before)
        self.conv_block2 = _Residual(f"{path}->conv_block2", 2 * after, after)
        self.bn2 = nn.BatchNorm2d(before)

    def forward(self, x: torch.Tensor, beside: torch.Tensor, shifts: dict[str, torch.Tensor]) -> torch.Tensor:
        spread = self.conv1(_activate(x, self.bn1, shifts[next(iter(self.shifts))]))
        joined = self.conv_block2(torch.cat((spread, beside), dim=1), shifts)
        assert isinstance(joined, torch.Tensor)
        return joined


class _Kernels(nn.Module):  # type: ignore[misc]
    """Where the Fourier matrices of the checkpoint go: real and imaginary, for the way there or the way back."""

    def __init__(self, back: bool) -> None:
        super().__init__()
        rows, width = (WINDOW, WINDOW) if back else (BINS, 1)
        length = 1 if back else WINDOW
        self.conv_real = nn.Conv1d(width, rows, length, bias=False)
        self.conv_imag = nn.Conv1d(width, rows, length, bias=False)
        if back:
            self.register_buffer("ola_window", torch.zeros(WINDOW))


class _Base(nn.Module):  # type: ignore[misc]
    """Magnitudes ``(batch, 1, frames, BINS)`` and shifts to three maps of the same frames and bins."""

    def __init__(self) -> None:
        super().__init__()
        self.stft = _Kernels(back=False)
        self.istft = _Kernels(back=True)
        self.bn0 = nn.BatchNorm2d(BINS)
        self.pre_conv = nn.Conv2d(1, WIDTHS[0], 1)
        pools = [(2, 2)] * 5 + [(1, 2)]
        steps = list(zip(WIDTHS[:-1], WIDTHS[1:], pools, strict=True))
        for number, (before, after, pool) in enumerate(steps, 1):
            name = f"encoder_block{number}"
            self.add_module(name, _Encoder(name, before, after, pool))
        self.conv_block7a = _Encoder("conv_block7a", WIDTHS[-1], WIDTHS[-1], (1, 1))
        before = WIDTHS[-1]
        for number, (_, after, pool) in enumerate(reversed(steps), 1):
            name = f"decoder_block{number}"
            self.add_module(name, _Decoder(name, before, after, pool))
            before = after
        self.depth = len(steps)
        self.after_conv = nn.Conv2d(WIDTHS[0], 3, 1)

    def forward(self, magnitude: torch.Tensor, shifts: dict[str, torch.Tensor]) -> torch.Tensor:
        x = self.bn0(magnitude.transpose(1, 3)).transpose(1, 3)
        frames = x.shape[2]
        x = F.pad(x, (0, -1, 0, -frames % SHRINK))  # without the highest bin; frames to a multiple of SHRINK
        x = self.pre_conv(x)
        beside = []
        for number in range(1, self.depth + 1):
            x, whole = self.get_submodule(f"encoder_block{number}")(x, shifts)
            beside.append(whole)
        x, _ = self.conv_block7a(x, shifts)
        for number in range(1, self.depth + 1):
            x = self.get_submodule(f"decoder_block{number}")(x, beside.pop(), shifts)
        return F.pad(self.after_conv(x)[:, :, :frames], (0, 1))


class _Film(nn.Module):  # type: ignore[misc]
    """A phrase's vector ``(batch, PHRASE_DIM)`` to one shift per channel for every place that asks for one."""

    def __init__(self, sizes: dict[str, int]) -> None:
        super().__init__()
        for name, size in sizes.items():
            self.add_module(name, nn.Linear(PHRASE_DIM, size))

    def forward(self, phrase: torch.Tensor) -> dict[str, torch.Tensor]:
        return {name: layer(phrase)[:, :, None, None] for name, layer in self.named_children()}


class ResUNet(nn.Module):  # type: ignore[misc]
    """Mono samples at 32 kHz and a phrase's vector to a mask that leaves what the phrase describes."""

    def __init__(self) -> None:
        super().__init__()
        self.base = _Base()
        sizes: dict[str, int] = {}
        for module in self.base.modules():
            sizes.update(getattr(module, "shifts", {}))
        self.film = _Film(sizes)

    def forward(self, samples: torch.Tensor, phrase: torch.Tensor) -> torch.Tensor:
        """``(batch, n)`` with n > WINDOW // 2, and ``(batch, PHRASE_DIM)``, to complex ``(batch, frames, BINS)``.

        Frame ``i`` of ``n // HOP + 1`` is centred on sample ``i * HOP``. The highest bin is always 0.
        """
        window = torch.hann_window(WINDOW, device=samples.device)
        mixture = torch.stft(samples, WINDOW, HOP, window=window, return_complex=True).transpose(1, 2)
        magnitude = mixture.abs().clamp_min(LEAST_MAGNITUDE)  # (batch, frames, BINS)
        gain, along, across = self.base(magnitude[:, None], self.film(phrase)).float().unbind(1)
        turn = torch.complex(torch.tanh(along), torch.tanh(across))
        return torch.sigmoid(gain) * turn / turn.abs().clamp_min(LEAST_TURN)
