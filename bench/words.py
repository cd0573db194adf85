"""How well English words are heard and placed, and how fast: the built-in recogniser and aligner.

    python bench/words.py --data DIR [--only wer,times,spoken,speed]

DIR holds collections in folders, each with a ``manifest.csv`` (columns ``file``, ``transcript``, ``events``
with hand word times, ``kind``); collections that are missing are left out and named.

* wer: word error rate, case, punctuation and the spelling of numbers left out of account; once on whole
  files, once on the utterances that Silero and the cutter make of them.
* times: error of the edges of words recognised right, against hand times.
* spoken: how much of what was spoken is kept, and how much of what was made up over other languages,
  music and noise is dropped.
* speed: x real time of each engine, with one thread and with two.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import platform
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from rapidfuzz.distance import Levenshtein

from earmark.engines.activity.silero import Silero
from earmark.engines.activity.utterances import Cutter
from earmark.engines.aligner.spelling import spoken_words
from earmark.engines.aligner.sphinx import SphinxAligner
from earmark.engines.aligner.spoken import judge
from earmark.engines.recogniser.moonshine import Moonshine
from earmark.media.decode import decode
from earmark.timeline import Span, Waveform

PARTS = ("wer", "times", "spoken", "speed")
TRUE = ("timit-nltk", "en-read-pm", "picovoice-s2i", "misc-speech/en")
MADE_UP = (
    "misc-speech/fr misc-speech/ja misc-speech/ar misc-speech/de fa-asr36 fa-kws librosa-data segmentation/music "
    "esc10 kitchen20 moodist blanket"
).split()


def rows_of(data: Path, name: str, most: int = 10**9) -> list[dict[str, str]]:
    """The rows of a collection, or of those of its files or kinds that begin with what follows a slash.

    At most `most` of them, spread evenly.
    """
    folder, _, part = name.partition("/")
    manifest = data / folder / "manifest.csv"
    if not manifest.is_file():
        print(f"  ({name}: no such collection)")
        return []
    with manifest.open(encoding="utf-8") as file:
        rows = [
            {**row, "path": str(data / folder / row["file"])}
            for row in csv.DictReader(file)
            if row["file"].startswith(part) or row["kind"] == part
        ]
    if folder == "librosa-data":
        rows = [row for row in rows if row["kind"] == "music"]
    if folder == "picovoice-s2i":
        rows = [row for row in rows if row["kind"] != "noise"]
    step = max(1, -(-len(rows) // most))
    return rows[::step]


def read(path: str, most_seconds: float = 120.0) -> Waveform:
    blocks = [block.mono() for block in decode(path)]
    samples = np.concatenate(blocks) if blocks else np.zeros(0, np.float32)
    return Waveform(samples[None, : round(most_seconds * 16_000)], 16_000)


def plain(text: str) -> list[str]:
    return [said for word in text.split() for said in spoken_words(word)]


def utterances(activity: Silero, waveform: Waveform) -> list[Waveform]:
    stream, cutter = activity.stream(), Cutter()
    spans = cutter.feed(stream.feed(waveform.mono())) + cutter.feed(stream.flush()) + cutter.flush()
    return [waveform.cut(span) for span in spans]


def word_error_rate(pairs: Sequence[tuple[list[str], list[str]]]) -> float:
    """Of (reference, estimate) pairs."""
    errors = sum(Levenshtein.distance(reference, estimate) for reference, estimate in pairs)
    return errors / max(1, sum(len(reference) for reference, _ in pairs))


def measure_wer(data: Path, activity: Silero, recogniser: Moonshine) -> None:
    for name in ("timit-nltk", "en-read-pm"):
        rows = [row for row in rows_of(data, name) if row["transcript"]]
        whole, cut = [], []
        for row in rows:
            waveform, reference = read(row["path"]), plain(row["transcript"])
            (heard,) = recogniser.transcribe([waveform])
            whole.append((reference, plain(heard.text)))
            parts = recogniser.transcribe(utterances(activity, waveform))
            cut.append((reference, plain(" ".join(part.text for part in parts))))
        if rows:
            print(
                f"  {name}: {len(rows)} files, word error rate {word_error_rate(whole):.3f} on whole files, "
                f"{word_error_rate(cut):.3f} on utterances cut by Silero"
            )


def measure_times(data: Path, recogniser: Moonshine, aligner: SphinxAligner) -> None:
    errors: list[float] = []
    unaligned = words = 0
    for row in rows_of(data, "timit-nltk"):
        waveform = read(row["path"])
        hand = json.loads(row["events"])
        (heard,) = recogniser.transcribe([waveform])
        placed = aligner.align(waveform, [word.text for word in heard.words]).words
        words += len(placed)
        unaligned += sum(not word.aligned for word in placed)
        estimated = [" ".join(spoken_words(word.text)) for word in placed]
        for block in Levenshtein.opcodes(estimated, [" ".join(spoken_words(e["word"])) for e in hand]):
            if block.tag != "equal":
                continue
            for i, j in zip(
                range(block.src_start, block.src_end), range(block.dest_start, block.dest_end), strict=True
            ):
                errors.append(abs(placed[i].span.start - hand[j]["start"]))
                errors.append(abs(placed[i].span.end - hand[j]["end"]))
    if errors:
        median, high = np.percentile(errors, [50, 95]) * 1000
        print(
            f"  timit-nltk: {len(errors) // 2} words recognised right, edges off by {median:.1f} ms (median), "
            f"{high:.0f} ms (95th percentile); {unaligned} of {words} words could not be aligned"
        )


def measure_spoken(data: Path, activity: Silero, recogniser: Moonshine, aligner: SphinxAligner) -> None:
    """Twice: on what the activity engine let through, and, for what was not spoken, on forced 12 s pieces."""

    def verdicts(parts: Sequence[Waveform]) -> Iterator[bool]:
        for part, heard in zip(parts, recogniser.transcribe(parts), strict=True):
            if heard.text:
                alignment = aligner.align(
                    part, [word.text for word in heard.words], [word.probability for word in heard.words]
                )
                yield judge(alignment, part, heard.mean_logprob, heard.num_tokens).spoken

    for title, names, force in (
        ("spoken, kept", TRUE, False),
        ("not spoken English, dropped", MADE_UP, False),
        ("not spoken English, forced through, dropped", MADE_UP, True),
    ):
        print(f"  {title}:")
        for name in names:
            judged: list[bool] = []
            for row in rows_of(data, name, most=100):
                waveform = read(row["path"])
                parts = [waveform.cut(Span(0.0, 12.0))] if force else utterances(activity, waveform)
                judged += verdicts(parts)
            share = np.mean(judged) if names is TRUE else 1 - np.mean(judged) if judged else 1.0
            print(f"    {name}: {share:.3f} of {len(judged)} utterances")


def measure_speed(data: Path, activity: Silero, recogniser: Moonshine, aligner: SphinxAligner) -> None:
    """Each engine on the same utterances, by the processor time of one thread and by the clock of two."""
    waveforms = [read(row["path"]) for row in rows_of(data, "en-read-pm", most=24)]
    if not waveforms:
        return
    heard = recogniser.transcribe(waveforms)
    texts = {id(w): [word.text for word in h.words] for w, h in zip(waveforms, heard, strict=True)}
    seconds = sum(waveform.span.duration for waveform in waveforms)
    jobs: dict[str, Callable[[Waveform], object]] = {
        "silero": lambda waveform: activity.stream().feed(waveform.mono()),
        "moonshine": lambda waveform: recogniser.transcribe([waveform]),
        "sphinx": lambda waveform: aligner.align(waveform, texts[id(waveform)]),
    }
    for name, job in jobs.items():
        job(waveforms[0])
        begun, cpu = time.perf_counter(), time.process_time()
        for waveform in waveforms:
            job(waveform)
        one, own = time.perf_counter() - begun, time.process_time() - cpu
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(job, waveforms[:2]))
            begun = time.perf_counter()
            list(pool.map(job, waveforms))
            two = time.perf_counter() - begun
        print(
            f"  {name}: {seconds / own:.0f} x real time by processor time, {seconds / one:.0f} x by the clock, "
            f"{seconds / two:.0f} x by the clock with two threads"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--only", default=",".join(PARTS), help="some of " + ",".join(PARTS))
    arguments = parser.parse_args()
    activity, recogniser, aligner = Silero(), Moonshine(), SphinxAligner()
    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores{load}")
    chosen = arguments.only.split(",")
    if "wer" in chosen:
        print("word error rate")
        measure_wer(arguments.data, activity, recogniser)
    if "times" in chosen:
        print("word times")
        measure_times(arguments.data, recogniser, aligner)
    if "spoken" in chosen:
        print("never spoken")
        measure_spoken(arguments.data, activity, recogniser, aligner)
    if "speed" in chosen:
        print("speed")
        measure_speed(arguments.data, activity, recogniser, aligner)


if __name__ == "__main__":
    main()
