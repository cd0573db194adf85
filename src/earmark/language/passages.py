"""What indexing stores of a passage and what finding asks with: the same strings, made the same way.

A passage (an utterance, a window of a transcript) becomes three lines of text, one field per token and the
fields parted by single spaces: its keys, its stems, its phones. They are columns of the library; the stems are
the column to build a full-text index on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from earmark.language.normaliser import normalise
from earmark.language.phonetics import phones_of
from earmark.language.script import ARABIC, script_of
from earmark.language.tokens import Token

__all__ = ["MAX_QUERY_TOKENS", "PassageStrings", "SpokenQuery", "fulltext_query", "passage_strings", "spoken_query"]

MAX_QUERY_TOKENS = 64
"""A longer query is matched by its first so many tokens: more than a passage holds, and time stays bounded."""


@dataclass(frozen=True, slots=True)
class PassageStrings:
    """Field ``i`` of each line belongs to token ``i`` of ``normalise(text, language)``; all empty for no token."""

    keys: str
    stems: str
    phones: str


@dataclass(frozen=True, slots=True)
class SpokenQuery:
    """Words to look for, normalised. Without tokens (only punctuation or emoji) it matches nothing."""

    text: str
    tokens: tuple[Token, ...]
    strings: PassageStrings

    @property
    def keys(self) -> tuple[str, ...]:
        return tuple(token.key for token in self.tokens)

    @property
    def stems(self) -> tuple[str, ...]:
        return tuple(token.stem for token in self.tokens)


def passage_strings(
    text: str, language: str | None = None, pronunciations: Mapping[str, str] | None = None
) -> PassageStrings:
    """The three lines of a passage.

    Args:
        text: as transcribed.
        language: as for `normalise`.
        pronunciations: a dictionary in CMU format (word -> "K AW1 AH"), asked before the spelling rules; query
            and passages must have been given the same one, or none.
    """
    return _strings(normalise(text, language), pronunciations)


def _strings(tokens: Sequence[Token], pronunciations: Mapping[str, str] | None) -> PassageStrings:
    return PassageStrings(
        " ".join(token.key for token in tokens),
        " ".join(token.stem for token in tokens),
        " ".join(phones_of(token.key, pronunciations) for token in tokens),
    )


def spoken_query(
    text: str, language: str | None = None, pronunciations: Mapping[str, str] | None = None
) -> SpokenQuery:
    """The query of a text; the arguments are those of `passage_strings`."""
    # A word is rarely longer than 40 characters: what lies past that many per token cannot be asked for.
    tokens = tuple(normalise(text[: 40 * MAX_QUERY_TOKENS], language)[:MAX_QUERY_TOKENS])
    return SpokenQuery(text, tokens, _strings(tokens, pronunciations))


def fulltext_query(query: SpokenQuery) -> str:
    """Terms for a full-text search over the stems, any of which makes a passage a candidate.

    The contract: over many passages (100,000), the library's full-text search with these terms, joined by OR,
    proposes candidates; their three lines go to `search_passages`. Terms are the stems, neighbouring stems
    joined ("lap top" finds "laptop"), and, for a Persian word of six letters or more, the two halves at every
    place it could be parted («پیادهروی» finds «پیاده‌روی»). Terms are parted by single spaces and free of
    query syntax. Misheard words share no term with the query: for those all passages are searched.
    """
    terms: dict[str, None] = dict.fromkeys(query.stems)
    for left, right in zip(query.stems, query.stems[1:], strict=False):
        terms[left + right] = None
    for stem in query.stems:
        if len(stem) >= 6 and script_of(stem[0]) == ARABIC:
            for cut in range(3, len(stem) - 2):
                terms[stem[:cut]] = None
                terms[stem[cut:]] = None
    return " ".join(terms)
