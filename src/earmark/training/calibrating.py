"""Probabilities that mean what they say: fitted on scenes of recordings no training step has heard.

Two logistic regressions. The first turns the model's logit of a frame into the probability that the frame holds what
was asked for. The second turns what is known of a moment (the log-odds of its peak and of its mean, and its length
against the length expected) into the probability that it is one: of moments given 0.8, eight in ten are right.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from earmark.engines.sound.locating import LocateSettings, evidence_of, locate
from earmark.scenes.queries import Query
from earmark.timeline import ScoreCurve, Span

__all__ = ["Heard", "calibrate_frames", "calibrate_moments", "logistic_fit", "right"]


@dataclass(frozen=True)
class Heard:
    """A query and the logits of its scene's frames, shape ``(frames,)``."""

    query: Query
    logits: NDArray[np.float32]
    expected_seconds: float


def logistic_fit(
    features: NDArray[np.float64], target: NDArray[np.float64], penalty: float = 1e-3
) -> NDArray[np.float64]:
    """Weights and, last, the offset that minimise cross-entropy, by Newton's method."""
    x = np.column_stack([features, np.ones(len(features))])
    decay = penalty * len(target) * np.array([*[1.0] * features.shape[1], 0.0])
    weights = np.zeros(x.shape[1])
    for _ in range(40):
        chance = 1.0 / (1.0 + np.exp(-np.clip(x @ weights, -30, 30)))
        slope = x.T @ (chance - target) + decay * weights
        bend = (x * (chance * (1 - chance))[:, None]).T @ x + np.diag(decay + 1e-9)
        weights = weights - np.linalg.solve(bend, slope)
    return np.asarray(weights)


def calibrate_frames(heard: Sequence[Heard], step_seconds: float, every: int = 6) -> tuple[float, float]:
    """Slope and offset on the logits; one frame in `every` is enough, neighbours say the same."""
    logits, target = [], []
    for number, one in enumerate(heard):
        chosen = np.arange(number % every, len(one.logits), every)
        middle = (chosen + 0.5) * step_seconds
        inside = np.zeros(len(chosen), dtype=bool)
        for span in one.query.spans:
            inside |= (middle >= span.start) & (middle < span.end)
        logits.append(one.logits[chosen])
        target.append(inside)
    slope, offset = logistic_fit(
        np.concatenate(logits).astype(np.float64)[:, None], np.concatenate(target).astype(np.float64)
    )
    return float(slope), float(offset)


def right(span: Span, truth: Sequence[Span]) -> bool:
    """Whether a moment is about the sound asked for: a tenth of it, at least, lies where that is heard."""
    return max((span.overlap(other) for other in truth), default=0.0) > 0.1 * span.duration


def calibrate_moments(
    heard: Sequence[Heard],
    calibration: tuple[float, float],
    step_seconds: float,
    settings: LocateSettings,
    rounds: int = 3,
) -> LocateSettings:
    """`settings` with the weights of the evidence fitted to the first moment of every query.

    Which moment comes first depends on the weights, so fitting and choosing alternate.
    """
    chosen = replace(settings, floor=1e-6)
    for _ in range(rounds):
        features, target = [], []
        for one in heard:
            logits = np.clip(calibration[0] * one.logits + calibration[1], -30, 30)
            curve = ScoreCurve((1 / (1 + np.exp(-logits))).astype(np.float32), step_seconds)
            found = locate(curve, one.expected_seconds, chosen)
            if found:
                features.append(evidence_of(curve, found[0][0], one.expected_seconds, chosen))
                target.append(right(found[0][0], one.query.spans))
        peak, mean, length, offset = logistic_fit(np.array(features), np.array(target, dtype=np.float64))
        chosen = replace(
            chosen, peak_weight=float(peak), mean_weight=float(mean), length_weight=float(length), offset=float(offset)
        )
    return replace(chosen, floor=settings.floor)


def calibrate_edges(found: Sequence[tuple[NDArray[np.float64], float]], penalty: float = 1e-2) -> tuple[float, ...]:
    """Weights of `edge_features`, so that the true edge is the likeliest of those there are.

    Args:
        found: for each edge the features of the places it could be at, and which place it is at, in frames.
    """
    from scipy.optimize import minimize

    size = found[0][0].shape[1]
    spread = np.concatenate([features for features, _ in found]).std(axis=0) + 1e-9
    longest = max(len(features) for features, _ in found)
    x = np.zeros((len(found), longest, size))
    there = np.zeros((len(found), longest), dtype=bool)
    wanted = np.zeros((len(found), longest))
    for row, (features, at) in enumerate(found):
        x[row, : len(features)] = features / spread
        there[row, : len(features)] = True
        share = np.exp(-2.0 * (np.arange(len(features)) - at) ** 2) + 1e-9  # half a frame either way
        wanted[row, : len(features)] = share / share.sum()

    def cost(weights: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        evidence = np.where(there, x @ weights, -1e9)
        evidence -= evidence.max(axis=1, keepdims=True)
        share = np.exp(evidence)
        share /= share.sum(axis=1, keepdims=True)
        loss = -(wanted * np.log(share + 1e-30)).sum() / len(found) + penalty * float(weights @ weights)
        slope = np.einsum("ne,nef->f", share - wanted, x) / len(found) + 2 * penalty * weights
        return float(loss), slope

    weights = minimize(cost, np.zeros(size), jac=True, method="L-BFGS-B").x
    return tuple(float(w) for w in weights / spread)
