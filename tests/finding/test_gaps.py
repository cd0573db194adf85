"""What was never listened for is said, in libraries made by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from earmark.errors import QueryError, UsageError
from earmark.finding import find, jobs_asked
from earmark.finding.gaps import gaps_in
from earmark.finding.languages import check_language
from earmark.finding.systems import rank_chunks
from earmark.library import Catalogue, Hearing, Library, Passage
from earmark.records import Recording, Segment
from earmark.timeline import Span

SOUND = "earmark@0"
RECOGNISED, GIVEN = "moonshine@0", "sidecar@0"


def library(folder: Path, heard: dict[str, dict[str, tuple[str, bool]]], seconds: float = 100.0) -> Catalogue:
    """Recordings by name; of each, by job, the engine that listened and whether it got to the end."""
    with Library.open(folder) as opened:
        for name, jobs in heard.items():
            recording = Recording(name, f"/{name}.wav", 0.0 if name == "mute" else seconds)
            opened.remember(recording, 1, 1)
            opened.commit(
                [],
                [
                    Hearing(name, job, engine, "{}", seconds if complete else 50.0, complete)
                    for job, (engine, complete) in jobs.items()
                ],
            )
        opened.finish()
    return Catalogue.load(folder)


WORDS = {"words": (RECOGNISED, True)}
SOUNDS = {"sounds": (SOUND, True)}


@pytest.mark.parametrize(
    ("heard", "jobs", "note"),
    [
        ({"a": WORDS | SOUNDS}, ("words", "sounds"), ""),
        (
            {"a": SOUNDS},
            ("words", "sounds"),
            "the words of the recording were never listened for; run: earmark index PATH…",
        ),
        ({"a": SOUNDS}, ("sounds",), ""),
        (
            {"a": WORDS, "b": WORDS, "c": SOUNDS},
            ("words",),
            "the words of 1 of 3 recordings were never listened for; run: earmark index PATH…",
        ),
        (
            {"a": WORDS, "b": {}},
            ("words", "sounds"),
            "the words of 1 of 2 recordings and the sounds of all 2 recordings were never listened for; "
            "run: earmark index PATH…",
        ),
        (
            {"a": WORDS, "b": {"words": (RECOGNISED, False)}, "c": {}},
            ("words",),
            "the words of 1 of 3 recordings were never listened for; "
            "the words of 1 of 3 recordings were listened for only in part; run: earmark index PATH…",
        ),
        (
            {"a": WORDS | {"speech": ("contrastive@0", True)}, "b": WORDS},
            ("words", "speech"),
            "the speech vectors of 1 of 2 recordings were never listened for; "
            "run: earmark index --speech-vectors PATH…",
        ),
    ],
)
def test_what_was_not_listened_for(
    heard: dict[str, dict[str, tuple[str, bool]]], jobs: tuple[str, ...], note: str, tmp_path: Path
) -> None:
    gaps = gaps_in(library(tmp_path, heard), None, jobs)
    assert gaps.note() == note and bool(gaps) == bool(note)


def test_words_that_were_given_count_and_what_holds_no_audio_does_not(tmp_path: Path) -> None:
    catalogue = library(tmp_path, {"a": {"words": (GIVEN, True)}, "mute": {}})
    gaps = gaps_in(catalogue, None, ("words",))
    assert not gaps and gaps.total == 1


def test_only_the_recordings_asked_for_count(tmp_path: Path) -> None:
    catalogue = library(tmp_path, {"a": WORDS, "b": SOUNDS})
    assert not gaps_in(catalogue, {"a"}, ("words",))
    assert gaps_in(catalogue, {"b"}, ("words",)).never == {"words": 1}


@pytest.mark.parametrize(
    ("query", "jobs"),
    [
        ("printing", ["words", "sounds"]),
        ("said: printing", ["words"]),
        ("meaning: printing", ["words"]),
        ("heard: a printing press", ["sounds"]),
        ("کتاب", ["words"]),  # sounds are described in English
    ],
)
def test_what_a_query_needs(query: str, jobs: list[str]) -> None:
    assert jobs_asked(query) == jobs


def test_finding_says_what_it_could_not_look_for(tmp_path: Path) -> None:
    catalogue = library(tmp_path, {"a": WORDS, "b": SOUNDS})
    notes: list[str] = []
    assert find("said: printing", catalogue, on_note=notes.append) == []
    assert notes == ["the words of 1 of 2 recordings were never listened for; run: earmark index PATH…"]
    notes.clear()
    assert rank_chunks("printing", "cascade", catalogue, on_note=notes.append) == []
    assert notes == ["the words of 1 of 2 recordings were never listened for; run: earmark index PATH…"]
    notes.clear()
    assert find("said: printing", catalogue, {"a"}, on_note=notes.append) == [] and notes == []


def test_a_question_for_nothing_needs_nothing() -> None:
    with pytest.raises(QueryError, match="expected words to look for, found nothing"):
        jobs_asked("heard: ")


def test_a_language_some_recogniser_or_transcript_knows(tmp_path: Path) -> None:
    with Library.open(tmp_path) as opened:
        opened.remember(Recording("a", "/a.wav", 9.0), 1, 1)
        segment = Segment(Span(0.0, 1.0), "pirtûk", (), "ku", GIVEN)
        opened.commit([Passage("a", segment, "", "", "")], [Hearing("a", "words", GIVEN, "{}", 9.0, True)])
        opened.finish()
    catalogue = Catalogue.load(tmp_path)
    for known in ("en", "fa", "de", "ku"):
        check_language(known, catalogue)
    with pytest.raises(UsageError) as caught:
        check_language("xx", catalogue)
    message = str(caught.value)
    assert message.startswith("--language xx: expected one of af, am, ar, ") and ", ko, ku, la, " in message
    assert message.endswith(
        ", yue, zh, found a language no recogniser knows. Leave it out: the query's script tells its language."
    )
