"""What was said in other words is found, fused with what was found by its words, and said to be what it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from earmark import language
from earmark.errors import QueryError
from earmark.finding import find
from earmark.finding.about import topics, with_topics
from earmark.finding.fusing import fused
from earmark.finding.meaning import find_meant, probability
from earmark.indexing.gist import summarise
from earmark.library import Catalogue, Gist, Hearing, Library, Passage, Summary
from earmark.records import Moment, Recording, Segment, Word
from earmark.settings import FindSettings
from earmark.timeline import Span

TALK, SHOW = Recording("aa", "/talk.wav", 900.0), Recording("bb", "/show.wav", 900.0)
RENT = "We could not pay the rent and we owed the landlord a month's wages."
CAKE = "Put the potatoes in the oven for an hour, then slice the onions."
EVERYTHING = FindSettings(min_probability=0.0)


def spoken(recording: Recording, start: float, text: str) -> Passage:
    words = tuple(Word(word, Span(start + i / 2, start + i / 2 + 0.5)) for i, word in enumerate(text.split()))
    segment = Segment(Span(start, start + len(words) / 2), text, words, "", "test@1")
    strings = language.passage_strings(text, None)
    return Passage(recording.id, segment, strings.keys, strings.stems, strings.phones)


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory: pytest.TempPathFactory) -> Catalogue:
    folder: Path = tmp_path_factory.mktemp("library")
    passages = [
        spoken(TALK, 10.0, RENT),
        spoken(TALK, 40.0, "The dog chased the postman across the field."),
        spoken(TALK, 500.0, "کتاب‌ها را می‌خواهم"),
        spoken(SHOW, 5.0, CAKE),
        spoken(SHOW, 60.0, "The senator answered questions about the election."),
    ]
    with Library.open(folder) as library:
        for recording in (TALK, SHOW):
            library.remember(recording, 1, 1)
        library.commit(passages, [Hearing(r.id, "words", "test@1", "{}", 900.0, True) for r in (TALK, SHOW)])
        summarise(library)
        library.finish()
    return Catalogue.load(folder)


@pytest.mark.parametrize(
    ("question", "text"),
    [("money problems", RENT), ("cooking vegetables for dinner", CAKE), ("debts and poverty", RENT)],
)
def test_what_was_meant_comes_first(catalogue: Catalogue, question: str, text: str) -> None:
    first = find(f"meaning: {question}", catalogue)[0]
    assert first.text == text and first.kind == "said" and first.match is None
    assert first.evidence["way"] == "meaning" and first.evidence["ways"] == ["meaning"]
    assert first.probability == probability(float(str(first.evidence["similarity"]))) or first.probability > 0


def test_the_span_is_the_window_and_recordings_are_kept_to(catalogue: Catalogue) -> None:
    (best, *others) = find_meant("money problems", catalogue, None, EVERYTHING)
    assert best.span == Span(10.0, 10.0 + len(RENT.split()) / 2) and best.recording == TALK
    assert all(other.probability <= best.probability for other in others)
    assert {m.recording.id for m in find_meant("money problems", catalogue, {"bb"}, EVERYTHING)} <= {"bb"}
    assert find_meant("money problems", catalogue, set(), EVERYTHING) == []


def test_nothing_certain_is_said_to_be_so(catalogue: Catalogue) -> None:
    notes: list[str] = []
    moments = find("meaning: financial worries", catalogue, on_note=notes.append)
    assert moments and all(moment.probability < 0.5 for moment in moments)
    assert notes == ["nothing certain; the nearest in spelling, sound or meaning:"]


def test_a_language_the_reader_does_not_know_is_not_asked(catalogue: Catalogue) -> None:
    assert find_meant("پول و بدهی", catalogue, None, EVERYTHING) == []
    assert find("کتاب ها را", catalogue)[0].evidence["way"] == "exact"


def test_words_that_were_said_stand_before_what_is_only_meant(catalogue: Catalogue) -> None:
    moments = find("the rent", catalogue, settings=EVERYTHING)
    assert moments[0].evidence["way"] == "exact"
    assert moments[0].evidence["ways"] == ["words", "meaning"]  # its window is near in meaning, too
    assert all(moment.probability < 0.5 for moment in moments if moment.evidence["way"] == "meaning")
    assert len([m for m in moments if m.recording == TALK and m.span.overlap(Span(10.0, 17.0)) > 0]) == 1


def test_said_and_heard_do_not_ask_for_meaning(catalogue: Catalogue) -> None:
    for prefix in ("said", "heard"):
        assert find(f"{prefix}: money problems", catalogue) == []
    with pytest.raises(QueryError, match="^'meaning:': expected words to look for, found nothing"):
        find("meaning:", catalogue)


def test_an_empty_library_and_vectors_of_other_weights_answer_nothing(
    catalogue: Catalogue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert find_meant("money problems", Catalogue.load(tmp_path), None, EVERYTHING) == []
    from earmark.finding import meaning

    reader, _ = meaning.load_reader()
    monkeypatch.setattr(meaning, "load_reader", lambda: (reader, "wordpieces@other"))
    assert find_meant("money problems", catalogue, None, EVERYTHING) == []


def moment(start: float, end: float, chance: float, way: str, recording: Recording = TALK) -> Moment:
    return Moment(recording, Span(start, end), chance, "said", "", None, {"way": way})


def test_fusing_joins_places_and_keeps_the_surest_probability() -> None:
    said = [moment(1, 2, 0.9, "exact"), moment(51, 52, 0.9, "exact"), moment(90, 91, 0.2, "sound-alike")]
    meant = [moment(48, 58, 0.6, "meaning"), moment(70, 80, 0.6, "meaning"), moment(0, 10, 0.1, "meaning", SHOW)]
    by_start = {(m.recording.id, m.span.start): m for m in fused(said, meant)}
    assert set(by_start) == {("aa", 1), ("aa", 51), ("aa", 90), ("aa", 70), ("bb", 0)}
    both = by_start["aa", 51]
    assert both.evidence["ways"] == ["words", "meaning"] and both.probability == 0.9
    assert both.evidence["fused"] == pytest.approx(1 / 62 + 1 / 61, abs=1e-4)
    assert by_start["aa", 1].evidence["fused"] == pytest.approx(1 / 61, abs=1e-4)
    # The words were said elsewhere: what is only near in meaning is doubted by 2 logits.
    assert by_start["aa", 70].probability == pytest.approx(0.1687, abs=1e-3)
    assert fused([], meant[:1])[0].probability == 0.6
    assert fused([], []) == []


def test_of_equals_the_place_more_ways_speak_for_comes_first(catalogue: Catalogue) -> None:
    from earmark.finding import ranked

    said = [moment(1, 2, 0.9, "exact"), moment(51, 52, 0.9, "exact")]
    ordered = ranked(fused(said, [moment(48, 58, 0.3, "meaning")]))
    assert [m.span.start for m in ordered] == [51, 1]


def test_probability_grows_with_the_cosine_and_is_even_where_measured() -> None:
    assert 0 < probability(-1.0) < probability(0.2) < probability(0.5) < probability(1.0) < 1
    assert probability(0.389) == pytest.approx(0.5, abs=0.02)


def test_topics_of_recordings_and_of_moments(catalogue: Catalogue) -> None:
    talk, show = topics(catalogue)[::-1]
    assert (talk.recording, show.recording, talk.chunk) == (TALK, SHOW, 0)
    assert any("landlord" in text for text, _ in talk.keywords)
    scores = [score for _, score in talk.keywords]
    assert scores == sorted(scores, reverse=True) and 0 < scores[-1] <= scores[0] <= 1
    assert [topic.chunk for topic in topics(catalogue, {"aa"}, chunks=True)] == [1, 2]
    assert topics(catalogue, set()) == []
    (found,) = with_topics(find("said: the senator answered", catalogue), catalogue)
    about = found.evidence["about"]
    assert isinstance(about, list) and any("senator" in text for text in about) and len(about) <= 5


def test_vectors_of_other_weights_and_of_silence_are_passed_over(tmp_path: Path) -> None:
    recordings = [Recording(name, f"/{name}.wav", 900.0) for name in ("aa", "bb", "cc")]
    with Library.open(tmp_path) as library:
        for recording in recordings:
            library.remember(recording, 1, 1)
        passages = [spoken(recordings[0], 10.0, RENT), spoken(recordings[2], 20.0, CAKE)]
        library.commit(passages, [Hearing(r.id, "words", "test@1", "{}", 900.0, True) for r in recordings])
        summarise(library)
        library.finish()
    assert Catalogue.load(tmp_path).gists.num_rows == 3  # one of them empty
    (moment,) = find_meant("vegetables", Catalogue.load(tmp_path), {"cc"}, EVERYTHING)
    assert moment.text == CAKE and moment.span.start == 20.0
    with Library.open(tmp_path) as library:
        library.keep_summaries([Summary("aa", "test@1", "other@1", (Gist(Span(10.0, 20.0), bytes(256)),))])
        library.finish()
    found = find_meant("vegetables and rent", Catalogue.load(tmp_path), None, EVERYTHING)
    assert [moment.recording.id for moment in found] == ["cc"]


def test_nearness_means_less_in_a_larger_library() -> None:
    assert probability(0.5, 10) == probability(0.5) > probability(0.5, 1_000) > probability(0.5, 100_000)
    assert probability(0.588, 22_297) == pytest.approx(0.5, abs=0.01)
