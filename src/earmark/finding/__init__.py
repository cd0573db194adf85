"""The main job: text in, the moments where it was said or heard out.

`find` asks a library that has listened already (see `indexing`); it never touches the audio.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable

from earmark.errors import QueryError
from earmark.finding.heard import find_heard, stale, unheard_of
from earmark.finding.said import find_said
from earmark.library import Catalogue
from earmark.records import Kind, Moment
from earmark.settings import FindSettings

__all__ = ["find", "kinds_asked"]

PREFIXES: dict[str, Kind] = {"said:": "said", "heard:": "heard"}


def find(
    query: str,
    catalogue: Catalogue,
    recordings: Collection[str] | None = None,
    settings: FindSettings | None = None,
    on_note: Callable[[str], None] = lambda note: None,
) -> list[Moment]:
    """The moments a text describes, most probable first; an empty list means "not here".

    Args:
        query: what to look for; ``said:`` or ``heard:`` in front asks for one kind only.
        recordings: ids to look in; None for everything in the library.
        on_note: told what the user should know of the answer, a line each.

    Raises:
        QueryError: if the query holds nothing to look for.
    """
    settings = FindSettings() if settings is None else settings
    kinds, text = kinds_asked(query)
    moments: list[Moment] = []
    if "said" in kinds:
        moments += find_said(text, catalogue, recordings, settings)
    if "heard" in kinds:
        old = stale(catalogue, recordings)
        if old:
            on_note(f"{old} recording(s) were heard with older ears; earmark index PATH… hears their sounds again")
        try:
            note = unheard_of(text, catalogue, recordings)
            if not note:
                moments += find_heard(text, catalogue, recordings, settings)
            elif len(kinds) == 1 or not moments:
                on_note(note)
        except QueryError as error:
            if len(kinds) == 1:
                raise
            if not moments:
                on_note(f"not looked for as a sound: {error}")
    moments = [moment for moment in moments if moment.probability >= settings.min_probability]
    moments.sort(key=lambda moment: (-moment.probability, moment.recording.path, moment.span))
    return list(without_overlaps(moments))[: settings.limit]


def kinds_asked(query: str) -> tuple[tuple[Kind, ...], str]:
    """The kinds a query asks for, and its text without the prefix.

    Raises:
        QueryError: if there is no letter or digit in it.
    """
    text = query.strip()
    kinds: tuple[Kind, ...] = ("said", "heard")
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
