"""Where words were said, in a library made by hand: the right words, the right times, across pauses too."""

from __future__ import annotations

from pathlib import Path

import pytest

from earmark import language
from earmark.errors import QueryError
from earmark.finding import find
from earmark.library import Catalogue, Hearing, Library, Passage
from earmark.records import Recording, Segment, Word
from earmark.settings import FindSettings
from earmark.timeline import Span

TALK, SHOW = Recording("aa", "/talk.wav", 100.0), Recording("bb", "/show.wav", 100.0)


def spoken(recording: Recording, start: float, text: str, sure: float = 1.0) -> Passage:
    """A passage whose words last half a second each, of which the recogniser is so sure."""
    words = tuple(Word(word, Span(start + i / 2, start + i / 2 + 0.5), sure) for i, word in enumerate(text.split()))
    segment = Segment(Span(start, start + len(words) / 2), text, words, "", "test@1")
    strings = language.passage_strings(text, None)
    return Passage(recording.id, segment, strings.keys, strings.stems, strings.phones)


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory: pytest.TempPathFactory) -> Catalogue:
    folder: Path = tmp_path_factory.mktemp("library")
    passages = [
        spoken(TALK, 10.0, "It was the best of times, it was the worst of times."),
        spoken(TALK, 20.0, "The quarterly"),
        spoken(TALK, 22.0, "budgets were approved in 1984."),
        spoken(TALK, 40.0, "Cole wall ski lives in the laptop house.", sure=0.4),
        spoken(SHOW, 5.0, "The best of times!"),
        spoken(SHOW, 50.0, "کتاب‌ها را می‌خواهم"),
    ]
    with Library.open(folder) as library:
        for recording in (TALK, SHOW):
            library.remember(recording, 1, 1)
        hearings = [Hearing(r.id, "words", "test@1", "{}", 100.0, True) for r in (TALK, SHOW)]
        library.commit(passages, hearings)
        library.finish()
    return Catalogue.load(folder)


def test_the_words_that_matched_give_the_times(catalogue: Catalogue) -> None:
    (moment,) = find("WORST of times", catalogue)
    assert moment.span == Span(14.5, 16.0) and moment.kind == "said" and moment.recording == TALK
    assert moment.match is not None and moment.text[slice(*moment.match)] == "worst of times"
    assert moment.evidence["way"] == "exact"


def test_every_place_is_found_the_more_exact_first(catalogue: Catalogue) -> None:
    moments = find("best of times", catalogue)
    assert {(m.recording.id, m.span.start) for m in moments[:2]} == {("aa", 11.5), ("bb", 5.5)}
    assert moments[0].probability == moments[1].probability > 0.9
    assert [m.recording.id for m in find("best of times", catalogue, {"bb"})] == ["bb"]
    assert len(find("best of times", catalogue, settings=FindSettings(limit=1))) == 1


def test_a_phrase_runs_over_a_pause_between_passages(catalogue: Catalogue) -> None:
    (moment,) = find("quarterly budgets were", catalogue)
    assert moment.span == Span(20.5, 23.0)
    assert moment.match is not None and moment.text[slice(*moment.match)] == "quarterly budgets were"


@pytest.mark.parametrize(
    ("query", "marked"),
    [
        ("budget was approved", "budgets were approved"),
        ("nineteen eighty four", "1984"),
        ("Kowalski", "Cole wall ski"),
        ("lap top", "laptop"),
        ("كتاب ها را ميخواهم", "کتاب‌ها را می‌خواهم"),
    ],
)
def test_near_words_match(catalogue: Catalogue, query: str, marked: str) -> None:
    moments = find(query, catalogue)
    assert moments[0].match is not None and moments[0].text[slice(*moments[0].match)] == marked


def test_where_nothing_is_certain_the_nearest_are_shown_and_said_to_be(catalogue: Catalogue) -> None:
    notes: list[str] = []
    (moment,) = find("Kowalski", catalogue, on_note=notes.append)
    assert moment.evidence["way"] == "sound-alike" and moment.probability < 0.5
    assert moment.evidence["uncertain"] is True
    assert notes == [
        "the sounds of all 2 recordings were never listened for; run: earmark index PATH…",
        "nothing certain; the nearest in spelling or sound:",
    ]
    assert find("Kowalski", catalogue, settings=FindSettings(nearest=0)) == []


def test_what_nobody_said_is_not_here(catalogue: Catalogue) -> None:
    assert find("the giraffe of Copenhagen", catalogue) == []
    assert find("heard: best of times", catalogue) == []
    assert len(find("said: best of times", catalogue)) == 2


@pytest.mark.parametrize(("query", "found"), [("", "nothing"), ("  said: ", "nothing"), ("?!…", "no letter or digit")])
def test_a_question_without_words_is_refused(catalogue: Catalogue, query: str, found: str) -> None:
    with pytest.raises(QueryError, match=f"expected words to look for, found {found}. Try: earmark find"):
        find(query, catalogue)


def test_an_empty_library_has_no_answers(tmp_path: Path) -> None:
    assert find("anything", Catalogue.load(tmp_path)) == []
