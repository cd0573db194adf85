"""Several networks' opinions as one vector: what they say together is one cosine, as what one of them says is.

The mean of the members' logits is itself a scaled cosine, of their vectors set end to end, each weighed by the root of
its share in the scale. Frames and texts fill few directions of that space: its first principal ones, as many as a
single member has, lose nothing that could be measured, so that averaging costs a library no byte.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["join", "shares"]


def shares(scales: Sequence[float]) -> NDArray[np.float32]:
    """The weight of each member's unit vector, shape ``(members,)``, from the scale of its cosines."""
    each = np.asarray(scales, dtype=np.float32)
    return np.asarray(np.sqrt(each / each.sum()), dtype=np.float32)


def join(
    frames: NDArray[np.float32], texts: NDArray[np.float32], weights: NDArray[np.float32], dim: int
) -> NDArray[np.float32]:
    """The matrices that take members' unit vectors into one space, where their weighed sums are compared.

    Args:
        frames: what the members say of the same frames, unit rows ``(members, frames, size)``.
        texts: and of the same texts, ``(members, texts, size)``.
        weights: from `shares`.
        dim: size of the joint space, at most ``members * size``.

    Returns:
        ``(members, size, dim)``: the joint vector is the sum over members of ``vector @ matrix``.
    """
    members, _, size = frames.shape
    if members == 1:
        return np.eye(size, dtype=np.float32)[None]
    moments = []
    for rows in (frames, texts):
        side = np.concatenate([w * one for w, one in zip(weights, rows, strict=True)], axis=1).astype(np.float64)
        moment = side.T @ side
        moments.append(moment / np.trace(moment))
    _, directions = np.linalg.eigh(moments[0] + moments[1])
    # The library keeps bytes of one scale: turned, no number of a vector carries much more than another.
    turn, _ = np.linalg.qr(np.random.default_rng(0).standard_normal((dim, dim)))
    basis = (directions[:, ::-1][:, :dim] @ turn).reshape(members, size, dim)
    return np.asarray(weights[:, None, None] * basis, dtype=np.float32)
