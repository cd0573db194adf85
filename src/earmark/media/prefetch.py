"""An iterator run ahead of its reader, in a thread: the next block is decoded while this one is heard."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Generator, Iterable
from typing import TypeVar

__all__ = ["prefetch"]

Item = TypeVar("Item")


def prefetch(items: Iterable[Item], depth: int = 2) -> Generator[Item, None, None]:
    """The same items in the same order, up to `depth` of them made ahead.

    The thread starts with the first item asked for. An exception of the iterator reaches the reader in
    its place; closing the reader (or an exception in it) stops the thread and closes the iterator there.

    Raises:
        ValueError: if `depth` is less than 1.
    """
    if depth < 1:
        raise ValueError(f"prefetch depth must be at least 1, got {depth}")
    return _read_ahead(items, depth)


def _read_ahead(items: Iterable[Item], depth: int) -> Generator[Item, None, None]:
    ready: deque[Item] = deque()
    changed = threading.Condition()
    ended = stopped = False
    failure: BaseException | None = None

    def work() -> None:
        nonlocal ended, failure
        source = iter(items)
        try:
            for item in source:
                with changed:
                    changed.wait_for(lambda: stopped or len(ready) < depth)
                    if stopped:
                        return
                    ready.append(item)
                    changed.notify_all()
        except BaseException as exc:  # handed to the reader, whatever it is
            failure = exc
        finally:
            close = getattr(source, "close", None)
            if close is not None:
                close()
            with changed:
                ended = True
                changed.notify_all()

    thread = threading.Thread(target=work, name="prefetch", daemon=True)
    thread.start()
    try:
        while True:
            with changed:
                changed.wait_for(lambda: ready or ended)
                if not ready:
                    break
                item = ready.popleft()
                changed.notify_all()
            yield item
    finally:
        with changed:
            stopped = True
            changed.notify_all()
        thread.join()
    if failure is not None:
        raise failure
