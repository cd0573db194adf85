"""What words are: one normaliser for index and query, how words match, how they sound, which ones matter.

    normalise(text)                   text -> tokens: key, stem, place in the text
    passage_strings(text)             what indexing stores of a passage: keys, stems, phones
    spoken_query(text)                what finding asks with
    search_passages(query, …)         passages -> matches, best first
    match(query, passage)             one passage -> every match in it
    probability(match)                how likely the words were really said there
    keywords(text)                    what a text is about
    terms(text)                       the words it is told by

Pure: no files but the packaged word lists, no library, no engine.
"""

from __future__ import annotations

from earmark.language.keywords import Keyword, keywords
from earmark.language.matching import Match, match, probability, search_passages
from earmark.language.normaliser import normalise, word_offsets, words_between
from earmark.language.passages import PassageStrings, SpokenQuery, fulltext_query, passage_strings, spoken_query
from earmark.language.script import language_of
from earmark.language.terms import terms
from earmark.language.tokens import Token

__all__ = [
    "Keyword",
    "Match",
    "PassageStrings",
    "SpokenQuery",
    "Token",
    "fulltext_query",
    "keywords",
    "language_of",
    "match",
    "normalise",
    "passage_strings",
    "probability",
    "search_passages",
    "spoken_query",
    "terms",
    "word_offsets",
    "words_between",
]
