"""Frames, events and PSDS against slow twins, perfect and empty curves, and chance."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from earmark.errors import EarmarkError, FormatError
from earmark.evaluation.detection import detection_scores, frames_of, min_max, paired_curves
from earmark.evaluation.inputs import Pair, References
from earmark.evaluation.matching import match_count, match_events
from earmark.evaluation.psds import (
    AUDIO_GROUNDING,
    PSDS1,
    PSDS2,
    ClassCurve,
    PsdsSettings,
    changes_of,
    detections_of,
    psds,
)
from earmark.evaluation.scores import Score
from earmark.timeline import ScoreCurve, Span, spans_above

STEP = 0.1


def curve_of(spans: tuple[Span, ...], seconds: float = 10.0) -> ScoreCurve:
    """1 where a span is, 0 elsewhere."""
    middles = (np.arange(round(seconds / STEP)) + 0.5) * STEP
    values = np.zeros(len(middles), dtype=np.float32)
    for span in spans:
        values[(middles >= span.start) & (middles < span.end)] = 1.0
    return ScoreCurve(values, STEP)


def references() -> References:
    return References(
        {
            ("a.wav", "dog"): (Span(1, 2), Span(5, 7)),
            ("a.wav", "cat"): (Span(3, 4),),
            ("b.wav", "dog"): (Span(0, 4),),
            ("b.wav", "cat"): (Span(6, 9.5),),
            ("c.wav", "cat"): (),
            ("c.wav", "dog"): (Span(2, 3),),
        },
        {name: 10.0 for name in ("a.wav", "b.wav", "c.wav")},
        {},
    )


def measure(curves: dict[Pair, ScoreCurve], **options: float) -> dict[str, Score]:
    scores = detection_scores(references(), curves, repeats=60, **options)  # type: ignore[arg-type]
    return {score.name: score for score in scores}


HIGH = (
    "frame AUROC",
    "frame AP",
    "frame AUROC, mean over queries",
    "frame precision",
    "frame recall",
    "frame F1",
    "frame F1, best threshold",
    "frame F1, threshold from other recordings",
    "event precision",
    "event recall",
    "event F1",
    "PSDS1",
    "PSDS2",
    "PSDS, AudioGrounding",
)


@pytest.mark.parametrize("name", HIGH)
def test_perfect_curves_score_1(name: str) -> None:
    scores = measure({pair: curve_of(spans) for pair, spans in references().spans.items()})
    assert scores[name].value == pytest.approx(1.0)


@pytest.mark.parametrize(
    "name", [n for n in HIGH if n.startswith(("event", "PSDS")) or n in ("frame recall", "frame F1")]
)
def test_silent_curves_score_0(name: str) -> None:
    silent = {pair: curve_of(()) for pair in references().pairs}
    assert measure(silent)[name].value == 0.0


def test_a_flat_curve_is_worth_chance() -> None:
    scores = measure({pair: curve_of(()) for pair in references().pairs})
    assert scores["frame AUROC"].value == 0.5
    share = (1 + 2 + 1 + 4 + 3.5 + 1) / 60
    assert scores["frame AP"].value == pytest.approx(share)
    assert scores["frame AP"].chance == pytest.approx(share)
    assert scores["frame F1, best threshold"].value == pytest.approx(2 * share / (1 + share))
    assert scores["frame F1, best threshold"].chance == pytest.approx(2 * share / (1 + share))


def test_frames_are_counted_as_by_hand() -> None:
    """Half of every event is found, and as much again is a false alarm."""
    curves = {}
    for pair, spans in references().spans.items():
        halves = tuple(Span(span.start, span.middle) for span in spans)
        curves[pair] = curve_of(halves)
    scores = measure(curves)
    assert scores["frame precision"].value == 1.0
    assert scores["frame recall"].value == pytest.approx(0.5, abs=0.02)
    assert scores["frame F1"].chance == pytest.approx(2 * 12.5 * 6.25 / 60 / (12.5 + 6.25), abs=0.005)


def test_a_frame_is_positive_where_its_middle_is() -> None:
    truth = References({("a", "q"): (Span(0.95, 1.05), Span(1.34, 1.46))}, {}, {})
    frames = frames_of(truth, {("a", "q"): ScoreCurve(np.zeros(20, np.float32), 0.1)})
    assert np.flatnonzero(frames.labels).tolist() == [9, 13, 14]


def test_the_threshold_of_one_half_is_chosen_on_the_other() -> None:
    """Every second recording scores ten times higher, silence included: the other half's threshold misleads."""
    spans: dict[Pair, tuple[Span, ...]] = {(f"{i}.wav", "dog"): (Span(2, 4),) for i in range(8)}
    truth = References(spans, {}, {})
    curves = {}
    for i, (pair, true) in enumerate(spans.items()):
        curve = curve_of(true)
        values = 0.2 + 0.7 * curve.values if i % 2 else 0.09 * curve.values
        curves[pair] = ScoreCurve(values.astype(np.float32), STEP)
    scores = {s.name: s for s in detection_scores(truth, curves, repeats=20)}
    chosen = scores["frame F1, threshold from other recordings"].value
    best = scores["frame F1, best threshold"].value
    assert best == pytest.approx(2 / 3)  # one half right, nothing of the other
    assert chosen == pytest.approx(2 * 80 / (400 + 160), abs=0.15)
    assert chosen < best


