"""Phrase-based sound event detection: are the frames and the events of a query where they should be?

Input is a curve of scores per (recording, query) pair. A frame is positive when its middle lies in a
reference span. Overlapping references of one pair are merged first.

Sources: frame figures after Xie et al., ICASSP 2022; events with a 200 ms collar or 20 % of the length
after Mesaros et al. 2016; PSDS in `earmark.evaluation.psds`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from earmark.errors import FormatError
from earmark.evaluation.inputs import OnBroken, Pair, References, refuse
from earmark.evaluation.matching import bounds, match_events
from earmark.evaluation.psds import (
    AUDIO_GROUNDING,
    PSDS1,
    PSDS2,
    Changes,
    ClassCurve,
    PsdsSettings,
    changes_of,
    detections_of,
    psds,
)
from earmark.evaluation.ranking import auroc, average_precision, binned_auroc, binned_average_precision
from earmark.evaluation.scores import Floats, Resampler, Score, ratio, shuffled
from earmark.timeline import ScoreCurve, merge_spans, spans_above

__all__ = ["Frames", "detection_scores", "frames_of", "min_max", "paired_curves"]

EXACT_FRAMES = 100_000
"""Up to this many frames PSDS looks at every threshold; beyond, at `LEVELS` of them."""
LEVELS = 200
INTERVAL_CLASSES = 100
"""With more classes than this PSDS comes without an interval: resampling would take minutes."""
PSDS_REPEATS = 100


@dataclass(frozen=True)
class Frames:
    """All frames of all pairs, end to end.

    Attributes:
        scores: float32, shape (frames,).
        labels: whether the query sounds in the frame, shape (frames,).
        offsets: where each pair's frames begin, and the end, shape (pairs + 1,).
    """

    scores: NDArray[np.float32]
    labels: NDArray[np.bool_]
    offsets: NDArray[np.int64]

    def count(self, flags: NDArray[np.bool_]) -> Floats:
        """How many of the flags of each pair are up, shape (pairs,)."""
        totals = np.append(0, np.cumsum(flags, dtype=np.int64))
        counts: Floats = (totals[self.offsets[1:]] - totals[self.offsets[:-1]]).astype(np.float64)
        return counts


def paired_curves(
    references: References, curves: dict[Pair, ScoreCurve], on_broken: OnBroken = refuse
) -> dict[Pair, ScoreCurve]:
    """The curve of every pair the reference asks, in its order.

    Raises:
        FormatError: (through `on_broken`) for a pair with no curve, and for a curve nobody asked for.
    """
    for recording, query in curves.keys() - references.spans.keys():
        on_broken(
            FormatError(
                f"{query!r} of {recording}",
                expected="frame scores of the pairs the reference asks",
                found="one it does not",
                hint="Add it to the reference, with start and end null where the query is not there.",
            )
        )
    found = {}
    for pair in references.pairs:
        if pair in curves:
            found[pair] = curves[pair]
        else:
            on_broken(
                FormatError(
                    f"{pair[1]!r} of {pair[0]}",
                    expected="frame scores",
                    found="none",
                    hint="Score every pair the reference asks, also where the query is not there.",
                )
            )
    if not found:
        raise FormatError(
            "scores", expected="frame scores of at least one pair", found="none", hint="Check the file names."
        )
    return found


def min_max(curve: ScoreCurve) -> ScoreCurve:
    """Stretched to [0, 1] clip by clip, as Xie et al. do; a flat curve becomes 0 everywhere, not 0/0."""
    if not curve.num_frames:
        return curve
    low, high = float(curve.values.min()), float(curve.values.max())
    scale = 1.0 / (high - low) if high > low else 0.0
    return ScoreCurve(
        ((curve.values - low) * np.float32(scale)).astype(np.float32), curve.step_seconds, curve.start_seconds
    )


def frames_of(references: References, curves: dict[Pair, ScoreCurve]) -> Frames:
    offsets = np.concatenate([[0], np.cumsum([curve.num_frames for curve in curves.values()])]).astype(np.int64)
    labels = np.zeros(int(offsets[-1]), dtype=bool)
    for begin, (pair, curve) in zip(offsets, curves.items(), strict=False):
        for span in references.spans[pair]:
            edges = (np.array([span.start, span.end]) - curve.start_seconds) / curve.step_seconds - 0.5
            first, last = np.clip(np.ceil(edges - 1e-9), 0, curve.num_frames).astype(np.int64)
            labels[begin + first : begin + last] = True
    return Frames(np.concatenate([curve.values for curve in curves.values()]), labels, offsets)


def detection_scores(
    references: References,
    curves: dict[Pair, ScoreCurve],
    *,
    threshold: float = 0.5,
    repeats: int = 1000,
    seed: int = 0,
    on_broken: OnBroken = refuse,
) -> list[Score]:
    """Every figure of the task; see `Score` for what a line holds."""
    curves = paired_curves(references, curves, on_broken)
    pairs = list(curves)
    resampler = Resampler([recording for recording, _ in pairs], repeats, seed)
    frames = frames_of(references, curves)
    scores = frame_scores(frames, [query for _, query in pairs], resampler, threshold)
    dealt: dict[Pair, ScoreCurve] | None = None
    if len(pairs) > 1:
        order = shuffled(len(pairs), np.random.default_rng(seed))
        every = list(curves.values())
        dealt = {pair: every[order[i]] for i, pair in enumerate(pairs)}
    scores += event_scores(references, curves, dealt, resampler, threshold)
    scores += psds_scores(references, curves, dealt, resampler, frames)
    return scores


CHOSEN = "frame F1, threshold from other recordings"


def frame_scores(frames: Frames, queries: Sequence[str], resampler: Resampler, threshold: float) -> list[Score]:
    num_frames, share = len(frames.scores), float(frames.labels.mean()) if len(frames.labels) else 0.0
    rising, histogram = _histogram(frames, resampler)
    flat = histogram.reshape(resampler.num_groups, -1)
    scores = []
    for name, exact, binned, chance in (
        ("frame AUROC", auroc, binned_auroc, 0.5),
        ("frame AP", average_precision, binned_average_precision, share),
    ):
        value = exact(frames.scores, frames.labels)
        if value is None:
            scores.append(Score(name, None, num_frames, "frames"))
            continue
        rough = resampler.score(name, flat, binned, count=num_frames, unit="frames")
        scores.append(
            Score(name, value, num_frames, "frames", chance, rough.low, rough.high)
            if rough.low is not None
            else Score(name, value, num_frames, "frames", chance)
        )
    scores.append(_mean_auroc(frames, queries))
    above = frames.scores >= threshold
    table = np.stack([frames.count(above & frames.labels), frames.count(above), frames.count(frames.labels)], axis=1)
    sums = resampler.sums(table)
    answered = float(above.mean()) if num_frames else 0.0
    for name, statistic, chance in (
        ("frame precision", _precision, share if answered else 0.0),
        ("frame recall", _recall, answered),
        ("frame F1", _f1, float(ratio(np.array(2 * share * answered), np.array(share + answered)))),
    ):
        scores.append(
            resampler.score(
                name,
                sums,
                statistic,
                count=num_frames,
                unit="frames",
                chance=chance,
                note=f"threshold {threshold:g}",
            )
        )
    always = 2 * share / (1 + share)
    points = _threshold_counts(histogram)  # (groups, thresholds, 3)
    best = int(_f1(points.sum(axis=0)).argmax())
    scores.append(
        resampler.score(
            "frame F1, best threshold",
            points.reshape(resampler.num_groups, -1),
            lambda s: _f1(s.reshape(*s.shape[:-1], -1, 3)).max(axis=-1),
            count=num_frames,
            unit="frames",
            chance=always,
            note=f"threshold {rising[best]:.3g}, chosen on the same frames",
        )
    )
    if resampler.num_groups > 1:
        crossed, halves = _cross_chosen(points)
        scores.append(
            resampler.score(
                CHOSEN,
                crossed,
                _f1,
                count=num_frames,
                unit="frames",
                chance=always,
                note="thresholds " + ", ".join(f"{rising[i]:.3g}" for i in halves),
            )
        )
    return scores


def _precision(sums: Floats) -> Floats:
    return ratio(sums[..., 0], sums[..., 1])


def _recall(sums: Floats) -> Floats:
    return ratio(sums[..., 0], sums[..., 2])


def _f1(sums: Floats) -> Floats:
    """From (..., 3): right, answered, true."""
    return ratio(2 * sums[..., 0], sums[..., 1] + sums[..., 2])


def _mean_auroc(frames: Frames, queries: Sequence[str]) -> Score:
    """AUROC within each query, averaged over the queries that have frames of both kinds."""
    members: dict[str, list[int]] = {}
    for i, query in enumerate(queries):
        members.setdefault(query, []).append(i)
    values = []
    for indices in members.values():
        parts = [slice(int(frames.offsets[i]), int(frames.offsets[i + 1])) for i in indices]
        value = auroc(
            np.concatenate([frames.scores[part] for part in parts]),
            np.concatenate([frames.labels[part] for part in parts]),
        )
        if value is not None:
            values.append(value)
    name = "frame AUROC, mean over queries"
    if not values:
        return Score(name, None, 0, "queries")
    return Score(name, float(np.mean(values)), len(values), "queries", 0.5)


def _histogram(frames: Frames, resampler: Resampler) -> tuple[Floats, Floats]:
    """Counts of frames by group and score, for intervals and threshold sweeps.

    Returns:
        the lower bounds of the bins, rising, and counts of shape (groups, bins, 2): negatives, positives.
    """
    sample = frames.scores[:: max(1, len(frames.scores) // 200_000)]
    positives = frames.scores[frames.labels]
    edges: list[Floats] = [np.quantile(sample, np.linspace(0, 1, 200))] if len(sample) else [np.zeros(1)]
    if len(positives):
        edges.append(np.quantile(positives[:: max(1, len(positives) // 200_000)], np.linspace(0, 1, 200)))
    if len(sample) and sample.min() >= 0 and sample.max() <= 1:
        edges.append(np.arange(0.01, 1.0, 0.01))
    lower = np.unique(np.concatenate(edges).astype(np.float32))
    bins = np.searchsorted(lower, frames.scores, side="right")  # 0 is below every bound
    groups = np.repeat(resampler.groups, np.diff(frames.offsets))
    size = len(lower) + 1
    keys = (groups * size + bins) * 2 + frames.labels
    counts = np.bincount(keys, minlength=resampler.num_groups * size * 2).astype(np.float64)
    return np.append(-np.inf, lower).astype(np.float64), counts.reshape(resampler.num_groups, size, 2)


def _threshold_counts(histogram: Floats) -> Floats:
    """Right, answered, true frames at each bin's lower bound as the threshold, (groups, bins, 3)."""
    above = np.cumsum(histogram[:, ::-1], axis=1)[:, ::-1]
    true = np.broadcast_to(above[:, :1, 1], above.shape[:2])
    return np.stack([above[..., 1], above.sum(axis=-1), true], axis=-1)


