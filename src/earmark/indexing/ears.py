"""What listens while a recording goes by, and what it hands over.

An ear is fed the recording once, block by block, and harvested now and then: a harvest is what it
has heard for good since the last one, and the second up to which it has. Work that may be done
elsewhere (recognition, embedding) runs on the shared pool of threads; ONNX Runtime, PyAV and numpy
let go of Python's lock while they compute, so threads do fill the cores, and share one set of models.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from earmark.library import Passage, TrackHeader
from earmark.timeline import Waveform

__all__ = ["Ear", "Harvest", "InOrder", "TrackRows"]

T = TypeVar("T")


@dataclass(frozen=True)
class TrackRows:
    """Rows for a track, the first of them at row number `first_row`."""

    header: TrackHeader
    rows: NDArray[np.generic]
    first_row: int


@dataclass(frozen=True)
class Harvest:
    """What one job has heard since the last harvest.

    `position` is the second before which nothing is missing; `dropped` tells what was heard and not
    kept, one line each.
    """

    job: str
    engine: str
    position: float
    passages: list[Passage] = field(default_factory=list)
    track: TrackRows | None = None
    dropped: list[str] = field(default_factory=list)


class Ear(Protocol):
    """Listens to one recording from a given second on."""

    def feed(self, block: Waveform) -> None:
        """The next block, mono, at the engine's rate; blocks follow each other without gap."""

    def finish(self) -> None:
        """The recording is over; the next harvest is the last."""

    def harvest(self) -> list[Harvest]:
        """What is heard for good by now, one entry a job."""


class InOrder(Generic[T]):
    """Work sent to the pool, its results taken back in the order it was sent.

    At most `limit` pieces are under way; sending another waits for the oldest, which bounds memory.
    """

    def __init__(self, pool: ThreadPoolExecutor, limit: int) -> None:
        self._pool = pool
        self._limit = limit
        self._pending: deque[Future[T]] = deque()
        self._done: deque[T] = deque()

    def send(self, work: Callable[[], T]) -> None:
        while len(self._pending) >= self._limit:
            self._take()
        self._pending.append(self._pool.submit(work))

    def _take(self) -> None:
        """The future stays in line until its result is here, so an interruption loses nothing."""
        result = self._pending[0].result()
        self._pending.popleft()
        self._done.append(result)

    def ready(self) -> Iterator[T]:
        """The results that are there now, up to the first that is not."""
        while self._pending and self._pending[0].done():
            self._take()
        while self._done:
            yield self._done.popleft()

    def wait(self) -> None:
        """Until everything sent is done."""
        while self._pending:
            self._take()

    @property
    def idle(self) -> bool:
        return not self._pending and not self._done
