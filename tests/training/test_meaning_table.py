"""The reader's table: it learns where texts point, and knows what all of them share."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs the train extra")


def test_the_fit_points_sums_where_the_encoder_points() -> None:
    from earmark.training.meaning_table import fit_meanings

    generator = np.random.default_rng(0)
    truth = generator.standard_normal((40, 24)).astype(np.float32)
    bags = [generator.integers(0, 40, size=4).tolist() for _ in range(600)]
    vectors = np.stack([truth[bag].sum(0) for bag in bags])
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    alone = truth + generator.standard_normal(truth.shape).astype(np.float32)
    frequency = np.full(40, 1e-3, np.float32)
    table, scores = fit_meanings(bags, vectors, alone, frequency, dim=16, epochs=30, rate=2e-2)
    assert table.shape == (40, 16) and len(scores) == 31
    assert scores[-1] > 0.95 > scores[0] + 0.05
    again, _ = fit_meanings(bags, vectors, alone, frequency, dim=16, epochs=30, rate=2e-2)
    np.testing.assert_array_equal(table, again)


def test_what_texts_share_is_their_mean_and_main_direction() -> None:
    from earmark.training.meaning_table import common_part

    table = np.array([[1, 0, 0], [1, 0.5, 0], [1, -0.5, 0], [1, 0, 0.1]], np.float32)
    mean, main = common_part(table, [[0], [1], [2], [3]])
    assert mean[0] > 0.9 and abs(main[1]) > 0.99 and np.linalg.norm(main) == pytest.approx(1.0, abs=1e-5)


def test_short_texts_are_cut_from_long_ones_and_none_comes_twice() -> None:
    from earmark.training.meaning_table import with_short_ones

    long = "one two three four five six seven eight"
    found = with_short_ones([long, long, "  ", "a short one"], count=5)
    assert found[:2] == [long, "a short one"] and len(found) == 3
    assert 2 <= len(found[2].split()) <= 6 and found[2] in long
