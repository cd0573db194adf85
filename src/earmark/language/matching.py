"""Where the words of a query were said: exactly, inflected, nearly, or only in sound.

Every comparison ignores where the spaces are and then asks that a match begin and end at tokens of the
passage. So "laptop" is "lap top", «پیاده‌روی» is «پیادهروی» is «پیاده روی», and a name the recogniser wrote
as three words is one match with the edges of those three.

The ways, tried in this order:

    exact        the same keys
    stem         the same stems
    in order     all the stems one after another, with a few other words between them
    near         a small edit distance between the spellings: a typing error, a word left out or misheard
    sound-alike  a small weighted distance between the phones: "Kowalski" where "Cole wall ski" was written

The first are searches for substrings and stems. For the last two ``rapidfuzz.fuzz.partial_ratio`` (C++, a
microsecond or two a passage) picks the passages that hold something like the query, and only the best
`CANDIDATES` of them are aligned. Over more than `SCANNED` passages, `signatures` proposes the few worth all that.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Literal

from earmark.language.passages import PassageStrings, SpokenQuery
from earmark.language.phonetics import coarse, phone_costs

if TYPE_CHECKING:
    from earmark.language.alignment import Fit
    from earmark.language.signatures import Signatures

__all__ = ["Match", "PassageTable", "Way", "match", "probability", "search_passages"]

Way = Literal["exact", "stem", "in order", "near", "sound-alike"]

CANDIDATES = 512
"""At most so many passages are aligned for one query."""
SCANNED = 10_000
"""Up to so many passages every one is looked at; above, `signatures` says which."""
_RESPACED = 0.99  # similarity of the same letters with other spaces
# Not measured, since nothing says what a user means by them: two words with one between them are given about even
# chances, more words better ones.
_SPREAD, _PER_WORD_BETWEEN = 0.78, 0.02
_LEAST_PROBABILITY = 0.004  # a recogniser unsure of the words can raise it tenfold, no more
_STEM = 0.95  # similarity of the same stems; near and sound-alike matches stay below it


@dataclass(frozen=True, slots=True)
class Match:
    """One place in a passage.

    Attributes:
        first_token, last_token: both inclusive, of the passage's tokens.
        similarity: in (0, 1]; 1.0 for the same keys.
        way: how it matched.
        length: phones of the query; the longer, the less a similarity can be chance.
        rivals: how many of the searched passages hold these same words and match by them; common words that
            only resemble the query are mostly themselves.
        known: whether the query stands exactly in some searched passage, so that the recogniser knows it.
    """

    first_token: int
    last_token: int
    similarity: float
    way: Way
    length: int
    rivals: int = 1
    known: bool = False


def least_similarity(length: int) -> float:
    """What a near or sound-alike match of a query of so many phones must reach to be looked at.

    Low on purpose: `probability` judges, and what it holds for less than `_LEAST_PROBABILITY` is dropped. A
    short word has so many neighbours that are other words ("cat", "cut") that it must be more alike.
    """
    return 0.75 if length <= 3 else max(0.50, 0.64 - 0.01 * length)


class PassageTable:
    """Passages prepared for many queries; see `search_passages` for one."""

    def __init__(self, keys: Sequence[str], stems: Sequence[str], phones: Sequence[str]) -> None:
        if not len(keys) == len(stems) == len(phones):
            lengths = f"{len(keys)}, {len(stems)} and {len(phones)}"
            raise ValueError(f"PassageTable needs as many keys as stems and phones, got {lengths}")
        self._keys, self._stems, self._phones = keys, stems, phones
        self._flat_keys = [line.replace(" ", "") for line in keys]
        self._flat_stems = [line.replace(" ", "") for line in stems]
        self._flat_phones = [coarse(line.replace(" ", "")) for line in phones]
        self._signatures: Signatures | None = None

    def __len__(self) -> int:
        return len(self._keys)

    def search(self, query: SpokenQuery, limit: int | None = None) -> list[tuple[int, Match]]:
        """See `search_passages`."""
        if not query.tokens or not len(self):
            return []
        flat = _Flat.of(query)
        found: list[tuple[int, Match]] = []
        settled: set[int] = set()
        known = False
        whole, part = self._proposed(flat)
        exact = 0
        for index in whole:
            if limit is not None and exact >= limit:
                break
            if flat.keys in self._flat_keys[index] or flat.stems in self._flat_stems[index]:
                places = _same(query, flat, self._keys[index], self._stems[index])
                if places:
                    settled.add(index)
                    known = True
                    exact += sum(place.similarity == 1.0 for place in places)
                    found.extend((index, place) for place in places)
                    continue
            if flat.spreads and all(stem in self._flat_stems[index] for stem in query.stems):
                spread = _in_order(query.stems, self._stems[index].split(" "), len(flat.phones))
                if spread is not None:
                    settled.add(index)
                    found.append((index, spread))
        found.extend(self._alike(flat, [index for index in part if index not in settled], known))
        found.sort(key=lambda item: -item[1].similarity)
        return found if limit is None else found[:limit]

    def _proposed(self, flat: _Flat) -> tuple[Iterable[int], Iterable[int]]:
        """Passages to search for the words themselves, and those to search for words like them.

        All of them up to `SCANNED`; above, those that share runs of phones with the query.
        """
        everything = range(len(self))
        if len(self) <= SCANNED:
            return everything, everything
        import numpy as np

        from earmark.language.signatures import Signatures

        if self._signatures is None:
            self._signatures = Signatures(self._flat_phones)
        counts, runs = self._signatures.shared(flat.coarse)
        if runs == 0:
            return everything, ()
        # A stem is a beginning of its inflections, so it has most of their runs.
        whole = np.flatnonzero(counts >= max(1, runs // 2))
        best = np.argsort(-counts.astype(np.int16), kind="stable")[: 4 * CANDIDATES]
        return whole.tolist(), best[counts[best] >= max(1, runs // 4)].tolist()

    def _alike(self, flat: _Flat, indices: Sequence[int], known: bool) -> list[tuple[int, Match]]:
        """The best near or sound-alike place of each of these passages that has one."""
        from earmark.language.alignment import best_fits

        chosen = self._candidates(flat, indices)
        spelt = best_fits(flat.keys, [self._keys[i] for i in chosen])
        sounding = best_fits(flat.phones, [self._phones[i] for i in chosen], phone_costs())
        found: list[tuple[int, str, Match]] = []
        for index, spelling, sound in zip(chosen, spelt, sounding, strict=True):
            place = _nearer(flat, spelling, sound)
            if place is None:
                continue
            words = self._keys[index].split(" ")[place.first_token : place.last_token + 1]
            # Words that differ by a letter may be the same misheard; numbers that do are other numbers. A number
            # may still be a word that sounds like it ("for people").
            numbers = _numbers(words)
            if numbers == flat.numbers or (place.way == "sound-alike" and not (numbers and flat.numbers)):
                found.append((index, " ".join(words), place))
        rivals = Counter(words for _, words, _ in found)
        judged = [(i, replace(place, rivals=rivals[words], known=known)) for i, words, place in found]
        return [(i, place) for i, place in judged if probability(place) >= _LEAST_PROBABILITY]

    def _candidates(self, flat: _Flat, indices: Sequence[int]) -> list[int]:
        """Of these passages those that hold something like the query; the best `CANDIDATES`, in order."""
        import numpy as np
        from rapidfuzz import fuzz, process

        if not indices:
            return []
        cutoff = 100 * flat.least - 4
        best = np.zeros(len(indices), dtype=np.float32)
        for needle, lines in ((flat.keys, self._flat_keys), (flat.coarse, self._flat_phones)):
            chosen = [lines[i] for i in indices]
            scores = process.cdist([needle], chosen, scorer=fuzz.partial_ratio, score_cutoff=cutoff)[0]
            best = np.maximum(best, scores)
        # Stable, so that of passages alike the first are kept.
        order = np.argsort(-best, kind="stable")[:CANDIDATES]
        shortest = 0.6 * len(flat.keys)  # `partial_ratio` would find a short passage inside a long query
        near = (indices[i] for i in order if best[i] > 0)
        return sorted(i for i in near if len(self._flat_keys[i]) >= shortest)


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
        ``(passage, match)``: all exact and inflected places of a passage, or else the shortest with the words in
        order, or else the best near one; empty where nothing is alike.

    Raises:
        ValueError: if the three sequences differ in length.
    """
    return PassageTable(keys, stems, phones).search(query, limit)


