"""Both losses against the obvious way, one pair after the other."""

from __future__ import annotations

import math

import pytest

torch = pytest.importorskip("torch")

from earmark.training.speech_text.loss import info_nce, nt_xent  # noqa: E402


def vectors(seed: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.nn.functional.normalize(torch.randn(5, 4, generator=generator), dim=1)


def one(own: float, wrong: list[float]) -> float:
    return -own + math.log(sum(math.exp(score) for score in [own, *wrong]))


def alike() -> torch.Tensor:
    pairs = torch.eye(5, dtype=torch.bool)
    pairs[0, 3] = pairs[3, 0] = True
    return pairs


def test_info_nce_is_cross_entropy_in_both_directions() -> None:
    speech, text, scale = vectors(1), vectors(2), torch.tensor(7.0)
    scores = (scale * speech @ text.T).tolist()
    expected = 0.0
    for i in range(5):
        others = [j for j in range(5) if j != i and not alike()[i, j]]
        expected += one(scores[i][i], [scores[i][j] for j in others]) / 10
        expected += one(scores[i][i], [scores[j][i] for j in others]) / 10
    assert float(info_nce(speech, text, scale, alike())) == pytest.approx(expected, rel=1e-5)


def test_nt_xent_has_impostors_of_the_same_kind() -> None:
    speech, text, scale = vectors(1), vectors(2), torch.tensor(7.0)
    every = torch.cat([speech, text])
    scores = (scale * every @ every.T).tolist()
    expected = 0.0
    for i in range(10):
        partner = (i + 5) % 10
        others = [j for j in range(10) if j not in (i, partner) and (i % 5 == j % 5 or not alike()[i % 5, j % 5])]
        expected += one(scores[i][partner], [scores[i][j] for j in others]) / 10
    assert float(nt_xent(speech, text, scale, alike())) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("loss", [info_nce, nt_xent])
def test_perfect_pairs_cost_next_to_nothing(loss: object) -> None:
    rows = torch.eye(4)
    assert float(loss(rows, rows, torch.tensor(50.0), torch.eye(4, dtype=torch.bool))) < 1e-6  # type: ignore[operator]
