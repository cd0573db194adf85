"""Spans, curves and waveforms: each fast operation against a slow, obvious twin on a fine grid."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from earmark.timeline import (
    ScoreCurve,
    Span,
    Waveform,
    clip_spans,
    drop_short,
    intersect_spans,
    invert_spans,
    merge_spans,
    spans_above,
    to_samples,
    to_seconds,
)

STEP = 0.25
ticks = st.integers(0, 40)
spans = st.builds(lambda a, n: Span(a * STEP, (a + n) * STEP), ticks, st.integers(1, 12))


def covered(items: list[Span], length: int = 60) -> list[bool]:
    """Which quarter seconds a set of spans covers: the slow twin of every set operation."""
    return [any(span.start <= tick * STEP < span.end for span in items) for tick in range(length)]


@given(st.lists(spans), st.lists(spans))
def test_intersection_is_what_both_cover(left: list[Span], right: list[Span]) -> None:
    left, right = merge_spans(left), merge_spans(right)
    both = [a and b for a, b in zip(covered(left), covered(right), strict=True)]
    assert covered(intersect_spans(left, right)) == both


@given(st.lists(spans))
def test_merging_covers_the_same_and_leaves_no_touching_neighbours(items: list[Span]) -> None:
    merged = merge_spans(items)
    assert covered(merged) == covered(items)
    assert all(a.end < b.start for a, b in zip(merged, merged[1:], strict=False))


@given(st.lists(spans), spans)
def test_inversion_is_the_rest(items: list[Span], within: Span) -> None:
    free = invert_spans(merge_spans(items), within)
    inside = covered([within])
    assert covered(free) == [i and not c for i, c in zip(inside, covered(items), strict=True)]
    assert covered(clip_spans(items, within)) == [i and c for i, c in zip(inside, covered(items), strict=True)]


def hysteresis_twin(values: list[float], on: float, off: float) -> list[bool]:
    held, active = [], False
    for value in values:
        active = value >= on if not active else value >= off
        held.append(active)
    return held


@given(st.lists(st.sampled_from([0.0, 0.2, 0.4, 0.5, 0.6, 0.9]), max_size=30))
def test_hysteresis_opens_above_on_and_closes_below_off(values: list[float]) -> None:
    curve = ScoreCurve(np.array(values, np.float32), STEP)
    found = spans_above(curve, on=0.5, off=0.3)
    assert covered(found, len(values)) == hysteresis_twin(values, 0.5, 0.3)


def test_hysteresis_on_the_media_clock_and_at_zero() -> None:
    curve = ScoreCurve(np.array([0, 1, 1, 0], np.float32), 0.5, start_seconds=10.0)
    assert spans_above(curve, 0.5, 0.5) == [Span(10.5, 11.5)]
    assert spans_above(curve, 0.0, 0.0) == [Span(10.0, 12.0)]
    assert spans_above(ScoreCurve(np.zeros(0, np.float32), 0.5), 0.5, 0.1) == []
    with pytest.raises(ValueError, match="needs off <= on, got off=0.6 and on=0.5"):
        spans_above(curve, 0.5, 0.6)


def test_merging_bridges_gaps_up_to_the_one_given_and_short_spans_go() -> None:
    items = [Span(0, 1), Span(1.5, 2), Span(4, 4.1)]
    assert merge_spans(items, gap_seconds=0.5) == [Span(0, 2), Span(4, 4.1)]
    assert drop_short(items, 0.5) == [Span(0, 1), Span(1.5, 2)]


def test_span_arithmetic() -> None:
    a, b = Span(0, 2), Span(1, 4)
    assert (a.overlap(b), a.iou(b), a.union(b)) == (1, 0.25, Span(0, 4))
    assert a.iou(a) == 1 and a.iou(Span(2, 3)) == 0 and Span(1, 1).iou(Span(1, 1)) == 0
    assert a.shift(1.5) == Span(1.5, 3.5) and Span(0.1, 0.2).widen(0.5) == Span(0.0, 0.7) and b.middle == 2.5


@pytest.mark.parametrize("bounds", [(2.0, 1.0), (float("nan"), 1.0), (0.0, float("inf"))])
def test_impossible_spans_are_refused(bounds: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match="Span"):
        Span(*bounds)


def test_waveforms_are_cut_to_the_nearest_sample_on_the_media_clock() -> None:
    wave = Waveform(np.arange(100, dtype=np.float32)[None, :], 10, start_seconds=5.0)
    assert wave.span == Span(5.0, 15.0)
    part = wave.cut(Span(6.04, 7.0))
    assert part.samples.tolist() == [list(range(10, 20))] and part.start_seconds == 6.0
    assert wave.cut(Span(0, 1)).num_samples == 0 and wave.cut(Span(14.5, 99)).num_samples == 5
    assert Waveform(np.array([[1, 1], [0, 1]], np.float32), 10).mono().tolist() == [0.5, 1.0]
    assert repr(wave).startswith("Waveform(shape=(1, 100), sample_rate=10")
    for broken in (np.zeros(3, np.float32), np.zeros((1, 3), np.float64)):
        with pytest.raises(ValueError, match="Waveform samples must"):
            Waveform(broken, 10)


def test_curves_know_which_frame_holds_a_time() -> None:
    curve = ScoreCurve(np.zeros(10, np.float32), 0.1, start_seconds=1.0)
    assert [curve.frame_of(t) for t in (0.0, 1.0, 1.3, 1.99, 9.0)] == [0, 0, 3, 9, 9]
    assert curve.time_of(10) == pytest.approx(2.0)
    assert curve.cut(Span(1.2, 1.5)).num_frames == 3


@given(st.floats(0, 1e6), st.sampled_from([8_000, 16_000, 44_100]))
def test_seconds_and_samples_agree_to_half_a_sample(seconds: float, rate: int) -> None:
    assert abs(to_seconds(to_samples(seconds, rate), rate) - seconds) <= 0.5 / rate + 1e-9