def match(query: SpokenQuery, passage: PassageStrings) -> list[Match]:
    """Every match of a query in one passage, as `search_passages`, in the order of the passage."""
    found = search_passages(query, [passage.keys], [passage.stems], [passage.phones])
    return sorted((place for _, place in found), key=lambda place: place.first_token)


@dataclass(frozen=True, slots=True)
class _Flat:
    """The query without its spaces."""

    keys: str
    stems: str
    phones: str
    coarse: str
    least: float
    numbers: tuple[str, ...]
    spreads: bool

    @staticmethod
    def of(query: SpokenQuery) -> _Flat:
        phones = query.strings.phones.replace(" ", "")
        numbers = _numbers(query.keys)
        return _Flat(
            "".join(query.keys),
            "".join(query.stems),
            phones,
            coarse(phones),
            # 1844 is not nearly 1845
            0.95 if len(numbers) == len(query.keys) else least_similarity(len(phones)),
            numbers,
            # The parts of one number belong together.
            len(query.keys) > 1 and not any(a[0].isdigit() and b[0].isdigit() for a, b in pairwise(query.keys)),
        )


def _numbers(keys: Sequence[str]) -> tuple[str, ...]:
    return tuple(key for key in keys if key[0].isdigit())


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


def _in_order(wanted: Sequence[str], stems: Sequence[str], length: int) -> Match | None:
    """The shortest run of tokens that holds the stems in this order; None above twice as many and two more."""
    best: tuple[int, int] | None = None
    for last, stem in enumerate(stems):
        if stem != wanted[-1]:
            continue
        at = last
        for before in reversed(wanted[:-1]):
            at -= 1
            while at >= 0 and stems[at] != before:
                at -= 1
        if at >= 0 and (best is None or last - at < best[1] - best[0]):
            best = (at, last)
    if best is None:
        return None
    between = best[1] - best[0] + 1 - len(wanted)
    if between > len(wanted) + 2:
        return None
    return Match(best[0], best[1], _SPREAD - _PER_WORD_BETWEEN * between, "in order", length)


