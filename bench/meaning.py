"""Meaning: is a passage found by a question that shares no content word with it?

    python bench/meaning.py --data DIR [--library DIR] [--distractors FILE]
    python bench/meaning.py --speed 100000

DIR holds misc-speech/manifest.csv (``file``, ``transcript``) and its English recordings: three LibriVox sonnets, three
LibriSpeech readings, Kennedy's inaugural address, NASA's Webb and Apollo 11. The 30 questions below were written for
them before anything was tried. Each is asked of two libraries: one of the transcripts as given (where there are any),
and one of what the built-in recogniser made of the sound (``--library`` names one that has heard them already; it is
made there otherwise). A place is right if it shares half of the shorter with the words meant, whose place is found by
their letters. FILE (one sentence a line, the last column of a TSV) adds other passages, a hundred lines a recording.

Printed: recall among the first five and first, mean reciprocal rank, what a guess would reach, and, for the
probabilities, how many of the places given 0.5 or more are right, and what questions about nothing in there get.

``--speed N`` times a fused query over N passages of made-up sentences.
"""

from __future__ import annotations

import argparse
import csv
import random
import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from earmark import language
from earmark.engines import registry
from earmark.finding import find
from earmark.indexing.gist import gists_of, summarise
from earmark.library import Catalogue, Hearing, Library, Passage, Summary
from earmark.records import Moment, Recording, Segment, Word
from earmark.settings import FindSettings, IndexSettings
from earmark.timeline import Span

QUESTIONS = [
    ("jfk", "serving one's nation", "Ask what you can do for your country"),
    ("jfk", "a president addressing the citizens of the United States", "And so my fellow Americans"),
    ("sonnet001", "attractive beings should multiply", "From fairest creatures we desire increase"),
    ("sonnet001", "starvation in the middle of plenty", "Making a famine where abundance lies"),
    ("sonnet001", "he is his worst enemy", "Thy self thy foe, to thy sweet self too cruel"),
    ("sonnet001", "announcing the season when flowers bloom", "And only herald to the gaudy spring"),
    ("sonnet001", "his son would keep the remembrance of him", "His tender heir might bear his memory"),
    ("sonnet001", "have mercy on everyone", "Pity the world, or else this glutton be"),
    ("sonnet001", "a greedy person devouring too much food", "or else this glutton be, To eat the world's due"),
    ("sonnet002", "furrows on an ageing forehead", "When forty winters shall besiege thy brow, And dig deep trenches"),
    ("sonnet002", "a ragged garment of little value", "Will be a tatter'd weed of small worth held"),
    ("sonnet002", "embarrassment and useless compliments", "Were an all-eating shame, and thriftless praise"),
    ("sonnet002", "where did the wealth of your younger years go", "Where all the treasure of thy lusty days"),
    ("sonnet002", "this handsome boy is my son", "This fair child of mine"),
    (
        "sonnet002",
        "becoming young again while elderly",
        "This were to be new made when thou art old, And see thy blood warm",
    ),
    ("sonnet003", "stare at your reflection in a mirror", "Look in thy glass and tell the face thou viewest"),
    ("sonnet003", "ploughing the soil of a farm", "Disdains the tillage of thy husbandry"),
    ("sonnet003", "a grave dug by vanity", "will be the tomb, Of his self-love to stop posterity"),
    ("sonnet003", "she recalls how pretty she was as a girl", "Calls back the lovely April of her prime"),
    (
        "sonnet003",
        "creases in the skin of an elderly person",
        "So thou through windows of thine age shalt see, Despite of wrinkles",
    ),
    (
        "sonnet003",
        "pass away unmarried and be forgotten",
        "remember'd not to be, Die single and thine image dies with thee",
    ),
    ("libri_3436", "a royal lady summoning her soldiers", "Queen Guinevere called to her knights of a table round"),
    (
        "libri_3436",
        "travelling on horseback through the forest at dawn",
        "early upon the morrow she would ride a maying into the woods and fields",
    ),
    (
        "libri_5703",
        "ferries crossing a lake",
        "two small steamers that during the summer months plied up and down the loch",
    ),
    ("libri_5703", "a boat with a red chimney", "With her white paint and her scarlet smokestack"),
    (
        "libri_198",
        "apologising to a friend by paying a visit",
        "Will there be any harm in my calling on Miss Tilney to-day I shall not be easy till I have explained",
    ),
    ("libri_198", "which colour of dress to choose", "only put on a white gown, Miss Tilney always wears white"),
    (
        "nasa_13013",
        "an observatory orbiting in the sky to look at stars",
        "the optical and science segment of the Webb Space Telescope",
    ),
    ("nasa_13013", "a sterile hall free of dust", "In one of the largest clean rooms in the world"),
    ("apollo11", "advice from mission control to the astronauts", "11 Houston. We got a recommendation for you"),
]
"""Recording, question, the words meant."""

