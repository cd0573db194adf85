"""Transcripts beside the media: which are found, which is taken, and what is made of those that cannot be."""

from __future__ import annotations

import json
import os
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest

from earmark.indexing import index, sidecars
from earmark.indexing.sidecars import find_sidecars, read_sidecar, sidecar_segments
from earmark.library import Catalogue
from earmark.media.probe import probe
from earmark.records import Recording, Segment
from earmark.settings import IndexSettings

SRT = "1\n00:00:00,500 --> 00:00:01,500\nسلام دنیا\n"
WORDS = IndexSettings(sound=None, workers=1)


@pytest.fixture
def talk(tmp_path: Path, write_media, sound, tone) -> Recording:
    (tmp_path / "media").mkdir()
    return probe(write_media(tmp_path / "media" / "talk.wav", sound(tone(0.5, 1.5, 4.0))))


def beside(recording: Recording, name: str, content: str | bytes = SRT) -> Path:
    path = Path(recording.path).with_name(name)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def found(recording: Recording, language: str | None = None) -> list[tuple[str, str]]:
    return [(each.path.name, each.language) for each in find_sidecars(recording, language)]


def stored(library: Path, recording: Recording) -> list[Segment]:
    catalogue = Catalogue.load(library)
    return [catalogue.segment(row) for row, id_ in enumerate(catalogue.column("recording_id")) if id_ == recording.id]


def test_names_that_are_transcripts_and_names_that_are_not(talk: Recording) -> None:
    taken = "talk.srt talk.fa.vtt talk.en-US.vtt talk.wav.ass talk.TXT talk.eng.sdh.srt talk.json"
    others = "talks.srt talk-2.srt talk.info.json talk.part.srt other.srt talk.tsv talk"
    for name in (*taken.split(), *others.split()):
        beside(talk, name)
    assert found(talk) == [
        ("talk.json", ""),
        ("talk.en-US.vtt", "en"),
        ("talk.fa.vtt", "fa"),
        ("talk.srt", ""),
        ("talk.eng.sdh.srt", "en"),
        ("talk.wav.ass", ""),
        ("talk.TXT", ""),
    ]


def test_a_language_asked_for_leaves_the_others_out(talk: Recording) -> None:
    for name in ("talk.en.srt", "talk.fa.srt", "talk.srt"):
        beside(talk, name)
    assert found(talk, "fa") == [("talk.fa.srt", "fa"), ("talk.srt", "fa")]
    assert found(talk, "de") == [("talk.srt", "de")]


def test_the_language_of_the_sound_chooses_between_several(tmp_path: Path, write_media, sound, tone) -> None:
    recording = probe(write_media(tmp_path / "talk.mp4", sound(tone(0, 1, 1), language="per")))
    for name in ("talk.en.srt", "talk.fa.srt"):
        beside(recording, name)
    assert found(recording) == [("talk.fa.srt", "fa"), ("talk.en.srt", "en")]


def test_the_name_changes_with_the_content_and_with_nothing_else(talk: Recording) -> None:
    path = beside(talk, "talk.srt")
    name = find_sidecars(talk)[0].name
    os.utime(path, ns=(1, 1))
    assert find_sidecars(talk)[0].name == name
    assert name.startswith("sidecar@") and len({name, find_sidecars(talk, aligner="sphinx")[0].name}) == 2
    path.write_text(SRT + "\n")
    assert find_sidecars(talk)[0].name != name


def test_a_file_added_to_a_folder_that_was_listed_before_is_found(talk: Recording) -> None:
    folder = Path(talk.path).parent
    os.utime(folder, ns=(10**18, 10**18))  # long ago: its listing may be remembered
    assert find_sidecars(talk) == []
    beside(talk, "talk.srt")
    assert found(talk) == [("talk.srt", "")]