def slow_match(possible: NDArray[np.bool_]) -> int:
    if not possible.shape[0]:
        return 0
    best = slow_match(possible[1:])
    for column in np.flatnonzero(possible[0]):
        rest = possible[1:].copy()
        rest[:, column] = False
        best = max(best, 1 + slow_match(rest))
    return best


def test_as_many_events_match_as_can() -> None:
    rng = np.random.default_rng(0)
    for _ in range(200):
        possible = rng.random((rng.integers(0, 5), rng.integers(1, 5))) < 0.5
        assert match_count(possible) == slow_match(possible)


def test_the_collar_grows_with_the_event() -> None:
    event = np.array([[10.0, 20.0]])
    assert match_events(event, np.array([[10.2, 22.0]])) == 1
    assert match_events(event, np.array([[10.21, 20.0]])) == 0
    assert match_events(event, np.array([[10.0, 22.01]])) == 0
    assert match_events(event, np.zeros((0, 2))) == 0


def slow_psds(
    curves: dict[tuple[str, str], ScoreCurve],
    events: dict[tuple[str, str], list[Span]],
    seconds: float,
    settings: PsdsSettings,
) -> float:
    """Every threshold by itself: threshold the curve, list its spans, count; then the area on a fine grid."""
    names = sorted({query for _, query in curves})
    files = sorted({recording for recording, _ in curves})
    totals = {name: sum(e.duration for f in files for e in events[f, name]) for name in names}
    thresholds = sorted({float(v) for curve in curves.values() for v in curve.values}, reverse=True)
    rocs = {}
    for name in names:
        count = sum(len(events[file, name]) for file in files)
        points = [(0.0, 0.0)]
        for threshold in thresholds:
            found = false = 0
            cross = 0.0
            for file in files:
                spans = spans_above(curves[file, name], threshold, threshold)
                good = [
                    s
                    for s in spans
                    if sum(s.overlap(e) for e in events[file, name]) >= settings.dtc * s.duration - 1e-7
                ]
                found += sum(
                    sum(s.overlap(e) for s in good) >= settings.gtc * e.duration - 1e-7 for e in events[file, name]
                )
                bad = [s for s in spans if s not in good]
                false += len(bad)
                if settings.cttc is not None:
                    for other in names:
                        if other != name:
                            hits = [
                                s
                                for s in bad
                                if sum(s.overlap(e) for e in events[file, other]) >= settings.cttc * s.duration - 1e-7
                                and events[file, other]
                            ]
                            cross += len(hits) / totals[other] / (len(names) - 1)
            rate = (false / seconds + settings.alpha_ct * cross) * 3600
            points.append((rate, found / count))
        rocs[name] = points
    grid = sorted({rate for points in rocs.values() for rate, _ in points if rate <= settings.max_per_hour})
    area = 0.0
    for i, rate in enumerate(grid):
        best = [max(ratio for r, ratio in points if r <= rate) for points in rocs.values()]
        width = (grid[i + 1] if i + 1 < len(grid) else settings.max_per_hour) - rate
        area += max(0.0, float(np.mean(best) - settings.alpha_st * np.std(best))) * width
    return area / settings.max_per_hour


