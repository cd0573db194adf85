"""From phones of the house (one character each) to those of the American acoustic model, with their variants.

Persian has sounds the model never heard: kh (x) and gh (q) take its nearest ones, in two variants. Persian
writes no short vowels; where its syllables need one (none begins with two consonants), each of the three may
stand. The likelier variants come first, and no more than `MOST_VARIANTS` are made.
"""

from __future__ import annotations

from itertools import islice, product

__all__ = ["MOST_VARIANTS", "variants_of"]

MOST_VARIANTS = 12

_ENGLISH = {
    "p": "P", "b": "B", "t": "T", "d": "D", "k": "K", "g": "G", "C": "CH", "J": "JH", "f": "F", "v": "V", "T": "TH",
    "D": "DH", "s": "S", "z": "Z", "S": "SH", "Z": "ZH", "h": "HH", "m": "M", "n": "N", "N": "NG", "l": "L", "r": "R",
    "w": "W", "y": "Y", "i": "IY", "I": "IH", "e": "EH", "A": "EY", "a": "AE", "o": "AA", "O": "OW", "u": "UW",
    "U": "UH", "V": "AH", "Y": "AY", "W": "AW", "X": "OY", "R": "ER", "x": "HH", "q": "G",
}  # fmt: skip
_PERSIAN = {"x": ("HH", "K HH"), "q": ("G", "K"), "o": ("AA",), "u": ("UW",), "i": ("IY", "EY"), "e": ("EH", "IY")}
_SHORT_VOWELS = ("AE", "EH", "OW")
_VOWELS = frozenset("iIeAaoOuUVYWXR")


def variants_of(phones: str, persian: bool = False) -> list[str]:
    """Pronunciations of one word, as phones of the model parted by spaces; none where no phone is known.

    >>> variants_of("slom", persian=True)[:2]
    ['S AE L AA M', 'S EH L AA M']
    """
    known = [phone for phone in phones if phone in _ENGLISH]
    if not known:
        return []
    if not persian:
        return [" ".join(_ENGLISH[phone] for phone in known)]
    slots: list[tuple[str, ...]] = []
    for at, phone in enumerate(known):
        slots.append(_PERSIAN.get(phone, (_ENGLISH[phone],)))
        if _needs_vowel(known, at):
            slots.append(_SHORT_VOWELS)
        elif at == len(known) - 2 and not _VOWELS & {phone, known[-1]}:
            slots.append(("", "EH"))  # two consonants may end a word, or a vowel stands between them («حافظ»)
    found = (" ".join(filter(None, parts)) for parts in _likeliest(slots))
    return list(dict.fromkeys(islice(found, MOST_VARIANTS)))


def _needs_vowel(phones: list[str], at: int) -> bool:
    """Whether an unwritten vowel follows a consonant.

    After a vowel one consonant may close the syllable, and two may end the word; every other consonant before a
    consonant begins a syllable, whose vowel is not written.
    """
    if phones[at] in _VOWELS or at + 1 == len(phones) or phones[at + 1] in _VOWELS:
        return False
    start = max((n for n in range(at + 1) if phones[n] in _VOWELS), default=-1) + 1
    end = next((n for n in range(at, len(phones)) if phones[n] in _VOWELS), len(phones))
    place = at - start  # in the run of consonants from `start` to `end`
    if start == 0:  # the word begins with it: bl -> b.l, mtSkrm -> m(o)t S(a)k r(a)m
        return place == 0 or (place >= 2 and place % 2 == 0)
    if end == len(phones) and end - start <= 2:
        return False
    return place % 2 == 1


def _likeliest(slots: list[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """All choices of one from each slot, those with the most first alternatives first; a few thousand at most."""
    choices = islice(product(*(range(len(slot)) for slot in slots)), 5000)
    return [
        tuple(slot[n] for slot, n in zip(slots, choice, strict=True))
        for choice in sorted(choices, key=lambda choice: (sum(choice), choice))
    ]
