"""Where the words of a query were said: exactly, inflected, nearly, or only in sound.

Every comparison ignores where the spaces are and then asks that a match begin and end at tokens of the
passage. So "laptop" is "lap top", «پیاده‌روی» is «پیادهروی» is «پیاده روی», and a name the recogniser wrote as
three words is one match with the edges of those three.

The four ways, tried in this order:

    exact        the same keys
    stem         the same stems
    near         a small edit distance between the spellings: a typing error, a word misheard, added or left out
    sound-alike  a small distance between the phones: "Kowalski" where "Cole wall ski" was written

The first two are substring searches. For the last two ``rapidfuzz.fuzz.partial_ratio`` (C++, about a microsecond
a passage) picks passages that hold something like the query, and only those are looked at closely: the windows of
tokens around the place are scored by normalised edit similarity and the best is kept.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from earmark.language.passages import PassageStrings, SpokenQuery
from earmark.language.phonetics import coarse, phone_similarity

__all__ = ["Match", "PassageTable", "Way", "match", "probability", "search_passages"]

Way = Literal["exact", "stem", "near", "sound-alike"]

_RESPACED = 0.99  # similarity of the same letters with other spaces
_STEM = 0.95  # similarity of the same stems
_SLACK = 12.0  # points of 100 by which the quick look may underrate what the close look accepts


@dataclass(frozen=True, slots=True)
class Match:
    """One place in a passage.

    Attributes:
        first_token, last_token: both inclusive, of the passage's tokens.
        similarity: in (0, 1]; 1.0 for the same keys.
        way: how it matched.
        length: phones of the query, which say how much a similarity is worth.
    """

    first_token: int
    last_token: int
    similarity: float
    way: Way
    length: int


def least_similarity(length: int) -> float:
    """What a near or sound-alike match of a query of so many phones must reach.

    A short word has many neighbours that are other words ("cat", "cut"), so it must sound the same; one wrong
    phone in five and up to three in ten are let through as the query gets longer.
    """
    if length <= 3:
        return 0.95
    return max(0.68, 0.90 - 0.03 * (length - 4))


class PassageTable:
    """Passages prepared for many queries; see `search_passages` for one."""

    def __init__(self, keys: Sequence[str], stems: Sequence[str], phones: Sequence[str]) -> None:
        if not len(keys) == len(stems) == len(phones):
            raise ValueError(f"PassageTable needs equal lengths, got {len(keys)}, {len(stems)} and {len(phones)}")
        self._keys, self._stems, self._phones = keys, stems, phones
        self._flat_keys = [line.replace(" ", "") for line in keys]
        self._flat_stems = [line.replace(" ", "") for line in stems]
        self._flat_phones = [coarse(line.replace(" ", "")) for line in phones]

    def __len__(self) -> int:
        return len(self._keys)

    def search(self, query: SpokenQuery, limit: int | None = None) -> list[tuple[int, Match]]:
        """See `search_passages`."""
        if not query.tokens or not len(self):
            return []
        flat = _Flat.of(query)
        found: list[tuple[int, Match]] = []
        settled: set[int] = set()
        for index, (line, stem_line) in enumerate(zip(self._flat_keys, self._flat_stems, strict=True)):
            if flat.keys in line or flat.stems in stem_line:
                places = _same(query, flat, self._keys[index], self._stems[index])
                if places:
                    settled.add(index)
                    found.extend((index, place) for place in places)
        for index in sorted(self._alike(flat) - settled):
            near = _near(flat, self._keys[index], self._stems[index], self._phones[index])
            if near is not None:
                found.append((index, near))
        found.sort(key=lambda item: -item[1].similarity)
        return found if limit is None else found[:limit]

    def _alike(self, flat: _Flat) -> set[int]:
        """Passages that hold something like the query, by spelling or by sound."""
        from rapidfuzz import fuzz, process

        least = 100 * flat.least - _SLACK
        indices: set[int] = set()
        columns = ((flat.keys, self._flat_keys, flat.least <= 0.9), (flat.coarse, self._flat_phones, True))
        for needle, lines, wanted in columns:
            if not wanted:
                continue
            scores = process.cdist([needle], lines, scorer=fuzz.partial_ratio, score_cutoff=least)[0]
            shortest = 0.6 * len(needle)  # `partial_ratio` would find a short passage inside a long query
            indices.update(int(i) for i in scores.nonzero()[0] if len(lines[i]) >= shortest)
        return indices


def search_passages(
    query: SpokenQuery,
    keys: Sequence[str],
    stems: Sequence[str],
    phones: Sequence[str],
    limit: int | None = None,
) -> list[tuple[int, Match]]:
    """Every match of a query in many passages, most similar first, those alike in the order of the passages.

    Args:
        query: from `spoken_query`.
        keys, stems, phones: lines of `passage_strings`, one per passage.
        limit: how many to return; None for all.

    Returns:
        ``(passage, match)``: all exact and inflected places of a passage, or else the best near one; empty
        where nothing is alike.

    Raises:
        ValueError: if the three sequences differ in length.
    """
    return PassageTable(keys, stems, phones).search(query, limit)


def match(query: SpokenQuery, passage: PassageStrings) -> list[Match]:
    """Every match of a query in one passage, as `search_passages`."""
    return [place for _, place in search_passages(query, [passage.keys], [passage.stems], [passage.phones])]


@dataclass(frozen=True, slots=True)
class _Flat:
    """The query without its spaces."""

    keys: str
    stems: str
    phones: str
    coarse: str
    least: float
    tokens: int

    @staticmethod
    def of(query: SpokenQuery) -> _Flat:
        phones = query.strings.phones.replace(" ", "")
        return _Flat(
            query.strings.keys.replace(" ", ""),
            query.strings.stems.replace(" ", ""),
            phones,
            coarse(phones),
            least_similarity(len(phones)),
            len(query.tokens),
        )


def _same(query: SpokenQuery, flat: _Flat, keys: str, stems: str) -> list[Match]:
    """The places with the same keys, then those with the same stems that no exact one overlaps."""
    length = len(flat.phones)
    key_tokens = keys.split(" ")
    wanted = list(query.keys)
    matches = [
        Match(first, last, 1.0 if key_tokens[first : last + 1] == wanted else _RESPACED, "exact", length)
        for first, last in _aligned(key_tokens, flat.keys)
    ]
    for first, last in _aligned(stems.split(" "), flat.stems):
        if all(last < other.first_token or first > other.last_token for other in matches):
            matches.append(Match(first, last, _STEM, "stem", length))
    return sorted(matches, key=lambda place: place.first_token)


def _aligned(tokens: Sequence[str], needle: str) -> list[tuple[int, int]]:
    """Runs of tokens that, written without spaces, are the needle; disjoint, from the left."""
    line = "".join(tokens)
    starts, ends, at = {}, {}, 0
    for index, token in enumerate(tokens):
        starts[at] = index
        at += len(token)
        ends[at] = index
    places, at = [], line.find(needle)
    while at >= 0:
        if at in starts and at + len(needle) in ends:
            places.append((starts[at], ends[at + len(needle)]))
            at = line.find(needle, at + len(needle))
        else:
            at = line.find(needle, at + 1)
    return places


def _near(flat: _Flat, keys: str, stems: str, phones: str) -> Match | None:
    """The run of tokens most like the query; None where none is like enough."""
    key_tokens, stem_tokens, phone_tokens = keys.split(" "), stems.split(" "), phones.split(" ")
    windows: set[tuple[int, int]] = set()
    for needle, tokens in ((flat.keys, key_tokens), (flat.coarse, [coarse(token) for token in phone_tokens])):
        windows |= _windows(needle, tokens)
    best: Match | None = None
    for first, last in sorted(windows, key=lambda window: (window[1] - window[0], window)):
        similarity, way = _similarity(flat, key_tokens, stem_tokens, phone_tokens, first, last)
        if similarity >= flat.least and (best is None or similarity > best.similarity):
            best = Match(first, last, similarity, way, len(flat.phones))
    return best


def _windows(needle: str, tokens: Sequence[str]) -> set[tuple[int, int]]:
    """Runs of tokens at the place most like the needle, with a token more or less at either end."""
    from rapidfuzz import fuzz

    place = fuzz.partial_ratio_alignment(needle, "".join(tokens))
    if place is None:
        return set()
    owner = [index for index, token in enumerate(tokens) for _ in token]
    if not owner:
        return set()
    first = owner[min(place.dest_start, len(owner) - 1)]
    last = owner[min(max(place.dest_end - 1, place.dest_start), len(owner) - 1)]
    top = len(tokens) - 1
    return {
        (a, b)
        for a in range(max(0, first - 1), min(top, first + 1) + 1)
        for b in range(max(0, last - 1), min(top, last + 1) + 1)
        if a <= b
    }


def _similarity(
    flat: _Flat, keys: Sequence[str], stems: Sequence[str], phones: Sequence[str], first: int, last: int
) -> tuple[float, Way]:
    """How alike the query and one run of tokens are, and by what; never as high as the same stems."""
    from rapidfuzz.distance import Levenshtein

    def spelt(needle: str, tokens: Sequence[str]) -> float:
        return Levenshtein.normalized_similarity(needle, "".join(tokens[first : last + 1]))

    # Spelling alone says little about a short word ("ward", "word"), so it must agree in sound as well.
    spelling = max(spelt(flat.keys, keys), _STEM * spelt(flat.stems, stems))
    sound = phone_similarity(flat.phones, "".join(phones[first : last + 1]))
    if spelling >= sound:
        return min(spelling, _STEM) if flat.tokens > 1 else min((spelling + sound) / 2, _STEM), "near"
    return min(sound, _STEM), "sound-alike"


# A logistic of similarity and length, for near and sound-alike matches; the same words as they were recognised are
# as sure as the recogniser.
_EXACT, _SAME_STEM = 0.97, 0.90
_BIAS, _PER_SIMILARITY, _PER_PHONE = -12.0, 13.0, 0.08


def probability(found: Match) -> float:
    """How likely the query was said at the match, in (0, 1)."""
    if found.way == "exact":
        return _EXACT if found.similarity == 1.0 else _EXACT - 0.02
    if found.way == "stem":
        return _SAME_STEM
    logit = _BIAS + _PER_SIMILARITY * found.similarity + _PER_PHONE * min(found.length, 20)
    return 1.0 / (1.0 + math.exp(-logit))
