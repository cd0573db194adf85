"""How well chunks of speech are ranked for keywords: the cascade, the contrastive model, and both.

    python bench/speech_text.py DATA [--model FOLDER] [--work FOLDER]      the tables of docs/models/speech-text.md
    python bench/speech_text.py DATA --fit CONFIG                          the constants of finding/systems.py
    python bench/speech_text.py DATA --library FOLDER                      the same questions to a library

DATA holds `en-read-pm`, `misc-speech` and `fa-asr36`, each with a manifest.csv. A question is the keywords of what is
said, from the given text; the cascade sees only what the recogniser heard, the contrastive model only the sound. Both
are asked which of six chunks it is, five of them drawn at random, a hundred times over; which of thirty; and which of
all. Chance is printed beside, and so is the contrastive model with the speech vectors of other chunks, which has to
come out at chance. Texts longer than a chunk are put to their times by the aligner and cut at pauses.
"""

from __future__ import annotations

import argparse
import csv
import json
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from earmark import language
from earmark.collecting import BuildSettings, build
from earmark.engines import registry
from earmark.engines.speech_text.contrastive import ContrastiveEngine
from earmark.evaluation.retrieval import candidate_scores
from earmark.finding import systems
from earmark.finding.cascade import Scored
from earmark.formats.manifest import Chunk, read_manifest
from earmark.media.decode import decode
from earmark.records import Recording
from earmark.settings import SAMPLE_RATE
from earmark.timeline import Span, Waveform

Table = NDArray[np.float64]
DRAWS = 100
ENGLISH = ("speech-read", "speech-long", "speech-aligned")


@dataclass(frozen=True)
class Spoken:
    """A chunk: its samples, the text it is given, and the keywords of a manifest."""

    name: str
    samples: NDArray[np.float32]
    text: str
    keywords: tuple[str, ...] = ()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--model", type=Path, default=None, help="weights of the contrastive model; default: shipped")
    parser.add_argument("--work", type=Path, default=None, help="keep transcripts here")
    parser.add_argument("--fit", type=Path, default=None, metavar="CONFIG")
    parser.add_argument("--library", type=Path, default=None)
    asked = parser.parse_args()
    if asked.fit is not None:
        fit(asked.fit, asked.model, asked.work)
        return
    if asked.library is not None:
        ask_library(asked.data, asked.library)
        return
    engine = ContrastiveEngine(asked.model)
    read = chunks_of(asked.data / "en-read-pm", "en")
    misc = chunks_of(asked.data / "misc-speech", "en")
    print(f"model {engine.name}, {engine.dim} dimensions; {DRAWS} draws; chance: Hits@1 0.167, MRR 0.408 of six")
    for name, spoken in (("en-read-pm", read), ("misc-speech", misc), ("both", read + misc)):
        report(name, spoken, "en", heard(spoken, asked.work), engine)
    persian = built(asked.data / "fa-asr36", "fa")
    report("fa-asr36, given transcripts", persian, "fa", [one.text for one in persian], engine)
    unlike = [one.text.replace("ی", "ي").replace("ک", "ك").replace("\u200c", " ") for one in persian]
    report("fa-asr36, transcripts in Arabic letters without half spaces", persian, "fa", unlike, engine)