ABSENT = [
    "how to bake bread in an oven",
    "the goalkeeper saved a penalty",
    "shares fell on the stock exchange",
    "repairing the brakes of a car",
    "symptoms of the flu",
    "learning to play the guitar",
    "the recipe needs two eggs",
    "booking a hotel room online",
    "a dog chasing the postman",
    "traffic jam on the motorway",
    "password reset instructions",
    "the train to London was late",
    "growing tomatoes in a greenhouse",
    "a court sentenced the thief",
    "money problems",
    "training for a marathon",
    "quarterly sales figures",
    "feeding a newborn baby at night",
    "the volcano erupted last week",
    "installing a washing machine",
]
"""Questions about nothing in there."""

SMALL = frozenset(
    "a an the and or but of to in on at by for with from as is are was were be been it its this that these those i you "
    "he she we they me him her us them my your his our their one's not no do does did have has had will would can "
    "could should may might must what which who where when how if so than then up out into about again all everyone "
    "someone no-one now s go between much more too".split()
)


@dataclass(frozen=True)
class Score:
    ranks: list[int]
    moments: list[tuple[Moment, bool]]


def content(text: str) -> set[str]:
    return {token.stem for token in language.normalise(text, "en") if token.key not in SMALL}


def given_library(folder: Path, transcripts: dict[str, list[str]], keywords: bool = True) -> None:
    """A library of texts, a word every 0.4 s, an utterance a line; without keywords it is made sooner."""
    passages, hearings, recordings = [], [], []
    for name, lines in transcripts.items():
        at = 0.0
        for line in lines:
            texts = line.split()
            words = tuple(Word(text, Span(at + 0.4 * i, at + 0.4 * i + 0.4)) for i, text in enumerate(texts))
            segment = Segment(Span(at, at + 0.4 * len(texts)), line, words, "en", "given@1")
            strings = language.passage_strings(line, "en")
            passages.append(Passage(name, segment, strings.keys, strings.stems, strings.phones))
            at += 0.4 * len(texts)
        recordings.append(Recording(name, f"/{name}", at))
        hearings.append(Hearing(name, "words", "given@1", "{}", at, True))
    with Library.open(folder) as library:
        for recording in recordings:
            library.remember(recording, 1, 1)
        library.commit(passages, hearings)
        if keywords:
            summarise(library)
        else:
            reader, engine = registry.load("text", "wordpieces"), registry.stored_name("text", "wordpieces")
            sources = dict(library.unsummarised(engine))
            library.keep_summaries(
                [Summary(id_, sources[id_], engine, tuple(gists_of(s, reader))) for id_, s in library.segments(sources)]
            )
        library.finish()


def words_of(catalogue: Catalogue) -> dict[str, list[Word]]:
    words: dict[str, list[Word]] = {}
    for row, id_ in enumerate(catalogue.column("recording_id")):
        words.setdefault(id_, []).extend(catalogue.segment(row).words)
    return words


def place_of(meant: str, words: Sequence[Word]) -> Span:
    from rapidfuzz import fuzz

    text = " ".join(word.text for word in words).lower()
    found = fuzz.partial_ratio_alignment(meant.lower(), text)
    assert found is not None
    first, last = text[: found.dest_start].count(" "), text[: found.dest_end].count(" ")
    return Span(words[first].span.start, words[min(last, len(words) - 1)].span.end)


def ask(catalogue: Catalogue, depth: int = 20) -> Score:
    words = words_of(catalogue)
    settings = FindSettings(limit=depth, min_probability=0.0)
    ranks, judged = [], []
    for name, question, meant in QUESTIONS:
        (recording,) = [r for r in catalogue.recordings.values() if Path(r.path).stem.startswith(name)]
        target = place_of(meant, words[recording.id])
        shared = content(question) & content(meant)
        assert not shared, f"{question!r} and the passage both have {shared}"
        moments = find(f"meaning: {question}", catalogue, settings=settings)
        right = [
            moment.recording.id == recording.id
            and moment.span.overlap(target) >= 0.5 * min(target.duration, moment.span.duration)
            for moment in moments
        ]
        ranks.append(right.index(True) + 1 if any(right) else 0)
        judged += list(zip(moments, right, strict=True))
    return Score(ranks, judged)


