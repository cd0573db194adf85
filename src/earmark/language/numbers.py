"""Numbers, said or written, as the same keys: "twenty-seven", "27", «بیست و هفت» and «۲۷» are all ``20 7``.

A number in words is read to its value first, because that is single-valued: 1984 can be said in three ways, while
each of the three is one number. The value is then taken apart again (``1000 900 80 4``, as it is said in full), so
that part of a long number is found in it: "twenty-seven" in "27 million".

``num2words`` (LGPL) only writes words; the table each language needs for reading is here, and writing (for the
sound of a key) comes from the same table.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from earmark.language.tokens import Piece

__all__ = [
    "ENGLISH",
    "NO_WORDS",
    "PERSIAN",
    "NumberWords",
    "join_numbers",
    "number_key",
    "number_parts",
    "spell_number",
]


@dataclass(frozen=True)
class NumberWords:
    """How one language says numbers.

    Attributes:
        values: words that add: units, teens, tens (and hundreds, where they are words of their own).
        hundred: words that multiply what stands before them by 100.
        scales: words for thousands and up.
        articles: words that mean 1 before a hundred or a scale ("a thousand").
        connectors: words that may stand between the parts ("and", «و»).
        pairs: whether two two-digit numbers in a row make a year ("nineteen eighty four").
        point: words that open decimals, digit by digit.
        linked: whether parts only add up with a connector between them («بیست و هفت»).
    """

    values: dict[str, int]
    scales: dict[str, int]
    hundred: frozenset[str] = frozenset()
    articles: frozenset[str] = frozenset()
    connectors: frozenset[str] = frozenset()
    pairs: bool = False
    point: frozenset[str] = frozenset()
    linked: bool = False


_EN_UNITS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
    "seventeen eighteen nineteen"
).split()
_EN_TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()
_FA_UNITS = "صفر یک دو سه چهار پنج شش هفت هشت نه ده یازده دوازده سیزده چهارده پانزده شانزده هفده هجده نوزده".split()
_FA_TENS = "بیست سی چهل پنجاه شصت هفتاد هشتاد نود".split()
_FA_HUNDREDS = "صد دویست سیصد چهارصد پانصد ششصد هفتصد هشتصد نهصد".split()

ENGLISH = NumberWords(
    values={w: i for i, w in enumerate(_EN_UNITS)} | {w: 10 * (i + 2) for i, w in enumerate(_EN_TENS)} | {"fourty": 40},
    scales={"thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12},
    hundred=frozenset({"hundred"}),
    articles=frozenset({"a"}),
    connectors=frozenset({"and"}),
    pairs=True,
    point=frozenset({"point"}),
)
PERSIAN = NumberWords(
    values={w: i for i, w in enumerate(_FA_UNITS)}
    | {w: 10 * (i + 2) for i, w in enumerate(_FA_TENS)}
    | {w: 100 * (i + 1) for i, w in enumerate(_FA_HUNDREDS)}
    | {"شیش": 6, "چار": 4, "پونزده": 15, "شونزده": 16, "هیفده": 17, "هژده": 18, "هیجده": 18, "یکصد": 100, "پونصد": 500},
    scales={"هزار": 10**3, "میلیون": 10**6, "ملیون": 10**6, "میلیارد": 10**9, "ملیارد": 10**9, "تریلیون": 10**12},
    connectors=frozenset({"و"}),
    point=frozenset({"ممیز"}),
    linked=True,
)
NO_WORDS = NumberWords({}, {})
"""For the languages whose number words are not known: digits alone."""
_GROUPED = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?$")
_LONGEST = 15  # digits; a longer run (a card number) is a label rather than a quantity, and is left as it is


def number_key(digits: str) -> str:
    """Written digits to their key: "1,984" ``1984``, "3.50" ``3.5``, "10:30" ``1030``, "007" ``007``."""
    if _GROUPED.match(digits):
        digits = digits.replace(",", "")
    if digits.count(".") == 1 and "," not in digits and ":" not in digits:
        return digits.rstrip("0").rstrip(".")
    return re.sub(r"[.,:]", "", digits)


def _quantity(key: str) -> Decimal | None:
    if not key or not (key[0].isdigit()) or len(key) > _LONGEST or (key[0] == "0" and len(key) > 1 and "." not in key):
        return None
    try:
        return Decimal(key)
    except InvalidOperation:
        return None


def _key(value: Decimal) -> str:
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def _room(group: Decimal, value: int) -> bool:
    """Whether `value` fits into the empty low places of `group`: 20 has room for 5, 25 and 10 have none."""
    if value <= 0 or group <= value or group != int(group):
        return False
    if value < 10:
        return group % 10 == 0 and group % 100 != 10
    return group % (100 if value < 100 else 1000) == 0


def join_numbers(pieces: list[Piece], words: NumberWords, adjacent: Callable[[Piece, Piece], bool]) -> list[Piece]:
    """Every longest run of number words, and every number in digits, becomes the parts of its value.

    Args:
        pieces: in the order of the text; digits already keyed by `number_key`.
        adjacent: whether nothing but space or a hyphen lies between two pieces.
    """
    joined: list[Piece] = []
    at = 0
    while at < len(pieces):
        read = _read(pieces, at, words, adjacent)
        if read is None:
            joined.append(pieces[at])
            at += 1
        else:
            key, end = read
            joined.extend(_placed(number_parts(key), pieces[at:end], words))
            at = end
    return joined


def number_parts(key: str) -> list[str]:
    """The keys of a value: "1984" ``1000 900 80 4``, "27000000" ``20 7 1000000``; a label or fraction is itself."""
    value = _quantity(key)
    if value is None or value != int(value):
        return [key]
    rest = int(value)
    parts: list[str] = []
    for scale in (10**12, 10**9, 10**6, 10**3):
        if rest >= scale:
            head, rest = divmod(rest, scale)
            parts += ([] if head == 1 else number_parts(str(head))) + [str(scale)]
    hundreds, rest = rest - rest % 100, rest % 100
    tens = rest - rest % 10 if rest >= 20 else 0
    return parts + [str(part) for part in (hundreds, tens, rest - tens) if part] or ["0"]


def _placed(parts: list[str], said: list[Piece], words: NumberWords) -> list[Piece]:
    """Parts on the words that say them, where each has its own; else all of them on all the words."""
    shared = [Piece(part, said[0].first, said[-1].last) for part in parts]
    placed: list[Piece] = []
    at = 0
    for part in parts:
        while at < len(said) and said[at].key in words.connectors:
            at += 1
        if at == len(said):
            return shared
        value, first = _worth(said[at].key, words), said[at].first
        at += 1
        while at < len(said) and (said[at].key in words.hundred or (value == 1 and said[at].key in words.scales)):
            value *= _worth(said[at].key, words)
            at += 1
        if str(value) != part:
            return shared
        placed.append(Piece(part, first, said[at - 1].last))
    return placed if at == len(said) else shared


def _worth(key: str, words: NumberWords) -> int:
    """The value of one number word; 0 for what is none."""
    if key in words.articles:
        return 1
    if key in words.hundred:
        return 100
    value = words.values.get(key, words.scales.get(key, 0))
    return int(key) if not value and key.isdigit() and len(key) <= _LONGEST else value


def _read(
    pieces: list[Piece], at: int, words: NumberWords, adjacent: Callable[[Piece, Piece], bool]
) -> tuple[str, int] | None:
    """The number that begins at piece `at`: its key, and the index after its last piece."""
    total, group = Decimal(0), Decimal(0)
    started = False
    paired = False
    limit: int | None = None  # the last scale said: the next one must be smaller
    end = cursor = at
    while cursor < len(pieces):
        if cursor > at and not adjacent(pieces[cursor - 1], pieces[cursor]):
            break
        key = pieces[cursor].key
        linked = not words.linked or pieces[cursor - 1].key in words.connectors
        following = pieces[cursor + 1].key if cursor + 1 < len(pieces) else ""
        if not started and key in words.articles and (following in words.hundred or following in words.scales):
            if not adjacent(pieces[cursor], pieces[cursor + 1]):
                return None
            group, started = Decimal(1), True
        elif key in words.values and not started:
            group, started = Decimal(words.values[key]), True
        elif key in words.values and linked and group == 0 and limit is not None and 0 < words.values[key] < limit:
            group = Decimal(words.values[key])
        elif key in words.values and linked and _room(group, words.values[key]):
            group += words.values[key]
        elif (
            words.pairs
            and not paired
            and limit is None
            and 10 <= group <= 99
            and 10 <= words.values.get(key, 0) <= 99
            and pieces[cursor - 1].key not in words.connectors
        ):
            group, paired = group * 100 + words.values[key], True
        elif key in words.hundred and 0 < group < 100 and group == int(group):
            group *= 100
        elif key in words.scales and (limit is None or words.scales[key] < limit) and (group > 0 or not started):
            total += (group if started else Decimal(1)) * words.scales[key]
            group, limit, started = Decimal(0), words.scales[key], True
        elif not started and key[:1].isdigit():
            quantity = _quantity(key)
            # Digits only go on into a scale ("27 million"); anything else leaves them as they were written.
            if quantity is None or following not in words.scales:
                return (key, at + 1)
            group, started = quantity, True
        elif started and key in words.connectors and cursor == end and cursor + 1 < len(pieces):
            # A connector only counts when the number goes on after it.
            if following not in words.values or words.values[following] == 0:
                break
            fits = _room(group, words.values[following]) or (group == 0 and limit is not None)
            if not fits or (words.hundred and 0 < group < 100):
                break
            cursor += 1
            continue
        elif started and key in words.point and words.values.get(following, 10) < 10 and limit is None:
            decimals = ""
            cursor += 1
            while cursor < len(pieces) and words.values.get(pieces[cursor].key, 10) < 10:
                decimals += str(words.values[pieces[cursor].key])
                cursor += 1
            return (_key(Decimal(f"{group}.{decimals}")), cursor)
        else:
            break
        cursor += 1
        end = cursor
    return (_key(total + group), end) if started else None


def spell_number(key: str, words: NumberWords) -> list[str]:
    """The words a key of digits is said with; digit by digit where it is a label ("007") or very long."""
    value = _quantity(key)
    by_value = {v: w for w, v in reversed(words.values.items())}
    if value is None or value >= 10**15:
        return [by_value[int(c)] for c in key if c.isdigit()]
    whole = int(value)
    spelled = _spell_whole(whole, words, by_value)
    if "." in key:
        spelled += [next(iter(sorted(words.point)))] + [by_value[int(c)] for c in key.split(".")[1]]
    return spelled


def _spell_whole(value: int, words: NumberWords, by_value: dict[int, str]) -> list[str]:
    if words.pairs and 1100 <= value <= 2099 and value % 100 >= 10 and value // 100 != 20:
        return _spell_whole(value // 100, words, by_value) + _spell_whole(value % 100, words, by_value)
    if value in by_value and (value < 100 or not words.hundred):
        return [by_value[value]]
    if value < 100:
        return [by_value[value - value % 10], by_value[value % 10]]
    if value < 1000:
        rest = _spell_whole(value % 100, words, by_value) if value % 100 else []
        if words.hundred:
            return [by_value[value // 100], *sorted(words.hundred), *rest]
        return [by_value[value - value % 100], *rest]
    scale_word, scale = max(((w, s) for w, s in words.scales.items() if s <= value), key=lambda item: item[1])
    rest = _spell_whole(value % scale, words, by_value) if value % scale else []
    return [*_spell_whole(value // scale, words, by_value), scale_word, *rest]
