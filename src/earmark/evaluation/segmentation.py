"""Speech, music, noise: is every moment in the right class, and are the boundaries where they should be?

Durations are exact: precision and recall are of seconds, the limit of ever shorter frames. The reference
has one line per segment, whose query (or "class") is the class; an estimate likewise. A class is measured
in every recording of the reference, also where it does not occur.

Source: boundary error is the median distance from each reference boundary to the nearest estimated one, as
`mir_eval.segment.deviation` (Turnbull et al., ISMIR 2007).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from earmark.evaluation.inputs import Estimates, Pair, References
from earmark.evaluation.ranking import auroc
from earmark.evaluation.scores import Floats, Resampler, Score, Statistic, ratio, shuffled
from earmark.timeline import ScoreCurve, Span, clip_spans, intersect_spans, merge_spans

__all__ = ["boundary_errors", "segmentation_scores"]


def boundary_errors(reference: Sequence[Span], estimated: Sequence[Span]) -> Floats:
    """Seconds from each reference boundary to the nearest estimated one; none where nothing was estimated."""
    true = np.unique([edge for span in reference for edge in (span.start, span.end)])
    said = np.unique([edge for span in estimated for edge in (span.start, span.end)])
    if not len(true) or not len(said):
        return np.zeros(0)
    return np.asarray(np.abs(true[:, None] - said[None, :]).min(axis=1), dtype=np.float64)


def segmentation_scores(
    references: References,
    estimates: Estimates,
    curves: Mapping[Pair, ScoreCurve] | None = None,
    *,
    repeats: int = 1000,
    seed: int = 0,
) -> list[Score]:
    """Every figure of the task, per class and over all.

    Args:
        curves: frame scores of classes, for the ROC AUC; it is left out without them.
    """
    recordings = references.recordings
    resampler = Resampler(recordings, repeats, seed)
    order = (
        shuffled(len(recordings), np.random.default_rng(seed)) if len(recordings) > 1 else np.arange(len(recordings))
    )
    tables, guesses, scores = [], [], []
    for label in references.queries:
        true = [merge_spans(references.spans.get((name, label), ())) for name in recordings]
        said = [merge_spans(estimates.of((name, label)).spans) for name in recordings]
        table = np.array([_seconds(a, b) for a, b in zip(true, said, strict=True)])
        dealt = [said[i] for i in order]
        within = [_whole(references, name) for name in recordings]
        guess = np.array(
            [_seconds(a, clip_spans(b, span) if span else b) for a, b, span in zip(true, dealt, within, strict=True)]
        )
        tables.append(table)
        guesses.append(guess)
        scores += _class_scores(label, table, guess, len(recordings), resampler)
        scores += _auc(label, references, curves)
        boundary = _boundary(label, true, said, resampler)
        if len(recordings) > 1:
            boundary = replace(boundary, chance=_boundary(label, true, dealt, resampler).value)
        scores.append(boundary)
    everything = _class_scores("all", np.sum(tables, axis=0), np.sum(guesses, axis=0), len(recordings), resampler)
    return everything + scores


def _whole(references: References, recording: str) -> Span | None:
    seconds = references.durations.get(recording)
    return Span(0.0, seconds) if seconds is not None else None


def _seconds(true: Sequence[Span], said: Sequence[Span]) -> tuple[float, float, float]:
    """Seconds that are right, said and true."""
    right = sum(span.duration for span in intersect_spans(true, said))
    return right, sum(span.duration for span in said), sum(span.duration for span in true)


def _class_scores(label: str, table: Floats, guess: Floats, num_recordings: int, resampler: Resampler) -> list[Score]:
    sums, chance = resampler.sums(table), guess.sum(axis=0)
    figures: tuple[tuple[str, Statistic], ...] = (
        ("precision", lambda s: ratio(s[..., 0], s[..., 1])),
        ("recall", lambda s: ratio(s[..., 0], s[..., 2])),
        ("F1", lambda s: ratio(2 * s[..., 0], s[..., 1] + s[..., 2])),
    )
    return [
        resampler.score(
            f"{label}: {name}",
            sums,
            statistic,
            count=round(float(table[:, 2].sum())),
            unit="seconds",
            chance=float(statistic(chance)) if num_recordings > 1 else None,
        )
        for name, statistic in figures
    ]


def _auc(label: str, references: References, curves: Mapping[Pair, ScoreCurve] | None) -> list[Score]:
    if curves is None:
        return []
    values, labels = [], []
    for recording in references.recordings:
        curve = curves.get((recording, label))
        if curve is None:
            continue
        middles = curve.start_seconds + (np.arange(curve.num_frames) + 0.5) * curve.step_seconds
        flags = np.zeros(curve.num_frames, dtype=bool)
        for span in references.spans.get((recording, label), ()):
            flags |= (middles >= span.start) & (middles < span.end)
        values.append(curve.values)
        labels.append(flags)
    name = f"{label}: ROC AUC"
    if not values:
        return [Score(name, None, 0, "frames")]
    value = auroc(np.concatenate(values), np.concatenate(labels))
    return [Score(name, value, sum(map(len, values)), "frames", 0.5 if value is not None else None)]


def _boundary(
    label: str, true: Sequence[Sequence[Span]], said: Sequence[Sequence[Span]], resampler: Resampler
) -> Score:
    errors = [boundary_errors(a, b) for a, b in zip(true, said, strict=True)]
    groups = np.repeat(resampler.groups, [len(values) for values in errors])
    return resampler.median(
        f"{label}: boundary error (s)", np.concatenate(errors), groups, unit="boundaries", note="median"
    )
