"""Listening to many files: heard once, by content; broken ones listed; stopped runs gone on with."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from earmark.errors import LibraryError, MediaError
from earmark.indexing import index
from earmark.library import Catalogue, read_track, track_path
from earmark.records import Recording
from earmark.settings import IndexSettings

ACTIVITY = IndexSettings(recogniser=None, sound=None, workers=1)


@pytest.fixture
def talk(tmp_path: Path, write_media, sound, tone) -> Path:
    return write_media(tmp_path / "media" / "talk.wav", sound(tone(0.5, 1.5, 4.0)))


@pytest.fixture(autouse=True)
def media_folder(tmp_path: Path) -> None:
    (tmp_path / "media").mkdir(exist_ok=True)


def track_of(library: Path, recording: Recording) -> np.ndarray:
    catalogue = Catalogue.load(library)
    hearing = catalogue.hearing_of(recording.id, "activity")
    assert hearing is not None and hearing.complete
    return np.asarray(read_track(track_path(library, recording.id, "activity", hearing.engine), hearing.position)[1])


def test_a_recording_is_heard_once_wherever_it_is_moved_and_again_when_it_changes(
    talk: Path, tmp_path: Path, write_media, sound, tone
) -> None:
    library = tmp_path / "library"
    first = index([talk], library, ACTIVITY)
    assert len(first.heard) == 1
    assert index([talk], library, ACTIVITY).heard == []
    moved = talk.rename(talk.with_name("renamed.wav"))
    again = index([moved], library, ACTIVITY)
    assert again.heard == [] and list(again.recordings) == list(first.recordings)
    assert Catalogue.load(library).recordings[first.heard[0]].path == str(moved)
    os.utime(moved, ns=(1, 1))  # touched, not changed
    assert index([moved], library, ACTIVITY).heard == []
    write_media(moved, sound(tone(0.5, 1.6, 4.0)))
    assert len(index([moved], library, ACTIVITY).heard) == 1


def test_activity_is_stored_on_the_clock_of_the_media(tmp_path: Path, write_media, sound, tone) -> None:
    path = write_media(tmp_path / "media" / "late.mkv", sound(tone(0, 1, 3.0), offset_seconds=1.5), video_seconds=5.0)
    recording = next(iter(index([path], tmp_path / "library", ACTIVITY).recordings.values()))
    assert recording.start_seconds == pytest.approx(1.5, abs=0.01)
    header = read_track(next((tmp_path / "library" / "tracks").rglob("*.activity.*")))[0]
    assert header.start_seconds == recording.start_seconds and header.step_seconds == pytest.approx(0.032)
    assert track_of(tmp_path / "library", recording).shape == (-(-3 * 16_000 // 512), 1)


def test_broken_files_are_listed_and_the_others_heard(tmp_path: Path, write_media, sound, tone) -> None:
    folder = tmp_path / "media"
    for number in range(12):
        write_media(folder / f"good{number}.wav", sound(tone(0.1, 0.2, 0.5, hz=200 + 10 * number)))
    (folder / "empty.mp3").touch()
    (folder / "text.mp3").write_text("not media at all, but a letter to a friend")
    write_media(folder / "silent.mp4", video_seconds=1.0)
    report = index([folder, tmp_path / "missing.wav"], tmp_path / "library", ACTIVITY)
    assert len(report.heard) == len(report.recordings) == 12
    assert {path.name for path, _ in report.failed} == {"empty.mp3", "text.mp3", "silent.mp4", "missing.wav"}
    assert all(isinstance(error, MediaError) for _, error in report.failed)


def test_a_file_cut_off_in_the_middle_is_kept_as_far_as_it_goes_and_said(
    tmp_path: Path, write_media, sound, tone
) -> None:
    path = write_media(tmp_path / "media" / "cut.wav", sound(tone(0.5, 9.5, 10.0)))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    report = index([path], tmp_path / "library", ACTIVITY)
    ((_, note),) = report.notes
    assert "cut off after 5.0 s" in note and "what could be read is kept" in note
    assert not report.failed
    assert track_of(tmp_path / "library", next(iter(report.recordings.values()))).shape[0] == pytest.approx(156, abs=2)


def test_channels_that_cancel_out_are_said(tmp_path: Path, write_media, sound, tone) -> None:
    left = tone(0.5, 1.5, 3.0)
    turned = write_media(tmp_path / "media" / "turned.wav", sound(np.concatenate([left, -left])))
    silent = write_media(tmp_path / "media" / "silent.wav", sound(np.zeros((2, 16_000), np.float32)))
    report = index([turned, silent], tmp_path / "library", ACTIVITY)
    assert [(path.name, note) for path, note in report.notes] == [
        ("turned.wav", "its channels cancel each other out: their mix is silent")
    ]


def test_a_folder_without_media_says_so(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="expected at least one audio or video file, found none among 0 files"):
        index([tmp_path / "media"], tmp_path / "library", ACTIVITY)


def test_the_library_folder_is_not_taken_for_media(talk: Path, tmp_path: Path) -> None:
    library = talk.parent / "library"
    index([talk.parent], library, ACTIVITY)
    shutil.copy(talk, library / "tracks" / "stray.wav")
    assert len(index([talk.parent], library, ACTIVITY).recordings) == 1


def test_a_foreign_library_folder_is_left_alone(talk: Path, tmp_path: Path) -> None:
    with pytest.raises(LibraryError, match="found a folder with other files and no earmark.json"):
        index([talk], talk.parent, ACTIVITY)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_a_stopped_run_goes_on_where_it_was_and_ends_the_same(
    how: signal.Signals, tmp_path: Path, write_media, sound
) -> None:
    """A real process, really stopped in the middle of a recording; what it stored is not heard again."""
    noise = np.random.default_rng(1).normal(0, 0.05, (1, 16_000 * 1200)).astype(np.float32)
    path = write_media(tmp_path / "media" / "long.wav", sound(noise))
    whole = index([path], tmp_path / "whole", ACTIVITY)
    recording = whole.recordings[whole.heard[0]]
    code = (
        "import sys; from pathlib import Path; from earmark.indexing import index; from earmark.settings import *\n"
        "settings = IndexSettings(recogniser=None, sound=None, workers=1, commit_seconds=0.0)\n"
        "def block(stage, done, total): print(done, flush=True); sys.stdin.readline()\n"
        "index([Path(sys.argv[1])], Path(sys.argv[2]), settings, block)"
    )
    library = tmp_path / "library"
    command = [sys.executable, "-c", code, str(path), str(library)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdin is not None and process.stdout is not None
        for _ in range(8):  # eight blocks of thirty seconds, each waited for
            heard = float(process.stdout.readline())
            process.stdin.write("on\n")
            process.stdin.flush()
        process.stdout.readline()  # the ninth is heard, and the process waits
        process.send_signal(how)
        assert process.wait() != 0
    hearing = Catalogue.load(library).hearing_of(recording.id, "activity")
    assert hearing is not None and not hearing.complete and hearing.position >= heard - 31
    steps: list[float] = []
    began = time.monotonic()
    index([path], library, ACTIVITY, lambda stage, done, total: steps.append(done))
    assert steps[0] > hearing.position - 31, f"heard the beginning again ({time.monotonic() - began:.1f} s)"
    np.testing.assert_array_equal(track_of(library, recording).shape, track_of(tmp_path / "whole", recording).shape)
