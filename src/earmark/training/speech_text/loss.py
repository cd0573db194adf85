"""What is learnt: a pair's two vectors nearer to each other than to those of all others in the batch.

Sources: InfoNCE in both directions with a learnt temperature as in CLIP (Radford et al., ICML 2021); NT-Xent as in
SimCLR (Chen et al., ICML 2020), where vectors of the same kind are impostors, too.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

__all__ = ["info_nce", "nt_xent"]

_NEVER = -1e4


def info_nce(speech: Tensor, text: Tensor, scale: Tensor, alike: Tensor) -> Tensor:
    """Cross-entropy of telling one's partner from the others, the mean of both directions.

    Args:
        speech, text: unit rows ``(n, dim)``; row i of one belongs to row i of the other.
        scale: one over the temperature.
        alike: ``(n, n)`` bool, pairs that are no impostors though they are no partners; the diagonal does not count.
    """
    partners = torch.arange(len(speech), device=speech.device)
    logits = (scale * speech @ text.T).masked_fill(_without_diagonal(alike), _NEVER)
    return (functional.cross_entropy(logits, partners) + functional.cross_entropy(logits.T, partners)) / 2


def nt_xent(speech: Tensor, text: Tensor, scale: Tensor, alike: Tensor) -> Tensor:
    """As `info_nce`, over all ``2 n`` vectors at once: each tells its partner from ``2 n - 2`` impostors."""
    count = len(speech)
    every = torch.cat([speech, text])
    hidden = _without_diagonal(alike).repeat(2, 2) | torch.eye(2 * count, dtype=torch.bool, device=speech.device)
    logits = (scale * every @ every.T).masked_fill(hidden, _NEVER)
    partners = torch.arange(2 * count, device=speech.device).roll(count)
    return functional.cross_entropy(logits, partners)


def _without_diagonal(alike: Tensor) -> Tensor:
    return alike & ~torch.eye(len(alike), dtype=torch.bool, device=alike.device)
