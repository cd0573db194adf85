"""Shards: what WebDataset reads, with the audio of each chunk."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

import pytest

from earmark.collecting.shards import write_shards
from earmark.errors import FormatError
from earmark.formats.manifest import Chunk
from earmark.media.decode import decode


@pytest.fixture
def chunks(tmp_path, write_media, tone, sound):
    path = write_media(tmp_path / "a.wav", sound(tone(2, 3, 9.0)))
    return [
        Chunk(f"abc-{n:08d}", "abc", str(path), float(n), n + 3.0, f"متن {n}", ("k",), "fa", split)
        for n, split in [(0, "train"), (3_000 // 1000, "train"), (6, "test")]
    ]


def members(path: Path) -> dict[str, bytes]:
    with tarfile.open(path) as shard:
        return {member.name: shard.extractfile(member).read() for member in shard}


def test_each_chunk_is_three_members_of_one_key(chunks, tmp_path):
    paths = write_shards(chunks, tmp_path / "out")
    assert [path.name for path in paths] == ["train-000000.tar", "test-000000.tar"]
    inside = members(paths[0])
    assert list(inside) == [f"abc-0000000{n}.{kind}" for n in (0, 3) for kind in ("flac", "json", "txt")]
    assert inside["abc-00000000.txt"].decode() == "متن 0"
    assert json.loads(inside["abc-00000003.json"])["start"] == 3.0


def test_the_audio_is_that_of_the_chunk(chunks, tmp_path):
    inside = members(write_shards(chunks, tmp_path / "out")[0])
    (tmp_path / "first.flac").write_bytes(inside["abc-00000000.flac"])
    (wave,) = decode(tmp_path / "first.flac")
    (original,) = decode(chunks[0].path, start_seconds=0.0, end_seconds=3.0)
    assert wave.num_samples == 48_000
    assert abs(wave.samples - original.samples).max() <= 1 / 32_768


def test_equal_data_sets_give_equal_shards(chunks, tmp_path):
    first, second = (write_shards(chunks, tmp_path / name) for name in ("a", "b"))
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]


def test_a_new_shard_begins_where_one_is_full(chunks, tmp_path):
    paths = write_shards(chunks, tmp_path / "out", shard_bytes=1)
    assert [path.name for path in paths] == ["train-000000.tar", "train-000001.tar", "test-000000.tar"]
    assert sum(len(members(path)) for path in paths) == 9


def test_shards_that_are_there_are_kept(chunks, tmp_path):
    write_shards(chunks, tmp_path / "out")
    with pytest.raises(FormatError, match="expected a free name, found a file that is already there"):
        write_shards(chunks, tmp_path / "out")
    assert len(write_shards(chunks, tmp_path / "out", force=True)) == 2


def test_samples_group_by_key_as_webdataset_groups_them(chunks, tmp_path):
    """Its rule: consecutive members of one name up to the first dot are one sample."""
    with tarfile.open(fileobj=io.BytesIO(write_shards(chunks, tmp_path / "out")[0].read_bytes())) as shard:
        keys = [member.name.partition(".")[0] for member in shard]
    assert keys == ["abc-00000000"] * 3 + ["abc-00000003"] * 3
