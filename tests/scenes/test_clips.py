"""Tables of labelled clips."""

from __future__ import annotations

from pathlib import Path

import pytest

from earmark.errors import FormatError, MediaError
from earmark.scenes.clips import Clip, read_clips, split_by_recording
from earmark.timeline import Span


def test_a_manifest(tmp_path: Path) -> None:
    (tmp_path / "manifest.csv").write_text(
        "file,label,caption,fold,licence\nx/1-100-A.wav,dog_bark,A dog barking,3,CC0\n", encoding="utf-8"
    )
    assert read_clips(tmp_path) == [
        Clip(tmp_path / "x/1-100-A.wav", "dog", "a dog barking", tmp_path.name, "3", "CC0", None)
    ]


def test_a_table_of_ones_own(tmp_path: Path) -> None:
    (tmp_path / "mine.csv").write_text("file,start,end,caption\na.wav,1.5,2.25,My old gate\nb.wav,,,rain\n")
    first, second = read_clips(tmp_path)
    assert (first.label, first.span) == ("my_old_gate", Span(1.5, 2.25))
    assert (second.label, second.span) == ("rain", None)


def test_missing_folder_and_missing_table(tmp_path: Path) -> None:
    with pytest.raises(MediaError) as caught:
        read_clips(tmp_path / "none")
    assert str(caught.value) == (
        f"{tmp_path / 'none'}: expected a folder of clips with a table, found no such folder. "
        "Add a CSV with the columns file,start,end,caption."
    )
    with pytest.raises(MediaError, match="found no .csv file"):
        read_clips(tmp_path)


def test_a_column_is_missing(tmp_path: Path) -> None:
    (tmp_path / "mine.csv").write_text("name,start\na.wav,1\n")
    with pytest.raises(FormatError) as caught:
        read_clips(tmp_path)
    assert str(caught.value) == (
        f"{tmp_path / 'mine.csv'}: expected the columns file and label, or file,start,end,caption, "
        "found name, start. Name the columns in the first line."
    )


@pytest.mark.parametrize("times", ["2,1", "x,1", "1,", "nan,2"])
def test_times_that_are_none(tmp_path: Path, times: str) -> None:
    (tmp_path / "mine.csv").write_text(f"file,start,end,caption\na.wav,0,1,dog\nb.wav,{times},dog\n")
    with pytest.raises(FormatError, match="mine.csv, line 3: expected start and end in seconds, start first"):
        read_clips(tmp_path)


def test_parts_of_one_recording_stay_together() -> None:
    clips = [
        Clip(Path(f"s/{n}_{part}.wav"), "dog", collection="c") for n in ("ab", "cd", "ef", "gh") for part in "12345"
    ]
    inside, outside = split_by_recording(clips, 0.5, seed=1)
    assert len(inside) + len(outside) == 20 and inside and outside
    assert not {c.recording for c in inside} & {c.recording for c in outside}
    assert split_by_recording(clips, 0.5, seed=1) == (inside, outside)


def test_what_a_name_tells_of_the_recording() -> None:
    names = ["1-100032-A.opus", "0-158737-B-0.opus", "549a46d8-9c84-430e-ade8-97eae2bef787-1430-1.7-m-48-bp.opus"]
    found = [Clip(Path("x") / name, "dog", collection="c").recording for name in names]
    assert found == ["c/100032", "c/158737", "c/549a46d8-9c84-430e-ade8-97eae2bef787"]
