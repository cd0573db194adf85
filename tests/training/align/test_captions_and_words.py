"""Cleaning captions; word2vec files in both formats, whole, cut off and broken."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from earmark.errors import FormatError
from earmark.training.align.captions import caption_words, read_spellings
from earmark.training.align.words import WordVectors, own_vectors, read_word2vec

VECTORS = {
    "dog": [1.0, 2.0, 3.0],
    "London": [-0.5, 0.25, 0.0],
    "bark": [4.0, 5.0, 6.0],
    "TV": [0.0, 0.0, 1.0],
}


def test_captions_lose_case_and_punctuation_and_find_their_spelling() -> None:
    assert caption_words("A dog's bark, and then: tyre-squeal!") == (
        "a", "dog", "bark", "and", "then", "tire", "squeal",
    )  # fmt: skip
    assert caption_words("inhales/exhales \u2014 it's 5 o'clock") == (
        "inhales", "exhales", "it", "is", "5", "oclock",
    )  # fmt: skip
    assert caption_words("clock_tick") == ("clock", "tick")
    assert caption_words("'train running'") == ("train", "running")
    assert caption_words(" ... !? ") == ()
    assert caption_words("grey", {}) == ("grey",)


def test_a_spelling_table_is_read_and_checked(tmp_path: Path) -> None:
    path = tmp_path / "spellings.tsv"
    path.write_text("# as found, as meant\nenigne\tengine\nbeepdoor\tbeep door\n")
    assert read_spellings(path) == {"enigne": "engine", "beepdoor": "beep door"}
    assert caption_words("an enigne", read_spellings(path)) == ("an", "engine")
    path.write_text("enigne\tengine\nwrong line\n")
    with pytest.raises(FormatError) as caught:
        read_spellings(path)
    assert str(caught.value) == (
        f"{path}:2: expected two columns separated by a tab: as found, as meant, found 'wrong line'. "
        "Write one spelling a line."
    )


def as_text(path: Path) -> Path:
    lines = [f"{word} {' '.join(map(str, row))}" for word, row in VECTORS.items()]
    path.write_text(f"{len(VECTORS)} 3\n" + "\n".join(lines) + "\n", encoding="utf-8")
    return path


def as_binary(path: Path, between: bytes = b"\n") -> Path:
    body = b"".join(word.encode() + b" " + np.array(row, "<f4").tobytes() + between for word, row in VECTORS.items())
    path.write_bytes(f"{len(VECTORS)} 3\n".encode() + body)
    return path


@pytest.mark.parametrize("form", ["text", "binary", "binary without line ends"])
def test_both_formats_give_the_words_asked_for_in_any_spelling(tmp_path: Path, form: str) -> None:
    path = tmp_path / "vectors"
    if form == "text":
        as_text(path)
    else:
        as_binary(path, b"\n" if form == "binary" else b"")
    found = read_word2vec(path, ["dog", "london", "barking", "tv", "unicorn", "dog"])
    assert list(found.rows) == ["dog", "london", "barking", "tv"]
    assert found.matrix[found.rows["barking"]].tolist() == VECTORS["bark"]  # by its stem
    assert found.matrix[found.rows["london"]].tolist() == VECTORS["London"]
    assert found.dim == 3
    assert "unicorn" not in found
    assert found.ids(["dog", "unicorn", "tv"]) == [0, 3]


def message(path: Path) -> str:
    with pytest.raises(FormatError) as caught:
        read_word2vec(path, ["dog"])
    return str(caught.value)


def test_a_file_that_was_cut_off_says_so(tmp_path: Path) -> None:
    path = as_binary(tmp_path / "vectors.bin")
    path.write_bytes(path.read_bytes()[:-8])
    assert message(path) == (
        f"{path}: expected 4 words, as its first line says, found the end of the file after 3. "
        "The file was cut off: fetch it again."
    )
    path = as_text(tmp_path / "vectors.txt")
    lines = path.read_text().splitlines()
    path.write_text("\n".join(lines[:-1]) + "\n")
    assert message(path) == (
        f"{path}:4: expected 4 words, as its first line says, found 3. The file was cut off: fetch it again."
    )
    path.write_text("\n".join([*lines[:2], "bark 4.0 5.0"]))
    assert message(path) == (
        f"{path}:3: expected a word and 3 numbers, found 3 columns. The file may have been cut off: fetch it again."
    )
    path.write_text("\n".join([*lines[:2], "bark 4.0 x 5.0"]))
    assert "found a text among the numbers" in message(path)


def test_a_file_without_a_header_or_a_file_at_all(tmp_path: Path) -> None:
    path = tmp_path / "vectors.txt"
    path.write_text("dog 1.0 2.0 3.0\n")
    assert message(path) == (
        f"{path}:1: expected two numbers, how many words and how many dimensions, found 'dog 1.0 2.0 3.0'. "
        "Pass a word2vec file, as text or binary, unpacked."
    )
    assert message(tmp_path / "none").endswith(
        "expected a word2vec file, found no such file. Check `words` in the config."
    )


def test_vectors_know_their_words() -> None:
    vectors = WordVectors({"a": 0}, np.zeros((1, 5), np.float32))
    assert (vectors.dim, "a" in vectors, "b" in vectors) == (5, True, False)


def test_the_packages_own_table_reads_english_words() -> None:
    vectors = own_vectors(["dog", "barking", "blender", "dog", "\u0633\u06af"])
    assert list(vectors.rows) == ["dog", "barking", "blender"]  # the table knows no Persian
    near, far = (vectors.matrix[0] @ vectors.matrix[i] for i in (1, 2))
    assert near > far
