"""What a label means in words, and which labels can stand for each other.

Collections name the same sound differently and people ask for it in more ways still. `vocabulary.txt` (its head
explains the notation) gives every label its wordings, some of them set apart for measuring and never trained on; and
says for two labels whether one sound may be called by the other's name: yes, no, or nobody can tell.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from earmark.errors import FormatError

__all__ = ["MATCH", "OTHER", "UNKNOWN", "Vocabulary", "read_vocabulary", "shipped_vocabulary"]

MATCH, OTHER, UNKNOWN = 1, 0, -1
"""A query is right for a sound, wrong for it, or cannot be judged."""


@dataclass(frozen=True)
class Vocabulary:
    """Labels with their wordings and relations.

    Attributes:
        wordings: label -> what training may call it.
        unseen: label -> wordings kept for measuring; empty for most.
        aliases: other names -> label.
        parents: label -> labels that also name it.
        alike: label -> labels nobody can tell from it.
    """

    wordings: Mapping[str, tuple[str, ...]]
    unseen: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    aliases: Mapping[str, str] = field(default_factory=dict)
    parents: Mapping[str, frozenset[str]] = field(default_factory=dict)
    alike: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def canonical(self, label: str) -> str:
        label = label.strip()
        label = self.aliases.get(label, label)
        spelled = label.replace("-", "_").replace(" ", "_")
        return self.aliases.get(spelled, spelled)

    def words(self, label: str) -> tuple[str, ...]:
        """What training may call a label; a label without an entry is read as it is written."""
        return self.wordings.get(label) or (label.replace("_", " "),)

    def relation(self, sound: str, query: str) -> int:
        """`MATCH`, `OTHER` or `UNKNOWN`: may `sound` be answered to someone who asks for `query`?"""
        if sound == query or query in self.parents.get(sound, ()):
            return MATCH
        if sound in self.parents.get(query, ()) or query in self.alike.get(sound, ()):
            return UNKNOWN
        above = self.parents.get(sound, frozenset())
        if any(query in self.alike.get(parent, ()) for parent in above):
            return UNKNOWN
        return OTHER

    def relations(self, sounds: Iterable[str], queries: Iterable[str]) -> NDArray[np.int8]:
        """`relation` for all pairs, shape ``(sounds, queries)``."""
        queries = list(queries)
        return np.array([[self.relation(sound, query) for query in queries] for sound in sounds], dtype=np.int8)


def read_vocabulary(text: str, name: str = "vocabulary") -> Vocabulary:
    """Parses the notation of `vocabulary.txt`.

    Raises:
        FormatError: for a line that is none of the four kinds, with its number.
    """
    wordings: dict[str, tuple[str, ...]] = {}
    unseen: dict[str, tuple[str, ...]] = {}
    aliases: dict[str, str] = {}
    parents: dict[str, set[str]] = {}
    alike: dict[str, set[str]] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        if "->" in line:
            alias, label = (part.strip() for part in line.split("->", 1))
            aliases[alias] = label
        elif ":" in line:
            label, rest = (part.strip() for part in line.split(":", 1))
            seen, _, kept = rest.partition("?")
            wordings[label] = tuple(part.strip() for part in seen.split("|") if part.strip())
            if kept.strip():
                unseen[label] = tuple(part.strip() for part in kept.split("|") if part.strip())
        elif "<" in line:
            child, parent = (part.strip() for part in line.split("<", 1))
            parents.setdefault(child, set()).add(parent)
        elif "~" in line:
            labels = [part.strip() for part in line.split("~")]
            for label in labels:
                alike.setdefault(label, set()).update(other for other in labels if other != label)
        else:
            raise FormatError(
                f"{name}, line {number}",
                expected="`label: wordings`, `alias -> label`, `label < parent` or `a ~ b`",
                found=repr(line),
                hint="See the head of the shipped vocabulary for the notation.",
            )
    closed = {child: frozenset(_ancestors(child, parents)) for child in parents}
    return Vocabulary(wordings, unseen, aliases, closed, {k: frozenset(v) for k, v in alike.items()})


def _ancestors(label: str, parents: Mapping[str, set[str]]) -> set[str]:
    found: set[str] = set()
    waiting = list(parents.get(label, ()))
    while waiting:
        parent = waiting.pop()
        if parent not in found:
            found.add(parent)
            waiting.extend(parents.get(parent, ()))
    return found


@functools.cache
def shipped_vocabulary() -> Vocabulary:
    text = files("earmark.scenes").joinpath("vocabulary.txt").read_text(encoding="utf-8")
    return read_vocabulary(text, "vocabulary.txt")
