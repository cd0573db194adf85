"""What a scene is asked: every sound in it that is meant to be found, and as many that are not there.

Wordings are those training never saw, where the vocabulary has any. A sound that nobody could tell from the one asked
for is neither counted as right nor asked for as absent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from earmark.scenes.builder import Scene
from earmark.scenes.vocabulary import MATCH, OTHER, Vocabulary
from earmark.timeline import Span

__all__ = ["Query", "queries_of"]


@dataclass(frozen=True)
class Query:
    """A text, and where in the scene it is right: nowhere, for an absent one."""

    text: str
    label: str
    spans: tuple[Span, ...]


def queries_of(scene: Scene, vocabulary: Vocabulary, absent: int = 5, labels: Sequence[str] = ()) -> list[Query]:
    """One query for each sound asked for, then `absent` for sounds that are not in the scene; from the scene's seed.

    Args:
        labels: what absent queries are drawn from; all labels with wordings kept for measuring, if empty.
    """
    generator = np.random.default_rng([scene.seed, 1])

    def worded(label: str) -> str:
        choices = vocabulary.unseen.get(label) or vocabulary.words(label)
        return choices[int(generator.integers(len(choices)))]

    found = []
    for sound in scene.sounds:
        if sound.asked:
            spans = tuple(s.span for s in scene.sounds if vocabulary.relation(s.label, sound.label) == MATCH)
            found.append(Query(worded(sound.label), sound.label, spans))
    away = [
        label
        for label in sorted(labels or vocabulary.unseen)
        if all(
            vocabulary.relation(heard, label) == OTHER and vocabulary.relation(label, heard) == OTHER
            for heard in scene.labels
        )
    ]
    for label in generator.permutation(np.array(away, dtype=object))[:absent]:
        found.append(Query(worded(str(label)), str(label), ()))
    return found