def chunks_of(folder: Path, wanted: str) -> list[Spoken]:
    """Clips of a language that have a text; long ones in pieces."""
    found = []
    with open(folder / "manifest.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        text = row["transcript"].strip()
        if row["lang"] != wanted or not text or (wanted == "en" and row["kind"] not in ENGLISH):
            continue
        blocks = [block.mono() for block in decode(folder / row["file"], sample_rate=SAMPLE_RATE)]
        samples = np.concatenate(blocks)
        found += (
            pieces(row["file"], samples, text)
            if samples.size > 30 * SAMPLE_RATE
            else [Spoken(row["file"], samples, text)]
        )
    return found


def built(folder: Path, wanted: str) -> list[Spoken]:
    """The chunks of a data set made of a folder, with the text and keywords of its manifest."""
    with tempfile.TemporaryDirectory() as place:
        build(folder, Path(place) / "set", BuildSettings(language=wanted, recogniser=None))
        chunks = read_manifest(Path(place) / "set")
        return [Spoken(chunk.id, samples_of(chunk), chunk.transcript, chunk.keywords) for chunk in chunks]


def samples_of(chunk: Chunk) -> NDArray[np.float32]:
    blocks = decode(chunk.path, sample_rate=SAMPLE_RATE, start_seconds=chunk.start, end_seconds=chunk.end)
    return np.concatenate([block.mono() for block in blocks])


def pieces(name: str, samples: NDArray[np.float32], text: str) -> list[Spoken]:
    """A long reading, cut after ten seconds at the next pause between two of its words."""
    aligner = registry.load("aligner", "sphinx")
    texts = text.split()
    words = aligner.align(Waveform(samples[None], SAMPLE_RATE), texts, [1.0] * len(texts)).words
    found, first = [], 0
    for at, word in enumerate(words):
        following = words[at + 1].span.start if at + 1 < len(words) else float("inf")
        long_enough = word.span.end - words[first].span.start >= 10.0
        if (long_enough and following - word.span.end > 0.15) or at + 1 == len(words):
            start, end = words[first].span.start, word.span.end
            cut = samples[round(start * SAMPLE_RATE) : round(end * SAMPLE_RATE)]
            found.append(Spoken(f"{name}@{start:.1f}", cut, " ".join(texts[first : at + 1])))
            first = at + 1
    return found


def heard(spoken: Sequence[Spoken], work: Path | None) -> list[str]:
    """What the recogniser makes of each."""
    kept: dict[str, str] = {}
    path = work / "heard.json" if work is not None else None
    if path is not None and path.is_file():
        kept = json.loads(path.read_text(encoding="utf-8"))
    recogniser = None
    for one in spoken:
        if one.name not in kept:
            recogniser = recogniser or registry.load("recogniser", "moonshine")
            kept[one.name] = recogniser.transcribe([Waveform(one.samples[None], SAMPLE_RATE)])[0].text
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(kept, ensure_ascii=False), encoding="utf-8")
    return [kept[one.name] for one in spoken]


def questions(spoken: Sequence[Spoken], spoken_language: str, count: int | None) -> list[str]:
    """Keywords of what is said: all, or so many drawn at random."""
    generator = np.random.default_rng(0)
    asked = []
    for one in spoken:
        words = list(one.keywords) or [keyword.text for keyword in language.keywords(one.text, spoken_language)]
        words = words or [one.text]
        some = words if count is None else list(generator.permutation(words)[:count])
        asked.append(" ".join(some))
    return asked


def tables(
    asked: Sequence[str], transcripts: Sequence[str], speech: NDArray[np.float32], spoken_language: str,
    engine: ContrastiveEngine,
) -> tuple[Table, Table]:  # fmt: skip
    """Cosines of every question with every chunk, by the cascade and by the model, ``(questions, chunks)``."""
    reader = registry.load("text", "terms")
    terms = [" ".join(language.terms(text, spoken_language)) for text in transcripts]
    wanted = [" ".join(language.terms(text, spoken_language)) for text in asked]
    plain = [" ".join(token.key for token in language.normalise(text, spoken_language)) for text in asked]
    cascade = reader.embed(wanted) @ reader.embed(terms).T
    contrastive = engine.embed_text(plain) @ speech.T
    return cascade.astype(np.float64), contrastive.astype(np.float64)


def fused(cascade: Table, contrastive: Table) -> Table:
    """The odds `earmark find --system fused` ranks by."""
    nowhere = Recording("", "", 0.0)
    return np.array(
        [
            [
                systems.logit(Scored(nowhere, Span(0, 0), "", float(a), float(b)))
                for a, b in zip(left, right, strict=True)
            ]
            for left, right in zip(cascade, contrastive, strict=True)
        ]
    )


def report(
    name: str, spoken: Sequence[Spoken], spoken_language: str, transcripts: Sequence[str], engine: ContrastiveEngine
) -> None:
    """Prints one table."""
    began = time.process_time()
    speech = np.stack([engine.embed_speech(one.samples) for one in spoken])
    took = time.process_time() - began
    seconds = sum(one.samples.size for one in spoken) / SAMPLE_RATE
    speed = f"speech vectors {seconds / took:.0f} × real time on one core"
    print(f"\n{name}: {len(spoken)} chunks, {seconds / 60:.1f} min; {speed}")
    for label, count in (("all keywords", None), ("three", 3), ("one", 1)):
        cascade, contrastive = tables(
            questions(spoken, spoken_language, count), transcripts, speech, spoken_language, engine
        )
        control = contrastive[:, np.random.default_rng(1).permutation(len(spoken))]
        lines = {"cascade": cascade, "contrastive": contrastive, "fused": fused(cascade, contrastive)}
        if count is None:
            lines["control: vectors of other chunks"] = control
        for system, table in lines.items():
            print(f"  {label:13s} {system:34s} {figures(table)}")