def _cross_chosen(points: Floats) -> tuple[Floats, list[int]]:
    """Each half of the recordings at the threshold that is best on the other half, (groups, 3)."""
    crossed = np.empty((len(points), 3))
    chosen = []
    for half in (0, 1):
        best = int(_f1(points[1 - half :: 2].sum(axis=0)).argmax())
        crossed[half::2] = points[half::2, best]
        chosen.append(best)
    return crossed, chosen


def event_scores(
    references: References,
    curves: dict[Pair, ScoreCurve],
    dealt: dict[Pair, ScoreCurve] | None,
    resampler: Resampler,
    threshold: float,
) -> list[Score]:
    """Events of the curves above the threshold against the reference events."""

    def table(chosen: dict[Pair, ScoreCurve]) -> Floats:
        rows = []
        for pair, curve in chosen.items():
            reference = bounds(merge_spans(references.spans[pair]))
            estimated = bounds(spans_above(curve, threshold, threshold))
            rows.append((match_events(reference, estimated), len(estimated), len(reference)))
        return np.array(rows, dtype=np.float64)

    counted = table(curves)
    chance = table(dealt).sum(axis=0) if dealt else None
    sums = resampler.sums(counted)
    return [
        resampler.score(
            name,
            sums,
            statistic,
            count=int(counted[:, 2].sum()),
            unit="events",
            chance=None if chance is None else float(statistic(chance)),
            note=f"threshold {threshold:g}, 200 ms / 20 %",
        )
        for name, statistic in (
            ("event precision", _precision),
            ("event recall", _recall),
            ("event F1", _f1),
        )
    ]


