"""Spelling to phones by rule: phone error rate against the CMU dictionary that pocketsphinx carries.

    python bench/sounds.py --text FILE            # frequent words are those of this text
    python bench/sounds.py --text FILE --write    # rewrites the words that keep no rule in english_sounds.txt

Printed: edits per reference phone over the 6,000 most frequent words of the text and over 5,000 other words of the
dictionary, mostly names and rare forms, for single phones and for their coarse classes.
"""

from __future__ import annotations

import argparse
import importlib.util
import random
import re
from collections import Counter
from pathlib import Path

from rapidfuzz.distance import Levenshtein

import earmark.language
from earmark.language.phonetics import coarse, phones_of

KEPT = 400


def dictionary() -> dict[str, str]:
    spec = importlib.util.find_spec("pocketsphinx")
    assert spec is not None and spec.origin is not None, "needs pocketsphinx"
    (path,) = Path(spec.origin).parent.glob("model/en-us/*.dict")
    entries = (line.split(" ", 1) for line in path.read_text(encoding="utf-8").splitlines())
    return {word: phones.strip() for word, phones in entries if word.isalpha()}


def report(name: str, words: list[str], known: dict[str, str]) -> None:
    pairs = [(phones_of(word, known), phones_of(word)) for word in words]
    total = sum(len(reference) for reference, _ in pairs)
    edits = sum(Levenshtein.distance(reference, ruled) for reference, ruled in pairs)
    classes = sum(Levenshtein.distance(coarse(reference), coarse(ruled)) for reference, ruled in pairs)
    print(f"{name}: {len(words)} words, phone error rate {edits / total:.3f}, in classes {classes / total:.3f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--text", type=Path, required=True)
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    known = dictionary()
    counts = Counter(re.findall("[a-z]+", arguments.text.read_text(encoding="utf-8").lower()))
    frequent = [word for word, _ in counts.most_common(6000) if word in known and len(word) > 1]
    if arguments.write:
        cost = {
            word: counts[word] * Levenshtein.distance(coarse(phones_of(word, known)), coarse(phones_of(word)))
            for word in frequent
        }
        chosen = sorted(sorted(cost, key=lambda word: -cost[word])[:KEPT])
        path = Path(earmark.language.__file__).with_name("english_sounds.txt")
        head, mark, _ = path.read_text(encoding="utf-8").partition("\nwords\n")
        lines = [f"{word} {phones_of(word, known)}" for word in chosen if cost[word] > 0]
        path.write_text(head + mark + "\n".join(lines) + "\n", encoding="utf-8")
        print(f"wrote {len(lines)} words; run again without --write for the figures with them")
        return
    report("frequent", frequent, known)
    rest = sorted(word for word in known if word not in set(frequent) and len(word) > 3)
    report("rare", random.Random(0).sample(rest, 5000), known)


if __name__ == "__main__":
    main()
