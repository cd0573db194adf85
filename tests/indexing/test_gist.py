"""Gists and keywords: windows over the words whatever the pauses, made once, made again where the words are others."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from earmark.engines import registry
from earmark.indexing.gist import CHUNK_SECONDS, keywords_of, summarise, windows
from earmark.library import Catalogue, Hearing, Library, Passage, Summary
from earmark.records import Recording, Segment, Word
from earmark.timeline import Span

TALK = Recording("aa", "/talk.wav", 1000.0)
RENT = "The landlord wanted the rent and we could not pay the rent to the landlord."


def spoken(start: float, text: str, engine: str = "test@1") -> Segment:
    words = tuple(Word(word, Span(start + i / 2, start + i / 2 + 0.5)) for i, word in enumerate(text.split()))
    return Segment(Span(start, start + len(words) / 2), text, words, "en", engine)


def numbered(start: float, first: int, count: int) -> Segment:
    return spoken(start, " ".join(f"w{number}" for number in range(first, first + count)))


def test_windows_reach_over_utterances_and_overlap_by_half() -> None:
    found = list(windows([numbered(0.0, 0, 12), numbered(8.0, 12, 12), numbered(20.0, 24, 11)]))
    texts = [text.split() for _, text in found]
    assert [(words[0], words[-1]) for words in texts] == [("w0", "w19"), ("w10", "w29"), ("w15", "w34")]
    assert found[0][0] == Span(0.0, 12.0) and found[-1][0] == Span(9.5, 25.5)


def test_a_short_stretch_is_one_window_and_a_long_silence_ends_it() -> None:
    found = list(windows([numbered(0.0, 0, 3), numbered(9.0, 3, 3), numbered(30.0, 6, 2)]))
    assert [text for _, text in found] == ["w0 w1 w2 w3 w4 w5", "w6 w7"]
    assert list(windows([])) == []


def test_an_utterance_without_word_times_is_not_lost() -> None:
    (window,) = windows([Segment(Span(1.0, 2.0), "so it goes")])
    assert window == (Span(1.0, 2.0), "so it goes")


def test_keywords_are_told_of_all_and_of_every_chunk() -> None:
    garden = "Tomatoes grow in the greenhouse and the greenhouse keeps tomatoes warm."
    found = keywords_of([spoken(0.0, RENT), spoken(CHUNK_SECONDS + 1, garden)])
    of = {chunk: [keyword.text.lower() for keyword in found if keyword.chunk == chunk] for chunk in (0, 1, 2)}
    assert "landlord" in of[1] and "landlord" not in of[2] and "greenhouse" in of[2]
    assert {"landlord", "greenhouse"} <= set(of[0])
    assert {keyword.span.start for keyword in found if keyword.chunk == 2} == {CHUNK_SECONDS + 1}
    assert keywords_of([]) == []


def test_a_long_recording_has_the_keywords_most_of_its_chunks_share(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("earmark.indexing.gist.WHOLE_CHARACTERS", 10)
    segments = [spoken((CHUNK_SECONDS + 1) * number, RENT) for number in range(3)]
    segments.append(spoken((CHUNK_SECONDS + 1) * 3, "Tomatoes grow in the greenhouse."))
    whole = [keyword.text.lower() for keyword in keywords_of(segments) if keyword.chunk == 0]
    assert "landlord" in whole[:3] and whole.index("landlord") < whole.index("greenhouse")


def store(folder: Path, engine: str, *segments: Segment, complete: bool = True) -> None:
    with Library.open(folder) as library:
        library.remember(TALK, 1, 1)
        passages = [Passage(TALK.id, segment, "k", "k", "K") for segment in segments]
        library.commit(passages, [Hearing(TALK.id, "words", engine, "{}", 1000.0, complete)])
        library.finish()


def test_a_summary_is_made_once_and_again_for_other_words(tmp_path: Path) -> None:
    store(tmp_path, "test@1", spoken(10.0, RENT))
    with Library.open(tmp_path) as library:
        seen: list[tuple[str, float, float]] = []
        assert summarise(library, lambda *progress: seen.append(progress)) == 1
        assert seen == [("keywords", 1, 1)]
        assert summarise(library) == 0 and library.changed
        library.finish()
    with Library.open(tmp_path) as library:
        assert summarise(library) == 0 and not library.changed
    catalogue = Catalogue.load(tmp_path)
    (gist,) = catalogue.gists.to_pylist()
    assert (gist["recording_id"], gist["source"], gist["start"], gist["end"]) == ("aa", "test@1", 10.0, 17.5)
    assert gist["engine"] == registry.stored_name("text", "wordpieces")
    vector = np.frombuffer(gist["vector"], np.int8)
    assert np.linalg.norm(vector / 381) == pytest.approx(1.0, abs=0.02)
    assert "landlord" in catalogue.keywords["text"].to_pylist()

    store(tmp_path, "test@2", spoken(30.0, "The dog chased the postman.", "test@2"))
    stale = Catalogue.load(tmp_path)
    assert stale.gists.num_rows == stale.keywords.num_rows == 0  # those of the words that went do not count
    with Library.open(tmp_path) as library:
        assert summarise(library) == 1
        library.finish()
    (gist,) = Catalogue.load(tmp_path).gists.to_pylist()
    assert (gist["source"], gist["start"]) == ("test@2", 30.0)


def test_silence_and_unfinished_words(tmp_path: Path) -> None:
    store(tmp_path / "silent", "test@1")
    with Library.open(tmp_path / "silent") as library:
        assert summarise(library) == 1
        library.finish()
    with Library.open(tmp_path / "silent") as library:  # nothing to make, and that is remembered
        assert summarise(library) == 0 and not library.changed
    store(tmp_path / "half", "test@1", spoken(1.0, RENT), complete=False)
    with Library.open(tmp_path / "half") as library:
        assert summarise(library) == 0


def test_a_run_killed_between_keywords_and_gists_is_made_up_for(tmp_path: Path) -> None:
    store(tmp_path, "test@1", spoken(10.0, RENT))
    with Library.open(tmp_path) as library:
        engine = registry.stored_name("text", "wordpieces")
        library.keep_summaries([Summary(TALK.id, "test@1", engine)])
        library._tables["gists"].delete("true")
        library.finish()
    with Library.open(tmp_path) as library:
        assert summarise(library) == 1


def test_a_library_from_before_there_were_gists_is_read_and_made_up(tmp_path: Path) -> None:
    import shutil

    store(tmp_path, "test@1", spoken(10.0, RENT))
    for name in ("gists", "keywords"):
        shutil.rmtree(tmp_path / "tables" / f"{name}.lance")
    assert Catalogue.load(tmp_path).gists.num_rows == 0
    with Library.open(tmp_path) as library:
        assert summarise(library) == 1
