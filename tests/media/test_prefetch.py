"""Reading ahead changes nothing but the time it takes, and leaves no thread behind."""

from __future__ import annotations

import threading

import pytest

from earmark.media.prefetch import prefetch


def threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "prefetch"]


def test_the_same_items_in_the_same_order():
    assert list(prefetch(range(50), depth=3)) == list(range(50))
    assert list(prefetch([])) == []
    assert threads() == []


def test_no_more_than_depth_is_made_ahead():
    made: list[int] = []

    def items():
        for number in range(100):
            made.append(number)
            yield number

    ahead = prefetch(items(), depth=2)
    assert next(ahead) == 0
    ahead.close()
    assert len(made) <= 1 + 2 + 1  # read, queued, and the one waiting to be queued


def test_an_exception_reaches_the_reader_in_its_place():
    def items():
        yield 1
        raise KeyError("broken")

    ahead = prefetch(items())
    assert next(ahead) == 1
    with pytest.raises(KeyError, match="broken"):
        next(ahead)
    assert threads() == []


def test_closing_the_reader_closes_the_iterator_and_ends_the_thread():
    closed = threading.Event()

    def items():
        try:
            while True:
                yield 0
        finally:
            closed.set()

    ahead = prefetch(items(), depth=1)
    next(ahead)
    ahead.close()
    assert closed.is_set()
    assert threads() == []


def test_depth_is_checked_at_once():
    with pytest.raises(ValueError, match="depth must be at least 1, got 0"):
        prefetch([], depth=0)
