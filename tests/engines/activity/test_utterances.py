from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from earmark.engines.activity.utterances import Cutter
from earmark.settings import UtteranceSettings
from earmark.timeline import ScoreCurve, Span

STEP = 0.1
PLAIN = UtteranceSettings(min_silence_seconds=0.4, min_speech_seconds=0.1, max_seconds=10.0, pad_seconds=0.2)


def curve(text: str, start: float = 0.0) -> ScoreCurve:
    """A digit a frame, in tenths: ``"0099"`` is silence, then speech."""
    return ScoreCurve(np.array([int(c) / 9 for c in text], np.float32), STEP, start)


def cut(text: str, settings: UtteranceSettings = PLAIN, start: float = 0.0) -> list[tuple[float, float]]:
    cutter = Cutter(settings)
    spans = cutter.feed(curve(text, start)) + cutter.flush()
    return [(round(span.start, 6), round(span.end, 6)) for span in spans]


def test_one_utterance_with_its_pads() -> None:
    assert cut("0000099999900000") == [(0.3, 1.3)]


def test_a_short_pause_does_not_end_it_and_a_long_one_does() -> None:
    assert cut("00009990009990000000") == [(0.2, 1.5)]
    assert cut("00009990000999000000") == [(0.2, 0.9), (0.9, 1.6)]


def test_hysteresis_between_the_thresholds() -> None:
    assert cut("00004444400000000000") == []
    assert cut("00009444400000000000") == [(0.2, 1.1)]


def test_pads_share_a_pause_too_short_for_both() -> None:
    wide = UtteranceSettings(min_silence_seconds=0.4, max_seconds=10.0, pad_seconds=1.0)
    assert cut("0000009999000000999900000000", wide) == [(0.0, 1.3), (1.3, 2.8)]


def test_pads_stay_inside_the_recording() -> None:
    assert cut("9999", start=5.0) == [(5.0, 5.4)]


def test_short_bursts_are_not_speech() -> None:
    strict = UtteranceSettings(min_silence_seconds=0.4, min_speech_seconds=0.3, max_seconds=10.0)
    assert cut("0000990000000099900000", strict) == [(1.2, 1.9)]


def test_too_long_is_cut_at_the_deepest_pause() -> None:
    speech = "9" * 60 + "300" + "9" * 20 + "43" + "9" * 60
    assert cut("000" + speech + "00000") == [(0.1, 6.5), (6.5, 15.0)]


def test_no_pause_at_all_still_respects_the_limit_and_loses_nothing() -> None:
    spans = cut("9" * 500)
    assert spans[0][0] == 0.0 and spans[-1][1] == 50.0
    assert all(a[1] == b[0] for a, b in zip(spans, spans[1:], strict=False))
    assert all(end - start <= PLAIN.max_seconds for start, end in spans)


def test_utterances_come_as_soon_as_they_are_certain() -> None:
    cutter = Cutter(PLAIN)
    assert cutter.feed(curve("00999000")) == []
    assert cutter.feed(curve("00", 0.8)) == [Span(0.0, (4 + 1) * STEP + 0.2)]
    assert cutter.flush() == []


def test_a_gap_in_the_curve_is_a_mistake_of_the_caller() -> None:
    cutter = Cutter(PLAIN)
    cutter.feed(curve("000"))
    with pytest.raises(ValueError, match=r"from 0\.3\d* s on, got one from 9\.0 s"):
        cutter.feed(curve("000", 9.0))


def test_settings_that_contradict_each_other() -> None:
    with pytest.raises(ValueError, match=r"off <= on, got 0\.7 and 0\.5"):
        Cutter(UtteranceSettings(on=0.5, off=0.7))
    with pytest.raises(ValueError, match=r"longer than both pads and a pause, got 0\.8"):
        Cutter(UtteranceSettings(max_seconds=0.8))


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 9), st.integers(1, 40)), max_size=30),
    st.integers(1, 50),
    st.floats(0.0, 1.0),
    st.floats(0.1, 1.0),
)
def test_whatever_it_hears(runs: list[tuple[int, int]], chunk: int, pad: float, pause: float) -> None:
    """Disjoint, ordered, within the limit, covering every frame of confident speech; chunks do not matter."""
    text = "".join(str(level) * length for level, length in runs)
    plan = UtteranceSettings(min_silence_seconds=pause, min_speech_seconds=0.0, max_seconds=6.0, pad_seconds=pad)
    cutter = Cutter(plan)
    spans: list[Span] = []
    for first in range(0, len(text), chunk):
        spans += cutter.feed(curve(text[first : first + chunk], first * STEP))
    spans += cutter.flush()
    assert spans == Cutter(plan).feed(curve(text)) + _flushed(plan, text)
    assert all(a.end <= b.start + 1e-9 for a, b in zip(spans, spans[1:], strict=False))
    assert all(span.duration <= plan.max_seconds + 1e-9 for span in spans)
    assert all(0 <= span.start and span.end <= len(text) * STEP + 1e-9 for span in spans)
    for i, level in enumerate(text):
        if int(level) / 9 >= plan.on:
            assert any(s.start <= i * STEP + 1e-9 and (i + 1) * STEP <= s.end + 1e-9 for s in spans), i


def _flushed(plan: UtteranceSettings, text: str) -> list[Span]:
    cutter = Cutter(plan)
    cutter.feed(curve(text))
    return cutter.flush()
