"""What the commands of `earmark train` share: the extra they need, and how they show how far they are."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from earmark.errors import EngineError
from earmark.progress import Progress

__all__ = ["training_extra", "training_progress"]

LINE_SECONDS = 60.0
"""Where standard error is a log, a line a stage and minute says how far it is."""


@contextmanager
def training_extra() -> Iterator[None]:
    """Around the imports of a training job: what the extra `train` would bring is named, if it is missing.

    Raises:
        EngineError: instead of `ModuleNotFoundError` for a package that is not earmark's own.
    """
    try:
        yield
    except ModuleNotFoundError as exc:
        if exc.name is None or exc.name.split(".")[0] == "earmark":
            raise
        raise EngineError(
            "earmark train",
            expected="the training extra",
            found=f"no package {exc.name}",
            hint="Run `pip install 'earmark[train]'`.",
        ) from exc


@contextmanager
def training_progress() -> Iterator[Progress]:
    """Draws each stage as a bar with the time taken and left; in a log, as a line a minute."""
    if not sys.stderr.isatty():
        told: dict[str, float] = {}

        def line(stage: str, completed: float, total: float) -> None:
            now, ended = time.monotonic(), completed >= total > 0
            if now - told.get(stage, -LINE_SECONDS) >= LINE_SECONDS or (ended and told[stage] < float("inf")):
                told[stage] = float("inf") if ended else now
                sys.stderr.write(f"{stage}: {completed / total:.0%}\n" if total else f"{stage}\n")
                sys.stderr.flush()

        yield line
        return
    from rich.console import Console
    from rich.progress import BarColumn, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn
    from rich.progress import Progress as Bars

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    with Bars(*columns, console=Console(stderr=True)) as bars:
        tasks: dict[str, TaskID] = {}

        def draw(stage: str, completed: float, total: float) -> None:
            if stage not in tasks:
                tasks[stage] = bars.add_task(stage, total=total)
            bars.update(tasks[stage], completed=completed, total=total)

        yield draw
