"""The built-in reader: unit vectors, near where texts mean the like, against a slow twin that adds up one by one."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from earmark.engines import registry
from earmark.engines.text import TextEncoder, pack, similarities
from earmark.engines.text.wordpieces import WEIGHTS, WordPieceEncoder
from earmark.errors import EngineError

TEXTS = ["We couldn't pay the rent.", "The dog barks at the postman", "", "rent", "كتاب‌ها"]


@pytest.fixture(scope="module")
def reader() -> TextEncoder:
    loaded: TextEncoder = registry.load("text", registry.names("text")[0])
    return loaded


def test_rows_are_unit_vectors_or_nothing(reader: TextEncoder) -> None:
    rows = reader.embed(TEXTS)
    assert rows.shape == (5, reader.dim) and rows.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), [1, 1, 0, 1, 0], atol=1e-5)
    assert reader.embed([]).shape == (0, reader.dim)
    assert not reader.embed(["", "كتاب"]).any()


def test_a_text_reads_the_same_alone_and_among_others(reader: TextEncoder) -> None:
    many = reader.embed(TEXTS * 500)  # more than one batch
    assert many.shape[0] == 2_500
    for row, text in zip(many[-5:], TEXTS, strict=True):
        np.testing.assert_allclose(row, reader.embed([text])[0], atol=1e-6)


def test_the_sum_is_what_adding_one_piece_after_the_other_gives(reader: TextEncoder) -> None:
    from tokenizers import Tokenizer

    pieces, scales, common = (np.load(WEIGHTS / f"{name}.npy").astype(float) for name in ("pieces", "scales", "common"))
    tokenizer = Tokenizer.from_file(str(WEIGHTS / "tokenizer.json"))
    total = np.zeros(reader.dim)
    for piece in tokenizer.encode("the dog barks at the postman", add_special_tokens=False).ids:
        total += pieces[piece] * scales[piece]
    total = total / np.linalg.norm(total) - common[0]
    for removed in common[1:]:
        total -= (total @ removed) * removed
    np.testing.assert_allclose(reader.embed([TEXTS[1]])[0], total / np.linalg.norm(total), atol=1e-5)


@pytest.mark.parametrize(
    ("question", "near", "far"),
    [
        ("money problems", "we could not pay the rent any more", "the dog ran across the field"),
        ("a doctor in a hospital", "the nurse looked after her patients", "he painted the fence green"),
        ("they were frightened", "all of us were scared to death", "the train leaves at nine"),
        ("cooking dinner", "put the potatoes in the oven for an hour", "the senator gave a speech"),
    ],
)
def test_other_words_for_the_same_are_nearer(reader: TextEncoder, question: str, near: str, far: str) -> None:
    asked, close, distant = reader.embed([question, near, far])
    assert asked @ close > asked @ distant + 0.1


def test_case_makes_no_difference(reader: TextEncoder) -> None:
    np.testing.assert_array_equal(*reader.embed(["Houston, We Have A Problem", "houston, we have a problem"]))


def test_what_is_known_of_a_text(reader: TextEncoder) -> None:
    assert reader.known_share("money problems") == 1.0
    assert reader.known_share("") == reader.known_share("کتاب‌ها را می‌خواهم") == 0.0
    assert 0.0 < reader.known_share("the word کتاب means book") < 1.0


def test_packed_rows_keep_their_cosines() -> None:
    generator = np.random.default_rng(0)
    rows = generator.standard_normal((20_000, 64)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    packed = pack(rows)
    assert packed.dtype == np.int8 and packed.shape == rows.shape
    np.testing.assert_allclose(similarities(packed, rows[3]), rows @ rows[3], atol=0.1)
    assert np.abs(similarities(packed, rows[3])[4:] - rows[4:] @ rows[3]).mean() < 0.01
    assert int(similarities(packed, rows[3]).argmax()) == 3
    assert similarities(packed[:0], rows[0]).shape == (0,)


def test_missing_files_are_named(tmp_path: Path) -> None:
    for path in WEIGHTS.iterdir():
        shutil.copy(path, tmp_path)
    WordPieceEncoder(tmp_path)
    (tmp_path / "common.npy").unlink()
    with pytest.raises(EngineError) as caught:
        WordPieceEncoder(tmp_path)
    assert str(caught.value) == (
        f"{tmp_path / 'common.npy'}: expected the word-piece table, found no such file. "
        "Reinstall earmark: pip install --force-reinstall earmark."
    )


def test_other_weights_are_another_engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from earmark.engines.text import wordpieces

    name = registry.stored_name("text", "wordpieces")
    assert name.startswith("wordpieces@")
    np.save(tmp_path / "pieces.npy", np.zeros((1, 1), np.int8))
    monkeypatch.setattr(wordpieces, "WEIGHTS", tmp_path)
    assert registry.stored_name("text", "wordpieces") != name
