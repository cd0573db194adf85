"""The main job: text in, the moments where it was said or heard out.

`find` asks a library that has listened already (see `indexing`); it never touches the audio.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import replace
from typing import Literal

from earmark import language
from earmark.errors import QueryError
from earmark.finding.fusing import fused
from earmark.finding.gaps import gaps_in
from earmark.finding.heard import find_heard, has_ears, stale, unheard_of
from earmark.finding.meaning import LEAST_PROBABILITY, find_meant
from earmark.finding.said import find_said
from earmark.library import Catalogue
from earmark.records import Kind, Moment
from earmark.settings import FindSettings

__all__ = ["called_uncertain", "find", "jobs_asked", "kinds_asked", "ranked", "stale"]

Asked = Literal["said", "heard", "meant"]
"""Words, sounds, or what was said in whatever words."""

PREFIXES: dict[str, Asked] = {"said:": "said", "heard:": "heard", "meaning:": "meant"}


def find(
    query: str,
    catalogue: Catalogue,
    recordings: Collection[str] | None = None,
    settings: FindSettings | None = None,
    on_note: Callable[[str], None] = lambda note: None,
) -> list[Moment]:
    """The moments a text describes, most probable first; an empty list means "not here", as far as was listened.

    Args:
        query: what to look for; ``said:``, ``heard:`` or ``meaning:`` in front asks for these words, for sounds, or
            for what was said in any words, only.
        recordings: ids to look in; None for everything in the library.
        on_note: told what the user should know of the answer, a line each; also what was never listened for.

    Raises:
        QueryError: if the query holds nothing to look for.
    """
    settings = FindSettings() if settings is None else settings
    kinds, text = kinds_asked(query)
    if note := gaps_in(catalogue, recordings, jobs_asked(query)).note():
        on_note(note)
    said = find_said(text, catalogue, recordings, settings) if "said" in kinds else []
    heard, known = _find_heard(text, kinds, catalogue, recordings, settings, on_note, bool(said))
    meant = find_meant(text, catalogue, recordings, settings) if "meant" in kinds else []
    words = fused(said, meant)
    moments = ranked(moment for moment in [*words, *heard] if moment.probability >= settings.min_probability)
    if not moments and not known:
        # Who asks for meaning wants an order rather than a verdict.
        order = kinds == ("meant",) and settings.nearest > 0
        least = min(LEAST_PROBABILITY, settings.nearest_probability) if order else settings.nearest_probability
        near = ranked(moment for moment in words if moment.probability >= least)
        moments = called_uncertain(near[: settings.limit if order else settings.nearest])
        if moments:
            meant_too = any(moment.evidence["way"] == "meaning" for moment in moments)
            on_note(
                f"nothing certain; the nearest in {'spelling, sound or meaning' if meant_too else 'spelling or sound'}:"
            )
    return moments[: settings.limit]


def called_uncertain(moments: Iterable[Moment]) -> list[Moment]:
    """Moments shown though they are no answers: their evidence says so."""
    return [replace(moment, evidence={**moment.evidence, "uncertain": True}) for moment in moments]


def ranked(moments: Iterable[Moment]) -> list[Moment]:
    """The most probable first, then those that more ways speak for, without what mostly repeats a better one."""
    ordered = sorted(
        moments,
        key=lambda moment: (-moment.probability, -_fused_score(moment), moment.recording.path, moment.span),
    )
    return list(without_overlaps(ordered))


def _fused_score(moment: Moment) -> float:
    score = moment.evidence.get("fused", 0.0)
    return score if isinstance(score, float) else 0.0


def _find_heard(
    text: str,
    kinds: Collection[Asked],
    catalogue: Catalogue,
    recordings: Collection[str] | None,
    settings: FindSettings,
    on_note: Callable[[str], None],
    answered: bool,
) -> tuple[list[Moment], bool]:
    """Moments heard, and whether the ears know what was asked for; what they cannot say goes to `on_note`.

    A question that words answer already is not bothered with what the ears make of it.
    """
    if "heard" not in kinds:
        return [], False
    old = stale(catalogue, recordings)
    if old:
        on_note(f"{old} recording(s) were heard with older ears; earmark index PATH… hears their sounds again")
    try:
        unknown = unheard_of(text, catalogue, recordings)
        if not unknown:
            return find_heard(text, catalogue, recordings, settings), has_ears(catalogue, recordings)
        note = unknown
    except QueryError as error:
        if len(kinds) == 1:
            raise
        note = f"not looked for as a sound: {error}"
    if len(kinds) == 1 or not answered:
        on_note(note)
    return [], False


def jobs_asked(query: str) -> list[str]:
    """The jobs of the index whose results answer a query: ``words``, ``sounds``.

    A Persian query that does not ask for a sound needs none: sounds are described in English.

    Raises:
        QueryError: as `kinds_asked`.
    """
    kinds, text = kinds_asked(query)
    jobs = ["words"] if {"said", "meant"} & set(kinds) else []
    if kinds == ("heard",) or ("heard" in kinds and language.language_of(text) != "fa"):
        jobs.append("sounds")
    return jobs


MOST_LETTERS = 2_000
"""Longer than anybody says without a pause; a text of that length is a document, not a question."""


def kinds_asked(query: str) -> tuple[tuple[Asked, ...], str]:
    """What a query asks for, and its text without the prefix.

    Raises:
        QueryError: if there is no letter or digit in it, or more than a passage.
    """
    text = query.strip()
    if len(text) > MOST_LETTERS:
        raise QueryError(
            repr(query[:80]),
            expected=f"a line of text, {MOST_LETTERS:,} characters at most",
            found=f"{len(text):,} characters",
            hint="Ask for one sentence of it.",
        )
    kinds: tuple[Asked, ...] = ("said", "heard", "meant")
    for prefix, kind in PREFIXES.items():
        if text.lower().startswith(prefix):
            kinds, text = (kind,), text[len(prefix) :].strip()
            break
    if not any(character.isalnum() for character in text):
        raise QueryError(
            repr(query[:80]),
            expected="words to look for",
            found="no letter or digit" if text else "nothing",
            hint='Try: earmark find "the words somebody said"',
        )
    return kinds, text


def without_overlaps(moments: Iterable[Moment]) -> Iterable[Moment]:
    """Drops a moment that mostly repeats a better one of the same kind in the same recording."""
    kept: dict[tuple[str, Kind], list[Moment]] = {}
    for moment in moments:
        others = kept.setdefault((moment.recording.id, moment.kind), [])
        if all(moment.span.overlap(other.span) < 0.5 * moment.span.duration for other in others):
            others.append(moment)
            yield moment
