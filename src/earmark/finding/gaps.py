"""What was never listened for: of such recordings nobody can say that something is not in them.

A library may know the words of some recordings only (``index --no-sounds``), or their sounds only (`components`), or
the first half of one whose listening was stopped. Words that a transcript gave count as listened for.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from earmark.library import Catalogue

__all__ = ["Gaps", "gaps_in"]

WHAT = {"words": "words", "sounds": "sounds", "speech": "speech vectors"}
"""The jobs a question may need, and what a person calls their result."""


@dataclass(frozen=True)
class Gaps:
    """Of `total` recordings that hold audio, how many were not listened to for a job, by job; no job without any.

    Attributes:
        never: those of which nothing is stored for the job.
        partly: those of which only the beginning is.
    """

    total: int
    never: Mapping[str, int]
    partly: Mapping[str, int]

    def __bool__(self) -> bool:
        return bool(self.never or self.partly)

    def note(self) -> str:
        """A line for the user, with what to run; empty where nothing is missing."""
        told = []
        if self.never:
            told.append(f"{self._counted(self.never)} were never listened for")
        if self.partly:
            told.append(f"{self._counted(self.partly)} were listened for only in part")
        option = "--speech-vectors " if "speech" in {*self.never, *self.partly} else ""
        return f"{'; '.join(told)}; run: earmark index {option}PATH…" if told else ""

    def _counted(self, missing: Mapping[str, int]) -> str:
        return " and ".join(f"the {WHAT[job]} of {self._of(count)}" for job, count in missing.items())

    def _of(self, count: int) -> str:
        if self.total == 1:
            return "the recording"
        return f"all {self.total} recordings" if count == self.total else f"{count} of {self.total} recordings"


def gaps_in(catalogue: Catalogue, recordings: Collection[str] | None, jobs: Collection[str]) -> Gaps:
    """What is missing for these jobs.

    Args:
        recordings: ids to look at; None for everything in the library.
        jobs: of `WHAT`.
    """
    ids = [
        id_
        for id_, recording in catalogue.recordings.items()
        if recording.duration_seconds > 0 and (recordings is None or id_ in recordings)
    ]
    never: dict[str, int] = {}
    partly: dict[str, int] = {}
    for job in jobs:
        for id_ in ids:
            hearing = catalogue.hearing_of(id_, job)
            if hearing is None:
                never[job] = never.get(job, 0) + 1
            elif not hearing.complete:
                partly[job] = partly.get(job, 0) + 1
    return Gaps(len(ids), never, partly)
