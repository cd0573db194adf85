from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import typer
from numpy.typing import NDArray
from typer.testing import CliRunner, Result

from earmark.cli import segment as command
from earmark.errors import EarmarkError

RATE = 16_000


@pytest.fixture
def run() -> Callable[..., Result]:
    app = typer.Typer(pretty_exceptions_enable=False)
    app.command("segment")(command.segment)

    def invoke(*arguments: object) -> Result:
        return CliRunner().invoke(app, [str(argument) for argument in arguments])

    return invoke


def noise(seconds: float, total: float) -> NDArray[np.float32]:
    """White noise for the first `seconds`, then digital silence; shape ``(1, n)``."""
    samples = np.zeros((1, int(total * RATE)), np.float32)
    samples[0, : int(seconds * RATE)] = np.random.default_rng(0).standard_normal(int(seconds * RATE)) * 0.1
    return samples


@pytest.fixture
def folder(tmp_path: Path, write_media: Callable[..., Path], sound: type) -> Path:
    """Noise in a name with spaces and a tab, silence under a Persian name one folder down, and a text file."""
    top = tmp_path / "in"
    (top / "عمق").mkdir(parents=True)
    write_media(top / "a b\tc.wav", sound(noise(3, 5)))
    write_media(top / "عمق" / "سکوت.mp3", sound(np.zeros((1, 2 * RATE), np.float32)))
    (top / "notes.txt").write_text("not media")
    return top


def failure(result: Result) -> EarmarkError:
    assert isinstance(result.exception, EarmarkError), result.output
    return result.exception


