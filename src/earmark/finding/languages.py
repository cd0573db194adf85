"""Languages a query may be said to be in: those that some recogniser writes, and those the library holds."""

from __future__ import annotations

from earmark.errors import UsageError
from earmark.library import Catalogue

__all__ = ["LANGUAGES", "check_language"]

LANGUAGES = tuple(
    "af am ar as az ba be bg bn bo br bs ca cs cy da de el en es et eu fa fi fo fr gl gu ha haw he hi hr ht hu hy id "
    "is it ja jw ka kk km kn ko la lb ln lo lt lv mg mi mk ml mn mr ms mt my ne nl nn no oc pa pl ps pt ro ru sa sd si "
    "sk sl sn so sq sr su sv sw ta te tg th tk tl tr tt uk ur uz vi yi yo yue zh".split()
)
"""What Whisper knows, which is what any recogniser of the house knows. English and Persian have rules of their own."""


def check_language(code: str, catalogue: Catalogue) -> None:
    """Whether anything could be said in a language; a transcript in the library may be in one no recogniser knows.

    Raises:
        UsageError: if not, with the languages there are.
    """
    held = {spoken for spoken in catalogue.column("language") if spoken}
    if code in LANGUAGES or code in held:
        return
    raise UsageError(
        f"--language {code}",
        expected=f"one of {', '.join(sorted({*LANGUAGES, *held}))}",
        found="a language no recogniser knows",
        hint="Leave it out: the query's script tells its language.",
    )
