"""The token table of Moonshine, and how tokens become words.

``tokenizer.bin`` holds one piece a token, in the order of their ids: a length, then that many bytes. A
length below 128 is one byte; from 128 on it is two, the low seven bits first. Pieces are raw bytes, so a
letter beyond ASCII may be spread over several; a space is the character U+2581, as in SentencePiece.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from earmark.errors import EngineError

__all__ = ["BEGIN", "END", "FIRST_SPECIAL", "has_loop", "pieces_of", "words_of"]

BEGIN, END = 1, 2
FIRST_SPECIAL = 32_000
"""Tokens from here on mark things other than text."""

SPACE = "\u2581"
LOOP_REPEATS = 4
LOOP_TOKENS = 12


def pieces_of(path: Path) -> list[bytes]:
    """The piece of every token.

    Raises:
        EngineError: if the file ends inside a piece.
    """
    data = path.read_bytes()
    pieces: list[bytes] = []
    at = 0
    while at < len(data):
        length, at = data[at], at + 1
        if length >= 128 and at < len(data):
            length, at = length - 128 + 128 * data[at], at + 1
        if at + length > len(data):
            raise EngineError(
                str(path),
                expected="a table of tokens",
                found=f"one that breaks off in token {len(pieces)}",
                hint="Reinstall the package that carries it.",
            )
        pieces.append(data[at : at + length])
        at += length
    return pieces


def words_of(tokens: Sequence[int], logprobs: Sequence[float], pieces: Sequence[bytes]) -> list[tuple[str, float]]:
    """The words of a sequence of tokens with their probabilities: the geometric mean of their tokens'."""
    words: list[tuple[str, float]] = []
    text, scores = b"", list[float]()
    space = SPACE.encode()

    def finish() -> None:
        word = text.decode("utf-8", "replace").replace(SPACE, " ").replace("\ufffd", "").strip()
        if word:
            probability = math.exp(min(0.0, sum(scores) / len(scores)))
            words.extend((part, probability) for part in word.split())

    for token, logprob in zip(tokens, logprobs, strict=True):
        if token <= END or token >= FIRST_SPECIAL:
            continue
        piece = pieces[token]
        if piece.startswith((space, b" ")) and text:
            finish()
            text, scores = b"", []
        text += piece
        scores.append(logprob)
    finish()
    return words


def has_loop(tokens: Sequence[int]) -> bool:
    """Whether the end of `tokens` says the same thing over and over, as a lost decoder does.

    The last twelve tokens or more are then four or more repeats of one phrase.
    """
    count = len(tokens)
    for length in range(1, count // LOOP_REPEATS + 1):
        repeats = max(LOOP_REPEATS, -(-LOOP_TOKENS // length))
        if repeats * length > count:
            continue
        phrase = list(tokens[count - length :])
        if all(list(tokens[count - (i + 1) * length : count - i * length]) == phrase for i in range(1, repeats)):
            return True
    return False
