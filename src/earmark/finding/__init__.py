"""The main job: text in, the moments where it was said or heard out.

`find` asks a library that has listened already (see `indexing`); it never touches the audio.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable

from earmark.errors import QueryError
from earmark.finding.heard import find_heard, has_ears, stale, unheard_of
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
    said = find_said(text, catalogue, recordings, settings) if "said" in kinds else []
    heard, known = _find_heard(text, kinds, catalogue, recordings, settings, on_note, bool(said))
    moments = ranked(moment for moment in [*said, *heard] if moment.probability >= settings.min_probability)
    if not moments and not known:
        near = ranked(moment for moment in said if moment.probability >= settings.nearest_probability)
        moments = near[: settings.nearest]
        if moments:
            on_note("nothing certain; the nearest in spelling or sound:")
    return moments[: settings.limit]


def ranked(moments: Iterable[Moment]) -> list[Moment]:
    """The most probable first, without those that mostly repeat a better one."""
    ordered = sorted(moments, key=lambda moment: (-moment.probability, moment.recording.path, moment.span))
    return list(without_overlaps(ordered))


def _find_heard(
    text: str,
    kinds: Collection[Kind],
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
