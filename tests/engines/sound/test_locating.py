"""Edges on a curve."""

from __future__ import annotations

import numpy as np
import pytest

from earmark.engines.sound.locating import LocateSettings, locate
from earmark.timeline import ScoreCurve

STEP = 0.08


def curve(*parts: tuple[float, float], start: float = 0.0) -> ScoreCurve:
    """Pairs of seconds and probability."""
    values = np.concatenate([np.full(round(s / STEP), p) for s, p in parts]).astype(np.float32)
    return ScoreCurve(values, STEP, start)


def test_one_moment_with_its_edges() -> None:
    (span, probability), *others = locate(curve((8, 0.01), (4, 0.95), (8, 0.01)), 4.0)
    assert span.start == pytest.approx(8.0, abs=0.25)
    assert span.end == pytest.approx(12.0, abs=0.25)
    assert probability > 0.8
    assert all(p < 0.5 for _, p in others)


def test_times_are_those_of_the_curve() -> None:
    late = locate(curve((8, 0.01), (4, 0.95), (8, 0.01), start=100.0), 4.0)[0][0]
    early = locate(curve((8, 0.01), (4, 0.95), (8, 0.01)), 4.0)[0][0]
    assert late.start - early.start == pytest.approx(100.0)


def test_a_short_pause_does_not_split_a_long_sound_and_a_long_one_does() -> None:
    together = locate(curve((4, 0.01), (2, 0.9), (0.4, 0.02), (2, 0.9), (4, 0.01)), 4.0)
    apart = locate(curve((4, 0.01), (2, 0.9), (3, 0.01), (2, 0.9), (4, 0.01)), 4.0)
    assert together[0][0].duration == pytest.approx(4.4, abs=0.4)
    assert sorted(round(s.start) for s, p in apart if p > 0.5) == [4, 9]


def test_the_surest_moment_comes_first_and_moments_are_disjoint() -> None:
    found = locate(curve((4, 0.01), (2, 0.5), (4, 0.01), (2, 0.95), (4, 0.01)), 2.0)
    assert [p for _, p in found] == sorted((p for _, p in found), reverse=True)
    assert found[0][0].start == pytest.approx(10.0, abs=0.3)
    spans = sorted(s for s, _ in found)
    assert all(a.end <= b.start for a, b in zip(spans, spans[1:], strict=False))


def test_a_short_sound_survives() -> None:
    found = locate(curve((4, 0.01), (0.24, 0.95), (4, 0.01)), 0.4)
    assert found[0][0].start == pytest.approx(4.0, abs=0.16)
    assert found[0][0].duration < 0.6


def test_nothing_is_found_in_nothing() -> None:
    assert locate(curve((10, 0.0)), 2.0) == []
    assert locate(ScoreCurve(np.zeros(0, dtype=np.float32), STEP), 2.0) == []


def test_what_is_not_finite_counts_as_zero() -> None:
    values = curve((4, 0.01), (2, 0.9), (4, 0.01)).values.copy()
    values[:10] = np.nan
    found = locate(ScoreCurve(values, STEP), 2.0)
    assert found[0][0].start == pytest.approx(4.0, abs=0.3)
    assert np.isfinite([p for _, p in found]).all()


def test_no_min_max_a_low_curve_stays_improbable() -> None:
    found = locate(curve((4, 0.001), (2, 0.05), (4, 0.001)), 2.0)
    assert all(p < 0.5 for _, p in found)


def test_the_floor() -> None:
    bump = curve((4, 0.01), (2, 0.3), (4, 0.01))
    assert locate(bump, 2.0, LocateSettings(floor=0.99)) == []


def test_moments_never_overlap_on_any_curve() -> None:
    for seed in range(60):
        generator = np.random.default_rng(seed)
        values = np.clip(np.convolve(generator.normal(0.2, 0.6, 200), np.ones(4) / 4, "same"), 0, 1)
        found = locate(ScoreCurve(values.astype(np.float32), STEP), float(generator.uniform(0.2, 6)))
        spans = sorted(s for s, _ in found)
        assert all(a.end <= b.start + 1e-9 for a, b in zip(spans, spans[1:], strict=False))
        assert all(0 <= s.start <= s.end <= 200 * STEP + 1e-9 for s in spans)
