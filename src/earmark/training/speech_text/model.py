"""The two towers: frames of speech to one vector, texts to one vector, in the same space.

Speech: a convolution over the frames at half their rate, then, over frames of a learnt encoder, a second one beside a
short cut; over log-mel, which knows nothing of sounds yet, another halving and a bidirectional GRU. Each of `heads`
parts of the vector is a mean over time with weights of its own.

Text: the words, each read by its letters (convolutions, and the strongest place of each channel), weighted and added
up, with the sum of its word pieces from the table in the install; or what a frozen BERT makes of it.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from earmark.engines.speech_text.spelling import LETTERS
from earmark.training.speech_text.settings import SpeechTextSettings

__all__ = ["AudioTower", "SentenceTower", "SpeechTextModel", "WordTower"]

LETTER_DIM = 64
LARGEST_SCALE = 100.0


class AudioTower(nn.Module):  # type: ignore[misc]
    """Frames ``(batch, n, input_dim)`` to unit rows ``(batch, dim)``."""

    def __init__(self, input_dim: int, width: int, dim: int, heads: int, recurrent: bool) -> None:
        super().__init__()
        self.heads = heads
        self.norm = nn.LayerNorm(input_dim)
        self.first = nn.Conv1d(input_dim, width, 5, stride=2, padding=2)
        size, stride = (5, 2) if recurrent else (3, 1)
        self.second = nn.Conv1d(width, width, size, stride=stride, padding=size // 2)
        self.gru = nn.GRU(width, width // 2, batch_first=True, bidirectional=True) if recurrent else None
        self.value = nn.Linear(width, dim)
        self.gate = nn.Linear(width, heads)

    def forward(self, frames: Tensor, lengths: Tensor | None = None) -> Tensor:
        """`lengths` ``(batch,)`` says how many frames of each row count; None: all."""
        hidden = self.norm(frames)
        if lengths is not None:
            hidden = hidden * _mask(lengths, hidden.shape[1])[..., None]
            lengths = (lengths + 1) // 2
        hidden = functional.gelu(self.first(hidden.transpose(1, 2)))  # (batch, width, n / 2)
        if lengths is not None:
            hidden = hidden * _mask(lengths, hidden.shape[2])[:, None]
        if self.gru is None:
            hidden = (hidden + functional.gelu(self.second(hidden))).transpose(1, 2)
        else:
            hidden = functional.gelu(self.second(hidden)).transpose(1, 2)
            lengths = None if lengths is None else (lengths + 1) // 2
            hidden = self._recur(hidden, lengths)
        value = self.value(hidden)  # (batch, frames, dim)
        gate = self.gate(hidden)  # (batch, frames, heads)
        if lengths is not None:
            gate = gate.masked_fill(~_mask(lengths, gate.shape[1])[..., None], -1e4)
        weights = gate.softmax(dim=1).transpose(1, 2)[:, :, None]  # (batch, heads, 1, frames)
        parts = value.unflatten(2, (self.heads, -1)).transpose(1, 2)  # (batch, heads, frames, dim / heads)
        return functional.normalize((weights @ parts).flatten(1), dim=1)

    def _recur(self, hidden: Tensor, lengths: Tensor | None) -> Tensor:
        assert self.gru is not None
        if lengths is None:
            return self.gru(hidden)[0]
        packed = nn.utils.rnn.pack_padded_sequence(hidden, lengths.cpu(), batch_first=True, enforce_sorted=False)
        return nn.utils.rnn.pad_packed_sequence(self.gru(packed)[0], batch_first=True, total_length=hidden.shape[1])[0]


class WordTower(nn.Module):  # type: ignore[misc]
    """Spelt words, how often each stands in each text, and sums of word pieces, to unit rows ``(texts, dim)``."""

    def __init__(self, width: int, dim: int, pieces_dim: int) -> None:
        super().__init__()
        self.letters = nn.Embedding(LETTERS, LETTER_DIM, padding_idx=0)
        self.first = nn.Conv1d(LETTER_DIM, width, 5, padding=2)
        self.second = nn.Conv1d(width, width, 3, padding=1)
        self.value = nn.Linear(width, dim)
        self.weight = nn.Linear(width, 1)
        self.pieces = nn.Linear(pieces_dim, dim, bias=False)

    def forward(self, letters: Tensor, counts: Tensor, pieces: Tensor) -> Tensor:
        hidden = functional.gelu(self.first(self.letters(letters).transpose(1, 2)))  # (words, width, letters)
        hidden = hidden + functional.gelu(self.second(hidden))
        hidden = hidden.masked_fill((letters == 0)[:, None], -1e4).amax(2)
        words = self.value(hidden) * functional.softplus(self.weight(hidden))  # (words, dim)
        words = words * (letters[:, :1] > 0)
        return functional.normalize(counts @ words + self.pieces(pieces), dim=1)


class SentenceTower(nn.Module):  # type: ignore[misc]
    """What a frozen encoder makes of texts, ``(texts, input_dim)``, to unit rows ``(texts, dim)``."""

    def __init__(self, input_dim: int, width: int, dim: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.LayerNorm(input_dim), nn.Linear(input_dim, width), nn.GELU(), nn.Linear(width, dim)
        )

    def forward(self, sentences: Tensor) -> Tensor:
        return functional.normalize(self.layers(sentences), dim=1)


class SpeechTextModel(nn.Module):  # type: ignore[misc]
    """Both towers and the learnt temperature.

    Args:
        frames_dim: of the speech encoder's frames.
        text_dim: of word-piece sums, or of the frozen text encoder.
    """

    def __init__(self, settings: SpeechTextSettings, frames_dim: int, text_dim: int) -> None:
        super().__init__()
        self.audio = AudioTower(
            frames_dim, settings.width, settings.dim, settings.heads, recurrent=settings.encoder == "logmel"
        )
        words = settings.text_encoder == "words"
        self.text: Any = (
            WordTower(settings.width, settings.dim, text_dim)
            if words
            else SentenceTower(text_dim, settings.width, settings.dim)
        )
        self.log_scale = nn.Parameter(torch.tensor(-math.log(settings.temperature)))

    @property
    def scale(self) -> Tensor:
        """One over the temperature."""
        return self.log_scale.clamp(max=math.log(LARGEST_SCALE)).exp()


def _mask(lengths: Tensor, size: int) -> Tensor:
    return torch.arange(size, device=lengths.device)[None] < lengths[:, None]
