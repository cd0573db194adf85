"""The words a text is told by: those of its keywords, each once, by their keys."""

from __future__ import annotations

from earmark.language.keywords import keywords
from earmark.language.normaliser import normalise

__all__ = ["terms"]

MOST_KEYWORDS = 30


def terms(text: str, language: str | None = None, limit: int = MOST_KEYWORDS) -> list[str]:
    """Keys of the words of a text's keywords, the most telling first, each once.

    A text without keywords, of stop words only, is told by all its words.

    Args:
        language: as for `keywords`.
        limit: keywords looked at.
    """
    found = [token.key for keyword in keywords(text, language, limit) for token in normalise(keyword.text, language)]
    return list(dict.fromkeys(found or [token.key for token in normalise(text, language)]))
