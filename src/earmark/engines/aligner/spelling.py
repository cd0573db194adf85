"""How written English is said: numbers, money, signs and hyphens as words of a dictionary.

The aligner needs the sounds behind ``$3.50`` or ``1480s``. Where a reading is a matter of taste (years in
pairs, decimals digit by digit) the commonest one is taken. Only letters and apostrophes are left.
"""

from __future__ import annotations

import re

__all__ = ["spoken_words"]

UNITS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
    "seventeen eighteen nineteen"
).split()
TENS = "_ _ twenty thirty forty fifty sixty seventy eighty ninety".split()
SCALES = ((10**12, "trillion"), (10**9, "billion"), (10**6, "million"), (1000, "thousand"), (100, "hundred"))
ORDINALS = {
    "one": "first",
    "two": "second",
    "three": "third",
    "five": "fifth",
    "eight": "eighth",
    "nine": "ninth",
    "twelve": "twelfth",
}
MONEY = {"$": ("dollar", "dollars"), "£": ("pound", "pounds"), "€": ("euro", "euros"), "¥": ("yen", "yen")}
SIGNS = {
    "%": "percent",
    "&": "and",
    "+": "plus",
    "=": "equals",
    "@": "at",
    "°": "degrees",
    "#": "number",
}
NUMBER = re.compile(r"(?P<whole>\d+)(?:\.(?P<part>\d+))?(?P<end>st|nd|rd|th|s)?(?![a-z\d])")
TOKEN = re.compile(r"([$£€¥]?)((?:\d+(?:\.\d+)?)(?:st|nd|rd|th|s)?(?![a-z\d])|\d+)|([a-z']+)|([%&+=@°#])")


def spoken_words(written: str) -> list[str]:
    """The words one says for one written word, lower case; none for mere punctuation.

    >>> spoken_words("$3.50")
    ['three', 'dollars', 'fifty']
    >>> spoken_words("before-mentioned,")
    ['before', 'mentioned']
    """
    text = written.lower().replace("\u2019", "'").replace("\u2018", "'")
    text = re.sub(r"(?<=\d),(?=\d{3}\b)", "", text)
    words: list[str] = []
    for sign, number, letters, symbol in TOKEN.findall(text):
        if number:
            words += _money(sign, number) if sign else _number(number)
        elif letters:
            word = letters.strip("'") if letters.strip("'") not in {"em", "til", "cause"} else letters
            words += [word] if word else []
        else:
            words.append(SIGNS[symbol])
    return words


def _cardinal(value: int) -> list[str]:
    if value < 20:
        return [UNITS[value]]
    if value < 100:
        return [TENS[value // 10], *([UNITS[value % 10]] if value % 10 else [])]
    for scale, name in SCALES:
        if value >= scale:
            rest = value % scale
            return [*_cardinal(value // scale), name, *(_cardinal(rest) if rest else [])]
    raise AssertionError(value)


def _year(value: int) -> list[str]:
    """1984 as nineteen eighty four, 1905 as nineteen oh five, 1900 as nineteen hundred."""
    century, rest = divmod(value, 100)
    if rest == 0:
        return [*_cardinal(century), "hundred"]
    return [*_cardinal(century), *(["oh"] if rest < 10 else []), *_cardinal(rest)]


def _whole(digits: str) -> list[str]:
    value = int(digits)
    if len(digits) > 15 or (len(digits) > 1 and digits[0] == "0"):
        return [UNITS[int(digit)] for digit in digits]
    if len(digits) == 4 and (1100 <= value < 2000 or 2010 <= value < 2100):
        return _year(value)
    return _cardinal(value)


def _number(text: str) -> list[str]:
    match = NUMBER.fullmatch(text)
    if match is None:
        return [UNITS[int(digit)] for digit in text]
    words = _whole(match["whole"])
    if match["part"]:
        words += ["point", *(UNITS[int(digit)] for digit in match["part"])]
    if match["end"] == "s":
        last = words[-1]
        words[-1] = last[:-1] + "ies" if last.endswith("y") else last + ("es" if last.endswith("x") else "s")
    elif match["end"]:
        last = words[-1]
        words[-1] = ORDINALS.get(last, last[:-1] + "ieth" if last.endswith("y") else last + "th")
    return words


def _money(sign: str, text: str) -> list[str]:
    whole, _, part = text.partition(".")
    whole, part = re.sub(r"\D", "", whole), re.sub(r"\D", "", part)
    one, many = MONEY[sign]
    words = [*_cardinal(int(whole)), one if int(whole) == 1 else many] if len(whole) <= 15 else _whole(whole)
    if len(part) == 2:
        return [*words, *(_cardinal(int(part)) if int(part) else [])]
    return [*words[:-1], "point", *(UNITS[int(d)] for d in part), many] if part else words
