"""Frozen encoders of others, by folder or name, through `transformers`: wav2vec 2.0 for speech, BERT for text.

Nothing is downloaded unless a name that is no folder is asked for, and then by `transformers`, as the user set it up.
They need torch; a model trained on them says so in its card.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from earmark.engines.speech_text.frames import paired
from earmark.errors import EngineError
from earmark.settings import SAMPLE_RATE

__all__ = ["BertTexts", "Wav2Vec2Frames"]


class Wav2Vec2Frames:
    """The last hidden states of a wav2vec 2.0 encoder.

    Args:
        where: a folder `save_pretrained` wrote, or a name `transformers` knows.

    Raises:
        EngineError: if it cannot be loaded.
    """

    def __init__(self, where: str) -> None:
        self.name = f"wav2vec2:{where}"
        self._torch, transformers = _packages(self.name)
        self._model = _load(transformers.Wav2Vec2Model, where, self.name)
        self.dim = int(self._model.config.hidden_size)
        self.step_seconds = 2 * int(np.prod(self._model.config.conv_stride)) / SAMPLE_RATE

    def frames(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        samples = np.pad(np.asarray(samples, np.float32), (0, max(0, SAMPLE_RATE // 2 - samples.size)))
        samples = (samples - samples.mean()) / (samples.std() + 1e-5)  # as its feature extractor does
        with self._torch.no_grad():
            hidden = self._model(self._torch.from_numpy(samples[None].astype(np.float32))).last_hidden_state[0]
        return paired(hidden.numpy())


class BertTexts:
    """The mean of a BERT encoder's last hidden states over a text's tokens.

    Args:
        where: as for `Wav2Vec2Frames`; the folder holds the tokenizer, too.

    Raises:
        EngineError: if it cannot be loaded.
    """

    def __init__(self, where: str) -> None:
        self.name = f"bert:{where}"
        self._torch, transformers = _packages(self.name)
        self._tokenizer = _load(transformers.AutoTokenizer, where, self.name)
        self._model = _load(transformers.BertModel, where, self.name)
        self.dim = int(self._model.config.hidden_size)

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Rows ``(len(texts), dim)``, of no particular length."""
        rows = [np.zeros((0, self.dim), np.float32)]
        for first in range(0, len(texts), 32):
            asked = self._tokenizer(
                list(texts[first : first + 32]), return_tensors="pt", padding=True, truncation=True, max_length=256
            )
            with self._torch.no_grad():
                hidden = self._model(**asked).last_hidden_state  # (texts, tokens, dim)
            mask = asked["attention_mask"][..., None]
            rows.append(((hidden * mask).sum(1) / mask.sum(1)).numpy())
        return np.concatenate(rows)


def _packages(name: str) -> tuple[Any, Any]:
    try:
        import torch
        import transformers
    except ImportError as exc:
        raise EngineError(
            name,
            expected="the packages torch and transformers",
            found=f"no package {exc.name}",
            hint="Run: pip install 'earmark[transformers]'",
        ) from exc
    return torch, transformers


def _load(kind: Any, where: str, name: str) -> Any:
    try:
        made = kind.from_pretrained(where)
    except (OSError, ValueError, TypeError, KeyError) as exc:
        raise EngineError(
            name,
            expected=f"a folder with a {kind.__name__}",
            found=" ".join(str(exc).split())[:120] or type(exc).__name__,
            hint="Check the path, or save one there with save_pretrained.",
        ) from exc
    return made.eval() if hasattr(made, "eval") else made
