"""Files appear whole or not at all, and a full disk or a taken name is said in one line."""

from __future__ import annotations

import errno

import pytest

from earmark.errors import FormatError
from earmark.media.files import atomic_path, atomic_write


def test_the_file_appears_at_the_end(tmp_path):
    path = tmp_path / "a.txt"
    with atomic_write(path) as file:
        file.write("سلام\n")
        assert not path.exists()
    assert path.read_bytes() == "سلام\n".encode()
    assert [each.name for each in tmp_path.iterdir()] == ["a.txt"]


def test_an_exception_leaves_what_was_there(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(KeyError), atomic_write(path, force=True) as file:
        file.write("new")
        raise KeyError
    assert path.read_text() == "old"
    assert [each.name for each in tmp_path.iterdir()] == ["a.txt"]


def test_a_link_is_written_through(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "real")
    with atomic_write(tmp_path / "link", binary=True) as file:
        file.write(b"\0")
    assert (tmp_path / "link").is_symlink() and (tmp_path / "real").read_bytes() == b"\0"


def test_a_device_is_written_as_it_is():
    with atomic_write("/dev/null") as file:
        file.write("gone")


def message(path, force: bool = False) -> str:
    with pytest.raises(FormatError) as caught, atomic_path(path, force=force) as temporary:
        temporary.write_text("x")
    return str(caught.value).removeprefix(f"{path}: ")


def test_names_that_cannot_be_written(tmp_path):
    taken = tmp_path / "taken"
    taken.touch()
    assert message(taken) == (
        "expected a free name, found a file that is already there. "
        "Choose another name, or pass --force to write over it."
    )
    assert message(tmp_path, force=True) == "expected the name of a file, found a folder. Add a file name to it."
    assert message(tmp_path / "no" / "a") == "expected a folder that exists, found none there. Make the folder first."
    assert message(tmp_path / ("x" * 300)) == "expected a shorter name, found one too long. Shorten it."


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (errno.ENOSPC, "expected room on the disk, found none left. Free some, or write elsewhere."),
        (errno.EROFS, "expected a folder you may write to, found one you may not. Write elsewhere."),
    ],
)
def test_a_full_or_locked_disk_leaves_nothing(tmp_path, number, said):
    path = tmp_path / "a.txt"
    with pytest.raises(FormatError) as caught, atomic_write(path) as file:
        file.write("half")
        raise OSError(number, "")
    assert str(caught.value) == f"{path}: {said}"
    assert list(tmp_path.iterdir()) == []


def test_a_name_taken_meanwhile_is_kept(tmp_path):
    path = tmp_path / "a.txt"
    with pytest.raises(FormatError, match="already there"), atomic_write(path) as file:
        file.write("mine")
        path.write_text("theirs")
    assert path.read_text() == "theirs"
