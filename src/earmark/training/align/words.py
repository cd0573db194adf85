"""Word vectors: a word2vec file in either of its formats, or the package's own word-piece table.

Only the words asked for are kept, so that a 3.6 GB file needs no more memory than its vocabulary in use.

Source: the two formats are those of Mikolov's word2vec tool: a line "count dim", then per word the word and
its numbers, as text or as float32 after a space.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from earmark.errors import FormatError

__all__ = ["WordVectors", "own_vectors", "read_word2vec", "spellings_of"]


@dataclass(frozen=True)
class WordVectors:
    """Vectors of words, by their spelling in captions; rows of `matrix`, shape (words, dim)."""

    rows: dict[str, int]
    matrix: NDArray[np.float32]

    @property
    def dim(self) -> int:
        return int(self.matrix.shape[1])

    def __contains__(self, word: str) -> bool:
        return word in self.rows

    def ids(self, words: Sequence[str]) -> list[int]:
        """Rows of the words that have one."""
        return [self.rows[word] for word in words if word in self.rows]


def spellings_of(word: str) -> list[str]:
    """What to look a word up as, best first: as written, capitalised, in capitals, its stem."""
    import snowballstemmer

    stem = snowballstemmer.stemmer("english").stemWord(word)
    return list(dict.fromkeys([word, word.capitalize(), word.upper(), stem]))


def read_word2vec(path: Path, wanted: Sequence[str]) -> WordVectors:
    """The vectors of the words wanted that the file knows in some spelling.

    Raises:
        FormatError: for a file that is missing, has no header, is cut off, or has a line of another length.
    """
    spellings = {word: spellings_of(word) for word in dict.fromkeys(wanted)}
    asked = {spelling for options in spellings.values() for spelling in options}
    found: dict[str, NDArray[np.float32]] = {}
    try:
        with path.open("rb") as file:
            count, dim = _header(path, file.readline())
            entries = _binary(path, file, count, dim) if _is_binary(file, dim) else _text(path, file, count, dim)
            for word, vector in entries:
                if word in asked and word not in found:
                    found[word] = vector
    except FileNotFoundError as error:
        raise FormatError(
            path, expected="a word2vec file", found="no such file", hint="Check `words` in the config."
        ) from error
    rows: dict[str, int] = {}
    vectors: list[NDArray[np.float32]] = []
    for word, options in spellings.items():
        known = next((found[spelling] for spelling in options if spelling in found), None)
        if known is not None:
            rows[word] = len(vectors)
            vectors.append(known)
    return WordVectors(rows, np.array(vectors, dtype=np.float32).reshape(-1, dim))


def own_vectors(wanted: Sequence[str]) -> WordVectors:
    """Vectors of the package's own table, which reads any English word piece by piece."""
    from earmark.engines.sound import pieces

    table = pieces.WordPieces(Path(pieces.__file__).parent / "weights")
    words = list(dict.fromkeys(wanted))
    matrix = table.embed(words)
    known = np.flatnonzero(np.abs(matrix).sum(axis=1) > 0)
    return WordVectors({words[row]: i for i, row in enumerate(known)}, matrix[known])


def _header(path: Path, line: bytes) -> tuple[int, int]:
    try:
        count, dim = (int(text) for text in line.split())
        if count < 1 or dim < 1:
            raise ValueError
    except ValueError as error:
        raise FormatError(
            f"{path}:1",
            expected="two numbers, how many words and how many dimensions",
            found=repr(line[:40].decode("utf-8", "replace").strip()),
            hint="Pass a word2vec file, as text or binary, unpacked.",
        ) from error
    return count, dim


def _is_binary(file: BinaryIO, dim: int) -> bool:
    """Whether the vectors are float32: then the first line does not read as a word and `dim` numbers."""
    start = file.tell()
    line = file.readline(dim * 64 + 1024)
    file.seek(start)
    try:
        columns = line.decode("utf-8").split()
        for text in columns[1:]:
            float(text)
    except ValueError:
        return True
    return len(columns) < 2


def _text(path: Path, file: BinaryIO, count: int, dim: int) -> Iterator[tuple[str, NDArray[np.float32]]]:
    number = 1
    for number, line in enumerate(file, start=2):
        columns = line.decode("utf-8", "replace").rstrip().split(" ")
        try:
            if len(columns) != dim + 1:
                raise ValueError
            yield columns[0], np.array(columns[1:], dtype=np.float32)
        except ValueError as error:
            raise FormatError(
                f"{path}:{number}",
                expected=f"a word and {dim} numbers",
                found=f"{len(columns)} columns" if len(columns) != dim + 1 else "a text among the numbers",
                hint="The file may have been cut off: fetch it again.",
            ) from error
    if number - 1 < count:
        raise FormatError(
            f"{path}:{number}",
            expected=f"{count} words, as its first line says",
            found=f"{number - 1}",
            hint="The file was cut off: fetch it again.",
        )


def _binary(path: Path, file: BinaryIO, count: int, dim: int) -> Iterator[tuple[str, NDArray[np.float32]]]:
    for number in range(count):
        letters = bytearray()
        while (letter := file.read(1)) != b" ":
            if not letter:
                raise _cut_off(path, count, number)
            if letter != b"\n":
                letters += letter
        numbers = file.read(4 * dim)
        if len(numbers) < 4 * dim:
            raise _cut_off(path, count, number)
        yield letters.decode("utf-8", "replace"), np.frombuffer(numbers, dtype="<f4").astype(np.float32)


def _cut_off(path: Path, count: int, number: int) -> FormatError:
    return FormatError(
        path,
        expected=f"{count} words, as its first line says",
        found=f"the end of the file after {number}",
        hint="The file was cut off: fetch it again.",
    )
