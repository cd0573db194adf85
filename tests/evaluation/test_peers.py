"""Where sed_scores_eval, mir_eval and jiwer compute the same thing, ours agree with them on 200 random inputs."""

from __future__ import annotations

import dataclasses
import warnings

import numpy as np
import pytest

from earmark.evaluation.matching import bounds, match_events
from earmark.evaluation.psds import AUDIO_GROUNDING, PSDS1, PSDS2, ClassCurve, changes_of, detections_of, psds
from earmark.evaluation.ranking import auroc
from earmark.evaluation.segmentation import boundary_errors
from earmark.evaluation.spoken_terms import edit_counts
from earmark.timeline import ScoreCurve, Span, spans_above

TOLERANCE = 1e-9


def random_events(rng: np.random.Generator, low: int, high: int, seconds: float = 10.0) -> list[Span]:
    edges = np.sort(rng.choice(round(seconds * 100), 2 * rng.integers(low, high), replace=False)) / 100
    return [Span(float(a), float(b)) for a, b in edges.reshape(-1, 2)]


def test_psds_and_auroc_agree_with_sed_scores_eval() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        peer = pytest.importorskip("sed_scores_eval", reason="builds with a C compiler; see docs/evaluate.md")
        from sed_scores_eval.base_modules.scores import create_score_dataframe

    rng = np.random.default_rng(0)
    step, num_frames = 0.25, 40
    for trial in range(200):
        files = [str(i) for i in range(rng.integers(1, 4))]
        labels = [f"c{i}" for i in range(rng.integers(2, 4))]
        width = int(rng.integers(1, 5))
        curves, events, tables = {}, {}, {}
        for number, file in enumerate(files):
            for label in labels:
                values = np.convolve(rng.random(num_frames), np.ones(width) / width, "same")
                curves[file, label] = ScoreCurve(
                    (values if trial % 3 else np.round(values, 1)).astype(np.float32), step
                )
                events[file, label] = random_events(rng, 0 if number else 1, 4)
            tables[file] = create_score_dataframe(
                np.stack([curves[file, label].values for label in labels], axis=1).astype(np.float64),
                np.arange(num_frames + 1) * step,
                labels,
            )
        truth = {f: [(e.start, e.end, c) for c in labels for e in events[f, c]] for f in files}
        totals = {c: sum(e.duration for f in files for e in events[f, c]) for c in labels}
        for settings in (PSDS1, PSDS2, AUDIO_GROUNDING, dataclasses.replace(PSDS2, max_per_hour=2000.0)):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                expected = peer.intersection_based.psds(
                    tables,
                    truth,
                    {file: num_frames * step for file in files},
                    dtc_threshold=settings.dtc,
                    gtc_threshold=settings.gtc,
                    cttc_threshold=settings.cttc,
                    alpha_ct=settings.alpha_ct,
                    alpha_st=settings.alpha_st,
                    max_efpr=settings.max_per_hour,
                )[0]
            classes = [
                ClassCurve(
                    [
                        changes_of(
                            detections_of(curves[f, c]),
                            bounds(events[f, c]),
                            settings,
                            [(bounds(events[f, o]), totals[o]) for o in labels if o != c],
                        )
                        for f in files
                    ],
                    np.array([float(len(events[f, c])) for f in files]),
                    np.full(len(files), num_frames * step),
                    np.zeros(len(files), dtype=np.int64),
                )
                for c in labels
            ]
            assert psds(classes, settings) == pytest.approx(expected, abs=TOLERANCE)
        if trial % 3:  # its area is a staircase, ours counts a tie as half: the same without ties
            _auroc_agrees(peer, tables, files, labels[0], rng, num_frames, step)


def _auroc_agrees(peer, tables, files, label, rng, num_frames, step) -> None:  # type: ignore[no-untyped-def]
    """Frames as segments: events are drawn on the frame grid, where both mean the same by a positive frame."""
    flags = {file: rng.random(num_frames) < 0.3 for file in files}
    for file in files:
        flags[file][:2] = [True, False]
    truth = {
        f: [
            (span.start, span.end, label)
            for span in spans_above(ScoreCurve(flags[f].astype(np.float32), step), 0.5, 0.5)
        ]
        for f in files
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = peer.segment_based.auroc(
            {file: tables[file][["onset", "offset", label]] for file in files},
            truth,
            {file: num_frames * step for file in files},
            segment_length=step,
        )[0][label]
    ours = auroc(
        np.concatenate([tables[file][label].to_numpy() for file in files]),
        np.concatenate([flags[file] for file in files]),
    )
    assert ours == pytest.approx(expected, abs=TOLERANCE)


def test_events_agree_with_mir_eval() -> None:
    mir_eval = pytest.importorskip("mir_eval")
    rng = np.random.default_rng(1)
    matched = 0
    for _ in range(200):
        reference = bounds(random_events(rng, 1, 5))
        moved = reference + rng.normal(0, 0.15, reference.shape)
        estimated = np.concatenate([moved[moved[:, 1] > moved[:, 0]], bounds(random_events(rng, 0, 3))])
        estimated = np.abs(estimated[estimated[:, 1] > estimated[:, 0]])
        if not len(estimated):
            continue
        pitches = np.full(len(reference), 440.0), np.full(len(estimated), 440.0)
        expected = mir_eval.transcription.match_notes(
            reference, pitches[0], estimated, pitches[1],
            onset_tolerance=0.2, offset_ratio=0.2, offset_min_tolerance=0.2,
        )  # fmt: skip
        ours = match_events(reference, estimated)
        assert ours == len(expected)
        matched += ours
    assert matched > 100


def test_boundary_errors_agree_with_mir_eval() -> None:
    mir_eval = pytest.importorskip("mir_eval")
    rng = np.random.default_rng(2)
    for _ in range(200):
        sets = []
        for _ in range(2):
            edges = np.unique(np.round(np.concatenate([[0.0], rng.uniform(0, 10, rng.integers(1, 6)), [10.0]]), 3))
            sets.append([Span(float(a), float(b)) for a, b in zip(edges, edges[1:], strict=False)])
        expected, _ = mir_eval.segment.deviation(bounds(sets[0]), bounds(sets[1]))
        assert np.median(boundary_errors(*sets)) == pytest.approx(expected, abs=TOLERANCE)


def test_word_and_character_errors_agree_with_jiwer() -> None:
    jiwer = pytest.importorskip("jiwer")
    rng = np.random.default_rng(3)
    words = np.array(["the", "dog", "barks", "at", "a", "passing", "train"])
    for _ in range(200):
        truth = rng.choice(words, rng.integers(1, 9)).tolist()
        said = rng.choice(words, rng.integers(0, 9)).tolist()
        edits, length = edit_counts(truth, said)
        assert edits / length == pytest.approx(jiwer.wer(" ".join(truth), " ".join(said)), abs=TOLERANCE)
        edits, length = edit_counts(list(" ".join(truth)), list(" ".join(said)))
        assert edits / length == pytest.approx(jiwer.cer(" ".join(truth), " ".join(said)), abs=TOLERANCE)
