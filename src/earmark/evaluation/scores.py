"""One measured figure with its chance level and its confidence interval.

Source: the bootstrap over independent units is Efron & Tibshirani, An Introduction to the Bootstrap
(1993), section 13 (percentile intervals).
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

__all__ = ["Resampler", "Score", "Statistic", "ratio", "shuffled", "with_chance"]

Floats = NDArray[np.float64]
Statistic = Callable[[Floats], Floats]
"""A figure of sums over recordings, shape (..., k) -> (...); vectorised so that it resamples fast."""

MAX_GROUPS = 1000
"""More recordings than this are resampled in groups of them: 1,000 resamples then take under a second."""


@dataclass(frozen=True)
class Score:
    """One line of a table.

    Attributes:
        name: what was measured.
        value: the figure; None where the reference leaves it undefined (no absent query, say).
        chance: what chance reaches.
        low, high: 95 % confidence interval over recordings; None for one recording.
        count: how many of `unit` it was measured on.
        higher_is_better: False for errors.
        note: a threshold that was chosen, a spread.
    """

    name: str
    value: float | None
    count: int
    unit: str
    chance: float | None = None
    low: float | None = None
    high: float | None = None
    higher_is_better: bool = True
    note: str = ""


def with_chance(scores: Iterable[Score], chances: Sequence[Sequence[Score]]) -> list[Score]:
    """Each score with the mean of the same figure in `chances`, where it has no chance level yet."""
    levels: dict[str, list[float]] = {}
    for run in chances:
        for score in run:
            if score.value is not None:
                levels.setdefault(score.name, []).append(score.value)
    return [
        replace(score, chance=float(np.mean(levels[score.name])))
        if score.chance is None and score.name in levels
        else score
        for score in scores
    ]


def shuffled(count: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """A random order in which nobody keeps their place, shape (count,); needs count > 1."""
    order = rng.permutation(count)
    dealt = np.empty(count, dtype=np.int64)
    dealt[order] = np.roll(order, 1)
    return dealt


def ratio(numerator: Floats, denominator: Floats, empty: float = 0.0) -> Floats:
    """Element by element; `empty` where the denominator is 0."""
    numerator, denominator = np.asarray(numerator, float), np.asarray(denominator, float)
    out = np.full(np.broadcast_shapes(numerator.shape, denominator.shape), empty)
    np.divide(numerator, denominator, out=out, where=denominator != 0)
    return out


class Resampler:
    """Resamples recordings with replacement, and carries the figures along.

    Args:
        recordings: the recording of each unit (pair, event, frame curve), in the order of the units.
        repeats: resamples; 0 gives no intervals.
        seed: the same seed gives the same intervals.
    """

    def __init__(self, recordings: Sequence[Hashable], repeats: int = 1000, seed: int = 0) -> None:
        index = {recording: i for i, recording in enumerate(dict.fromkeys(recordings))}
        num_groups = max(1, min(len(index), MAX_GROUPS))
        self.groups = np.array([index[recording] % num_groups for recording in recordings], dtype=np.int64)
        self.num_groups = num_groups
        self.repeats = repeats if num_groups > 1 else 0
        rng = np.random.default_rng(seed)
        share = np.full(num_groups, 1 / num_groups)
        self.weights = rng.multinomial(num_groups, share, size=self.repeats).astype(np.float64)

    def sums(self, units: Floats) -> Floats:
        """Sums over the units of each group: (units, k) -> (groups, k)."""
        units = np.asarray(units, dtype=np.float64)
        out = np.zeros((self.num_groups, units.shape[1]))
        np.add.at(out, self.groups, units)
        return out

    def score(
        self,
        name: str,
        sums: Floats,
        statistic: Statistic,
        *,
        count: int,
        unit: str,
        chance: float | None = None,
        higher_is_better: bool = True,
        note: str = "",
    ) -> Score:
        """A figure of sums, shape (groups, k), with its interval."""
        value = float(statistic(sums.sum(axis=0)))
        low, high = self._interval(statistic(self.weights @ sums)) if self.repeats else (None, None)
        return Score(name, value, count, unit, chance, low, high, higher_is_better, note)

    def mean(
        self,
        name: str,
        values: Floats,
        *,
        unit: str,
        among: NDArray[np.bool_] | None = None,
        chance: float | None = None,
        higher_is_better: bool = True,
        note: str = "",
    ) -> Score:
        """The mean of one value per unit, over the units `among`; undefined where that is none of them."""
        values = np.asarray(values, dtype=np.float64)
        kept = np.ones(len(values), dtype=bool) if among is None else among
        count = int(kept.sum())
        if count == 0:
            return Score(name, None, 0, unit, higher_is_better=higher_is_better, note=note)
        table = self.sums(np.stack([np.where(kept, values, 0.0), kept.astype(np.float64)], axis=1))
        return self.score(
            name,
            table,
            lambda s: ratio(s[..., 0], s[..., 1]),
            count=count,
            unit=unit,
            chance=chance,
            higher_is_better=higher_is_better,
            note=note,
        )

    def median(
        self,
        name: str,
        values: Floats,
        groups: NDArray[np.int64],
        *,
        unit: str,
        higher_is_better: bool = False,
        note: str = "",
    ) -> Score:
        """The median of values, each with its group as in `self.groups`; undefined where there is none."""
        values = np.asarray(values, dtype=np.float64)
        if len(values) == 0:
            return Score(name, None, 0, unit, higher_is_better=higher_is_better, note=note)
        low = high = None
        if self.repeats:
            order = np.argsort(values)
            weights = np.cumsum(self.weights[:, groups[order]], axis=1)
            found = weights[:, -1] > 0
            middle = (weights < weights[:, -1:] / 2).sum(axis=1)
            if found.any():
                low, high = self._interval(values[order][np.minimum(middle, len(values) - 1)][found])
        return Score(name, float(np.median(values)), len(values), unit, None, low, high, higher_is_better, note)

    @staticmethod
    def _interval(resampled: Floats) -> tuple[float, float]:
        low, high = np.percentile(resampled, [2.5, 97.5])
        return float(low), float(high)