def _nearer(flat: _Flat, spelling: Fit, sound: Fit) -> Match | None:
    """The better of the two fits of a passage as a match; None where it is not good enough.

    The other fit has a quarter of the say: words alike in both ways are rarer than words alike in one. Measured
    on `bench/terms.py`'s misheard words, average precision 0.21 against 0.17 for the better one alone.
    """
    better, other = (spelling, sound) if spelling.similarity >= sound.similarity else (sound, spelling)
    similarity = 0.75 * better.similarity + 0.25 * other.similarity
    if similarity < flat.least:
        return None
    way: Way = "near" if better is spelling else "sound-alike"
    similarity = min(similarity, 0.999 * _STEM)
    return Match(better.first_token, better.last_token, similarity, way, len(flat.phones))


# What an exact and an inflected match are worth, and the logistic of the other two. Measured with the built-in English
# recogniser on 141 read sentences (en-read-pm, 18 minutes) among 600 other sentences: 700 words and 370 phrases that
# were said, 350 that were not, 6,014 near matches of which 194 right; checked on TIMIT.
# Half of the queries that stand nowhere exactly are taken to have been said all the same (a third of those measured).
_EXACT = {1: 0.80, 2: 0.85, 3: 0.96, 4: 0.96, 5: 0.98}
"""By the phones of the query; 0.99 above. Short words are what recognisers slip in."""
_SAME_STEM = 0.92
_BIAS, _PER_SIMILARITY, _PER_PHONE, _PER_RIVAL, _IF_KNOWN = -17.3, 18.6, 0.22, -1.27, -1.9
_LONGEST = 16


# How the recogniser's own certainty changes that (scale, weight of ln(1 - certainty), bias), from the same sentences:
# where it was 0.95 sure or more, 3 near matches in a hundred were right, where it was less than 0.7 sure, half were.
_IF_SAME, _IF_ALIKE = (1.19, -0.81, -2.43), (0.83, 0.87, 1.98)


def probability(found: Match, certainty: float | None = None) -> float:
    """How likely the query was said at the match, in (0, 1).

    Args:
        certainty: the lowest probability the recogniser gave a word of the match (`records.Word.probability`);
            a word it was sure of is seldom another one. None where it is not known.
    """
    same = found.way in ("exact", "stem", "in order")
    if found.way == "exact":
        logit = _logit(_EXACT.get(found.length, 0.99) - (0.0 if found.similarity == 1.0 else 0.02))
    elif found.way == "stem":
        logit = _logit(min(_SAME_STEM, _EXACT.get(found.length, 0.99) - 0.04))
    else:
        logit = _BIAS + _PER_SIMILARITY * found.similarity + _PER_PHONE * min(found.length, _LONGEST)
        logit += _PER_RIVAL * math.log(found.rivals) + (_IF_KNOWN if found.known else 0.0)
    if certainty is not None:
        scale, weight, bias = _IF_SAME if same else _IF_ALIKE
        logit = scale * logit + weight * math.log(1.0 - min(max(certainty, 0.0), 0.99)) + bias
    return 1.0 / (1.0 + math.exp(-logit))


def _logit(chance: float) -> float:
    return math.log(chance / (1.0 - chance))
