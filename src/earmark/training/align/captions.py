"""Captions as words: one case, no punctuation, common misspellings put right.

Fewer steps than the paper's: no lemmatising and no named entities, so no language model is downloaded. A
word that has no vector as written is tried in other cases and by its stem (`words`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from earmark.errors import FormatError

__all__ = ["SPELLINGS", "caption_words", "read_spellings"]

SPELLINGS: Mapping[str, str] = {
    "aeroplane": "airplane",
    "aircrafts": "aircraft",
    "amongst": "among",
    "can't": "cannot",
    "colour": "color",
    "deaccelerating": "decelerating",
    "doesn't": "does not",
    "don't": "do not",
    "enigne": "engine",
    "grey": "gray",
    "isn't": "is not",
    "it's": "it is",
    "moter": "motor",
    "neighbour": "neighbor",
    "plough": "plow",
    "sheeps": "sheep",
    "someones": "someone",
    "theatre": "theater",
    "tyre": "tire",
    "tyres": "tires",
    "whilst": "while",
    "wispering": "whispering",
}
"""Spellings that word vectors trained on American news do not know; a config may name a table of its own."""


def caption_words(text: str, spellings: Mapping[str, str] = SPELLINGS) -> tuple[str, ...]:
    """The words of a caption, lower-cased; empty for a caption of punctuation only.

    Slashes, dashes and underscores part words; an apostrophe is dropped with what follows it in "dog's", and joins in
    "o'clock".
    """
    text = text.lower().replace("\u2019", "'")
    words: list[str] = []
    for token in re.split(r"[\s_/\\–—-]+", text):
        token = re.sub(r"[^\w']+", "", token).strip("'_")
        token = spellings.get(token, token)
        for word in token.split():
            word = re.sub(r"'s$", "", word).replace("'", "")
            if word:
                words.append(word)
    return tuple(words)


def read_spellings(path: Path) -> dict[str, str]:
    """A table of two columns, separated by a tab: as found, as meant.

    Raises:
        FormatError: for a line without exactly two columns; with the line.
    """
    table: dict[str, str] = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        columns = line.split("\t")
        if len(columns) != 2 or not columns[0].strip():
            raise FormatError(
                f"{path}:{number}",
                expected="two columns separated by a tab: as found, as meant",
                found=repr(line[:60]),
                hint="Write one spelling a line.",
            )
        table[columns[0].strip().lower()] = columns[1].strip().lower()
    return table
