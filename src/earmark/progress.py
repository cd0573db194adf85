"""How long work reports itself: one callback, which the command line draws and the tests record."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

Progress: TypeAlias = Callable[[str, float, float], None]
"""Called as ``on_progress(stage, completed, total)``; for audio both are seconds of the recording."""


def ignore(stage: str, completed: float, total: float) -> None:
    """The callback of a caller who does not want to know."""
