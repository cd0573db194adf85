"""Local recordings are checked and listed where they are."""

from __future__ import annotations

import pytest

from earmark.collecting import local
from earmark.collecting.local import collect_local
from earmark.collecting.recordings import read_entries
from earmark.errors import FormatError


@pytest.fixture
def source(tmp_path, write_media, tone, sound):
    folder = tmp_path / "media"
    folder.mkdir()
    for name in "ab":
        write_media(folder / f"{name}.wav", sound(tone(0, 1, 1.5)))
    (folder / "broken.mp3").write_bytes(b"not media at all")
    return folder


def test_recordings_are_listed_and_not_copied(source, tmp_path):
    out = tmp_path / "list"
    result = collect_local(source, out)
    assert [(entry.path, entry.duration_seconds) for entry in read_entries(out)] == [
        (source / "a.wav", 1.5),
        (source / "b.wav", 1.5),
    ]
    assert (result.wanted, result.fetched) == (3, 2)
    ((path, error),) = result.failed
    assert path == str(source / "broken.mp3") and "found a text file" in str(error)
    assert sorted(path.name for path in out.iterdir()) == [".lock", "recordings.jsonl"]


def test_what_has_not_changed_is_not_checked_again(source, tmp_path, monkeypatch, write_media, tone, sound):
    collect_local(source, tmp_path / "list")
    checked = []
    inspect = local.inspect
    monkeypatch.setattr(local, "inspect", lambda path: (checked.append(path.name), inspect(path))[1])
    write_media(source / "b.wav", sound(tone(0, 1, 3.0)))
    result = collect_local(source, tmp_path / "list")
    assert checked == ["b.wav", "broken.mp3"]
    assert result.fetched == 1
    assert [entry.duration_seconds for entry in read_entries(tmp_path / "list")] == [1.5, 3.0]


def test_limit_and_dry_run(source, tmp_path):
    assert [entry.path.name for entry in collect_local(source, tmp_path / "x", limit=1, dry_run=True).here] == ["a.wav"]
    assert not (tmp_path / "x").exists()
    assert len(collect_local(source, tmp_path / "x", limit=1).here) == 1


def test_a_table_row_without_its_file_is_told(source, tmp_path):
    (source / "list.csv").write_text("path\na.wav\ngone.wav\n")
    result = collect_local(source / "list.csv", tmp_path / "x")
    ((path, error),) = result.failed
    assert str(error) == f"{source}/gone.wav: expected an audio or video file, found nothing there. Check the path."


def test_the_list_does_not_go_among_the_recordings(source):
    with pytest.raises(FormatError, match="expected a folder for the list apart from the recordings"):
        collect_local(source, source)
