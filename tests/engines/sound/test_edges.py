"""Edges at their likeliest places."""

from __future__ import annotations

import numpy as np
import pytest

from earmark.engines.sound.edges import WIDTHS, EdgeSettings, candidates, edge_features, sharpened
from earmark.timeline import ScoreCurve, Span

STEP = 0.08
RISE = EdgeSettings(onset=(0.0, 1.0, *[0.0] * (2 * len(WIDTHS) + 3)), offset=(0.0, 1.0, *[0.0] * (2 * len(WIDTHS) + 3)))


def frames(first: int, last: int) -> np.ndarray:
    return np.zeros((last - first, 4), np.float32)


def bump(start: float = 5.0) -> ScoreCurve:
    """Frames 30 to 60 are surely it, with a slope of weak evidence on both sides."""
    values = np.full(100, 0.002, np.float32)
    values[24:66] = 0.03
    values[30:60] = 0.97
    return ScoreCurve(values, STEP, start)


def test_edges_move_to_where_the_evidence_is_steepest() -> None:
    curve = bump()
    [(span, probability)] = sharpened([(Span(5.0 + 25 * STEP, 5.0 + 65 * STEP), 0.9)], curve, frames, RISE)
    assert (span.start, span.end) == (pytest.approx(5.0 + 30 * STEP), pytest.approx(5.0 + 60 * STEP))
    assert probability == 0.9


def test_what_the_frames_say_counts() -> None:
    rows = np.zeros((100, 4), np.float32)
    rows[:, 0], rows[40:55, 0], rows[40:55, 1] = 1.0, 0.0, 1.0  # other frames from 40 to 55
    change = tuple(1.0 if n == len(WIDTHS) + 1 else 0.0 for n in range(2 * len(WIDTHS) + 5))
    flat = ScoreCurve(np.full(100, 0.9, np.float32), STEP)
    found = sharpened(
        [(Span(37 * STEP, 58 * STEP), 0.9)],
        flat,
        lambda a, b: rows[a:b],
        EdgeSettings(tuple(20 * w for w in change), tuple(20 * w for w in change)),
    )
    assert (found[0][0].start, found[0][0].end) == (pytest.approx(40 * STEP), pytest.approx(55 * STEP))


def test_neighbours_stay_apart() -> None:
    values = np.full(100, 0.9, np.float32)
    curve = ScoreCurve(values, STEP)
    wild = EdgeSettings(*[tuple(float(v) for v in np.random.default_rng(n).standard_normal(13) * 5) for n in (0, 1)])
    moments = [(Span(1.0, 3.0), 0.9), (Span(3.0, 4.0), 0.8), (Span(4.3, 7.0), 0.7)]
    spans = [span for span, _ in sharpened(moments, curve, frames, wild)]
    assert all(a.end <= b.start + 1e-9 for a, b in zip(spans, spans[1:], strict=False))
    assert all(span.duration > 0 for span in spans)


def test_without_weights_nothing_moves_and_bad_values_do_no_harm() -> None:
    span = Span(1.0, 2.0)
    assert sharpened([(span, 0.5)], bump(0.0), frames) == [(span, 0.5)]
    broken = ScoreCurve(np.full(20, np.nan, np.float32), STEP)
    assert sharpened([(Span(0.4, 1.2), 0.5)], broken, lambda a, b: frames(a, b) * np.nan, RISE)[0][0].duration > 0
    assert sharpened([], ScoreCurve(np.zeros(0, np.float32), STEP), frames, RISE) == []


def test_one_row_of_features_for_each_edge() -> None:
    curve = bump(0.0)
    edges = candidates(Span(2.4, 4.8), curve, +1, 0.0)
    assert edge_features(edges, 2.4, curve, frames, +1).shape == (len(edges), 2 * len(WIDTHS) + 5)
    assert edges.start * STEP >= 2.4 - 1.2 - STEP


def test_bands_that_grow_louder_count_where_they_are_given() -> None:
    levels = np.full((100, 8), -12.0, np.float32)
    levels[42:53] = -2.0
    width = 2 * len(WIDTHS) + 5
    swell = tuple(1.0 if n == width else 0.0 for n in range(width + len(WIDTHS)))
    flat = ScoreCurve(np.full(100, 0.9, np.float32), STEP)
    moment = [(Span(37 * STEP, 58 * STEP), 0.9)]
    [(span, _)] = sharpened(moment, flat, frames, EdgeSettings(swell, swell), lambda a, b: levels[a:b])
    assert (span.start, span.end) == (pytest.approx(42 * STEP), pytest.approx(53 * STEP))
    edges = candidates(Span(2.4, 4.8), flat, +1, 0.0)
    with_bands = edge_features(edges, 2.4, flat, frames, +1, lambda a, b: levels[a:b])
    assert with_bands.shape == (len(edges), width + len(WIDTHS))
    assert (with_bands[:, :width] == edge_features(edges, 2.4, flat, frames, +1)).all()