def test_one_row_a_file(run: Callable[..., Result], folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "segmented.tsv"
    result = run(folder, "-o", out)
    assert result.exit_code == 0, result.output
    rows = list(csv.reader(io.StringIO(out.read_text("utf-8")), delimiter="\t"))
    assert rows == [[str(folder / "a b\tc.wav"), "0"], [str(folder / "عمق" / "سکوت.mp3"), "0"]]
    assert result.stdout == ""
    assert "heard 2 recordings" in result.stderr


def test_all_classes_in_a_table_on_standard_output(run: Callable[..., Result], folder: Path) -> None:
    result = run(folder / "a b\tc.wav", "--format", "jsonl")
    assert result.exit_code == 0, result.output
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    assert [row["kind"] for row in rows] == ["noise"]
    assert rows[0]["end"] == pytest.approx(3.0, abs=0.1)
    nothing = run(folder / "a b\tc.wav", "--format", "jsonl", "--classes", "speech, music")
    assert nothing.exit_code == 0
    assert nothing.stdout == ""


def test_formats_of_one_recording_fill_a_folder_and_keep_what_is_there(
    run: Callable[..., Result], folder: Path, tmp_path: Path
) -> None:
    out = tmp_path / "labels"
    out.mkdir()
    (out / "mine.md").write_text("mine")
    assert run(folder, "--format", "audacity", "-o", out).exit_code == 0
    assert sorted(path.name for path in out.iterdir()) == sorted(["a b\tc.txt", "mine.md", "سکوت.txt"])
    start, end, label = (out / "a b\tc.txt").read_text().rstrip("\n").split("\t")
    assert (float(start), label) == (0.0, "noise")
    assert float(end) == pytest.approx(3.0, abs=0.1)
    (out / "a b\tc.txt").write_text("edited by hand")
    again = run(folder, "--format", "audacity", "-o", out)
    assert again.exit_code == 0
    assert (out / "a b\tc.txt").read_text() == "edited by hand"
    assert "kept the labels of 2 recordings" in again.stderr
    assert run(folder, "--format", "audacity", "-o", out, "--force").exit_code == 0
    assert (out / "a b\tc.txt").read_text() != "edited by hand"
    assert (out / "mine.md").read_text() == "mine"


def test_several_recordings_do_not_fit_one_file_of_one(
    run: Callable[..., Result], folder: Path, tmp_path: Path
) -> None:
    out = tmp_path / "x.TextGrid"
    assert str(failure(run(folder, "-o", out))) == (
        f"{out}: expected a folder, for textgrid holds one recording and there are 2, found the name of a file. "
        "Make a folder and pass it with -o, or use csv, rttm or jsonl."
    )


def test_an_existing_output_is_kept_before_anything_is_heard(
    run: Callable[..., Result], folder: Path, tmp_path: Path
) -> None:
    out = tmp_path / "segmented.tsv"
    out.write_text("mine")
    result = run(folder, "-o", out)
    assert str(failure(result)) == (
        f"{out}: expected a free name, found a file that is already there. "
        "Choose another name, or pass --force to write over it."
    )
    assert "heard" not in result.stderr
    assert out.read_text() == "mine"
    assert run(folder, "-o", out, "--force").exit_code == 0
    assert out.read_text() != "mine"


def test_clips_inside_the_input_are_not_heard_as_input(run: Callable[..., Result], folder: Path) -> None:
    clips = folder / "clips"
    first = run(folder, "--clips", clips, "-o", folder / "one.tsv")
    assert first.exit_code == 0, first.output
    made = sorted(path.name for path in clips.iterdir())
    assert len(made) == 1
    assert "_noise_" in made[0]
    again = run(folder, "--clips", clips, "-o", folder / "two.tsv")
    assert again.exit_code == 0, again.output
    assert (folder / "one.tsv").read_text("utf-8") == (folder / "two.tsv").read_text("utf-8")
    assert sorted(path.name for path in clips.iterdir()) == made
    assert str(failure(run(folder, "--clips", folder))) == (
        f"{folder}: expected a folder of its own for the clips, found the input. Use --clips DIR/clips."
    )


def test_a_broken_file_among_others_is_told_at_the_end(
    run: Callable[..., Result], folder: Path, tmp_path: Path
) -> None:
    (folder / "broken.wav").write_bytes(b"no audio at all" * 10)
    out = tmp_path / "segmented.tsv"
    result = run(folder, "-o", out)
    assert result.exit_code == 1
    assert "1 of 3 files could not be heard:" in result.stderr
    assert "broken.wav: expected" in result.stderr
    assert len(out.read_text("utf-8").splitlines()) == 2
    alone = run(folder / "broken.wav", "-o", tmp_path / "alone.tsv")
    assert "broken.wav" in str(failure(alone))
    assert not (tmp_path / "alone.tsv").exists()


def test_chunks_and_windows(
    run: Callable[..., Result], tmp_path: Path, write_media: Callable[..., Path], sound: type
) -> None:
    path = write_media(tmp_path / "talk.wav", sound(np.concatenate([noise(5, 6), noise(5, 6)], axis=1)))
    chunks = run(path, "--chunks", "4")
    assert chunks.exit_code == 0, chunks.output
    rows = list(csv.DictReader(io.StringIO(chunks.stdout)))
    assert [(float(row["start"]), float(row["end"]), row["text"]) for row in rows] == [
        (0.0, 5.2, "chunk 1"),
        (5.8, 11.2, "chunk 2"),
    ]
    windows = run(path, "--window", "5", "--hop", "4", "--format", "rttm")
    assert [line.split()[3:5] for line in windows.stdout.splitlines()] == [
        ["0.000", "5.000"],
        ["4.000", "5.000"],
        ["8.000", "4.000"],
    ]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            ["--preset", "x"],
            "x: expected one of the presets default, bacs, found another. Leave --preset out for the default.",
        ),
        (["--classes", " , "], "--classes: expected at least one class, found none. Use --classes speech."),
        (
            ["--classes", "speech,birds"],
            "birds: expected one of the model's classes speech, music, noise, found another. "
            "Use --classes speech,music,noise.",
        ),
        (
            ["--chunks", "5", "--window", "5"],
            "--window: expected one way to cut, found --chunks as well. Choose one of them.",
        ),
        (["--hop", "2"], "--hop: expected --window with it, found no --window. Add --window 4."),
        (
            ["--window", "2", "--hop", "3"],
            "--hop: expected at most the window, 2 s, found 3 s. A longer hop would leave gaps.",
        ),
        (["--chunks", "40"], "--longest: expected more than --chunks, 40 s, found 30 s. Use --longest 120."),
    ],
)
def test_impossible_wishes(run: Callable[..., Result], folder: Path, options: list[str], message: str) -> None:
    error = failure(run(folder, *options))
    assert str(error) == message
    assert error.exit_code == 2


def test_the_preset_of_older_rules(
    run: Callable[..., Result], tmp_path: Path, write_media: Callable[..., Path], sound: type
) -> None:
    path = write_media(tmp_path / "short.wav", sound(noise(1.5, 6)))
    assert "noise" in run(path, "--format", "csv").stdout
    assert "noise" not in run(path, "--format", "csv", "--preset", "bacs").stdout


def test_recordings_of_one_name_get_files_of_their_own(tmp_path: Path) -> None:
    files = [Path("a/x.wav"), Path("b/x.mp3"), Path("c/x-2.wav")]
    targets = command._targets(files, tmp_path, ".txt")
    assert [path.name for path in targets.values()] == ["x.txt", "x-2.txt", "x-2-2.txt"]
