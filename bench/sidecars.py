"""Transcripts beside the media: whether what stands in them is found, however it is typed, and in the right place.

    python bench/sidecars.py --data DIR [--set fa-asr36]

DIR holds a set with a manifest.csv (`file`, `transcript`). Each recording gets its transcript as a sidecar, the
formats and encodings in turn (text, text in Windows-1256, SRT in UTF-16, WebVTT); each is then asked for three
words in a row in every other spelling that changes them: Arabic letters, no joiner, joined, Latin and Arabic digits.
Printed: how many are found, how many first, and how many with the span of just these words.
"""

from __future__ import annotations

import argparse
import csv
import random
import re
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from earmark import finding
from earmark.indexing import index
from earmark.library import Catalogue
from earmark.media.probe import probe
from earmark.settings import FindSettings, IndexSettings

SPELLINGS: dict[str, Callable[[str], str]] = {
    "Arabic letters": lambda text: text.replace("ی", "ي").replace("ک", "ك"),
    "no joiner": lambda text: text.replace("\u200c", " "),
    "joined": lambda text: text.replace("\u200c", ""),
    "Latin digits": lambda text: text.translate(str.maketrans("۰۱۲۳۴۵۶۷۸۹", "0123456789")),
    "Arabic digits": lambda text: text.translate(str.maketrans("۰۱۲۳۴۵۶۷۸۹", "٠١٢٣٤٥٦٧٨٩")),
}
CLOSE_SECONDS = 0.05


def write_sidecar(media: Path, text: str, way: int) -> None:
    length = probe(media).duration_seconds
    clock = f"00:{int(length) // 60:02d}:{length % 60:06.3f}"
    if way == 0:
        media.with_suffix(".txt").write_text(text, encoding="utf-8")
    elif way == 1:  # Windows-1256 has neither the Persian yeh nor Persian digits
        old = SPELLINGS["Latin digits"](text).replace("ی", "ي")
        media.with_suffix(".fa.txt").write_bytes(old.encode("cp1256", "replace"))
    elif way == 2:
        cue = f"1\n00:00:00,000 --> {clock.replace('.', ',')}\n{text}\n"
        media.with_suffix(".srt").write_text(cue, encoding="utf-16")
    else:
        media.with_suffix(".vtt").write_text(f"WEBVTT\n\n00:00:00.000 --> {clock}\n{text}\n", encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--set", default="fa-asr36")
    options = parser.parse_args()
    chooser = random.Random(3)
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        texts: dict[str, str] = {}
        with open(options.data / options.set / "manifest.csv", encoding="utf-8") as file:
            for number, row in enumerate(csv.DictReader(file)):
                media = work / Path(row["file"]).name
                shutil.copyfile(options.data / options.set / row["file"], media)
                write_sidecar(media, row["transcript"], number % 4)
                texts[str(media)] = row["transcript"]
        began = time.perf_counter()
        report = index([work], work / "library", IndexSettings(sound=None))
        print(f"read {len(report.heard)} transcripts in {time.perf_counter() - began:.1f} s, {len(report.notes)} notes")
        catalogue = Catalogue.load(work / "library")
        totals = dict.fromkeys(("asked", "found", "first", "in place"), 0)
        for recording in report.recordings.values():
            rows = [row for row, id_ in enumerate(catalogue.column("recording_id")) if id_ == recording.id]
            words = [word for row in rows for word in catalogue.segment(row).words]
            plain = re.sub(r"[.,،؟?!:؛«»]", "", texts[recording.path]).split()
            for respell in SPELLINGS.values():
                threes = [" ".join(plain[at : at + 3]) for at in range(len(plain) - 2)]
                places = [at for at, three in enumerate(threes) if respell(three) != three]
                if not places:
                    continue
                at = chooser.choice(places)
                moments = finding.find("said: " + respell(threes[at]), catalogue, None, FindSettings())
                hits = [moment for moment in moments if moment.recording.id == recording.id]
                totals["asked"] += 1
                totals["found"] += bool(hits)
                totals["first"] += bool(moments) and moments[0].recording.id == recording.id
                totals["in place"] += bool(hits) and (
                    abs(hits[0].span.start - words[at].span.start) <= CLOSE_SECONDS
                    and abs(hits[0].span.end - words[at + 2].span.end) <= CLOSE_SECONDS
                )
    print(", ".join(f"{count} {what}" for what, count in totals.items()))


if __name__ == "__main__":
    main()
