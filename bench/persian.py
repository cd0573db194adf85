"""Persian in other spellings: are the words found, and are they the right words?

    python bench/persian.py --data DIR [--queries 40] [--seed 0]

DIR holds a manifest.csv with a ``transcript`` column (fa-asr36). Every transcript is a passage. A query is two to four
neighbouring words of one, typed in another way: Arabic letters, half spaces left out (joined), half spaces as spaces,
other digits, no vowel marks, kashida, a decomposed form, numbers in words. Only queries that look different from
the transcript count. A query is right when the best match is its own passage and covers exactly its own words.
"""

from __future__ import annotations

import argparse
import csv
import random
import re
import sys
import unicodedata
from collections.abc import Callable
from pathlib import Path

from earmark.language import normalise, passage_strings, search_passages, spoken_query
from earmark.language.numbers import PERSIAN, spell_number

ZWNJ = "\u200c"


def in_words(text: str) -> str:
    """Digits as they are said; a thousand without its one."""

    def said(found: re.Match[str]) -> str:
        return " و ".join(spell_number(str(int(found.group())), PERSIAN)).replace("یک و هزار", "هزار")

    return re.sub(r"\d+", said, text)


SPELLINGS: dict[str, Callable[[str], str]] = {
    "arabic letters": lambda text: text.translate(str.maketrans("یک", "يك")),
    "joined": lambda text: text.replace(ZWNJ, ""),
    "spaced": lambda text: text.replace(ZWNJ, " "),
    "latin digits": lambda text: text.translate(str.maketrans("۰۱۲۳۴۵۶۷۸۹", "0123456789")),
    "arabic digits": lambda text: text.translate(str.maketrans("۰۱۲۳۴۵۶۷۸۹", "٠١٢٣٤٥٦٧٨٩")),
    "numbers in words": in_words,
    "no marks": lambda text: text.replace("\u064b", "").replace("\u0650", ""),
    "kashida": lambda text: text.replace("س", "ســ"),
    "decomposed": lambda text: unicodedata.normalize("NFD", text),
    "joined, arabic letters": lambda text: text.replace(ZWNJ, "").translate(str.maketrans("یک", "يك")),
    "spaced, arabic letters": lambda text: text.replace(ZWNJ, " ").translate(str.maketrans("یک", "ىك")),
    "hamza for the ezafe": lambda text: text.replace("ه" + ZWNJ + "ی", "ۀ"),
}


def queries(texts: list[str], draw: random.Random) -> list[tuple[int, str, tuple[int, int], str]]:
    """Every query: its passage, how it is spelt, where its words lie, what is typed."""
    made = []
    for index, text in enumerate(texts):
        words, at = [], 0
        for word in text.split():
            first = text.index(word, at)
            at = first + len(word)
            words.append((first, at))
        for count in (2, 3, 4):
            for begin in range(len(words) - count + 1):
                first, last = words[begin][0], words[begin + count - 1][1]
                for name, spell in SPELLINGS.items():
                    typed = spell(text[first:last])
                    if typed != text[first:last] and normalise(text[first:last]):
                        made.append((index, name, (first, last), typed))
    draw.shuffle(made)
    return made


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--queries", type=int, default=40, help="0 for all")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    with (arguments.data / "manifest.csv").open(encoding="utf-8", newline="") as file:
        texts = [row["transcript"] for row in csv.DictReader(file)]
    strings = [passage_strings(text) for text in texts]
    columns = ([s.keys for s in strings], [s.stems for s in strings], [s.phones for s in strings])
    asked = queries(texts, random.Random(arguments.seed))
    total = len(asked)
    # The same words twice, typed alike, are one query; every spelling is to be among the drawn ones.
    asked = asked[: arguments.queries] if arguments.queries else asked
    right: dict[str, list[bool]] = {}
    for index, name, (first, last), typed in asked:
        found = search_passages(spoken_query(typed), *columns, limit=1)
        hit = bool(found) and found[0][0] == index
        if hit:
            tokens = normalise(texts[index])
            wanted = [i for i, t in enumerate(tokens) if t.span[0] < last and t.span[1] > first]
            hit = (found[0][1].first_token, found[0][1].last_token) == (wanted[0], wanted[-1])
        right.setdefault(name, []).append(hit)
        if not hit:
            print(f"missed ({name}): {typed!r} of {texts[index][first:last]!r}", file=sys.stderr)
    for name, hits in sorted(right.items()):
        print(f"{name:24} {sum(hits):4} of {len(hits)}")
    hits = [hit for group in right.values() for hit in group]
    print(f"{'all':24} {sum(hits):4} of {len(hits)} (drawn from {total})")


if __name__ == "__main__":
    main()
