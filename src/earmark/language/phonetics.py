"""How words sound: spelling to phones by rule, and what it costs to hear one phone for another.

One alphabet serves both languages, one character a phone, so that strings of phones can be searched like
text (and by the same C++ code):

    stops and affricates    p b t d k g C(hurch) J(udge)
    fricatives              f v T(hin) D(his) s z S(he) Z (vision) h x (Persian خ) q (Persian ق, غ)
    nasals and the rest     m n N(ng) l r w y
    vowels                  i (see) I (sit) e (set) A (say) a (sat) o (hot, saw) O (go) u (too) U (put) V (but,
                            about) Y (my) W (now) X (boy) R (bird)

English spelling is read by context rules in the manner of Elovitz et al., "Automatic translation of English
text to phonetics by means of letter-to-sound rules", NRL Report 7948, 1976; a dictionary in CMU format, where
one is given, is asked first. Persian letters are read one by one; its short vowels are not written and not guessed,
alike in query and passage.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from importlib import resources

from earmark.language.alignment import UNIT, Costs
from earmark.language.english import spell_english
from earmark.language.script import ARABIC, LATIN, script_of

__all__ = ["coarse", "phone_costs", "phones_of"]

_ARPABET = {
    "AA": "o", "AE": "a", "AH": "V", "AO": "o", "AW": "W", "AY": "Y", "B": "b", "CH": "C", "D": "d", "DH": "D",
    "EH": "e", "ER": "R", "EY": "A", "F": "f", "G": "g", "HH": "h", "IH": "I", "IY": "i", "JH": "J", "K": "k",
    "L": "l", "M": "m", "N": "n", "NG": "N", "OW": "O", "OY": "X", "P": "p", "R": "r", "S": "s", "SH": "S",
    "T": "t", "TH": "T", "UH": "U", "UW": "u", "V": "v", "W": "w", "Y": "y", "Z": "z", "ZH": "Z",
}  # fmt: skip

# Phones easily taken for each other share a letter; the vowels fall into front, open and back ones.
_COARSE = str.maketrans("bdgqxvDTzZJNiIeAoOUWXVRYy", "ptkkkfsssSCniiiiauuauarai")

_CONTEXT = {"#": "[aeiouy]", "^": "[bcdfghjklmnpqrstvwxz]", ".": "[a-z]"}


@lru_cache(maxsize=1)
def _english_sounds() -> tuple[dict[str, list[tuple[re.Pattern[str], str]]], dict[str, str]]:
    """The packaged table: rules by their first letter, and words that keep no rule."""
    text = resources.files(__package__).joinpath("english_sounds.txt").read_text(encoding="utf-8")
    rule_lines, _, word_lines = text.partition("\nwords\n")
    rules: dict[str, list[tuple[re.Pattern[str], str]]] = {}
    for line in rule_lines.splitlines():
        if " = " in line and not line.startswith("#  "):
            found = re.fullmatch(r"(?:(\S+) )?<([a-z]+)>(?: (\S+))? = (\S+)", line)
            if found is None:
                raise ValueError(f"english_sounds.txt: not a rule: {line!r}")
            before, letters, after, phones = found.groups()
            pattern = (f"(?<={_expand(before)})" if before else "") + letters
            pattern += f"(?={_expand(after)})" if after else ""
            rules.setdefault(letters[0], []).append((re.compile(pattern), "" if phones == "-" else phones))
    words = dict(line.split() for line in word_lines.splitlines() if line and not line.startswith("#"))
    return rules, words


def _expand(context: str) -> str:
    """The signs of the table as regular expressions; a class in brackets stays as it is."""
    parts = re.split(r"(\[[^\]]*\])", context)
    return "".join(part if part.startswith("[") else "".join(_CONTEXT.get(c, c) for c in part) for part in parts)


_PERSIAN = {
    "ا": "o", "آ": "o", "ب": "b", "پ": "p", "ت": "t", "ث": "s", "ج": "J", "چ": "C", "ح": "h", "خ": "x",
    "د": "d", "ذ": "z", "ر": "r", "ز": "z", "ژ": "Z", "س": "s", "ش": "S", "ص": "s", "ض": "z", "ط": "t",
    "ظ": "z", "ع": "", "غ": "q", "ف": "f", "ق": "q", "ک": "k", "گ": "g", "ل": "l", "م": "m", "ن": "n",
    "و": "u", "ه": "h", "ی": "i", "ء": "", "ئ": "i",
}  # fmt: skip

_VOWELS = "iIeAaoOuUVYWXR"
# What leaving out or adding a phone costs; the rest cost 1. Weak vowels and glides come and go.
_GAPS = {"VI": 0.3, "eaUiuoOR": 0.45, "AYWX": 0.5, "hyw": 0.5, "td": 0.6, "r": 0.7, "lnN": 0.8}
# What hearing one of a group for another costs; a pair in two groups costs the less.
_CONFUSED = {
    "pb td kg fv TD sz SZ CJ qg qx kx": 0.25,  # voice
    "fT zD nN ZJ SC yi wu Rr": 0.3,
    "mn sS Ts Td tT dD ts vw lr tC dJ bv pf hx rw lw": 0.5,
    "ptk bdg fTsSh vDzZ mnN": 0.6,  # the same manner
}


def phones_of(key: str, pronunciations: Mapping[str, str] | None = None) -> str:
    """The phones of one normalised word, one character each; the key itself where its script is not known.

    Args:
        key: a `Token.key`; digits are said in English words.
        pronunciations: word -> phones in CMU format ("K AW1 AH"), asked before the rules.
    """
    if pronunciations is not None:
        known = pronunciations.get(key)
        if known is not None:
            return "".join(_ARPABET.get(phone.rstrip("012"), "") for phone in known.split()) or key
    return _phones_by_rule(key)


@lru_cache(maxsize=65536)
def _phones_by_rule(key: str) -> str:
    if key[:1].isdigit():
        return "".join(_phones_by_rule(word) for word in spell_english(key).split()) or key
    script = script_of(key[0]) if key else ""
    if script == LATIN:
        return _english_phones(key) or key
    if script == ARABIC:
        return _persian_phones(key) or key
    return key


def _english_phones(word: str) -> str:
    rules, words = _english_sounds()
    if word in words:
        return words[word]
    edged, phones, at = f"__{word}__", [], 2  # two edges, so that a context may reach over the first letter
    while at < len(word) + 2:
        for rule, sound in rules.get(edged[at], ()):
            found = rule.match(edged, at)
            if found is not None:
                phones.append(sound)
                at = found.end()
                break
        else:
            at += 1
    return "".join(phones)


def _persian_phones(word: str) -> str:
    """Letters to phones; «و» and «ی» are consonants before a vowel or at the beginning, a final «ه» is ``e``."""
    phones = []
    for at, letter in enumerate(word):
        sound = _PERSIAN.get(letter, "")
        following = word[at + 1] if at + 1 < len(word) else ""
        if letter == "و" and (at == 0 or following in "اآی" and following):
            sound = "v"
        elif letter == "ی" and (at == 0 or following in "اآو" and following):
            sound = "y"
        elif letter == "ه" and not following and len(word) > 2:
            sound = "e"
        elif letter == "ا" and at == 0 and following in "یو" and following:
            sound = ""
        phones.append(sound)
    return "".join(phones)


def coarse(phones: str) -> str:
    """Phones with those easily taken for each other made equal: voiced and voiceless, vowels of one region."""
    return phones.translate(_COARSE)


@lru_cache(maxsize=1)
def phone_costs() -> Costs:
    """What it costs to hear one phone for another, by how they are made; see the table beside it."""
    import numpy as np

    substitute = np.full((128, 128), UNIT, dtype=np.int64)
    gap = np.full(128, UNIT, dtype=np.int64)
    for phones, cost in _GAPS.items():
        for phone in phones:
            gap[ord(phone)] = round(cost * UNIT)
    for left in _VOWELS:
        for right in _VOWELS:
            same = coarse(left) == coarse(right)
            substitute[ord(left), ord(right)] = round((0.2 if same else 0.35) * UNIT)
    for groups, cost in sorted(_CONFUSED.items(), key=lambda item: -item[1]):
        for group in groups.split():
            for left in group:
                for right in group:
                    substitute[ord(left), ord(right)] = round(cost * UNIT)
    np.fill_diagonal(substitute, 0)
    return Costs(substitute, gap)
