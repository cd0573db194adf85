"""Text to spans: does the right place come first, how well are its edges set, and is "not here" said in time?

Sources: R1@IoU is Gao et al., ICCV 2017 (TALL); mAP over IoU 0.5 to 0.95 is Lei, Berg & Bansal, NeurIPS
2021 (QVHighlights); the calibration error is Guo et al., ICML 2017 with 10 equal bins.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from earmark.evaluation.inputs import Answers, Estimates, References
from earmark.evaluation.matching import bounds, iou_matrix
from earmark.evaluation.scores import Floats, Resampler, Score, ratio, shuffled, with_chance
from earmark.timeline import Span

__all__ = ["IOU_STEPS", "grounding_average_precision", "grounding_scores", "presence_labels"]

IOU_STEPS = np.round(np.arange(0.5, 0.951, 0.05), 2)
"""Intersections over union that mAP is averaged over."""

BINS = 10
CHANCE_RUNS = 3


@dataclass(frozen=True)
class PairResult:
    """What one (recording, query) pair adds to the sums."""

    present: bool
    top_iou: float
    average_precision: float
    counted: bool
    found: bool
    presence: float
    edges: tuple[float, float] | None
    confidences: Floats
    right: NDArray[np.bool_]


def grounding_average_precision(estimated: Sequence[Span], reference: Sequence[Span]) -> Floats:
    """Average precision of one pair at each of `IOU_STEPS`, shape (10,).

    Args:
        estimated: by falling probability. Each takes the free reference it overlaps most; the area under
            precision over recall is taken with precision made non-increasing, as in PASCAL VOC 2010.
    """
    if not reference:
        raise ValueError("grounding_average_precision needs a reference that has the query")
    right = _right_at(iou_matrix(bounds(estimated), bounds(reference)))  # (m, thresholds)
    if not len(right):
        return np.zeros(len(IOU_STEPS))
    ranks = np.arange(1, len(right) + 1)[:, None]
    precision = np.cumsum(right, axis=0) / ranks
    best_later = np.maximum.accumulate(precision[::-1], axis=0)[::-1]
    area: Floats = (best_later * right).sum(axis=0) / len(reference)
    return area


def _right_at(iou: Floats, steps: Floats = IOU_STEPS) -> NDArray[np.bool_]:
    """Which estimates are right at which intersection over union, (m, n) -> (m, steps)."""
    num_estimated, num_reference = iou.shape
    right = np.zeros((num_estimated, len(steps)), dtype=bool)
    free = np.ones((len(steps), num_reference), dtype=bool)
    rows = np.arange(len(steps))
    if num_reference == 0:
        return right
    for i in range(num_estimated):
        fits = np.where(free & (iou[i] >= steps[:, None] - 1e-12), iou[i], -1.0)
        best = fits.argmax(axis=1)
        hit = fits[rows, best] >= 0
        right[i] = hit
        free[rows[hit], best[hit]] = False
    return right


def _measure(answers: Answers, reference: Sequence[Span], threshold: float) -> PairResult:
    estimated = bounds(answers.spans)
    iou = iou_matrix(estimated, bounds(reference))
    above = sum(probability >= threshold for probability in answers.probabilities)
    top_iou, edges = 0.0, None
    if reference and len(estimated):
        best = int(iou[0].argmax())
        top_iou = float(iou[0, best])
        if top_iou >= 0.5:
            edges = (
                abs(answers.spans[0].start - reference[best].start),
                abs(answers.spans[0].end - reference[best].end),
            )
    right = _right_at(iou, np.array([0.5]))[:, 0]
    return PairResult(
        present=bool(reference),
        top_iou=top_iou,
        average_precision=float(grounding_average_precision(answers.spans, reference).mean()) if reference else 0.0,
        counted=above == len(reference),
        found=above > 0,
        presence=answers.presence,
        edges=edges,
        confidences=np.array(answers.probabilities, dtype=np.float64),
        right=right,
    )


def grounding_scores(
    references: References,
    estimates: Estimates,
    *,
    threshold: float = 0.5,
    repeats: int = 1000,
    seed: int = 0,
) -> list[Score]:
    """Every figure of the task.

    Args:
        threshold: a moment at or above it counts as an answer, for counts and for "not here".
        repeats: bootstrap resamples over recordings.
    """
    pairs = references.pairs
    resampler = Resampler([recording for recording, _ in pairs], repeats, seed)
    answers = [estimates.of(pair) for pair in pairs]
    scores = _scores_of(references, answers, threshold, resampler)
    chances = []
    if len(pairs) > 1:
        rng = np.random.default_rng(seed)
        plain = Resampler([recording for recording, _ in pairs], 0, seed)
        for _ in range(CHANCE_RUNS):
            dealt = shuffled(len(pairs), rng)
            chances.append(_scores_of(references, [answers[i] for i in dealt], threshold, plain))
    return with_chance(scores, chances)


def _scores_of(
    references: References, answers: Sequence[Answers], threshold: float, resampler: Resampler
) -> list[Score]:
    results = [
        _measure(answer, spans, threshold) for answer, spans in zip(answers, references.spans.values(), strict=True)
    ]
    present = np.array([result.present for result in results])
    top = np.array([result.top_iou for result in results])
    found = np.array([result.found for result in results])
    here, gone = "present pairs", "absent pairs"
    scores = [
        resampler.mean("R1@0.5", (top >= 0.5).astype(float), among=present, unit=here),
        resampler.mean("R1@0.7", (top >= 0.7).astype(float), among=present, unit=here),
        resampler.mean("mAP", np.array([r.average_precision for r in results]), among=present, unit=here),
        resampler.mean("mean IoU", top, among=present, unit=here),
        resampler.mean("count accuracy", np.array([float(r.counted) for r in results]), among=present, unit=here),
        resampler.mean("found", found.astype(float), among=present, unit=here, note=f"threshold {threshold:g}"),
        resampler.mean("absent accuracy", 1.0 - found, among=~present, unit=gone, note=f"threshold {threshold:g}"),
        _presence_calibration(results, resampler),
        _moment_calibration(results, resampler),
    ]
    placed = [i for i, result in enumerate(results) if result.edges is not None]
    edges = np.array([results[i].edges for i in placed], dtype=np.float64).reshape(-1, 2)
    for column, name in enumerate(("onset error (s)", "offset error (s)")):
        scores.append(
            resampler.median(
                name,
                edges[:, column],
                resampler.groups[placed],
                unit="first answers with IoU >= 0.5",
                note="median",
            )
        )
    return scores


def presence_labels(references: References, estimates: Estimates) -> tuple[Floats, NDArray[np.bool_]]:
    """How sure the system is that the query is there, and whether it is; each of shape (pairs,)."""
    scores = np.array([estimates.of(pair).presence for pair in references.pairs])
    return scores, np.array([bool(spans) for spans in references.spans.values()], dtype=bool)


def _presence_calibration(results: Sequence[PairResult], resampler: Resampler) -> Score:
    table = _bins(
        np.array([result.presence for result in results]),
        np.array([result.present for result in results]),
        resampler.groups,
        resampler.num_groups,
    )
    return resampler.score(
        "calibration error (presence)",
        table,
        calibration_error,
        count=len(results),
        unit="pairs",
        higher_is_better=False,
    )


def _moment_calibration(results: Sequence[PairResult], resampler: Resampler) -> Score:
    name = "calibration error (moments)"
    lengths = [len(result.confidences) for result in results]
    if not sum(lengths):
        return Score(name, None, 0, "moments", higher_is_better=False)
    table = _bins(
        np.concatenate([result.confidences for result in results]),
        np.concatenate([result.right for result in results]),
        np.repeat(resampler.groups, lengths),
        resampler.num_groups,
    )
    return resampler.score(name, table, calibration_error, count=sum(lengths), unit="moments", higher_is_better=False)


def _bins(confidences: Floats, right: NDArray[np.bool_], groups: NDArray[np.int64], num_groups: int) -> Floats:
    """Per group and bin: how many, the sum of their confidences, how many right; (groups, bins * 3)."""
    bins = np.minimum((confidences * BINS).astype(np.int64), BINS - 1)
    table = np.zeros((num_groups, BINS, 3))
    for column, amount in enumerate((np.ones(len(bins)), confidences, right.astype(np.float64))):
        np.add.at(table[:, :, column], (groups, bins), amount)
    return table.reshape(num_groups, -1)


def calibration_error(sums: Floats) -> Floats:
    """Expected calibration error from the sums of `_bins`, shape (..., bins * 3) -> (...)."""
    bins = sums.reshape(*sums.shape[:-1], -1, 3)
    return ratio(np.abs(bins[..., 1] - bins[..., 2]).sum(-1), bins[..., 0].sum(-1))
