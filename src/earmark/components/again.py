"""Hearing again: whether a separated part still is, for the same ears, what it was taken for."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from earmark.components.parts import ComponentSettings, Part, Present, Reason, Separated
from earmark.engines.sound import SoundEngine, locate
from earmark.timeline import ScoreCurve, Span, Waveform

__all__ = ["Ears", "evidence_of"]


class Ears:
    """Names what was separated, by the same ears that heard it in the mixture."""

    def __init__(self, engine: SoundEngine, names: Sequence[str], settings: ComponentSettings) -> None:
        self._engine = engine
        self._names = list(names)
        self._vectors = engine.embed_text(self._names)  # (names, dim)
        self._settings = settings
        self.sample_rate = engine.sample_rate

    def judge(self, separated: Separated, span: Span, place: Present) -> Part:
        """Whether what was separated, inside `span`, still is the sound of `place`."""
        s, row = self._settings, self._names.index(place.sound)
        level, beside = _level(separated.heard.cut(span)), _level(separated.mixture.cut(span))
        share = level / beside if beside > 0.0 else 0.0
        if share <= 10 ** (s.least_level_db / 20):
            return Part(place.span, place.probability, share, 0.0, "", False, "too little of it to take")
        frames = self._engine.embed_audio(separated.heard.samples[0])  # (frames, dim)
        start, step = separated.heard.start_seconds, self._engine.step_seconds
        curve = ScoreCurve(self._engine.curve(frames, place.sound), step, start)
        found = locate(curve, self._engine.expected_seconds(place.sound), self._engine.moments)
        again = max((p for where, p in found if where.overlap(span) > 0), default=0.0)
        first, last = curve.frame_of(span.start), curve.frame_of(span.end)
        fits = np.sort(frames[first : last + 1] @ self._vectors.T, axis=0)  # (frames, names)
        best = [int(n) for n in np.argsort(-fits[-(len(fits) // 2 + 1) :].mean(axis=0))]  # by the better half
        near = float(self._vectors[best[0]] @ self._vectors[row]) >= s.alike
        reason: Reason = ""
        if again < s.least_again:
            reason = "no longer heard when alone"
        elif not near and row not in best[: s.among]:
            reason = "sounds more like another"
        elif evidence_of(place.probability, share) < s.least_evidence:
            reason = "too little of it to take"
        return Part(place.span, place.probability, share, again, self._names[best[0]], not reason, reason)


def evidence_of(probability: float, share: float) -> float:
    """How much speaks for a sound: odds of being there, times its share of what is there, in [0, 1)."""
    odds = probability / max(1.0 - probability, 1e-3) * share
    return odds / (1.0 + odds)


def _level(waveform: Waveform) -> float:
    """Root mean square over all channels."""
    return float(np.sqrt(np.mean(np.square(waveform.samples)))) if waveform.num_samples else 0.0
