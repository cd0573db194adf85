"""Numbers of things as people write them: `1 caption`, `2 captions`."""

from __future__ import annotations

__all__ = ["counted"]


def counted(count: int, noun: str) -> str:
    """The count and the noun, with an s unless there is one of it."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