def psds_scores(
    references: References,
    curves: dict[Pair, ScoreCurve],
    dealt: dict[Pair, ScoreCurve] | None,
    resampler: Resampler,
    frames: Frames,
) -> list[Score]:
    """PSDS 1 and 2 with each query a class, and the AudioGrounding setting with each pair a file."""
    variants = (
        ("PSDS1", PSDS1, False),
        ("PSDS2", PSDS2, False),
        ("PSDS, AudioGrounding", AUDIO_GROUNDING, True),
    )
    levels = None if len(frames.scores) <= EXACT_FRAMES else _levels(frames)
    classes = _classes(references, curves, resampler, levels)
    guesses = _classes(references, dealt, resampler, levels) if dealt else None
    num_events = sum(len(merge_spans(spans)) for spans in references.spans.values())
    scores = []
    for name, settings, one_class in variants:
        found = classes[settings]
        if not found:
            scores.append(Score(name, None, 0, "events"))
            continue
        low = high = None
        if resampler.repeats and len(found) <= INTERVAL_CLASSES:
            weights = resampler.weights[:PSDS_REPEATS]
            low, high = np.percentile([psds(found, settings, row) for row in weights], [2.5, 97.5])
        scores.append(
            Score(
                name,
                psds(found, settings),
                num_events,
                "events",
                psds(guesses[settings], settings) if guesses else None,
                None if low is None else float(low),
                None if high is None else float(high),
                note=("all queries one class" if one_class else f"{len(found)} queries as classes")
                + ("" if levels is None else f", {len(levels)} thresholds"),
            )
        )
    return scores


