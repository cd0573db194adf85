"""The manifest read back, and its broken lines."""

from __future__ import annotations

import pytest

from earmark.errors import FormatError
from earmark.formats.manifest import Chunk, read_manifest, write_manifest
from earmark.timeline import Span

CHUNK = Chunk("i", "r", "/media/a.mp3", 0.5, 10.25, "متن", ("یک", "two"), "fa", "train", "s", "l", "t", "given")


def test_what_is_written_is_read(tmp_path):
    write_manifest(tmp_path, [CHUNK])
    assert read_manifest(tmp_path) == read_manifest(tmp_path / "manifest.jsonl") == [CHUNK]
    assert CHUNK.span == Span(0.5, 10.25)


def test_columns_that_are_not_ours_do_no_harm(tmp_path):
    path = tmp_path / "manifest.jsonl"
    path.write_text('{"id": "i", "recording": "r", "path": "a.mp3", "start": 0, "end": 1, "mood": "good"}\n')
    assert read_manifest(path) == [Chunk("i", "r", str(tmp_path / "a.mp3"), 0, 1)]


@pytest.mark.parametrize("line", ["{", "[]", '{"id": "i"}', '{"id":"i","recording":"r","path":"a","start":2,"end":1}'])
def test_a_line_that_is_no_chunk(tmp_path, line):
    path = tmp_path / "manifest.jsonl"
    path.write_text(line + "\n")
    with pytest.raises(FormatError) as caught:
        read_manifest(path)
    assert str(caught.value) == (
        f"{path}, line 1: expected a chunk as a JSON object with id, recording, path, start and end, "
        f"found {line[:40]!r}. Build the data set again."
    )


def test_no_manifest(tmp_path):
    with pytest.raises(FormatError, match="expected the manifest of a data set, found none there"):
        read_manifest(tmp_path)


def test_names_that_are_no_text_survive_in_json_lines(tmp_path):
    path = b"/media/caf\xe9.mp3".decode("utf-8", "surrogateescape")
    write_manifest(tmp_path, [Chunk("i", "r", path, 0.0, 1.0)])
    assert read_manifest(tmp_path)[0].path == path
