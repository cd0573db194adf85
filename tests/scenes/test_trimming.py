"""Where the sound is inside a clip."""

from __future__ import annotations

import numpy as np

from earmark.scenes.trimming import TrimSettings, loud_spans
from earmark.timeline import Span

STEP = 0.02


def energy(*parts: tuple[float, float]) -> np.ndarray:
    """Pairs of seconds and decibels."""
    return np.concatenate([np.full(round(s / STEP), 10 ** (db / 10)) for s, db in parts]).astype(np.float32)


def close(found: list[Span], *wanted: tuple[float, float]) -> bool:
    return len(found) == len(wanted) and all(
        abs(f.start - a) < 0.03 and abs(f.end - b) < 0.03 for f, (a, b) in zip(found, wanted, strict=True)
    )


def test_an_event_before_digital_silence() -> None:
    assert close(loud_spans(energy((0.5, -20), (4.5, -200)), STEP), (0.0, 0.5))


def test_a_steady_sound_is_the_whole_clip() -> None:
    assert close(loud_spans(energy((2, -30), (2, -34), (1, -28)), STEP), (0.0, 5.0))


def test_short_pauses_belong_to_it_and_long_ones_do_not() -> None:
    clip = energy((0.3, -90), (0.2, -20), (0.6, -90), (0.2, -20), (1.7, -90), (0.4, -20), (1, -90))
    assert close(loud_spans(clip, STEP), (0.3, 1.3), (3.0, 3.4))
    one_gap = TrimSettings(max_gap_seconds=0.1)
    assert close(loud_spans(clip, STEP, one_gap), (0.3, 0.5), (1.1, 1.3), (3.0, 3.4))


def test_silence_and_nothing_hold_no_sound() -> None:
    assert loud_spans(np.zeros(200, dtype=np.float32), STEP) == []
    assert loud_spans(np.zeros(0, dtype=np.float32), STEP) == []