def figures(table: Table) -> str:
    """Hits@1 and MRR of six with their spread over the draws, Hits@1 of thirty and of all."""
    right = np.eye(len(table), dtype=bool)
    said = []
    for size in (6, 30):
        if len(table) >= size:
            ranks = candidate_scores(table, right, size, DRAWS, seed=0)
            runs = (ranks == 1).mean(axis=1)
            said.append(f"of {size}: Hits@1 {runs.mean():.3f} ± {runs.std():.3f}, MRR {(1 / ranks).mean():.3f}")
    own = np.diag(table)
    first = np.mean([(np.delete(row, at) < own[at]).all() for at, row in enumerate(table)])
    return "; ".join([*said, f"of all {len(table)}: {first:.3f}"])


def fit(config: Path, model: Path | None, work: Path | None) -> None:
    """Logistics on the validation split of a config: sentences not learnt, spoken again, heard by the recogniser."""
    from earmark.training.speech_text.features import _samples
    from earmark.training.speech_text.settings import read_settings
    from earmark.training.speech_text.sources import read_sources

    settings = read_settings(config)
    kept = [one for one in read_sources(settings) if one.split == "validation" and one.language in ("en", "")]
    spoken = [Spoken(one.id, _samples(one, settings.seed), one.text) for one in kept]
    engine = ContrastiveEngine(model)
    speech = np.stack([engine.embed_speech(one.samples) for one in spoken])
    transcripts = heard(spoken, work)
    parts = [tables(questions(spoken, "en", count), transcripts, speech, "en", engine) for count in (None, 3, 1)]
    right = np.concatenate([np.eye(len(spoken)).ravel()] * 3)
    cascade = np.concatenate([each.ravel() for each, _ in parts])
    contrastive = np.concatenate([each.ravel() for _, each in parts])
    print(f"{len(spoken)} sentences, asked for by all, three and one of their keywords")
    for name, columns in (("CASCADE", [cascade]), ("CONTRASTIVE", [contrastive]), ("FUSED", [cascade, contrastive])):
        print(name, "=", tuple(round(float(value), 2) for value in logistic(np.stack(columns, axis=1), right)))


def logistic(columns: Table, right: Table) -> Table:
    """Slopes and offset, both kinds weighing the same: Newton's method with a little ridge."""
    x = np.concatenate([columns, np.ones((len(columns), 1))], axis=1)
    weight = np.where(right > 0, 0.5 / right.sum(), 0.5 / (1 - right).sum())
    line = np.zeros(x.shape[1])
    for _ in range(60):
        p = 1 / (1 + np.exp(-np.clip(x @ line, -30, 30)))
        slope = x.T @ (weight * (right - p)) - 1e-4 * line
        curve = (x * (weight * p * (1 - p))[:, None]).T @ x + 1e-4 * np.eye(len(line))
        line = line + np.clip(np.linalg.solve(curve, slope), -5, 5)
    return line


def ask_library(data: Path, folder: Path) -> None:
    """Indexes `en-read-pm` with speech vectors and asks `rank_chunks` for each clip by its keywords."""
    from earmark.indexing import index
    from earmark.library import Catalogue
    from earmark.settings import FindSettings, IndexSettings

    settings = IndexSettings(sound=None, sidecars=False, speech="contrastive", workers=1)
    began = time.perf_counter()
    index([data / "en-read-pm" / "clean"], folder, settings)
    print(f"indexed in {time.perf_counter() - began:.0f} s")
    catalogue = Catalogue.load(folder)
    of = {Path(recording.path).name: id_ for id_, recording in catalogue.recordings.items()}
    spoken = chunks_of(data / "en-read-pm", "en")
    wanted = [of[Path(one.name).name] for one in spoken]
    for system in ("cascade", "contrastive", "fused"):
        ranks, sure = [], []
        for text, id_ in zip(questions(spoken, "en", None), wanted, strict=True):
            told = FindSettings(limit=len(spoken), min_probability=0.0, nearest=0)
            moments = systems.rank_chunks(text, systems.check_system(system), catalogue, settings=told)
            places = list(dict.fromkeys(moment.recording.id for moment in moments))
            ranks.append(places.index(id_) + 1 if id_ in places else len(spoken))
            sure.append((moments[0].probability, moments[0].recording.id == id_) if moments else (0.0, False))
        given, right = np.array([p for p, _ in sure]), np.array([r for _, r in sure])
        mrr = np.mean(1 / np.array(ranks))
        print(f"{system:12s} of {len(spoken)} recordings: Hits@1 {np.mean(np.array(ranks) == 1):.3f}, MRR {mrr:.3f}")
        print(f"{'':12s} first answers: mean probability {given.mean():.2f}, right {right.mean():.2f}")


if __name__ == "__main__":
    main()
