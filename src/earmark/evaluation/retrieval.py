"""Caption to clip and clip to caption: how far up is the right one?

Ties count against the system: a right clip comes after every other that scores as much, so that a model
that scores everything alike does not look good by luck.

Sources: recall and mAP@10 as in DCASE task 8 (language-based audio retrieval); the 30-candidate protocol,
one right and 29 others drawn at random, 20 times over, is Xie et al., ICASSP 2022; Hits@1 and mean
reciprocal rank among six candidates follow the cross-modal grounding literature.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from earmark.errors import FormatError
from earmark.evaluation.inputs import OnBroken, References, refuse
from earmark.evaluation.scores import Floats, Resampler, Score

__all__ = ["average_precision_at", "candidate_scores", "ranks_of", "relevance", "retrieval_scores"]

CANDIDATE_REPEATS = 20


def relevance(
    references: References, queries: Sequence[str], recordings: Sequence[str], on_broken: OnBroken = refuse
) -> NDArray[np.bool_]:
    """Which recording is right for which query, shape (queries, recordings).

    Raises:
        FormatError: (through `on_broken`) for a right pair whose query or recording was never scored.
    """
    row = {query: i for i, query in enumerate(queries)}
    column = {recording: i for i, recording in enumerate(recordings)}
    right = np.zeros((len(queries), len(recordings)), dtype=bool)
    for recording, query in references.pairs:
        if query in row and recording in column:
            right[row[query], column[recording]] = True
        else:
            on_broken(
                FormatError(
                    f"{query!r} of {recording}",
                    expected="a score for every query and recording of the reference",
                    found="none for this " + ("query" if query not in row else "recording"),
                    hint="Score every query against every recording.",
                )
            )
    return right


def ranks_of(scores: Floats, right: NDArray[np.bool_]) -> list[NDArray[np.int64]]:
    """The ranks of the right ones in each row, from 1, rising. Wrong ones that tie come first."""
    ranks = []
    for i in range(len(scores)):
        good = np.sort(scores[i][right[i]])[::-1]
        wrong = np.sort(scores[i][~right[i]])
        not_below = len(wrong) - np.searchsorted(wrong, good, side="left")
        ranks.append((not_below + np.arange(1, len(good) + 1)).astype(np.int64))
    return ranks


def average_precision_at(ranks: NDArray[np.int64], depth: int = 10) -> float:
    """Average precision of one query, looking at the first `depth` answers."""
    if len(ranks) == 0:
        raise ValueError("average_precision_at needs at least one right answer")
    seen = ranks[ranks <= depth]
    return float((np.arange(1, len(seen) + 1) / seen).sum() / min(len(ranks), depth))


def retrieval_scores(
    references: References,
    scores: Floats,
    queries: Sequence[str],
    recordings: Sequence[str],
    *,
    repeats: int = 1000,
    seed: int = 0,
    on_broken: OnBroken = refuse,
) -> list[Score]:
    """Every figure of the task, in both directions; those of clip to caption are marked "a2c".

    Args:
        scores: (queries, recordings).
    """
    right = relevance(references, queries, recordings, on_broken)
    lines: list[Score] = []
    for mark, table, flags, units in (
        ("", scores, right, queries),
        ("a2c ", scores.T, right.T, recordings),
    ):
        asked = flags.any(axis=1)
        table, flags = table[asked], flags[asked]
        names = [units[int(i)] for i in np.flatnonzero(asked)]
        if not names:
            raise FormatError(
                "reference",
                expected="at least one right pair that was scored",
                found="none",
                hint="Check that both files name recordings and queries alike.",
            )
        unit = "captions" if not mark else "clips"
        # What is resampled are recordings: a caption belongs to its first right one.
        owners = [recordings[int(row.argmax())] for row in flags] if not mark else names
        resampler = Resampler(owners, repeats, seed)
        lines += _full(mark, unit, table, flags, resampler, seed)
        lines += _candidates(mark, unit, table, flags, seed)
    return lines


def _full(
    mark: str, unit: str, table: Floats, flags: NDArray[np.bool_], resampler: Resampler, seed: int
) -> list[Score]:
    ranks = ranks_of(table, flags)
    random = ranks_of(np.random.default_rng(seed).random(table.shape), flags)
    first = np.array([row[0] for row in ranks], dtype=np.float64)
    guess = np.array([row[0] for row in random], dtype=np.float64)
    lines = [
        resampler.mean(f"{mark}R@{k}", (first <= k).astype(np.float64), unit=unit, chance=_chance_recall(flags, k))
        for k in (1, 5, 10)
    ]
    lines.append(
        resampler.mean(
            f"{mark}mAP@10",
            np.array([average_precision_at(row) for row in ranks]),
            unit=unit,
            chance=float(np.mean([average_precision_at(row) for row in random])),
        )
    )
    median = resampler.median(f"{mark}median rank", first, resampler.groups, unit=unit)
    lines.append(
        Score(
            median.name,
            median.value,
            median.count,
            unit,
            float(np.median(guess)),
            median.low,
            median.high,
            higher_is_better=False,
            note=f"of {table.shape[1]}",
        )
    )
    return lines


def _chance_recall(flags: NDArray[np.bool_], k: int) -> float:
    """The chance that k of n drawn at random hold at least one of the right ones, averaged over rows."""
    n = flags.shape[1]
    k = min(k, n)
    wrong = n - flags.sum(axis=1)
    draws = np.arange(k)
    return float(np.mean(1 - np.prod(np.clip(wrong[:, None] - draws, 0, None) / (n - draws), axis=1)))


def _candidates(mark: str, unit: str, table: Floats, flags: NDArray[np.bool_], seed: int) -> list[Score]:
    lines = []
    for size, names in ((30, ("R@1", "R@5")), (6, ("Hits@1", "MRR"))):
        if int((~flags).sum(axis=1).min()) < size - 1:
            lines += [
                Score(f"{mark}{name} of {size}", None, len(table), unit, note=f"fewer than {size} candidates")
                for name in names
            ]
            continue
        ranks = candidate_scores(table, flags, size, CANDIDATE_REPEATS, seed)  # (repeats, rows)
        for name in names:
            values = {"R@1": ranks <= 1, "Hits@1": ranks <= 1, "R@5": ranks <= 5, "MRR": 1 / ranks}[name]
            runs = values.mean(axis=1)
            chance = {
                "R@1": 1 / size,
                "Hits@1": 1 / size,
                "R@5": 5 / size,
                "MRR": float((1 / np.arange(1, size + 1)).mean()),
            }[name]
            spread = f"± {runs.std():.3f} over {CANDIDATE_REPEATS} draws"
            lines.append(Score(f"{mark}{name} of {size}", float(runs.mean()), len(table), unit, chance, note=spread))
    return lines


def candidate_scores(table: Floats, flags: NDArray[np.bool_], size: int, repeats: int, seed: int) -> NDArray[np.int64]:
    """Rank of one right answer among itself and size - 1 wrong ones drawn without replacement.

    How many of the drawn ones score at least as much is hypergeometric: nothing is drawn one by one.

    Returns:
        ranks from 1 of shape (repeats, rows); the right answer of a row is drawn anew each time.
    """
    rng = np.random.default_rng(seed)
    num_wrong = (~flags).sum(axis=1)
    better = [
        len(wrong) - np.searchsorted(wrong, row[kept], side="left")
        for row, kept, wrong in ((row, kept, np.sort(row[~kept])) for row, kept in zip(table, flags, strict=True))
    ]
    ranks = np.empty((repeats, len(table)), dtype=np.int64)
    for run in range(repeats):
        ahead = np.array([counts[rng.integers(len(counts))] for counts in better])
        ranks[run] = 1 + rng.hypergeometric(ahead, num_wrong - ahead, size - 1)
    return ranks
