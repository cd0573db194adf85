"""Several ways of being found, made one list: the places that more ways speak for come first among their equals.

The ways are exact or inflected words, near spellings, sound-alikes, and meaning. Each gives an order of its own; a
place's score is the sum over the ways that found it of ``1 / (60 + its rank there)`` (reciprocal rank fusion: Cormack,
Clarke & Büttcher, SIGIR 2009). The probability stays that of the surest way: it was fitted on what was right, which
ranks say nothing about. Where the words asked for were said somewhere, what is only near in meaning is less likely to
be what was asked for, and its probability says so.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from earmark.records import Moment

__all__ = ["fused"]

CONSTANT = 60
SURE = 0.5
BESIDE_WORDS = 2.0
"""Taken off the logit of a place found by meaning alone where the words themselves were said elsewhere."""


@dataclass
class _Place:
    best: Moment
    score: float = 0.0
    ways: list[str] = field(default_factory=list)


def fused(said: Sequence[Moment], meant: Sequence[Moment]) -> list[Moment]:
    """One moment a place, most probable first; its evidence lists its ``ways`` and ``fused``.

    Args:
        said: moments found by their words.
        meant: moments found by what they mean; one that holds a moment of `said` becomes part of it.
    """
    ways: dict[str, list[Moment]] = defaultdict(list)
    for moment in [*said, *meant]:
        ways[_way(moment)].append(moment)
    places: dict[str, list[_Place]] = defaultdict(list)
    for moment in said:
        places[moment.recording.id].append(_Place(moment))
    found = any(moment.probability >= SURE for moment in said)
    for moment in meant:
        if not any(_holds(moment, place.best) for place in places[moment.recording.id]):
            places[moment.recording.id].append(_Place(_doubted(moment) if found else moment))
    for way, moments in ways.items():
        for rank, moment in enumerate(sorted(moments, key=lambda moment: -moment.probability), 1):
            for place in places[moment.recording.id]:
                if way not in place.ways and (place.best.span == moment.span or _is_about(moment, place.best, way)):
                    place.ways.append(way)
                    place.score += 1 / (CONSTANT + rank)
    moments = [
        replace(place.best, evidence={**place.best.evidence, "ways": place.ways, "fused": round(place.score, 4)})
        for inside in places.values()
        for place in inside
    ]
    return sorted(moments, key=lambda moment: -moment.probability)


def _way(moment: Moment) -> str:
    way = str(moment.evidence["way"])
    return "words" if way in ("exact", "stem", "in order") else way


def _is_about(moment: Moment, best: Moment, way: str) -> bool:
    return way == "meaning" and _holds(moment, best)


def _holds(window: Moment, moment: Moment) -> bool:
    """Whether most of a moment lies in a window."""
    return window.span.overlap(moment.span) >= 0.5 * moment.span.duration


def _doubted(moment: Moment) -> Moment:
    chance = min(max(moment.probability, 1e-6), 1 - 1e-6)
    logit = math.log(chance / (1 - chance)) - BESIDE_WORDS
    return replace(moment, probability=1 / (1 + math.exp(-logit)))
