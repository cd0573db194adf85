"""The table of the built-in reader (`engines/text/wordpieces.py`): a sentence encoder boiled down for running speech.

    python -m earmark.training.meaning_table TEXTS… --out FOLDER

TEXTS hold a text a line (the last column of a TSV). The shipped table was made from the 13,100 sentences of LJ Speech
(public domain), 2,500 AudioCaps captions (MIT), the English lines of African Storybook (CC BY), and 9,000 pieces of two
to six words of the first: 24,000 texts, twelve epochs.

Every word piece goes through the encoder alone and is reduced to the principal components of the texts; weights fall
with how frequent a piece is. Then vectors and weights are fitted, gently, so that sums point where the encoder points.
What each step gave on `bench/meaning.py` (R@5 and MRR, transcripts as recognised, windows of twenty words, whole
vectors): the table of the sound engine, made the same way for phrases about sounds, 0.60 and 0.42; pieces alone 0.73
and 0.52; without the first principal component of running speech 0.80 and 0.56; reduced to 256 dimensions 0.80 and
0.58; fitted at a rate of 5e-4 0.83 and 0.64 (at 2e-3, 0.77 and 0.53: it learns the texts by heart); with a contrastive
loss besides, no better. The encoder itself: 0.87 and 0.63.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from earmark.progress import Progress, ignore
from earmark.training.text_table import SentenceEncoder, save_table

__all__ = ["common_part", "fit_meanings", "pieces_alone", "with_short_ones"]


def with_short_ones(texts: Sequence[str], count: int = 9_000, seed: int = 0) -> list[str]:
    """The texts, and `count` runs of two to six of their words: people ask in few words."""
    generator = random.Random(seed)
    found = dict.fromkeys(text for text in texts if text.strip())
    long = [text.split() for text in found if len(text.split()) > 6]
    for words in generator.sample(long, min(count, len(long))):
        size = generator.randint(2, 6)
        first = generator.randrange(len(words) - size)
        found.setdefault(" ".join(words[first : first + size]).strip(' ,.;"'))
    return list(found)


def pieces_alone(
    encoder: SentenceEncoder, on_progress: Progress = ignore
) -> tuple[list[int], NDArray[np.float32], NDArray[np.float32]]:
    """Ids of the pieces worth keeping, their vectors ``(pieces, 384)``, and a guess of how frequent each is."""
    vocabulary: dict[str, int] = encoder.tokenizer.get_vocab()
    kept = sorted(i for word, i in vocabulary.items() if word.isascii() and not word.startswith("[unused"))
    alone = torch.tensor([[101, i, 102] for i in kept])
    rows = []
    for first in range(0, len(kept), 512):
        part = alone[first : first + 512]
        rows.append(encoder.hidden(part, torch.ones_like(part)).mean(1))
        on_progress("pieces", first + len(part), len(kept))
    rank = np.array([max(1, i - 1995) for i in kept], np.float32)  # WordPiece ids run from frequent to rare
    return kept, torch.cat(rows).numpy(), 1.0 / (10.0 * rank)


def fit_meanings(
    bags: Sequence[Sequence[int]],
    vectors: NDArray[np.float32],
    alone: NDArray[np.float32],
    frequency: NDArray[np.float32],
    dim: int = 256,
    epochs: int = 12,
    rate: float = 5e-4,
    seed: int = 0,
) -> tuple[NDArray[np.float32], list[float]]:
    """One vector a piece, weight folded in.

    Args:
        bags: rows of `alone` that each text has; none empty.
        vectors: what the encoder makes of each text, unit rows ``(texts, 384)``.
        alone, frequency: from `pieces_alone`.

    Returns:
        The table, shape ``(pieces, dim)``, and the mean cosine between a text's sum and its reduced encoder vector on
        a twentieth of the texts left out of the fit, before the first epoch and after each.
    """
    torch.manual_seed(seed)
    target = torch.from_numpy(vectors)
    mean = target.mean(0)
    directions = torch.linalg.svd(target - mean, full_matrices=False).Vh[:dim].T  # (384, dim)
    goal = F.normalize((target - mean) @ directions, dim=-1)
    pieces = torch.from_numpy(alone - alone.mean(0))
    table = torch.nn.Embedding.from_pretrained((pieces @ directions) / pieces.norm(dim=1).mean(), freeze=False)
    weight = torch.nn.Parameter(torch.log(1e-3 / (1e-3 + torch.from_numpy(frequency))))
    bias = torch.nn.Parameter(torch.zeros(directions.shape[1]))
    groups = [{"params": table.parameters(), "lr": rate}, {"params": [weight], "lr": 10 * rate}, {"params": [bias]}]
    optimiser = torch.optim.Adam(groups, lr=rate)
    flat = [torch.tensor(list(bag)) for bag in bags]
    order = torch.randperm(len(flat))
    held, fitted = order[: max(1, len(flat) // 20)], order[max(1, len(flat) // 20) :]

    def read(chosen: torch.Tensor) -> torch.Tensor:
        starts = torch.tensor([0, *[len(flat[index]) for index in chosen.tolist()]]).cumsum(0)[:-1]
        together = torch.cat([flat[index] for index in chosen.tolist()])
        sums = F.embedding_bag(together, table.weight * weight.exp()[:, None], starts, mode="sum")
        return F.normalize(F.normalize(sums, dim=-1) - bias, dim=-1)

    def score() -> float:
        with torch.no_grad():
            return float((read(held) * goal[held]).sum(-1).mean())

    scores = [score()]
    for _ in range(epochs):
        for chosen in fitted[torch.randperm(len(fitted))].split(1024):
            loss = 1 - (read(chosen) * goal[chosen]).sum(-1).mean()
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call,unused-ignore]
            optimiser.step()
        scores.append(score())
    with torch.no_grad():
        return (table.weight * weight.exp()[:, None]).numpy(), scores


def common_part(table: NDArray[np.float32], bags: Sequence[Sequence[int]], components: int = 1) -> NDArray[np.float32]:
    """What all texts share: the mean of their unit sums, then their first principal components; a row each."""
    sums = np.stack([table[list(bag)].sum(axis=0) for bag in bags])
    unit = sums / np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-9)
    mean = unit.mean(axis=0)
    directions = np.linalg.svd(unit - mean, full_matrices=False)[2][:components]
    return np.asarray(np.concatenate([mean[None], directions]), dtype=np.float32)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("texts", type=Path, nargs="+")
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    lines = [line for path in arguments.texts for line in path.read_text(encoding="utf-8").splitlines()]
    texts = with_short_ones([line.split("\t")[-1] for line in lines])
    encoder = SentenceEncoder()
    kept, alone, frequency = pieces_alone(encoder)
    row_of = {piece: row for row, piece in enumerate(kept)}
    bags = [[row_of[piece] for piece in encoder.pieces(text) if piece in row_of] for text in texts]
    some = [index for index, bag in enumerate(bags) if bag]
    vectors = encoder.encode([texts[index] for index in some])
    bags = [bags[index] for index in some]
    table, scores = fit_meanings(bags, vectors, alone, frequency)
    arguments.out.mkdir(parents=True, exist_ok=True)
    save_table(encoder, table, kept, arguments.out)
    np.save(arguments.out / "common.npy", common_part(table, bags[::4]))
    print(f"{len(bags)} texts; cosine with the encoder on texts left out: {scores[0]:.3f}, then {scores[-1]:.3f}")


if __name__ == "__main__":
    main()