def report(name: str, catalogue: Catalogue) -> None:
    score = ask(catalogue)
    ranks = score.ranks
    total = len(ranks)
    gists = max(1, catalogue.gists.num_rows)
    r5, r1 = (sum(0 < rank <= k for rank in ranks) / total for k in (5, 1))
    mrr = sum(1 / rank for rank in ranks if rank) / total
    shown = [right for moment, right in score.moments if moment.probability >= 0.5]
    absent = [
        max((m.probability for m in find(f"meaning: {q}", catalogue, settings=FindSettings(5, 0.0))), default=0.0)
        for q in ABSENT
    ]
    print(f"{name}: {gists} windows; R@5 {r5:.2f}, R@1 {r1:.2f}, MRR {mrr:.2f}; a guess: R@5 {min(1, 10 / gists):.2f}")
    bins = [(low, low + 0.2) for low in (0.1, 0.3, 0.5, 0.7)]
    for low, high in bins:
        inside = [(m.probability, right) for m, right in score.moments if low <= m.probability < high]
        if inside:
            mean = statistics.mean(p for p, _ in inside)
            print(f"   given {mean:.2f}: {sum(r for _, r in inside)} of {len(inside)} places right")
    print(f"   given 0.5 or more: {sum(shown)} of {len(shown)} right", end="; ")
    over = sum(p >= 0.5 for p in absent)
    print(f"about nothing in there: {over} of {len(absent)} answered, median best {statistics.median(absent):.2f}")


def lines_of(transcript: str) -> list[str]:
    """Utterances of about eight words, as pauses would cut them."""
    words = transcript.split()
    return [" ".join(words[first : first + 8]) for first in range(0, len(words), 8)]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--data", type=Path)
    parser.add_argument("--library", type=Path)
    parser.add_argument("--distractors", type=Path)
    parser.add_argument("--speed", type=int, default=0)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        if arguments.speed:
            speed(Path(scratch), arguments.speed)
        if arguments.data is not None:
            quality(Path(scratch), arguments.data, arguments.library, arguments.distractors)


def quality(scratch: Path, data: Path, folder: Path | None, distractors: Path | None) -> None:
    from earmark.indexing import index

    manifest = data / "misc-speech" / "manifest.csv"
    with manifest.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["file"].startswith("en/")]
    folder = folder or scratch / "recognised"
    media = [manifest.parent / row["file"] for row in rows]
    index(media, folder, IndexSettings(sound=None, sidecars=False))
    heard = Catalogue.load(folder)
    said: dict[str, list[str]] = {}
    for row in rows:
        if row["transcript"].strip():
            said[Path(row["file"]).stem] = lines_of(row["transcript"])
    for row_number, id_ in enumerate(heard.column("recording_id")):
        stem = Path(heard.recordings[id_].path).stem
        if not any(r["transcript"].strip() for r in rows if Path(r["file"]).stem == stem):
            said.setdefault(stem, []).append(heard.column("text")[row_number])
    given_library(scratch / "given", said)
    report("transcripts as given", Catalogue.load(scratch / "given"))
    report("as recognised", heard)
    if distractors is not None:
        with distractors.open(encoding="utf-8") as file:
            others = [line.rstrip("\n").split("\t")[-1] for line in file if line.strip()]
        more = {f"other{first}": others[first : first + 100] for first in range(0, len(others), 100)}
        given_library(scratch / "many", said | more, keywords=False)
        report(f"as given, among {len(others)} other sentences", Catalogue.load(scratch / "many"))


def speed(scratch: Path, count: int) -> None:
    random.seed(0)
    letters = "b d f g k l m n p r s t v w sh ch".split()
    made = [
        "".join(random.choice(letters) + random.choice("aeiou") for _ in range(random.randint(1, 3)))
        for _ in range(20_000)
    ]
    common = "money house river people water night mother school train garden road story king letter music".split()
    lines = [" ".join(random.choices(made, k=9) + random.choices(common, k=2)) for _ in range(count)]
    began = time.monotonic()
    given_library(scratch / "large", {f"r{n}": lines[n : n + 500] for n in range(0, count, 500)}, keywords=False)
    print(f"{count} passages: stored in {time.monotonic() - began:.0f} s")
    began = time.monotonic()
    catalogue = Catalogue.load(scratch / "large")
    print(f"{catalogue.passages.num_rows} passages, {catalogue.gists.num_rows} windows", end="; ")
    print(f"loaded in {1000 * (time.monotonic() - began):.0f} ms")
    for query in (
        "said: money problems",
        "meaning: money problems",
        "money problems",
        "garden music at night",
        made[5],
    ):
        took = []
        for _ in range(6):
            began, used = time.monotonic(), time.process_time()
            find(query, catalogue)
            took.append((time.monotonic() - began, time.process_time() - used))
        first, rest = took[0], took[1:]
        wall, cpu = (1000 * statistics.median(run[kind] for run in rest) for kind in (0, 1))
        print(f"   {query!r}: first {1000 * first[1]:.0f} ms CPU, then {wall:.0f} ms ({cpu:.0f} ms CPU)")


if __name__ == "__main__":
    main()
