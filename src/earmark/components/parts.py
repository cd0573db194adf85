"""What a recording is taken apart into, and by which rules."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from earmark.timeline import Span, Waveform

__all__ = ["Component", "ComponentSettings", "Part", "Present", "Reason", "Separated"]

Reason = Literal["", "too little of it to take", "no longer heard when alone", "sounds more like another"]
"""Why a part is left out; the other is the sound it is `named`. Empty where it stays."""


@dataclass(frozen=True)
class ComponentSettings:
    """Where to cut, and what still is the sound it was taken for. Measured by ``bench/components.py``."""

    pad_seconds: float = 0.25
    """Kept on both sides of a moment, for what fades."""
    fade_seconds: float = 0.05
    """Each stretch comes and goes in this time."""
    context_seconds: float = 2.0
    """Heard again on both sides of what was separated; the separator hears as much more as it needs."""
    piece_seconds: float = 20.0
    """A longer stretch is separated in pieces, and judged by its middle one."""
    least_evidence: float = 0.7
    """A part stays from this on: its log-odds in the mixture plus the log of its share, as a probability. What is not
    there answers to a name as well, but leaves the separator little to take."""
    least_again: float = 0.3
    """A part less probable than this by itself is not the sound."""
    among: int = 3
    """Its name has to be among so many that fit the part best, or near in meaning to the best."""
    alike: float = 0.5
    """Cosine, for the ears, from which two names are near in meaning."""
    least_level_db: float = -40.0
    """A part this far below the mixture in the same place is nothing."""


@dataclass(frozen=True)
class Present:
    """A sound as it is asked for and as people read it; where it was heard; how probable it is there."""

    sound: str
    name: str
    span: Span
    probability: float


@dataclass(frozen=True)
class Part:
    """One place of a sound, separated and heard again.

    Attributes:
        probability: of the sound in the mixture.
        share: amplitude of the part over that of the mixture in the same place (root mean squares).
        again: probability of the sound in the part by itself; 0 where it was too quiet to be heard again.
        named: the sound of the vocabulary that fits the part best.
        kept: whether it agrees, and is in the file.
        reason: why it is not kept.
    """

    span: Span
    probability: float
    share: float
    again: float
    named: str
    kept: bool
    reason: Reason = ""


@dataclass(frozen=True)
class Component:
    """A sound and its parts, by onset; `file` is its name in the folder, empty where no part was kept."""

    sound: str
    name: str
    file: str
    parts: tuple[Part, ...]

    @property
    def kept(self) -> list[Part]:
        return [part for part in self.parts if part.kept]


@dataclass(frozen=True)
class Separated:
    """A stretch of the target as it is written, and as the ears hear it, beside the mixture as they do."""

    target: Waveform
    heard: Waveform
    mixture: Waveform