def _levels(frames: Frames) -> NDArray[np.float32]:
    """Thresholds where the curve bends: ranks among frames where the query sounds, and among all."""
    positives = frames.scores[frames.labels]
    parts = [values[:: max(1, len(values) // 200_000)] for values in (positives, frames.scores) if len(values)]
    steps = np.linspace(0, 1, LEVELS // 2)
    return np.unique(np.concatenate([np.quantile(part, steps) for part in parts]).astype(np.float32))


def _classes(
    references: References,
    curves: dict[Pair, ScoreCurve],
    resampler: Resampler,
    levels: NDArray[np.float32] | None,
) -> dict[PsdsSettings, list[ClassCurve]]:
    """Every query with an event as a class, and for AudioGrounding one class of everything."""
    events = {pair: bounds(merge_spans(references.spans[pair])) for pair in curves}
    totals: dict[str, float] = {}
    asked: dict[str, list[str]] = {}
    for (recording, query), spans in events.items():
        asked.setdefault(recording, []).append(query)
        totals[query] = totals.get(query, 0.0) + float((spans[:, 1] - spans[:, 0]).sum())
    changes: dict[PsdsSettings, list[Changes]] = {PSDS1: [], PSDS2: [], AUDIO_GROUNDING: []}
    for (recording, query), curve in curves.items():
        found = detections_of(curve if levels is None else _rounded(curve, levels))
        others = [
            (events[recording, other], totals[other])
            for other in asked[recording]
            if other != query and len(events[recording, other])
        ]
        for settings, kept in changes.items():
            kept.append(changes_of(found, events[recording, query], settings, others))
    num_events = np.array([len(spans) for spans in events.values()], dtype=np.float64)
    seconds = np.array([references.durations.get(pair[0], c.span.end) for pair, c in curves.items()])
    members: dict[str, list[int]] = {}
    for i, (_, query) in enumerate(curves):
        if totals[query] > 0:
            members.setdefault(query, []).append(i)
    one = [list(range(len(curves)))] if num_events.sum() else []
    return {
        settings: [
            ClassCurve([kept[i] for i in rows], num_events[rows], seconds[rows], resampler.groups[rows])
            for rows in (one if settings is AUDIO_GROUNDING else members.values())
        ]
        for settings, kept in changes.items()
    }


def _rounded(curve: ScoreCurve, levels: NDArray[np.float32]) -> ScoreCurve:
    """Each score lowered to the level at or below it: what lies above a level still does."""
    at = np.searchsorted(levels, curve.values, side="right") - 1
    values = np.where(at >= 0, levels[np.maximum(at, 0)], levels[0] - np.float32(1))
    return ScoreCurve(values.astype(np.float32), curve.step_seconds, curve.start_seconds)
