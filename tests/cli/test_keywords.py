"""`earmark keywords` and `--about`: what a recording is about, of all of it and of its chunks."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from earmark import language
from earmark.cli.app import app
from earmark.indexing.gist import summarise
from earmark.library import Hearing, Library, Passage
from earmark.records import Recording, Segment, Word
from earmark.timeline import Span

TEXTS = {
    10.0: "The landlord wanted the rent and we could not pay the rent to the landlord.",
    400.0: "Tomatoes grow in the greenhouse and the greenhouse keeps tomatoes warm.",
}
RUNNER = CliRunner(env={"COLUMNS": "120", "NO_COLOR": "1"})


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder: Path = tmp_path_factory.mktemp("library")
    talk = Recording("aa", "/talk.wav", 500.0)
    passages = []
    for start, text in TEXTS.items():
        words = tuple(Word(word, Span(start + i / 2, start + i / 2 + 0.5)) for i, word in enumerate(text.split()))
        segment = Segment(Span(start, words[-1].span.end), text, words, "en", "test@1")
        strings = language.passage_strings(text, "en")
        passages.append(Passage("aa", segment, strings.keys, strings.stems, strings.phones))
    with Library.open(folder) as opened:
        opened.remember(talk, 1, 1)
        opened.commit(passages, [Hearing("aa", "words", "test@1", "{}", 500.0, True)])
        summarise(opened)
        opened.finish()
    return str(folder)


def test_keywords_of_everything_indexed(library: str) -> None:
    run = RUNNER.invoke(app, ["keywords", "--library", library])
    assert run.exit_code == 0, run.output
    path, words = run.stdout.splitlines()
    assert path == "/talk.wav" and "landlord" in words.lower() and "greenhouse" in words.lower()


def test_keywords_of_every_chunk_with_their_times(library: str) -> None:
    run = RUNNER.invoke(app, ["keywords", "--library", library, "--chunks", "-n", "2"])
    path, first, second = run.stdout.splitlines()
    assert path == "/talk.wav" and first.strip().startswith("0:10.0–0:17.5") and "landlord" in first
    assert second.strip().startswith("6:40.0–") and "landlord" not in second
    assert len(second.split(",")) == 2


def test_keywords_as_json(library: str) -> None:
    run = RUNNER.invoke(app, ["keywords", "--library", library, "--json"])
    (record,) = map(json.loads, run.stdout.splitlines())
    assert (record["path"], record["start"], record["end"]) == ("/talk.wav", 10.0, 405.5)
    assert len(record["keywords"]) <= 10 and all(0 < keyword["score"] <= 1 for keyword in record["keywords"])


def test_nothing_said_is_a_note(tmp_path: Path) -> None:
    with Library.open(tmp_path / "library") as opened:
        opened.remember(Recording("aa", "/quiet.wav", 5.0), 1, 1)
        opened.finish()
    run = RUNNER.invoke(app, ["keywords", "--library", str(tmp_path / "library")])
    assert run.exit_code == 0 and run.stdout == ""
    assert run.stderr == "note: no keywords: nobody says anything there, as far as earmark has heard\n"


def test_a_library_that_is_not_there_is_empty(tmp_path: Path) -> None:
    run = RUNNER.invoke(app, ["keywords", "--library", str(tmp_path / "none")])
    assert run.exit_code == 0 and run.stdout == ""
    assert run.stderr == f"note: the library in {tmp_path / 'none'} is empty. Pass files, or run: earmark index PATH…\n"


def test_find_tells_what_a_moment_is_about(library: str) -> None:
    run = RUNNER.invoke(app, ["find", "keeps tomatoes warm", "--about", "--library", library])
    head, _, about = run.stdout.splitlines()[:3]
    assert "6:4" in head and about.startswith("     about: ") and "greenhouse" in about.lower()
    plain = RUNNER.invoke(app, ["find", "keeps tomatoes warm", "--library", library])
    assert "about:" not in plain.stdout


def test_find_says_by_what_a_moment_was_found(library: str) -> None:
    run = RUNNER.invoke(app, ["find", "meaning: tenants in debt", "--library", library])
    assert run.stdout.splitlines()[0].endswith("said (meaning)")
    named = RUNNER.invoke(app, ["find", "meaning: tenants in debt", "--min-score", "0.999", "--library", library])
    assert named.stdout == ""
    assert named.stderr == "not here: nothing like 'meaning: tenants in debt' with a score of 0.999 or more\n"
