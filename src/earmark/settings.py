"""One frozen dataclass per stage. Stored beside what it made, so that a change is seen and re-heard.

A measured default says where it was measured. The sentence below a field is also its help text.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["UtteranceSettings"]

SAMPLE_RATE = 16_000
"""Hz. Every engine of the house listens at this rate, mono."""


@dataclass(frozen=True)
class UtteranceSettings:
    """How speech is cut into the utterances a recogniser hears."""

    on: float = 0.5
    """Speech starts above this probability."""
    off: float = 0.35
    """Speech goes on while the probability stays above this one."""
    min_silence_seconds: float = 0.4
    """Shorter pauses do not end an utterance."""
    min_speech_seconds: float = 0.1
    """Shorter bursts are not speech."""
    max_seconds: float = 28.0
    """A longer utterance is cut at its deepest pause."""
    pad_seconds: float = 0.2
    """Audio kept on both sides of an utterance, so that no consonant is cut off."""
