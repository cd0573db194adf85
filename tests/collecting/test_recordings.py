"""The list of a collection: appended line by line, whole after any kill."""

from __future__ import annotations

import pytest

from earmark.collecting.recordings import LIST_NAME, Entry, append_entry, read_entries, write_entries
from earmark.errors import FormatError
from earmark.timeline import Span


def test_what_is_written_is_read(tmp_path):
    entry = Entry(
        tmp_path / "a b.mp3",
        text="سلام",
        lines=((Span(0.5, 1.25), "one"),),
        language="fa",
        speaker="s",
        published="2024-01-01T00:00:00+00:00",
        duration_seconds=12.5,
        num_bytes=10**12,
        modified_ns=1_700_000_000_123_456_789,
    )
    other = Entry(tmp_path.parent / "elsewhere.wav")
    write_entries(tmp_path, [other, entry])
    assert read_entries(tmp_path) == [entry, other]


def test_names_that_are_no_text_survive(tmp_path):
    entry = Entry(tmp_path / b"caf\xe9.mp3".decode("utf-8", "surrogateescape"))
    append_entry(tmp_path, entry)
    assert read_entries(tmp_path) == [entry]


def test_the_later_of_two_lines_holds(tmp_path):
    append_entry(tmp_path, Entry(tmp_path / "a.mp3", title="old"))
    append_entry(tmp_path, Entry(tmp_path / "a.mp3", title="new"))
    assert [entry.title for entry in read_entries(tmp_path)] == ["new"]


def test_a_line_that_was_not_finished_is_no_harm(tmp_path):
    append_entry(tmp_path, Entry(tmp_path / "a.mp3"))
    with open(tmp_path / LIST_NAME, "ab") as file:
        file.write('{"file": "half", "title": "سل'.encode()[:-1])
    append_entry(tmp_path, Entry(tmp_path / "b.mp3"))
    assert [entry.path.name for entry in read_entries(tmp_path)] == ["a.mp3", "b.mp3"]


@pytest.mark.parametrize("line", ['{"title": "no file"}', "[1, 2]}", '{"file": "a", "lines": [[2, 1, "x"]]}'])
def test_a_line_that_is_not_ours(tmp_path, line):
    (tmp_path / LIST_NAME).write_text('{"file": "a.mp3"}\n' + line + "\n")
    with pytest.raises(FormatError) as caught:
        read_entries(tmp_path)
    assert str(caught.value) == (
        f"{tmp_path}/{LIST_NAME}, line 2: expected a recording as a JSON object with a file, found {line!r}. "
        "Correct the line, or delete it."
    )


def test_no_list(tmp_path):
    assert read_entries(tmp_path) == []