def test_the_first_that_can_be_read_is_taken_and_the_others_are_named(talk: Recording) -> None:
    beside(talk, "talk.json", '{"title": "metadata, no transcript"}')
    beside(talk, "talk.vtt", "no subtitles at all")
    beside(talk, "talk.srt", "1\n00:01:00,000 --> 00:01:02,000\npast the end\n")
    beside(talk, "talk.txt", "what was really said")
    notes: list[str] = []
    sidecar = sidecar_segments(talk, note=notes.append)
    assert sidecar is not None and sidecar.path.name == "talk.txt"
    assert (sidecar.lines, sidecar.timed, sidecar.language) == (["what was really said"], False, "en")
    vtt = Path(talk.path).with_suffix(".vtt")
    assert notes == [
        f"passed over: {vtt}: expected vtt subtitles, found no cue. Check the file and its extension.",
        "talk.srt: 1 of 1 cues lie outside the recording and were left out",
        "talk.srt: passed over: no words inside the recording",
    ]


@pytest.mark.parametrize(
    ("name", "content", "note"),
    [
        ("talk.txt", "", "talk.txt: passed over: no words in it"),
        ("talk.txt", "a book " * 100, "talk.txt: passed over: 699 letters are too many for 4 s of sound"),
        ("talk.json", "{", "talk.json:1: expected a JSON document, found Expecting property name enclosed in double"),
        ("talk.srt", b"\0\1\2" * 50, "found bytes that are none of these. Save it as UTF-8."),
    ],
)
def test_what_cannot_be_a_transcript_is_said_in_one_line(
    talk: Recording, name: str, content: str | bytes, note: str
) -> None:
    beside(talk, name, content)
    notes: list[str] = []
    assert sidecar_segments(talk, note=notes.append) is None
    assert len(notes) == 1 and note in notes[0] and "\n" not in notes[0]


def test_a_file_that_is_gone_when_it_is_read(talk: Recording) -> None:
    path = beside(talk, "talk.srt")
    (candidate,) = find_sidecars(talk)
    path.unlink()
    notes: list[str] = []
    assert read_sidecar(candidate, talk, notes.append) is None
    assert notes == [f"passed over: {path}: No such file or directory"]


def test_subtitles_inside_the_media_and_no_translation(tmp_path: Path) -> None:
    spec = spec_from_file_location("subtitled", Path(__file__).parents[1] / "media" / "test_subtitles.py")
    assert spec is not None and spec.loader is not None
    made = module_from_spec(spec)
    spec.loader.exec_module(made)
    cues = [(0.5, 1.5, "سلام دنیا")]
    path = made.write_subtitled(tmp_path / "talk.mp4", ("eng", [(0, 1, "hello")]), ("per", cues), spoken="per")
    sidecar = sidecar_segments(probe(path))
    assert sidecar is not None and sidecar.language == "fa" and sidecar.path == path
    assert [segment.text for segment in sidecar.segments] == ["سلام دنیا"]
    translated = made.write_subtitled(tmp_path / "film.mp4", ("eng", [(0, 1, "hello")]), spoken="per")
    assert find_sidecars(probe(translated)) == []
    assert len(find_sidecars(probe(translated), "en")) == 1


def test_one_in_another_language_that_is_not_read_is_named(talk: Recording, tmp_path: Path) -> None:
    for name in ("talk.srt", "talk.fa.srt", "talk.sdh.srt"):
        beside(talk, name)
    report = index([Path(talk.path)], tmp_path / "library", WORDS)
    assert [note for _, note in report.notes] == [
        "talk.sdh.srt was taken; talk.fa.srt is in another language and was not read. To take it: --language fa"
    ]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "windows-1256"])
