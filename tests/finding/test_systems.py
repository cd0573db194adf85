"""Ranking chunks, through a library that was really indexed."""

from __future__ import annotations

import wave
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from earmark.cli.app import app
from earmark.errors import LibraryError, UsageError
from earmark.finding.cascade import Scored, cascade_scores
from earmark.finding.contrastive import contrastive_scores, has_vectors
from earmark.finding.systems import SYSTEMS, check_system, fuse, logit, rank_chunks
from earmark.indexing import index
from earmark.library import Catalogue
from earmark.records import Recording
from earmark.settings import FindSettings, IndexSettings
from earmark.timeline import Span, Waveform

TEXT = """1
00:00:00,000 --> 00:00:12,000
The harbour was full of fishing boats.

2
00:00:13,000 --> 00:00:25,000
Movable types made printing cheap.

3
00:00:26,000 --> 00:00:40,000
A parliament of owls met in the forest.
"""


@pytest.fixture(scope="module")
def media(tmp_path_factory: pytest.TempPathFactory, two_cities: Waveform) -> Path:
    folder = tmp_path_factory.mktemp("media")
    samples = (two_cities.mono()[: 40 * 16_000] * 32_767).astype("<i2")
    with wave.open(str(folder / "talk.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes(samples.tobytes())
    (folder / "talk.srt").write_text(TEXT, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory, media: Path, speech_text_weights: Path) -> Path:
    folder = tmp_path_factory.mktemp("library")
    settings = IndexSettings(sound=None, speech=f"contrastive:{speech_text_weights}", workers=1)
    index([media], folder, settings)
    return folder


@pytest.fixture(scope="module")
def words_only(tmp_path_factory: pytest.TempPathFactory, media: Path) -> Path:
    folder = tmp_path_factory.mktemp("words")
    index([media], folder, IndexSettings(sound=None, workers=1))
    return folder


def test_the_chunk_about_it_comes_first(library: Path) -> None:
    moments = rank_chunks("printing with movable types", "cascade", Catalogue.load(library))
    assert moments[0].text == "Movable types made printing cheap." and moments[0].kind == "said"
    assert 12.5 <= moments[0].span.start and moments[0].span.end <= 25.5
    assert moments[0].evidence["way"] == "cascade" and moments[0].probability > 0.5
    others = cascade_scores("printing with movable types", Catalogue.load(library), None)
    assert sorted(one.cascade or 0.0 for one in others)[-2] < 0.3


def test_every_window_of_the_sound_can_be_asked(library: Path) -> None:
    found = contrastive_scores("harbour", Catalogue.load(library), None)
    starts = [one.span.start for one in found]
    assert len(found) == -(-40 // found[1].span.start) and starts == sorted(starts)
    assert found[-1].span.end == pytest.approx(40.0, abs=0.1)
    assert all(one.contrastive is not None and -1.0 <= one.contrastive <= 1.01 for one in found)
    moments = rank_chunks("harbour", "contrastive", Catalogue.load(library), settings=FindSettings(min_probability=0.0))
    for at, moment in enumerate(moments):
        assert all(moment.span.overlap(better.span) < 0.5 * moment.span.duration for better in moments[:at])


def test_fused_has_both_cosines(library: Path) -> None:
    (first, *_) = rank_chunks("owls in the forest", "fused", Catalogue.load(library))
    assert first.text.startswith("A parliament of owls")
    assert first.evidence["way"] == "fused" and {"cascade", "contrastive"} <= set(first.evidence)


def test_ranked_takes_what_the_library_has(library: Path, words_only: Path) -> None:
    for folder, way in ((library, "fused"), (words_only, "cascade")):
        (first, *_) = rank_chunks("fishing boats", "ranked", Catalogue.load(folder))
        assert first.evidence["way"] == way


def test_only_the_recordings_asked_for(library: Path) -> None:
    catalogue = Catalogue.load(library)
    assert rank_chunks("fishing boats", "cascade", catalogue, recordings=set()) == []
    assert not has_vectors(catalogue, set())


def test_a_library_without_vectors_says_how_to_make_them(words_only: Path) -> None:
    for system in ("contrastive", "fused"):
        with pytest.raises(LibraryError) as caught:
            rank_chunks("boats", check_system(system), Catalogue.load(words_only))
        assert str(caught.value) == (
            f"{words_only}: expected vectors of speech, found none. Run: earmark index --speech-vectors PATH…"
        )


def test_a_library_of_an_older_earmark(words_only: Path) -> None:
    catalogue = Catalogue.load(words_only)
    catalogue.chunks = catalogue.chunks.slice(0, 0)
    with pytest.raises(LibraryError) as caught:
        rank_chunks("boats", "cascade", catalogue)
    assert str(caught.value) == (
        f"{words_only}: expected chunks with keywords, found none: an older earmark indexed it. "
        "Run: earmark index PATH… (nothing is listened to again)"
    )


def test_vectors_can_be_added_later(tmp_path: Path, media: Path, speech_text_weights: Path) -> None:
    index([media], tmp_path, IndexSettings(sound=None, workers=1))
    before = Catalogue.load(tmp_path)
    assert not has_vectors(before, None)
    later = IndexSettings(sound=None, speech=f"contrastive:{speech_text_weights}", workers=1)
    report = index([media], tmp_path, later)
    after = Catalogue.load(tmp_path)
    assert len(report.heard) == 1 and has_vectors(after, None)
    assert {key: after.hearings[key] for key in before.hearings} == before.hearings, "nothing else was heard again"
    assert index([media], tmp_path, later).heard == []


def test_an_unknown_system() -> None:
    assert [check_system(name) for name in SYSTEMS] == list(SYSTEMS)
    with pytest.raises(UsageError) as caught:
        check_system("cascde")
    assert str(caught.value) == (
        "--system cascde: expected one of cascade, contrastive, fused, ranked, found an unknown name. "
        "Leave it out for words, sounds and meaning."
    )


def scored(start: float, end: float, **cosines: Any) -> Scored:
    return Scored(Recording("r", "r.wav", 60.0), Span(start, end), **cosines)


def test_of_the_windows_over_a_chunk_the_nearest_counts() -> None:
    windows = [scored(5.0 * at, 5.0 * at + 10, contrastive=0.1 * at) for at in range(6)]
    chunks = [scored(0, 12, cascade=0.5), scored(50, 58, cascade=0.2)]
    fused = fuse(chunks, windows)
    assert fused[0].contrastive == pytest.approx(0.1) and fused[0].cascade == 0.5
    assert fused[1].contrastive is None
    assert [one.span.start for one in fused[2:]] == [10, 15, 20, 25]


def test_nearer_is_more_probable_in_every_system() -> None:
    for names in (("cascade",), ("contrastive",), ("cascade", "contrastive")):
        odds = [logit(scored(0, 1, **dict.fromkeys(names, cosine))) for cosine in (-0.1, 0.3, 0.9)]
        assert odds == sorted(odds) and odds[0] < 0 < odds[-1]


def test_the_command(words_only: Path) -> None:
    run = CliRunner().invoke(
        app, ["find", "movable types", "--library", str(words_only), "--system", "cascade", "--json"]
    )
    assert run.exit_code == 0 and '"way": "cascade"' in run.stdout and "Movable types made" in run.stdout
    run = CliRunner().invoke(app, ["find", "movable types", "--library", str(words_only), "--system", "fused"])
    assert isinstance(run.exception, LibraryError)
    assert np.isfinite(rank_chunks("movable", "cascade", Catalogue.load(words_only))[0].probability)
