"""Spoken term detection, and the transcripts it rests on: ATWV, MTWV, precision at N, WER and CER.

The term-weighted value of a threshold is one minus the mean over terms of P(miss) + 999.9 P(false alarm),
where false alarms are out of the seconds that do not hold the term. ATWV is its value at the threshold
the system uses, MTWV at the best one.

A detection answers a reference when its middle lies within 0.5 s of it; each detection, by falling
probability, takes the nearest reference that is still free.

Sources: Fiscus et al., "Results of the 2006 spoken term detection evaluation"; the NIST plan for OpenKWS.
WER and CER are pooled: edits over reference words, as in jiwer.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from earmark.errors import FormatError
from earmark.evaluation.inputs import Answers, Estimates, References
from earmark.evaluation.ranking import OperatingPoints, operating_points
from earmark.evaluation.scores import Floats, Resampler, Score, ratio, shuffled, with_chance
from earmark.timeline import Span

__all__ = [
    "BETA",
    "Detections",
    "detections_of",
    "edit_counts",
    "spoken_term_scores",
    "term_operating_points",
    "words_of",
]

BETA = 999.9
TOLERANCE_SECONDS = 0.5


def right_detections(answers: Answers, reference: Sequence[Span]) -> NDArray[np.bool_]:
    """Which detections of one pair are right, in the order of the answers (falling probability)."""
    right = np.zeros(len(answers.spans), dtype=bool)
    free = list(reference)
    for i, span in enumerate(answers.spans):
        gaps = [max(0.0, one.start - span.middle, span.middle - one.end) for one in free]
        if gaps and min(gaps) <= TOLERANCE_SECONDS + 1e-9:
            right[i] = True
            del free[gaps.index(min(gaps))]
    return right


@dataclass(frozen=True)
class Detections:
    """Every detection of every term; arrays of shape (detections,) unless said.

    Attributes:
        term, recording: indices.
        true_counts: occurrences of each term in each recording, shape (terms, recordings).
    """

    probability: Floats
    right: NDArray[np.bool_]
    term: NDArray[np.int64]
    recording: NDArray[np.int64]
    true_counts: Floats


def detections_of(references: References, answers: Sequence[Answers]) -> Detections:
    """One set of answers per pair of the reference, in its order."""
    terms = {query: i for i, query in enumerate(references.queries)}
    recordings = {recording: i for i, recording in enumerate(references.recordings)}
    true_counts = np.zeros((len(terms), len(recordings)))
    right, probability, owner = [], [], []
    for ((recording, query), spans), given in zip(references.spans.items(), answers, strict=True):
        true_counts[terms[query], recordings[recording]] += len(spans)
        right.append(right_detections(given, spans))
        probability.append(np.array(given.probabilities, dtype=np.float64))
        owner.append(np.tile([[terms[query]], [recordings[recording]]], len(given.spans)).reshape(2, -1))
    owners = np.concatenate(owner, axis=1).astype(np.int64)
    return Detections(
        np.concatenate(probability), np.concatenate(right).astype(bool), owners[0], owners[1], true_counts
    )


def term_weighted_values(found: Detections, seconds: float) -> tuple[Floats, Floats]:
    """The value at every threshold.

    Returns:
        thresholds, falling, the first above every detection; and the value at each, shape (thresholds,).
    """
    num_true = found.true_counts.sum(axis=1)
    counted = num_true > 0
    order = np.argsort(-found.probability, kind="stable")
    term, right, probability = found.term[order], found.right[order], found.probability[order]
    gain = np.where(
        right, ratio(np.ones(len(term)), num_true[term]), -BETA / np.maximum(seconds - num_true[term], 1e-9)
    )
    gain = np.where(counted[term], gain, 0.0) / max(int(counted.sum()), 1)
    values = np.append(0.0, np.cumsum(gain))
    last = np.append(np.diff(probability) != 0, True)[: len(probability)]
    kept = np.append(True, last)
    return np.append(np.inf, probability)[kept], values[kept]


def term_operating_points(found: Detections, seconds: float) -> OperatingPoints:
    """Misses out of all occurrences, false alarms out of every second of every term without one."""
    points = operating_points(found.probability, found.right)
    num_true = int(found.true_counts.sum())
    return replace(
        points,
        num_positives=num_true,
        num_negatives=max(1, round(seconds * found.true_counts.shape[0]) - num_true),
    )


def spoken_term_scores(
    references: References,
    estimates: Estimates,
    *,
    threshold: float = 0.5,
    repeats: int = 1000,
    seed: int = 0,
) -> list[Score]:
    """Term figures where the reference has terms, WER and CER where it has transcripts.

    Raises:
        FormatError: if a recording with terms has no duration: false alarms are per second of speech.
    """
    scores: list[Score] = []
    if references.spans:
        missing = [name for name in references.recordings if name not in references.durations]
        if missing:
            raise FormatError(
                missing[0],
                expected='a "duration" of every recording',
                found=f"none for {len(missing)} of {len(references.recordings)}",
                hint="False alarms count per second: write each file's length on one of its lines.",
            )
        scores += _term_scores(references, estimates, threshold, repeats, seed)
    if references.transcripts:
        scores += _transcript_scores(references.transcripts, estimates.transcripts, repeats, seed)
    return scores


def _term_scores(
    references: References, estimates: Estimates, threshold: float, repeats: int, seed: int
) -> list[Score]:
    answers = [estimates.of(pair) for pair in references.pairs]
    scores = _figures(references, detections_of(references, answers), threshold, repeats, seed)
    chances = []
    if len(answers) > 1:
        dealt = shuffled(len(answers), np.random.default_rng(seed))
        guessed = detections_of(references, [answers[i] for i in dealt])
        chances.append(_figures(references, guessed, threshold, 0, seed))
    return with_chance(scores, chances)


def _figures(references: References, found: Detections, threshold: float, repeats: int, seed: int) -> list[Score]:
    resampler = Resampler(references.recordings, repeats, seed)
    seconds = np.array([references.durations[name] for name in references.recordings])
    num_terms = int((found.true_counts.sum(axis=1) > 0).sum())
    if num_terms == 0:
        return [Score(name, None, 0, "terms") for name in ("ATWV", "MTWV", "precision at N")]
    used = found.probability >= threshold
    sums = _group_sums(found, used, seconds, resampler)
    shape = found.true_counts.shape[0]

    def actual(values: Floats) -> Floats:
        table = values[..., :-1].reshape(*values.shape[:-1], shape, 3)  # right, wrong, true
        miss = 1.0 - ratio(table[..., 0], table[..., 2])
        false = table[..., 1] / np.maximum(values[..., -1:] - table[..., 2], 1e-9)
        counted = table[..., 2] > 0
        return 1.0 - ratio(((miss + BETA * false) * counted).sum(-1), counted.sum(-1).astype(float))

    thresholds, values = term_weighted_values(found, float(seconds.sum()))
    best = int(values.argmax())
    at_n, counted = _precision_at_n(found)
    return [
        resampler.score("ATWV", sums, actual, count=num_terms, unit="terms", note=f"threshold {threshold:g}"),
        Score("MTWV", float(values[best]), num_terms, "terms", note=f"threshold {thresholds[best]:.3g}"),
        Score("precision at N", float(at_n[counted].mean()), num_terms, "terms"),
    ]


def _group_sums(found: Detections, used: NDArray[np.bool_], seconds: Floats, resampler: Resampler) -> Floats:
    """Right, wrong and true of each term, and seconds: (groups, terms * 3 + 1)."""
    num_terms, num_recordings = found.true_counts.shape
    table = np.zeros((resampler.num_groups, num_terms, 3))
    group = resampler.groups[found.recording]
    for column, flags in enumerate((used & found.right, used & ~found.right)):
        np.add.at(table[:, :, column], (group[flags], found.term[flags]), 1.0)
    for recording in range(num_recordings):
        table[resampler.groups[recording], :, 2] += found.true_counts[:, recording]
    return np.concatenate([table.reshape(resampler.num_groups, -1), resampler.sums(seconds[:, None])], axis=1)


def _precision_at_n(found: Detections) -> tuple[Floats, NDArray[np.bool_]]:
    """Share of right ones among the N best detections of each term that occurs N times, shape (terms,)."""
    num_true = found.true_counts.sum(axis=1).astype(np.int64)
    out = np.zeros(len(num_true))
    order = np.argsort(-found.probability, kind="stable")
    term, right = found.term[order], found.right[order]
    for i, count in enumerate(num_true):
        if count:
            out[i] = right[term == i][:count].sum() / count
    return out, num_true > 0


# Transcripts.


def words_of(text: str) -> list[str]:
    """Words without case and punctuation; an apostrophe inside a word stays. No other spelling is changed."""
    kept = "".join(
        character if character in "'\u2019\u200c" or not unicodedata.category(character).startswith(("P", "S")) else " "
        for character in unicodedata.normalize("NFC", text).casefold()
    )
    words = (word.replace("\u2019", "'").strip("'\u200c") for word in kept.split())
    return [word for word in words if word]


def edit_counts(reference: Sequence[str], estimated: Sequence[str]) -> tuple[int, int]:
    """Fewest edits that make one the other, and the length of the reference."""
    from rapidfuzz.distance import Levenshtein

    return Levenshtein.distance(reference, estimated), len(reference)


def _transcript_scores(
    reference: Mapping[str, str], estimated: Mapping[str, str], repeats: int, seed: int
) -> list[Score]:
    names = list(reference)
    resampler = Resampler(names, repeats, seed)
    true = [words_of(reference[name]) for name in names]
    said = [words_of(estimated.get(name, "")) for name in names]
    dealt = shuffled(len(names), np.random.default_rng(seed)) if len(names) > 1 else None
    scores = []
    for title, unit, spell in (
        ("WER", "words", lambda words: words),
        ("CER", "characters", lambda words: list(" ".join(words))),
    ):

        def count(order: Sequence[int], spell=spell) -> Floats:  # type: ignore[no-untyped-def]
            return np.array(
                [edit_counts(spell(one), spell(said[i])) for one, i in zip(true, order, strict=True)],
                dtype=np.float64,
            )

        sums = count(range(len(names)))
        chance = None
        if dealt is not None:
            total = count(dealt.tolist()).sum(axis=0)
            chance = float(ratio(total[0], total[1]))
        scores.append(
            resampler.score(
                title,
                resampler.sums(sums),
                lambda s: ratio(s[..., 0], s[..., 1]),
                count=int(sums[:, 1].sum()),
                unit=unit,
                chance=chance,
                higher_is_better=False,
            )
        )
    return scores
