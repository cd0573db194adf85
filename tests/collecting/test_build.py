"""Building a data set: nothing lost, nothing twice, the same bytes each time, also after a kill."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from earmark.collecting import assembly, texts
from earmark.collecting.build import BuildSettings, build
from earmark.collecting.cutting import listen
from earmark.engines.recogniser import HeardWord, Transcript
from earmark.engines.registry import load
from earmark.errors import FormatError, MediaError, UsageError
from earmark.formats.manifest import read_manifest
from earmark.media.probe import probe
from earmark.progress import ignore
from earmark.settings import ChunkSettings

BARE = BuildSettings(recogniser=None, keywords=0)
SILENT = replace(BARE, keep_silent=True)


@pytest.fixture(scope="module")
def reading() -> Path:
    """44 seconds of somebody reading, from the wheel of the recogniser."""
    spec = find_spec("moonshine_voice")
    assert spec is not None and spec.origin is not None
    return Path(spec.origin).parent / "assets" / "two_cities.wav"


@pytest.fixture
def bursts(write_media, sound):
    """Recordings of noise bursts, half a second of silence between them; `seed` makes each another one."""

    def write(path: Path, seconds: float, seed: int = 0, burst: float = 4.0) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        noise = np.random.default_rng(seed).normal(0, 0.1, round(seconds * 16_000)).astype(np.float32)
        times = np.arange(noise.size) / 16_000
        return write_media(path, sound((noise * (times % (burst + 0.5) < burst))[None]))

    return write


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file() and path.name != ".lock"}


def test_speech_is_cut_into_chunks_and_none_of_it_lost(tmp_path, reading):
    settings = replace(BARE, language="en", chunks=ChunkSettings(least_seconds=5.0, greatest_seconds=12.0))
    result = build(reading, tmp_path / "set", settings)
    chunks = result.chunks
    assert len(chunks) >= 4
    assert all(5.0 <= chunk.span.duration <= 12.0 for chunk in chunks[:-1])
    speech = listen(probe(reading), load("activity", "silero"), ignore).speech
    for span in speech:
        covered = sum(span.overlap(chunk.span) for chunk in chunks)
        assert covered == pytest.approx(span.duration, abs=0.002)
    assert [chunk.id for chunk in chunks] == [
        f"{chunk.recording[:16]}-{round(chunk.start * 1000):08d}" for chunk in chunks
    ]
    assert {(chunk.path, chunk.language, chunk.split) for chunk in chunks} == {(str(reading), "en", "train")}
    kept = sum(chunk.span.duration for chunk in chunks)
    assert result.audio_seconds == pytest.approx(kept + result.left_out[0].seconds, abs=0.1)


def test_both_manifests_say_the_same(tmp_path, bursts):
    import pyarrow.parquet as pq

    bursts(tmp_path / "in" / "a.flac", 30.0)
    (tmp_path / "in" / "a.srt").write_text("1\n00:00:01,000 --> 00:00:12,000\nسلام دنیا\n", encoding="utf-8")
    build(tmp_path / "in", tmp_path / "set", BARE)
    rows = [json.loads(line) for line in (tmp_path / "set" / "manifest.jsonl").read_text("utf-8").splitlines()]
    table = pq.read_table(tmp_path / "set" / "manifest.parquet")
    assert table.to_pylist() == rows
    assert rows[0] | {"id": "", "recording": ""} == {
        "id": "",
        "recording": "",
        "path": str(tmp_path / "in" / "a.flac"),
        "start": 0.8,
        "end": 12.2,
        "transcript": "سلام دنیا",
        "keywords": [],
        "language": "fa",
        "split": "train",
        "speaker": "",
        "label": "",
        "title": "",
        "source": "given",
    }
    assert [chunk.path for chunk in read_manifest(tmp_path / "set")] == [str(tmp_path / "in" / "a.flac")]


def test_a_short_recording_with_its_text_stays_whole(tmp_path, bursts):
    bursts(tmp_path / "in" / "a.flac", 5.0)
    (tmp_path / "in" / "a.txt").write_text("what is said")
    (chunk,) = build(tmp_path / "in", tmp_path / "set", BARE).chunks
    assert (chunk.start, chunk.end, chunk.transcript, chunk.source) == (0.0, 5.0, "what is said", "given")


def test_a_long_text_without_times_is_not_guessed_into_chunks(tmp_path, bursts):
    bursts(tmp_path / "in" / "a.flac", 50.0)
    (tmp_path / "in" / "a.txt").write_text("what is said")
    result = build(tmp_path / "in", tmp_path / "set", SILENT)
    assert len(result.chunks) > 1 and {chunk.transcript for chunk in result.chunks} == {""}
    assert [each.reason for each in result.left_out][-1] == "texts without times of recordings over 40 s"


def test_where_nobody_speaks_is_left_out_and_counted(tmp_path, bursts):
    bursts(tmp_path / "in" / "a.flac", 27.0)
    result = build(tmp_path / "in", tmp_path / "set", BARE)
    assert result.chunks == []
    silent = next(each for each in result.left_out if each.reason == "chunks in which nobody speaks")
    assert silent.count == 2 and silent.seconds == pytest.approx(26.4, abs=0.5)
    assert sum(each.seconds for each in result.left_out) == pytest.approx(27.0, abs=0.01)


def test_labelled_sounds_are_kept(tmp_path, bursts):
    bursts(tmp_path / "musan" / "noise" / "a.flac", 12.0, seed=1)
    bursts(tmp_path / "musan" / "music" / "b.flac", 12.0, seed=2)
    result = build(tmp_path / "musan", tmp_path / "set", BARE)
    assert result.layout == "musan"
    assert [chunk.label for chunk in result.chunks] == ["music", "noise"]


def test_the_same_bytes_each_time_whatever_the_threads(tmp_path, bursts):
    for number in range(5):
        bursts(tmp_path / "in" / f"{number}.flac", 12.0 + number, seed=number)
    for name, workers in [("one", 1), ("two", 3)]:
        build(tmp_path / "in", tmp_path / name, SILENT, workers=workers)
    assert contents(tmp_path / "one") == contents(tmp_path / "two")
    assert set(contents(tmp_path / "one")) == {
        "manifest.jsonl",
        "manifest.parquet",
        "manifest.csv",
        "report.html",
        "dataset.json",
    }


def test_a_second_run_listens_to_nothing_and_changes_nothing(tmp_path, bursts):
    bursts(tmp_path / "in" / "a.flac", 12.0)
    assert build(tmp_path / "in", tmp_path / "set", SILENT).worked_on == 1
    before = contents(tmp_path / "set")
    told = []
    again = build(tmp_path / "in", tmp_path / "set", SILENT, on_progress=lambda *each: told.append(each))
    assert again.worked_on == 0 and contents(tmp_path / "set") == before
    assert told[-1] == ("data set", pytest.approx(12.0), pytest.approx(12.0))


def test_other_settings_listen_again(tmp_path, bursts):
    bursts(tmp_path / "in" / "a.flac", 30.0)
    assert len(build(tmp_path / "in", tmp_path / "set", SILENT).chunks) == 3
    shorter = replace(SILENT, chunks=ChunkSettings(least_seconds=4.0, greatest_seconds=8.0))
    assert len(build(tmp_path / "in", tmp_path / "set", shorter).chunks) == 7
    assert len(list((tmp_path / "set" / ".parts").iterdir())) == 1


def test_recordings_that_arrive_later_move_no_older_one(tmp_path, bursts):
    for number in range(4):
        bursts(tmp_path / "in" / f"b{number}.flac", 10.0 + number, seed=number)
    before = {c.recording: c.split for c in build(tmp_path / "in", tmp_path / "set", SILENT).chunks}
    assert len(set(before.values())) == 3
    for number in range(4, 8):
        bursts(tmp_path / "in" / f"a{number}.flac", 10.0 + number, seed=number)
    after = {c.recording: c.split for c in build(tmp_path / "in", tmp_path / "set", SILENT).chunks}
    assert len(after) == 8 and {name: after[name] for name in before} == before


def test_a_speaker_is_on_one_side_only(tmp_path, bursts):
    rows = ["path,text,speaker"]
    for number in range(9):
        bursts(tmp_path / "in" / f"{number}.flac", 3.0, seed=number)
        rows.append(f"{number}.flac,text {number},speaker {number % 3}")
    (tmp_path / "in" / "manifest.csv").write_text("\n".join(rows))
    chunks = build(tmp_path / "in", tmp_path / "set", BARE).chunks
    sides = {chunk.speaker: {c.split for c in chunks if c.speaker == chunk.speaker} for chunk in chunks}
    assert sorted(len(side) for side in sides.values()) == [1, 1, 1]
    assert {chunk.split for chunk in chunks} == {"train", "validation", "test"}


def test_one_speaker_can_be_divided_by_recording(tmp_path, bursts):
    rows = ["path,text,speaker"]
    for number in range(5):
        bursts(tmp_path / "in" / f"{number}.flac", 3.0, seed=number)
        rows.append(f"{number}.flac,text {number},ann")
    (tmp_path / "in" / "manifest.csv").write_text("\n".join(rows))
    assert {c.split for c in build(tmp_path / "in", tmp_path / "one", BARE).chunks} == {"train"}
    divided = build(tmp_path / "in", tmp_path / "two", replace(BARE, split_by="recording"))
    assert {chunk.split for chunk in divided.chunks} == {"train", "validation", "test"}


def test_splits_of_the_source_hold_the_strictest_first(tmp_path, bursts):
    rows = ["path,text,speaker,split"]
    for number, (speaker, split) in enumerate([("ann", "train"), ("ann", "test"), ("bob", "dev"), ("eve", "train")]):
        bursts(tmp_path / "in" / f"{number}.flac", 3.0, seed=number)
        rows.append(f"{number}.flac,text,{speaker},{split}")
    (tmp_path / "in" / "manifest.csv").write_text("\n".join(rows))
    chunks = build(tmp_path / "in", tmp_path / "set", BARE).chunks
    assert [chunk.split for chunk in chunks] == ["test", "test", "validation", "train"]


def test_a_recording_that_is_there_twice_is_taken_once(tmp_path, bursts):
    bursts(tmp_path / "in" / "a.flac", 12.0)
    shutil.copy(tmp_path / "in" / "a.flac", tmp_path / "in" / "copy.flac")
    result = build(tmp_path / "in", tmp_path / "set", SILENT)
    assert (result.recordings, len(result.chunks)) == (1, 1)
    assert ("recordings that are there twice", 1) in [(each.reason, each.count) for each in result.left_out]
    path = tmp_path / "in"
    assert result.notes == [(path / "copy.flac", f"the same recording as {path / 'a.flac'}; left out")]


def test_broken_recordings_are_told_and_tried_again(tmp_path, bursts):
    bursts(tmp_path / "in" / "a.flac", 12.0)
    (tmp_path / "in" / "b.mp3").write_bytes(b"no media")
    (tmp_path / "in" / "c.srt").write_text("1\n00:00:02,000 --> ..\nx\n")
    result = build(tmp_path / "in", tmp_path / "set", SILENT)
    ((path, error),) = result.failed
    assert str(error) == f"{path}: expected audio or video, found a text file. Pass an audio or video file."
    assert result.left_out[-1] == assembly.LeftOut("recordings that cannot be read", 1, 0.0)
    bursts(tmp_path / "in" / "b.flac", 12.0, seed=3).rename(tmp_path / "in" / "b.mp3")
    assert build(tmp_path / "in", tmp_path / "set", SILENT).failed == []


def test_a_recording_that_was_cut_off_is_noted(tmp_path, bursts):
    path = bursts(tmp_path / "in" / "a.wav", 14.0)
    with open(path, "r+b") as file:
        file.truncate(path.stat().st_size * 6 // 7)
    result = build(tmp_path / "in", tmp_path / "set", SILENT)
    assert result.notes == [(path, "cut off after 12.0 s, before its header says; what could be read is kept")]
    assert result.audio_seconds == pytest.approx(12.0, abs=0.01)


def test_a_data_set_of_another_source_is_not_replaced_unasked(tmp_path, bursts):
    bursts(tmp_path / "in" / "a.flac", 12.0)
    bursts(tmp_path / "other" / "b.flac", 12.0, seed=1)
    build(tmp_path / "in", tmp_path / "set", SILENT)
    with pytest.raises(FormatError) as caught:
        build(tmp_path / "other", tmp_path / "set", SILENT)
    assert str(caught.value) == (
        f"{tmp_path / 'set'}: expected a free folder, or the data set of the same source, "
        f"found one made of {tmp_path / 'in'}. Choose another folder, or pass --force to replace it."
    )
    assert build(tmp_path / "other", tmp_path / "set", SILENT, force=True).recordings == 1


def test_an_empty_list_is_no_data_set(tmp_path):
    (tmp_path / "list.csv").write_text("path\n")
    with pytest.raises(MediaError, match="expected at least one recording, found an empty list"):
        build(tmp_path / "list.csv", tmp_path / "set", BARE)


def test_paths_below_the_data_set_are_relative(tmp_path, bursts):
    bursts(tmp_path / "in" / "a.flac", 12.0)
    build(tmp_path / "in", tmp_path, SILENT)
    assert json.loads((tmp_path / "manifest.jsonl").read_text())["path"] == "in/a.flac"
    assert read_manifest(tmp_path)[0].path == str(tmp_path / "in" / "a.flac")


KEYWORDS = """
import sys
from pathlib import Path
from earmark.collecting import BuildSettings, build
build(Path(sys.argv[1]), Path(sys.argv[2]), BuildSettings(recogniser=None))
"""


def test_keywords_are_there_and_the_same_whatever_python_hashes(tmp_path, bursts):
    source = tmp_path / "in"
    bursts(source / "a.flac", 3.0)
    bursts(source / "b.flac", 3.0, seed=1)
    english = "The lighthouse keeper repaired the old lamp, and the lighthouse shone over the harbour again."
    (source / "a.txt").write_text(english)
    (source / "b.txt").write_text("کتاب‌های کتابخانه مرکزی شهر پس از باران شدید خیس شدند.", encoding="utf-8")
    for seed in "12":
        command = [sys.executable, "-c", KEYWORDS, str(source), str(tmp_path / seed)]
        subprocess.run(command, env=os.environ | {"PYTHONHASHSEED": seed}, check=True)
    assert contents(tmp_path / "1") == contents(tmp_path / "2")
    first, second = read_manifest(tmp_path / "1")
    assert any("lighthouse" in keyword.lower() for keyword in first.keywords) and len(first.keywords) <= 8
    assert any("باران" in keyword for keyword in second.keywords)
    assert (first.language, second.language) == ("en", "fa")


def test_a_recogniser_fills_the_transcripts(tmp_path, reading):
    short = reading.with_name("beckett.wav")  # ten seconds
    result = build(short, tmp_path / "set", BuildSettings(language="en", keywords=0))
    said = " ".join(chunk.transcript for chunk in result.chunks).lower()
    assert "fail again" in said and "fail better" in said
    assert {chunk.source for chunk in result.chunks} == {"moonshine"}


def test_a_language_the_recogniser_does_not_know(tmp_path, reading, bursts):
    source = tmp_path / "in"
    bursts(source / "a.flac", 3.0)
    (source / "a.txt").write_text("متن", encoding="utf-8")
    shutil.copy(reading.with_name("beckett.wav"), source / "b.wav")
    result = build(source, tmp_path / "set", BuildSettings(language="fa", keywords=0))
    assert [(chunk.transcript, chunk.language) for chunk in result.chunks] == [("متن", "fa"), ("", "fa")]
    reason = "transcripts in 'fa', which moonshine does not know: put text beside the media"
    assert assembly.LeftOut(reason, 1, 0.0) in result.left_out


def test_an_unknown_recogniser(tmp_path, reading):
    with pytest.raises(UsageError, match="moonshin: expected one of the recogniser engines moonshine"):
        build(reading, tmp_path / "set", BuildSettings(recogniser="moonshin"))


class Counting:
    """A recogniser that says where each piece begins; told to, it fails, or makes up English."""

    name = "counting"
    languages = None
    sample_rate = 16_000
    gives_word_times = False
    max_seconds = 30.0

    def __init__(self, fail_after: float = 1e9, made_up: str = "") -> None:
        self.heard: list[float] = []
        self.fail_after = fail_after
        self.made_up = made_up

    def transcribe(self, waveforms, language=None):
        if sum(self.heard) > self.fail_after:
            raise RuntimeError("out of memory")
        self.heard += [waveform.span.duration for waveform in waveforms]
        return [self._transcript(self.made_up or f"{waveform.start_seconds:.1f}") for waveform in waveforms]

    def _transcript(self, text):
        words = tuple(HeardWord(word, 0.5) for word in text.split())
        return Transcript(text, words, "en" if self.made_up else "xx", -0.6, 2 * len(words))


@pytest.fixture
def recogniser(monkeypatch):
    """Puts a recogniser in the place of every other."""
    original = texts.registry.load

    def choose(engine):
        monkeypatch.setattr(
            texts.registry, "load", lambda job, name: engine if job == "recogniser" else original(job, name)
        )

    return choose


def test_text_that_nobody_spoke_is_dropped_and_counted(tmp_path, reading, recogniser):
    recogniser(Counting(made_up="quarterly revenue exceeded every analyst's forecast by eleven percent"))
    settings = BuildSettings(recogniser="counting", language="en", keywords=0)
    result = build(reading.with_name("beckett.wav"), tmp_path / "set", settings)
    assert {(chunk.transcript, chunk.source) for chunk in result.chunks} == {("", "")}
    dropped = {each.reason: each.count for each in result.left_out}
    assert dropped["pieces of recognised text that nobody spoke"] >= 1


def test_what_a_recogniser_has_heard_is_not_heard_again(tmp_path, reading, recogniser, monkeypatch):
    settings = BuildSettings(recogniser="counting", keywords=0, chunks=ChunkSettings(least_seconds=4.0))
    engines = [Counting(), Counting(fail_after=1.0), Counting()]
    monkeypatch.setattr(texts, "BATCH_SECONDS", 12.0)
    recogniser(engines[0])
    build(reading, tmp_path / "whole", settings)
    recogniser(engines[1])
    with pytest.raises(RuntimeError):
        build(reading, tmp_path / "set", settings)
    recogniser(engines[2])
    build(reading, tmp_path / "set", settings)
    whole = contents(tmp_path / "whole")
    assert contents(tmp_path / "set")["manifest.jsonl"] == whole["manifest.jsonl"]
    assert all(chunk.transcript for chunk in read_manifest(tmp_path / "set"))
    assert 0 < sum(engines[2].heard) < sum(engines[0].heard)
    assert not list((tmp_path / "set" / ".parts").glob("*.texts"))


RUN = """
import sys
from pathlib import Path
from earmark.collecting import BuildSettings, build
settings = BuildSettings(recogniser=None, keywords=0, keep_silent=True)
build(Path(sys.argv[1]), Path(sys.argv[2]), settings, workers=2)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system cannot kill")
def test_a_killed_run_goes_on_and_ends_in_the_same_bytes(tmp_path, bursts):
    source = tmp_path / "in"
    for number in range(10):
        bursts(source / f"{number:02d}.flac", 11.0 + number, seed=number)
    build(source, tmp_path / "whole", SILENT)
    parts = tmp_path / "set" / ".parts"
    run = subprocess.Popen([sys.executable, "-c", RUN, str(source), str(tmp_path / "set")])
    try:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and len(list(parts.glob("[!.]*.json"))) < 2:
            time.sleep(0.002)
    finally:
        os.kill(run.pid, signal.SIGKILL)
        run.wait()
    known = {path: path.stat().st_mtime_ns for path in parts.glob("[!.]*.json")}
    assert 2 <= len(known) < 10
    assert not (tmp_path / "set" / "manifest.jsonl").exists()
    result = build(source, tmp_path / "set", SILENT)
    assert result.worked_on == 10 - len(known)
    assert {path: path.stat().st_mtime_ns for path in known} == known
    assert len(list(parts.iterdir())) == 10
    assert contents(tmp_path / "set") == contents(tmp_path / "whole")
