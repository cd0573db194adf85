"""What is asked of separating: a sound in words, with or without the ``heard:`` that finding takes in front of one."""

from __future__ import annotations

from earmark.errors import QueryError

__all__ = ["HEARD", "SPOKEN", "sound_asked"]

HEARD = "heard:"
SPOKEN = ("said:", "meaning:")
"""In front of a query these ask finding for speech, which is no sound to pull out. Jobs do not import one another; a
test holds these to what finding reads."""


def sound_asked(query: str) -> str:
    """The sound a query describes, without ``heard:`` in front of it.

    Raises:
        QueryError: if there is no letter or digit in it, or it asks for what was said.
    """
    text = query.strip()
    prefix = next((each for each in (HEARD, *SPOKEN) if text.lower().startswith(each)), "")
    if prefix in SPOKEN:
        raise QueryError(
            f"“{text[:80]}”",
            expected="a sound in words",
            found=f"{prefix}, which asks for speech",
            hint="Describe the sound: “a baby crying”; `earmark find` finds what was said.",
        )
    text = text[len(prefix) :].strip()
    if not any(character.isalnum() for character in text):
        nothing = f"nothing after {prefix}" if prefix else "an empty query"
        raise QueryError(
            f"“{query.strip()[:80]}”",
            expected="a sound in words",
            found="no letter or digit" if text else nothing,
            hint="Describe it: “a baby crying”.",
        )
    return text
