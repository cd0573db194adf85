r"""Labels on one line: ``\t``, ``\n``, ``\r`` and ``\\`` for a tab, a newline, a return and a backslash.

Used where a format has one line or one quoted string for a label and no way of its own to hold these.
"""

from __future__ import annotations

import re

__all__ = ["escape", "unescape"]

_ESCAPES = {"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"}
_MEANINGS = {escaped: char for char, escaped in _ESCAPES.items()}


def escape(text: str) -> str:
    return re.sub(r"[\\\t\n\r]", lambda found: _ESCAPES[found[0]], text)


def unescape(text: str) -> str:
    """The inverse of `escape`; a backslash before anything else is itself, as other programs write it."""
    return re.sub(r"\\[\\tnr]", lambda found: _MEANINGS[found[0]], text)