def test_indexing_takes_the_words_from_it_and_loads_no_recogniser(
    talk: Recording, tmp_path: Path, encoding: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from earmark.engines import registry

    loaded: list[str] = []
    load = registry.load
    monkeypatch.setattr(registry, "load", lambda job, *rest, **more: loaded.append(job) or load(job, *rest, **more))
    beside(talk, "talk.srt", SRT.replace("ی", "ي").encode(encoding))
    report = index([Path(talk.path)], tmp_path / "library", WORDS)
    assert not report.failed and not report.notes and "recogniser" not in loaded
    (segment,) = stored(tmp_path / "library", talk)
    assert [word.text for word in segment.words] == ["سلام", "دنيا"]
    assert segment.span.start == 0.5 and segment.language == "fa" and segment.engine.startswith("sidecar@")
    assert index([Path(talk.path)], tmp_path / "library", WORDS).heard == []


def test_an_edited_transcript_is_read_again_and_the_sound_is_not(talk: Recording, tmp_path: Path) -> None:
    library, path = tmp_path / "library", Path(talk.path)
    beside(talk, "talk.srt")
    index([path], library, WORDS)
    track = next((library / "tracks").rglob("*.activity.*"))
    before = track.stat().st_mtime_ns
    beside(talk, "talk.srt", SRT.replace("دنیا", "خانم"))
    steps: list[float] = []
    report = index([path], library, WORDS, lambda stage, done, total: steps.append(done))
    assert report.heard == [talk.id] and steps == [] and track.stat().st_mtime_ns == before
    assert [segment.text for segment in stored(library, talk)] == ["سلام خانم"]


def test_without_it_or_ignored_the_recogniser_listens(talk: Recording, tmp_path: Path) -> None:
    library, path = tmp_path / "library", Path(talk.path)
    beside(talk, "talk.srt")
    index([path], library, WORDS)
    assert len(stored(library, talk)) == 1
    ignoring = IndexSettings(sound=None, workers=1, sidecars=False)
    assert index([path], library, ignoring).heard == [talk.id]
    assert stored(library, talk) == []  # a tone says nothing
    assert index([path], library, WORDS).heard == [talk.id] and len(stored(library, talk)) == 1


def test_a_broken_one_is_noted_and_does_not_stop_the_listening(talk: Recording, tmp_path: Path) -> None:
    beside(talk, "talk.json", json.dumps({"segments": []})[:-1])
    report = index([Path(talk.path)], tmp_path / "library", WORDS)
    ((_, note),) = report.notes
    assert note.startswith("passed over: ") and "expected a JSON document" in note and not report.failed
    again = index([Path(talk.path)], tmp_path / "library", WORDS)
    assert again.heard == [] and again.notes == []


def test_long_listings_are_remembered_not_repeated(talk: Recording, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = Path(talk.path).parent
    beside(talk, "talk.srt")
    os.utime(folder, ns=(2 * 10**18 // 3, 2 * 10**18 // 3))
    calls: list[str] = []
    listed = sidecars._listed
    monkeypatch.setattr(sidecars, "_listed", lambda name: calls.append(name) or listed(name))
    for _ in range(3):
        assert len(find_sidecars(talk)) == 1
    assert len(calls) <= 1


@pytest.mark.parametrize(("keep", "heard"), [(True, 0), (False, 1)])
def test_words_of_another_recogniser_are_kept_where_none_was_asked_for(
    talk: Recording, tmp_path: Path, keep: bool, heard: int
) -> None:
    from earmark.library import Hearing, Library

    library = tmp_path / "library"
    index([Path(talk.path)], library, IndexSettings(recogniser=None, sound=None, workers=1))
    with Library.open(library) as opened:
        opened.commit([], [Hearing(talk.id, "words", "vosk@00000000", "{}", 4.0, True)])
        opened.finish()
    settings = IndexSettings(sound=None, workers=1, keep_words=keep)
    assert len(index([Path(talk.path)], library, settings).heard) == heard


def test_a_language_no_recogniser_knows_names_the_remedy(talk: Recording, tmp_path: Path) -> None:
    settings = IndexSettings(sound=None, workers=1, language="fa")
    ((_, error),) = index([Path(talk.path)], tmp_path / "library", settings).failed
    assert str(error) == (
        "moonshine: expected a language it knows (en), found the language 'fa'. "
        "Run: earmark models pull vosk-small-fa, and add --recogniser vosk; or put a transcript beside the file."
    )
    beside(talk, "talk.srt")
    assert not index([Path(talk.path)], tmp_path / "library", settings).failed
