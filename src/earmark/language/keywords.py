"""What a text is about: its keywords, by YAKE, in English and Persian.

YAKE (Campos et al., "YAKE! Keyword extraction from single documents using multiple local features", Information
Sciences 509, 2020) needs no corpus and no model: it weighs words by where, how often and beside what they
stand. The ``yake`` package (LGPL-3.0, 27 MB with what it needs) is used as it is. What is ours stands around it:

- Persian is brought to one spelling first, and words of parts are held together, or YAKE counts «کتاب» and
  «كتاب‌ها» as three words;
- stop words are YAKE's own lists, compared by key and stem, with the fillers of speech added, and verbs with «می»;
- numbers are never keywords, and of two that differ in inflection only the first stays.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from earmark.language.normaliser import normalise
from earmark.language.script import ARABIC, language_of, script_of
from earmark.language.tokens import ZWNJ, Token, fold

__all__ = ["Keyword", "keywords"]

MAX_WORDS = 3
"""Words of the longest keyword."""
_JOIN = "\u066e"  # a letter no Persian word has: holds the parts of a word together inside YAKE
_WITHIN = frozenset(("of", "and", "و"))
"""Stop words a keyword may have inside it ("House of Commons")."""
_VERB = re.compile(rf"ن?می[\s{ZWNJ}]")
_FILLERS = {
    "en": (
        "um uh uhm er ah oh hm hmm mm yeah yep yes no okay right well like just really actually basically gonna "
        "wanna kinda sort kind stuff thing lot bit know think mean say said saying go going got get guess sure maybe "
        "please thank thanks hello hi bye course quote unquote"
    ),
    "fa": (
        "رو توی تو واسه دیگه خب خوب آره نه بله اره یه یک این اون همین همون که چی چیه چرا الان حالا فقط "
        "خیلی هم باز پس اگه "
        "مگه ولی اما یعنی مثلا مثلاً دارم داری داره داریم دارید دارن کنم کنی کنه کنیم کنید کنن کن کردم "
        "کردی کرد کردیم کردن کرده بود بودم "
        "بودی بودن هست هستم هستی هستن است نیست نیستم باشه باش باشم بشه شد شده شدم شدن بده بدم بدی گفت گفتم "
        "گفتی میگه بگم "
        "بگو من تو او ما شما آنها اونا خودم خودت خودش چه کی کجا کدوم همه هر هیچ چند بعد قبل راستش ببین "
        "لطفا سلام مرسی ممنون جان آقا خانم"
    ),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Keyword:
    """One keyword.

    Attributes:
        text: as it is written, Persian in its normal letters and with half spaces.
        score: in (0, 1], 1 / (1 + YAKE's score); higher says more about the text.
        spans: where it stands in the text, in any inflection, as ``(first, last)`` character offsets.
    """

    text: str
    score: float
    spans: tuple[tuple[int, int], ...]


def keywords(text: str, language: str | None = None, limit: int = 10) -> list[Keyword]:
    """The keywords of a text, the most telling first.

    Args:
        text: a transcript, with its punctuation where it has any. About 20,000 characters a second.
        language: ``"en"``, ``"fa"`` or another code YAKE has stop words for; None tells it by the script.
        limit: how many at most.

    Returns:
        Keywords of one to `MAX_WORDS` words; none for a text of only stop words.
    """
    tokens = normalise(text, language)
    if not tokens or limit < 1:
        return []
    language = language or language_of(text) or "en"
    written, stop = _prepared(text, tokens, language)

    import yake

    # Asked for more than wanted, because inflections of one word are taken together afterwards.
    stop_keys = _stop_words(language) - _WITHIN
    extractor = yake.KeywordExtractor(lan=language, n=MAX_WORDS, top=4 * limit, stopwords=stop)
    found: list[Keyword] = []
    seen: set[tuple[str, ...]] = set()
    for phrase, score in extractor.extract_keywords(written):
        spelt = _readable(phrase)
        spoken = normalise(spelt, language)
        stems = tuple(token.stem for token in spoken)
        if not stems or stems in seen or any(token.key in stop_keys for token in spoken):
            continue
        seen.add(stems)
        found.append(Keyword(spelt, 1.0 / (1.0 + max(0.0, float(score))), _places(stems, tokens)))
    return found[:limit]


def _prepared(text: str, tokens: Sequence[Token], language: str) -> tuple[str, set[str]]:
    """The text as YAKE is to see it, and its stop words, spelt as they stand in it."""
    functional = _stop_words(language)
    parts: list[str] = []
    # YAKE takes an empty set for "none given" and loads its own list, so one impossible word is always there.
    stop: set[str] = {_JOIN}
    cursor = 0
    for token in tokens:
        first, last = token.span
        if first < cursor:
            continue  # a second token of the same word ("won't")
        word = token.text
        if script_of(token.key[0]) == ARABIC:
            word = re.sub(rf"[\s{ZWNJ}]+", _JOIN, fold(word).text)
        parts += [text[cursor:first], word]
        cursor = last
        numeric = token.key[0].isdigit()
        verbal = _VERB.match(token.text) is not None
        if numeric or verbal or token.key in functional or token.stem in functional or len(token.key) < 2:
            stop.update(re.split(r"[\s-]+", word.lower()))
    parts.append(text[cursor:])
    return "".join(parts), stop


def _readable(phrase: str) -> str:
    """A keyword of YAKE's as people write it."""
    return re.sub(r"\s+", " ", phrase.replace(_JOIN, ZWNJ)).strip()


def _places(stems: tuple[str, ...], tokens: Sequence[Token]) -> tuple[tuple[int, int], ...]:
    """Where these stems stand in a row."""
    count = len(stems)
    return tuple(
        (tokens[at].span[0], tokens[at + count - 1].span[1])
        for at in range(len(tokens) - count + 1)
        if tokens[at].stem == stems[0] and tuple(token.stem for token in tokens[at : at + count]) == stems
    )


@lru_cache(maxsize=8)
def _stop_words(language: str) -> frozenset[str]:
    """Keys of the stop words of a language: those YAKE carries, and our fillers."""
    import yake

    listed = Path(yake.__file__).parent / "core" / "StopwordsList" / f"stopwords_{language}.txt"
    words = listed.read_text(encoding="utf-8") if listed.is_file() else ""
    tokens = normalise(f"{words}\n{_FILLERS.get(language, '')}".replace("\n", " . "), language)
    return frozenset(token.key for token in tokens)
