from __future__ import annotations

import numpy as np
import pytest

from earmark.engines import registry
from earmark.engines.text.terms import TermEncoder


@pytest.fixture(scope="module")
def reader() -> TermEncoder:
    loaded: TermEncoder = registry.load("text", "terms")
    return loaded


def test_rows_have_length_one_and_an_empty_text_none(reader: TermEncoder) -> None:
    rows = reader.embed(["printing types", "کتاب", ""])
    assert rows.shape == (3, reader.dim)
    assert np.allclose(np.linalg.norm(rows, axis=1), [1, 1, 0], atol=1e-5)
    assert (reader.known_share("کتاب"), reader.known_share(" ")) == (1.0, 0.0)


def test_order_and_neighbours_do_not_matter(reader: TermEncoder) -> None:
    rows = reader.embed(["movable types printing", "printing movable types"])
    assert float(rows[0] @ rows[1]) == pytest.approx(1.0, abs=1e-5)


@pytest.mark.parametrize(
    ("word", "near", "far"),
    [("letter", "letters", "harbour"), ("کتاب", "کتابها", "دریا"), ("zyxquil", "zyxquill", "brandox")],
)
def test_an_inflection_is_nearer_than_another_word(reader: TermEncoder, word: str, near: str, far: str) -> None:
    rows = reader.embed([word, near, far])
    assert rows[0] @ rows[1] > rows[0] @ rows[2] + 0.2


def test_a_word_of_like_meaning_is_nearer_than_any_other(reader: TermEncoder) -> None:
    rows = reader.embed(["doctor", "physician", "harbour"])
    assert rows[0] @ rows[1] > rows[0] @ rows[2]
