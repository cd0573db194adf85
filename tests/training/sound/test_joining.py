"""The joint space says what the mean of the members' logits says."""

from __future__ import annotations

import numpy as np

from earmark.training.joining import join, shares


def unit(rows: np.ndarray) -> np.ndarray:
    return (rows / np.linalg.norm(rows, axis=-1, keepdims=True)).astype(np.float32)


def test_all_of_the_space_gives_the_mean_of_the_logits() -> None:
    draw = np.random.default_rng(0)
    frames, texts = unit(draw.standard_normal((2, 50, 8))), unit(draw.standard_normal((2, 5, 8)))
    scales = np.array([6.0, 9.0])
    matrices = join(frames, texts, shares(scales), 16)
    heard = np.einsum("mns,msd->nd", frames, matrices)
    asked = np.einsum("mns,msd->nd", texts, matrices)
    each = np.einsum("m,mfs,mts->ft", scales, frames, texts) / 2
    np.testing.assert_allclose(scales.mean() * heard @ asked.T, each, atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(heard, axis=1), 1.0, atol=1e-6)


def test_the_directions_that_are_used_are_kept() -> None:
    draw = np.random.default_rng(1)
    few = draw.standard_normal((50, 3))  # both members see the same three things, each in eight numbers of its own
    frames = unit(np.stack([few @ draw.standard_normal((3, 8)) for _ in range(2)]))
    matrices = join(frames, frames[:, :5], shares([4.0, 4.0]), 6)
    assert matrices.shape == (2, 8, 6)
    heard = np.einsum("mns,msd->nd", frames, matrices)
    np.testing.assert_allclose(np.linalg.norm(heard, axis=1), 1.0, atol=1e-5)


def test_one_member_is_left_as_it_is() -> None:
    rows = unit(np.random.default_rng(2).standard_normal((1, 9, 8)))
    np.testing.assert_array_equal(join(rows, rows, shares([5.0]), 8), np.eye(8)[None])
