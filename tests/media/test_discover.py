"""Which files a command takes: once each, in order, whatever their names."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from earmark.errors import MediaError
from earmark.media import discover as module
from earmark.media.discover import discover


def touch(*paths: Path) -> None:
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def test_folders_are_walked_sorted_and_by_extension(tmp_path):
    touch(*(tmp_path / name for name in ("b.mp3", "a/z.WAV", "a/c.mkv", "notes.txt", ".hidden.mp3", ".git/x.mp3")))
    assert discover([tmp_path]) == [tmp_path / "a/c.mkv", tmp_path / "a/z.WAV", tmp_path / "b.mp3"]


def test_a_file_named_outright_is_taken_whatever_its_name(tmp_path):
    touch(tmp_path / "recording.dat", tmp_path / ".hidden.mp3")
    named = [tmp_path / "recording.dat", tmp_path / ".hidden.mp3"]
    assert discover(named) == named


def test_the_same_file_twice_is_once(tmp_path):
    touch(tmp_path / "f/a.mp3")
    (tmp_path / "f/link.mp3").symlink_to(tmp_path / "f/a.mp3")
    assert discover([tmp_path / "f/a.mp3", tmp_path, tmp_path / "f", f"{tmp_path}/f/../f/a.mp3"]) == [
        tmp_path / "f/a.mp3"
    ]


def test_links_that_lead_back_up_end(tmp_path):
    touch(tmp_path / "a/x.mp3")
    (tmp_path / "a/up").symlink_to(tmp_path)
    assert discover([tmp_path]) == [tmp_path / "a/x.mp3"]


def test_excluded_folders_are_left_out(tmp_path):
    touch(tmp_path / "a.mp3", tmp_path / "clips/b.mp3", tmp_path / "clips2/c.mp3")
    found = discover([tmp_path], exclude=[tmp_path / "clips", tmp_path / "none"])
    assert found == [tmp_path / "a.mp3", tmp_path / "clips2/c.mp3"]


@pytest.mark.parametrize("name", ["a b.mp3", "a\tb.mp3", "a\nb.mp3", "گفتگو.mp3", "caf\udce9.mp3"])
def test_names_survive(tmp_path, name):
    touch(tmp_path / name)
    assert [os.fsencode(path.name) for path in discover([tmp_path])] == [os.fsencode(name)]


def test_a_folder_without_media(tmp_path):
    touch(tmp_path / "a.txt", tmp_path / "b/c.pdf")
    with pytest.raises(MediaError) as caught:
        discover([tmp_path])
    assert str(caught.value) == (
        f"{tmp_path}: expected at least one audio or video file, found none among 2 files. "
        "Pass a folder with media, or name a file outright if its extension is unusual."
    )


def test_two_empty_folders(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    with pytest.raises(MediaError, match="^2 folders: expected at least one .*, found none among 0 files"):
        discover([tmp_path / "a", tmp_path / "b"])


def test_a_missing_path_raises_or_is_told(tmp_path):
    touch(tmp_path / "a.mp3")
    missing = tmp_path / "none"
    with pytest.raises(MediaError) as caught:
        discover([missing])
    assert str(caught.value) == f"{missing}: expected a file or folder, found nothing there. Check the path."
    told: list[MediaError] = []
    assert discover([missing, tmp_path], on_error=told.append) == [tmp_path / "a.mp3"]
    assert [error.subject for error in told] == [str(missing)]


def test_an_unreadable_folder_is_told_and_the_rest_walked(tmp_path, monkeypatch):
    touch(tmp_path / "a.mp3", tmp_path / "locked/b.mp3")
    real = os.scandir

    def locked(folder):
        if Path(folder).name == "locked":
            raise PermissionError(13, "Permission denied")
        return real(folder)

    monkeypatch.setattr(module.os, "scandir", locked)
    told: list[MediaError] = []
    assert discover([tmp_path], on_error=told.append) == [tmp_path / "a.mp3"]
    assert [str(error) for error in told] == [
        f"{tmp_path / 'locked'}: expected a readable folder, found Permission denied. Change its permissions."
    ]
