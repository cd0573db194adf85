from __future__ import annotations

import math
from pathlib import Path

import pytest

from earmark.engines.recogniser.tokens import has_loop, pieces_of, words_of
from earmark.errors import EngineError

PIECES = [b"<unk>", b"<s>", b"</s>", "▁Hel".encode(), b"lo", "▁w".encode(), b"\xc3", b"\xb6", b"rld", b"."]


def test_pieces_with_one_and_two_byte_lengths(tmp_path: Path) -> None:
    long = b"x" * 300
    file = tmp_path / "tokenizer.bin"
    file.write_bytes(b"\x02ab" + b"\x00" + bytes([128 + 300 % 128, 300 // 128]) + long)
    assert pieces_of(file) == [b"ab", b"", long]


def test_a_table_that_breaks_off(tmp_path: Path) -> None:
    file = tmp_path / "tokenizer.bin"
    file.write_bytes(b"\x02ab\x05abc")
    with pytest.raises(EngineError, match="expected a table of tokens, found one that breaks off in token 1"):
        pieces_of(file)


def test_words_and_their_probabilities() -> None:
    tokens = [3, 4, 5, 6, 7, 8, 9]
    logprobs = [math.log(0.5), math.log(0.125), *[math.log(0.8)] * 5]
    words = words_of(tokens, logprobs, PIECES)
    assert [text for text, _ in words] == ["Hello", "wörld."]
    assert [probability for _, probability in words] == pytest.approx([0.25, 0.8])


def test_half_a_letter_and_special_tokens_vanish() -> None:
    pieces = PIECES + [b"<<ST_0>>"] * 32_000
    assert words_of([1, 3, 6, 32_000], [0.0, 0.0, 0.0, -9.0], pieces) == [("Hel", 1.0)]
    assert words_of([6], [0.0], PIECES) == []
    assert words_of([], [], PIECES) == []


@pytest.mark.parametrize(
    ("tokens", "loops"),
    [
        ([7] * 12, True),
        ([7] * 11, False),
        ([1, 2, 3] * 4, True),
        ([1, 2, 3] * 3, False),
        ([9, 9, *[4, 5, 6, 7, 8] * 4], True),
        ([*[4, 5, 6, 7, 8] * 4, 9], False),
        (list(range(100)), False),
        ([], False),
    ],
)
def test_loops(tokens: list[int], loops: bool) -> None:
    assert has_loop(tokens) is loops
