"""Phrases to vectors, as AudioSep was steered in training: the text side of LAION-CLAP.

A RoBERTa of the size *base* reads the phrase; what it pools of the first token passes two linear layers and is
brought to length 1. Its weights are in AudioSep's checkpoint, its vocabulary is RoBERTa's own (``tokenizer.json``).

Source: Wu et al., "Large-scale Contrastive Language-Audio Pretraining with Feature Fusion", ICASSP 2023.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from earmark.engines.separator.audiosep.checkpoint import fill
from earmark.engines.separator.audiosep.network import PHRASE_DIM
from earmark.errors import EngineError, QueryError

__all__ = ["TOKENIZER", "PhraseEncoder"]

TOKENIZER = "tokenizer.json"
MOST_TOKENS = 512
PADDING = 1
"""RoBERTa's token for padding; positions are counted from the next number on."""


class PhraseEncoder:
    """
    Args:
        folder: with ``tokenizer.json``.
        weights: from `read_weights`.
        path: of the checkpoint, for messages.

    Raises:
        EngineError: if the tokenizer is missing or broken, or the weights are not those of the encoder.
    """

    def __init__(self, folder: Path, weights: Mapping[str, Mapping[str, Any]], path: Path, device: str) -> None:
        from tokenizers import Tokenizer
        from transformers import RobertaConfig, RobertaModel

        try:
            self._tokenizer = Tokenizer.from_file(str(folder / TOKENIZER))
        except Exception as exc:  # tokenizers raises bare Exception
            raise EngineError(
                folder / TOKENIZER,
                expected="RoBERTa's tokenizer",
                found=str(exc).splitlines()[0],
                hint="Run: earmark models pull audiosep",
            ) from exc
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(MOST_TOKENS)
        config = RobertaConfig(
            vocab_size=50_265, max_position_embeddings=MOST_TOKENS + PADDING + 1, type_vocab_size=1,
            layer_norm_eps=1e-5, pad_token_id=PADDING, bos_token_id=0, eos_token_id=2,
        )  # fmt: skip
        with torch.device("meta"):
            self._reader = RobertaModel(config)
            self._projection = nn.Sequential(nn.Linear(768, PHRASE_DIM), nn.ReLU(), nn.Linear(PHRASE_DIM, PHRASE_DIM))
        fill(self._reader, weights["reader"], "reader", path)
        fill(self._projection, weights["projection"], "projection", path)
        self._reader.eval()  # type: ignore[no-untyped-call, unused-ignore]
        self._device = device
        self._known: dict[str, torch.Tensor] = {}

    def embed(self, text: str) -> torch.Tensor:
        """A unit vector ``(1, PHRASE_DIM)``.

        Raises:
            QueryError: if the text is empty.
        """
        text = " ".join(text.split())
        if not text:
            raise QueryError(
                f"“{text}”",
                expected="a sound in words",
                found="an empty query",
                hint="Describe it: “a baby crying”.",
            )
        if text not in self._known:
            self._known[text] = self._encode(text).to(self._device)
        return self._known[text]

    @torch.inference_mode()  # type: ignore[untyped-decorator]
    def _encode(self, text: str) -> torch.Tensor:
        tokens = torch.tensor([self._tokenizer.encode(text).ids])  # (1, n)
        pooled = self._reader(
            input_ids=tokens,
            token_type_ids=torch.zeros_like(tokens),
            position_ids=torch.arange(tokens.shape[1])[None] + PADDING + 1,
        ).pooler_output
        return nn.functional.normalize(self._projection(pooled.float()), dim=-1)
