"""Chunks of speech in the order of how probably they are about a question, by one system or by two.

cascade       the recogniser's words, their keywords, and vectors of these
contrastive   vectors of the speech itself
fused         both, where a chunk has both
ranked        fused where speech has vectors, else the cascade

Each system's cosine is made the logarithm of odds by a logistic fitted on sentences and speakers kept out of training
(`bench/speech_text.py --fit`); of many chunks one is near by chance, so their number is taken off. The fused odds are
a logistic over both cosines, which is better than either where one of them errs.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from typing import Literal, get_args

from earmark.errors import QueryError, UsageError
from earmark.finding import called_uncertain, kinds_asked
from earmark.finding.cascade import Scored, cascade_scores
from earmark.finding.contrastive import contrastive_scores, has_vectors
from earmark.finding.gaps import gaps_in
from earmark.finding.meaning import words_in
from earmark.library import Catalogue
from earmark.records import Moment
from earmark.settings import FindSettings
from earmark.timeline import Span

__all__ = ["SYSTEMS", "System", "check_system", "jobs_of", "logit", "rank_chunks", "subject_asked"]

System = Literal["cascade", "contrastive", "fused", "ranked"]
SYSTEMS: tuple[System, ...] = get_args(System)

CASCADE = (14.08, -2.4)
CONTRASTIVE = (9.39, -1.57)
FUSED = (12.44, 5.38, -2.87)
"""Slope for each cosine, then the offset: even chances between the right chunk and one other."""
SHOWN_PROBABILITY = 0.02
"""Less probable chunks are not worth a line."""


def check_system(name: str) -> System:
    """The system a user names.

    Raises:
        UsageError: if there is none of that name.
    """
    for system in SYSTEMS:
        if name == system:
            return system
    raise UsageError(
        f"--system {name}",
        expected=f"one of {', '.join(SYSTEMS)}",
        found="an unknown name",
        hint="Leave it out for words, sounds and meaning.",
    )


def subject_asked(query: str) -> str:
    """What speech should be about, by a query.

    Raises:
        QueryError: if it asks for a sound, or for nothing.
    """
    kinds, text = kinds_asked(query)
    if kinds == ("heard",):
        raise QueryError(
            repr(query[:80]),
            expected="what speech is about, for --system",
            found="a question for a sound",
            hint="Leave out --system, or heard:.",
        )
    return text


def jobs_of(system: System, catalogue: Catalogue, recordings: Collection[str] | None) -> tuple[str, ...]:
    """The jobs of the index that a system goes by: ``words``, ``speech``."""
    system = _taken(system, catalogue, recordings)
    return {"cascade": ("words",), "contrastive": ("speech",)}.get(system, ("words", "speech"))


def _taken(system: System, catalogue: Catalogue, recordings: Collection[str] | None) -> System:
    if system == "ranked":
        return "fused" if has_vectors(catalogue, recordings) else "cascade"
    return system


def rank_chunks(
    text: str,
    system: System,
    catalogue: Catalogue,
    recordings: Collection[str] | None = None,
    settings: FindSettings | None = None,
    on_note: Callable[[str], None] = lambda note: None,
) -> list[Moment]:
    """Chunks or windows, the most probable first, none overlapping a better one by half; at most `settings.limit`.

    What is below the probability asked for is left out; where none reaches it, `settings.nearest` of the nearest are
    given all the same, none below `SHOWN_PROBABILITY`, and `on_note` is told so, as of what was never listened for.
    The text of a moment is what was said there, empty where no words were recognised.

    Raises:
        LibraryError: if the library was not made for this system.
    """
    settings = FindSettings() if settings is None else settings
    system = _taken(system, catalogue, recordings)
    if note := gaps_in(catalogue, recordings, jobs_of(system, catalogue, recordings)).note():
        on_note(note)
    by_words = [] if system == "contrastive" else cascade_scores(text, catalogue, recordings, settings.language)
    by_sound = [] if system == "cascade" else contrastive_scores(text, catalogue, recordings, settings.language)
    scored = fuse(by_words, by_sound) if system == "fused" else [*by_words, *by_sound]
    many = max(1, len(scored) - 1)
    ordered = sorted(scored, key=lambda one: (-logit(one), one.recording.path, one.span))
    moments: list[Moment] = []
    for one in ordered:
        probability = 1.0 / (1.0 + math.exp(-min(30.0, max(-30.0, logit(one) - math.log(many)))))
        if len(moments) == settings.limit or probability < min(SHOWN_PROBABILITY, settings.min_probability):
            break
        if not any(_same_place(one, moment) for moment in moments):
            moments.append(_moment(one, catalogue, probability))
    sure = [moment for moment in moments if moment.probability >= settings.min_probability]
    near = [] if sure else called_uncertain(moments[: settings.nearest])
    if near:
        on_note("nothing certain; the nearest in what it is about:")
    return sure or near


def logit(one: Scored) -> float:
    """The logarithm of the odds that a chunk, and not one other, is what was asked for."""
    if one.cascade is not None and one.contrastive is not None:
        return FUSED[0] * one.cascade + FUSED[1] * one.contrastive + FUSED[2]
    if one.cascade is not None:
        return CASCADE[0] * one.cascade + CASCADE[1]
    return CONTRASTIVE[0] * (one.contrastive or 0.0) + CONTRASTIVE[1]


def fuse(by_words: Sequence[Scored], by_sound: Sequence[Scored]) -> list[Scored]:
    """Chunks with both cosines: of the windows over a chunk, the nearest to the question counts.

    Chunks under no window keep the cascade's alone; windows over no chunk stand for themselves.
    """
    windows: dict[str, list[Scored]] = defaultdict(list)
    for window in by_sound:
        windows[window.recording.id].append(window)
    fused: list[Scored] = []
    used: set[tuple[str, Span]] = set()
    for chunk in by_words:
        over = [one for one in windows[chunk.recording.id] if _covers(one, chunk)]
        used.update((one.recording.id, one.span) for one in over)
        best = max((one.contrastive for one in over if one.contrastive is not None), default=None)
        fused.append(replace(chunk, contrastive=best))
    return fused + [one for one in by_sound if (one.recording.id, one.span) not in used]


def _covers(window: Scored, chunk: Scored) -> bool:
    """Whether half of the shorter one lies in the other."""
    return window.span.overlap(chunk.span) >= 0.5 * min(window.span.duration, chunk.span.duration)


def _same_place(one: Scored, moment: Moment) -> bool:
    return one.recording.id == moment.recording.id and one.span.overlap(moment.span) >= 0.5 * one.span.duration


def _moment(one: Scored, catalogue: Catalogue, probability: float) -> Moment:
    said = " ".join(word.text for word in words_in(catalogue, one.recording.id, one.span))
    both = one.cascade is not None and one.contrastive is not None
    way = "fused" if both else "cascade" if one.cascade is not None else "contrastive"
    evidence: dict[str, object] = {"way": way}
    for name in ("cascade", "contrastive"):
        if (cosine := getattr(one, name)) is not None:
            evidence[name] = round(float(cosine), 3)
    return Moment(one.recording, one.span, probability, "said", said, None, evidence)