@pytest.mark.parametrize("settings", [PSDS1, PSDS2, AUDIO_GROUNDING])
def test_psds_agrees_with_trying_every_threshold(settings: PsdsSettings) -> None:
    for seed in range(6):
        curves, events = random_scene(seed)
        names, files = sorted({q for _, q in curves}), sorted({r for r, _ in curves})
        totals = {name: sum(e.duration for f in files for e in events[f, name]) for name in names}
        classes = []
        for name in names:
            changes = [
                changes_of(
                    detections_of(curves[file, name]),
                    bounds(events[file, name]),
                    settings,
                    [(bounds(events[file, o]), totals[o]) for o in names if o != name],
                )
                for file in files
            ]
            counts = np.array([float(len(events[file, name])) for file in files])
            classes.append(ClassCurve(changes, counts, np.full(len(files), 10.0), np.zeros(len(files), dtype=np.int64)))
        slow = slow_psds(curves, events, 10.0 * len(files), settings)
        assert psds(classes, settings) == pytest.approx(slow, abs=1e-9)


def bounds(spans: list[Span]) -> NDArray[np.float64]:
    return np.array([(span.start, span.end) for span in spans]).reshape(-1, 2)


def random_scene(
    seed: int, num_files: int = 2, num_classes: int = 2
) -> tuple[dict[tuple[str, str], ScoreCurve], dict[tuple[str, str], list[Span]]]:
    """Smooth random curves of 10 s and random events, at least one of each class."""
    rng = np.random.default_rng(seed)
    curves, events = {}, {}
    for file in range(num_files):
        for label in range(num_classes):
            width = int(rng.integers(1, 5))
            values = np.convolve(rng.random(40), np.ones(width) / width, "same")
            curves[f"{file}", f"c{label}"] = ScoreCurve(values.astype(np.float32), 0.25)
            edges = np.sort(rng.choice(1000, 2 * rng.integers(0 if file else 1, 4), replace=False)) / 100
            events[f"{file}", f"c{label}"] = [Span(float(a), float(b)) for a, b in edges.reshape(-1, 2)]
    return curves, events


def test_weights_count_a_group_as_often_as_they_say() -> None:
    curves, events = random_scene(3, num_files=2, num_classes=1)
    changes = [changes_of(detections_of(curve), bounds(events[key]), AUDIO_GROUNDING) for key, curve in curves.items()]
    counts = np.array([float(len(spans)) for spans in events.values()])
    both = ClassCurve(changes, counts, np.full(2, 10.0), np.array([0, 1]))
    twice = ClassCurve([changes[0]] * 2, counts[[0, 0]], np.full(2, 10.0), np.array([0, 0]))
    assert psds([both], AUDIO_GROUNDING, np.array([2.0, 0.0])) == pytest.approx(psds([twice], AUDIO_GROUNDING))


def test_min_max_of_a_flat_curve_is_zero_not_nan() -> None:
    flat = min_max(ScoreCurve(np.full(4, 0.7, np.float32), 0.1))
    assert flat.values.tolist() == [0.0, 0.0, 0.0, 0.0]
    assert min_max(ScoreCurve(np.array([1, 3, 2], np.float32), 0.1)).values.tolist() == [0.0, 1.0, 0.5]


def test_every_pair_needs_a_curve_and_every_curve_a_pair() -> None:
    curves = {pair: curve_of(spans) for pair, spans in references().spans.items()}
    del curves["a.wav", "cat"]
    with pytest.raises(FormatError) as missing:
        paired_curves(references(), curves)
    assert str(missing.value) == (
        "'cat' of a.wav: expected frame scores, found none. "
        "Score every pair the reference asks, also where the query is not there."
    )
    curves["a.wav", "fox"] = curve_of(())
    broken: list[EarmarkError] = []
    kept = paired_curves(references(), curves, broken.append)
    assert len(kept) == 5 and len(broken) == 2
    assert str(broken[0]) == (
        "'fox' of a.wav: expected frame scores of the pairs the reference asks, found one it does not. "
        "Add it to the reference, with start and end null where the query is not there."
    )
    with pytest.raises(FormatError, match="frame scores of at least one pair, found none"):
        paired_curves(references(), {}, broken.append)
