"""Which recordings train a model and which test it: whole groups, never parts of one.

A group is a speaker where speakers are known, else a recording, so that no voice or room is on both
sides. The order is that of a hash of seed and group; what an earlier manifest decided stays.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

__all__ = ["SHARES", "assign_splits"]

SHARES = {"train": 0.8, "validation": 0.1, "test": 0.1}


def assign_splits(
    seconds: Mapping[str, float],
    decided: Mapping[str, str] | None = None,
    shares: Mapping[str, float] | None = None,
    seed: int = 0,
) -> dict[str, str]:
    """A split for every group, each split near its share of the time.

    Args:
        seconds: group -> how much audio it has.
        decided: groups whose split is given, by the source or an earlier run.
        shares: split -> its share of the time; the first takes what is too large for the others.

    Returns:
        Group -> split. With as many groups as splits no split is empty, unless what was decided leaves
        nothing to choose.

    Raises:
        ValueError: if the shares are negative or do not sum to 1.
    """
    shares = dict(SHARES if shares is None else shares)
    if min(shares.values()) < 0 or abs(sum(shares.values()) - 1) > 1e-6:
        raise ValueError(f"assign_splits needs shares that sum to 1, got {shares}")
    largest = next(iter(shares))
    target = {split: share * sum(seconds.values()) for split, share in shares.items() if share > 0}
    filled = dict.fromkeys(target, 0.0)
    chosen: dict[str, str] = {}
    for group, split in (decided or {}).items():
        if group in seconds:
            chosen[group] = split
            filled[split] = filled.get(split, 0.0) + seconds[group]
    free = sorted((group for group in seconds if group not in chosen), key=lambda group: _order(seed, group))
    for group in free:
        room = {split: target[split] - filled[split] for split in target}
        fitting = [split for split in target if split == largest or seconds[group] <= max(0.0, 2 * room[split])]
        split = max(fitting or [largest], key=lambda split: room[split] / max(target[split], 1e-9))
        chosen[group] = split
        filled[split] = filled.get(split, 0.0) + seconds[group]
    for split in sorted(target, key=lambda split: split != "test"):
        donors = [group for group in free if chosen[group] == largest]
        if split not in chosen.values() and len([g for g in chosen if chosen[g] == largest]) > 1 and donors:
            chosen[min(donors, key=lambda group: (seconds[group], _order(seed, group)))] = split
    return chosen


def _order(seed: int, group: str) -> bytes:
    return hashlib.blake2b(f"{seed}\n{group}".encode("utf-8", "surrogateescape"), digest_size=8).digest()
