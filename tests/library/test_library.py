"""The library keeps what was committed, whatever happens to the process that was writing it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest

from earmark.errors import LibraryError
from earmark.library import Catalogue, Hearing, Library, Passage, TrackHeader, read_track, track_path
from earmark.records import Recording, Segment, Word
from earmark.timeline import Span

RECORDING = Recording("ab12", "/some where/\udcff\tپادکست.mp4", 60.0, start_seconds=1.5)
ENGINE = "moonshine@1"


def passage(start: float, text: str, engine: str = ENGINE) -> Passage:
    words = tuple(
        Word(word, Span(start + i, start + i + 0.5), 0.9, aligned=i % 2 == 0) for i, word in enumerate(text.split())
    )
    segment = Segment(Span(start, start + len(words)), text, words, "en", engine)
    return Passage(RECORDING.id, segment, f" {text.lower()} ", text.lower(), "")


def hearing(position: float, complete: bool = False, engine: str = ENGINE) -> Hearing:
    return Hearing(RECORDING.id, "words", engine, "{}", position, complete)


def test_what_is_committed_is_read_back_word_for_word(tmp_path: Path) -> None:
    stored = passage(36_000.25, "It was the season of Darkness")
    with Library.open(tmp_path / "library") as library:
        library.remember(RECORDING, 10, 20)
        library.commit([stored], [hearing(36_010.0, complete=True)])
        library.finish()
    catalogue = Catalogue.load(tmp_path / "library")
    assert catalogue.recordings == {"ab12": RECORDING}
    assert catalogue.recording_of(RECORDING.path, 10, 20, 0) == "ab12"
    assert catalogue.recording_of(RECORDING.path, 11, 20, 0) is None
    segment = catalogue.segment(0)
    assert (segment.text, segment.language, segment.engine) == ("It was the season of Darkness", "en", ENGINE)
    assert [word.text for word in segment.words] == stored.segment.text.split()
    assert [word.aligned for word in segment.words] == [True, False, True, False, True, False]
    starts = [word.span.start for word in segment.words]
    np.testing.assert_allclose(starts, [36_000.25 + i for i in range(6)], atol=1e-5)


def test_reading_needs_no_lancedb_once_the_search_copy_is_there(tmp_path: Path) -> None:
    with Library.open(tmp_path) as library:
        library.commit([passage(2.0, "hello")], [hearing(9.0)])
        library.finish()
    code = "import sys; from pathlib import Path; from earmark.library import Catalogue;" \
           "assert Catalogue.load(Path(sys.argv[1])).column('text') == ['hello'];" \
           "assert 'lancedb' not in sys.modules"  # fmt: skip
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True)


def test_the_search_copy_follows_the_tables_and_may_be_deleted(tmp_path: Path) -> None:
    import shutil

    with Library.open(tmp_path) as library:
        library.commit([passage(2.0, "first")], [hearing(3.0)])
        library.finish()
    with Library.open(tmp_path) as library:
        library.commit([passage(4.0, "second")], [hearing(6.0)])  # no finish(): the copy is stale now
    assert Catalogue.load(tmp_path).column("text") == ["first", "second"]
    shutil.rmtree(tmp_path / "search")
    assert Catalogue.load(tmp_path).column("text") == ["first", "second"]
    assert len(list((tmp_path / "search").iterdir())) == 1


def test_rows_past_the_position_do_not_count_and_are_dropped_on_resuming(tmp_path: Path) -> None:
    with Library.open(tmp_path) as library:
        library.commit([passage(2.0, "kept")], [hearing(5.0)])
        library.commit([passage(7.0, "torn")], [])  # killed before the position moved
    assert Catalogue.load(tmp_path).column("text") == ["kept"]
    with Library.open(tmp_path) as library:
        assert library.resume(RECORDING.id, "words", ENGINE, 1.5) == 5.0
        assert library.resume(RECORDING.id, "words", "other@1", 1.5) == 1.5
        library.commit([passage(7.0, "again")], [hearing(9.0, complete=True)])
    assert Catalogue.load(tmp_path).column("text") == ["kept", "again"]


def test_a_new_engine_replaces_the_old_words_only_when_it_is_done(tmp_path: Path) -> None:
    with Library.open(tmp_path) as library:
        library.commit([passage(2.0, "old")], [hearing(60.0, complete=True)])
        library.commit([passage(2.0, "new", "whisper@1")], [hearing(30.0, engine="whisper@1")])
        library.finish()
        assert Catalogue.load(tmp_path).column("text") == ["old"]
        library.commit([], [hearing(60.0, complete=True, engine="whisper@1")])
    assert Catalogue.load(tmp_path).column("text") == ["new"]


def test_tracks_are_mapped_up_to_the_position_and_torn_tails_are_cut(tmp_path: Path) -> None:
    header = TrackHeader("ears@1", dim=4, step_seconds=0.1, start_seconds=1.5)
    rows = np.arange(80, dtype=np.int8).reshape(20, 4)
    with Library.open(tmp_path) as library:
        assert library.append_track("ab12", "sounds", "ears@1", header, rows, 0) == 20
        assert library.append_track("ab12", "sounds", "ears@1", header, rows[:5], 10) == 15
    path = track_path(tmp_path, "ab12", "sounds", "ears@1")
    found, mapped = read_track(path)
    assert found == header
    np.testing.assert_array_equal(mapped, np.concatenate([rows[:10], rows[:5]]))
    assert read_track(path, limit_seconds=2.5)[1].shape == (10, 4)
    assert read_track(path, limit_seconds=0.0)[1].shape == (0, 4)
    path.write_bytes(b"not a track")
    with pytest.raises(LibraryError, match="expected a track's header, found something else"):
        read_track(path)


def test_a_writer_killed_at_any_moment_leaves_what_was_committed(tmp_path: Path) -> None:
    """A real process, really killed, several times: whatever it reported committed is there afterwards."""
    code = textwrap.dedent(
        """
        import sys
        from pathlib import Path
        sys.path.insert(0, sys.argv[2])
        from test_library import hearing, passage
        from earmark.library import Library
        with Library.open(Path(sys.argv[1])) as library:
            begin = int(library.resume("ab12", "words", "moonshine@1", 0.0))
            for second in range(begin, 10_000):
                library.commit([passage(float(second), f"word{second}")], [hearing(second + 1.0)])
                print(second, flush=True)
        """
    )
    done = -1
    for lines in (3, 7, 1):
        process = subprocess.Popen(
            [sys.executable, "-c", code, str(tmp_path), str(Path(__file__).parent)], stdout=subprocess.PIPE
        )
        assert process.stdout is not None
        for _ in range(lines):
            done = int(process.stdout.readline())
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        process.stdout.close()
        texts = Catalogue.load(tmp_path).column("text")
        assert texts[: done + 1] == [f"word{i}" for i in range(done + 1)]
        assert len(texts) == len(set(texts)) <= done + 3


def test_a_folder_that_is_not_ours_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(LibraryError, match="expected an earmark library or an empty folder, found a folder with"):
        Catalogue.load(tmp_path)
    with pytest.raises(LibraryError), Library.open(tmp_path):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]
    with pytest.raises(LibraryError, match="expected a folder, found a file"):
        Catalogue.load(tmp_path / "thesis.txt")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            '{"format": 99}',
            "expected a library of format 1 or older, found format 99, written by a newer earmark",
        ),
        ('{"format": "x"}', "expected a line such as"),
        ("torn", "expected a line such as"),
    ],
)
def test_a_newer_or_broken_marker_says_so(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "earmark.json").write_text(text)
    with pytest.raises(LibraryError, match=message):
        Catalogue.load(tmp_path)


def test_one_writer_at_a_time(tmp_path: Path) -> None:
    with Library.open(tmp_path):
        code = "import sys; from pathlib import Path; from earmark.library import Library\n" \
               "with Library.open(Path(sys.argv[1])): pass"  # fmt: skip
        other = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True)
    assert "expected to be the only one writing to this library, found another earmark at work" in other.stderr


def test_a_full_disk_is_one_clear_line_and_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import errno

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with Library.open(tmp_path) as library:
        library.commit([passage(2.0, "kept")], [hearing(5.0)])
    header = TrackHeader("ears@1", dim=1, step_seconds=0.1)
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(LibraryError, match="expected room on the disk, found none left. Free some space"):
        with Library.open(tmp_path) as library:
            library.append_track("ab12", "sounds", "ears@1", header, np.zeros((3, 1), np.int8), 0)
    assert Catalogue.load(tmp_path).column("text") == ["kept"]


def test_an_empty_or_missing_library_knows_nothing(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "missing"):
        catalogue = Catalogue.load(folder)
        assert catalogue.recordings == {} and catalogue.passages.num_rows == 0
    assert not (tmp_path / "missing").exists()
