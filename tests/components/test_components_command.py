"""`earmark components` as a user runs it, with a separator that keeps a band and the ears that ship."""

from __future__ import annotations

import errno
import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pysubs2
import pytest
import typer
from typer.testing import CliRunner, Result

from earmark.cli import components as command
from earmark.components import ComponentSettings
from earmark.errors import EarmarkError
from earmark.media.clips import write_waveforms
from earmark.records import Recording
from earmark.timeline import Waveform

ALARM = "smoke alarm | alarm\nbeeping | alarm beeps\n"


def run(*arguments: str | Path, library: Path) -> Result:
    app = typer.Typer()
    app.command(epilog=command.EXAMPLE)(command.components)
    return CliRunner().invoke(app, [*map(str, arguments), "--library", str(library), "--workers", "1"])


def message(result: Result) -> str:
    assert isinstance(result.exception, EarmarkError), result.output
    return str(result.exception)


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("library")


@pytest.fixture
def lenient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is not silence stays: what the ears think of a beep is not what is tested here."""
    import earmark.components as job

    monkeypatch.setattr(
        job, "ComponentSettings", partial(ComponentSettings, least_evidence=0.0, least_again=0.0, among=99)
    )


@pytest.fixture
def listed(tmp_path: Path) -> Path:
    path = tmp_path / "mine.txt"
    path.write_text(ALARM, encoding="utf-8")
    return path


def test_a_folder_with_the_sounds_their_captions_and_a_summary(
    street: Recording, listed: Path, library: Path, tmp_path: Path, bands: Any, lenient: None
) -> None:
    out = tmp_path / "a" / "out"
    result = run(street.path, "-o", out, "--sounds", listed, "--at-least", "0.1", "--engine", "bands", library=library)
    assert result.exit_code == 0, result.output
    summary = json.loads((out / "components.json").read_text(encoding="utf-8"))
    assert (summary["recording"], summary["id"], summary["duration_seconds"]) == (street.path, street.id, 14.0)
    assert summary["engine"] == "bands" and summary["captions"] == "components.srt"
    rows = summary["components"]
    assert rows and {row["sound"] for row in rows} <= {"smoke alarm", "beeping"}
    for row in rows:
        assert (out / row["file"]).is_file() and row["file"].endswith(".wav")
        assert row["seconds"] == pytest.approx(sum(m["end"] - m["start"] for m in row["moments"]), abs=0.01)
        for moment in row["moments"]:
            assert set(moment) == {"start", "end", "probability", "share", "again", "named", "kept", "reason"}
            assert 0.1 <= moment["probability"] <= 1 and 0 <= moment["again"] <= 1 and moment["kept"] is True
            assert moment["reason"] is None
    files = {each.name for each in out.iterdir()}
    assert files == {row["file"] for row in rows} | {"components.json", "components.srt"}
    captions = list(pysubs2.load(str(out / "components.srt")))
    assert captions and {c.plaintext.split("\n")[0] for c in captions} <= {"[alarm]", "[alarm beeps]"}
    assert any(c.start < 8000 and c.end > 4000 for c in captions)
    sounds = "1 sound" if len(rows) == 1 else f"{len(rows)} sounds"
    assert f"kept {len(rows)} of {sounds}; 0:14.0 taken apart" in result.output
    row = next(line for line in result.output.splitlines() if line.endswith(rows[0]["file"]))
    best = max(moment["probability"] for moment in rows[0]["moments"])
    seconds = f"0:{rows[0]['seconds']:04.1f}"
    assert row.split() == [*rows[0]["name"].split(), str(len(rows[0]["moments"])), "×", seconds, f"{best:.2f}",
                           rows[0]["file"]]  # fmt: skip


def test_json_lines(street: Recording, listed: Path, library: Path, tmp_path: Path, bands: Any, lenient: None) -> None:
    result = run(
        street.path, "-o", tmp_path / "out", "--sounds", listed, "--at-least", "0.1", "--engine", "bands", "--json",
        "--top", "1", library=library,
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    rows = [json.loads(line) for line in result.stdout.splitlines() if line.startswith("{")]
    assert len(rows) == 1
    assert rows == json.loads((tmp_path / "out" / "components.json").read_text(encoding="utf-8"))["components"]


def test_sounds_that_do_not_stay_are_told_and_leave_no_file(
    street: Recording, listed: Path, library: Path, tmp_path: Path, bands: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    import earmark.components as job

    out = tmp_path / "out"
    for strict, reason in (
        ({"least_again": 1.1}, "no longer heard when alone"),
        ({"least_again": 0.0, "least_evidence": 1.1, "among": 99}, "too little of it to take"),
        ({"least_again": 0.0, "least_evidence": 0.0, "among": 0, "alike": 2.0}, "sounds more like another"),
    ):
        monkeypatch.setattr(job, "ComponentSettings", partial(ComponentSettings, **strict))
        result = run(
            street.path, "-o", out, "--sounds", listed, "--at-least", "0.1", "--engine", "bands", "--force",
            library=library,
        )  # fmt: skip
        assert result.exit_code == 0, result.output
        rows = json.loads((out / "components.json").read_text(encoding="utf-8"))["components"]
        assert {moment["reason"] for row in rows for moment in row["moments"]} == {reason}
        named = rows[0]["moments"][0]["named"]
        assert f"left out: {reason.replace('another', named)}\n" in result.output
        assert f"kept 0 of {len(rows)} sound" in result.output
        assert sorted(each.name for each in out.iterdir()) == ["components.json", "components.srt"]


def test_writing_over_an_earlier_run_leaves_none_of_its_sounds(
    street: Recording, library: Path, tmp_path: Path, bands: Any, lenient: None
) -> None:
    out = tmp_path / "out"
    options = ("--at-least", "0.05", "--engine", "bands", "--top", "1", "--force")
    assert run(street.path, "-o", out, "--sounds", "smoke alarm", *options, library=library).exit_code == 0
    assert (out / "smoke_alarm.wav").is_file()
    (out / "mine.wav").write_bytes(b"mine")
    (tmp_path / "outside.wav").write_bytes(b"mine")
    summary = json.loads((out / "components.json").read_text(encoding="utf-8"))
    summary["components"] += [{"file": "../outside.wav"}, {"file": str(tmp_path / "outside.wav")}, {"file": None}]
    (out / "components.json").write_text(json.dumps(summary), encoding="utf-8")
    assert run(street.path, "-o", out, "--sounds", "beeping", *options, library=library).exit_code == 0
    assert sorted(each.name for each in out.iterdir()) == [
        "beeping.wav", "components.json", "components.srt", "mine.wav",
    ]  # fmt: skip
    assert (out / "mine.wav").read_bytes() == (tmp_path / "outside.wav").read_bytes() == b"mine"
    again = run(street.path, "-o", out, "--sounds", "beeping", *options, library=library)
    assert again.exit_code == 0 and (out / "beeping.wav").is_file()


def test_a_folder_and_nothing_are_no_recording(street: Recording, tmp_path: Path, bands: Any) -> None:
    for path, found in (
        (Path(street.path).parent, "a folder. Pass the files in it, or a command that walks folders."),
        (tmp_path / "nothere.wav", "nothing there. Check the path."),
    ):
        result = run(path, "-o", tmp_path / "out", "--engine", "bands", library=tmp_path / "library")
        assert message(result) == f"{path}: expected an audio or video file, found {found}"
    assert [each.name for each in tmp_path.iterdir()] == ["street.wav"]


def test_nothing_found_is_one_line_and_nothing_written(
    street: Recording, library: Path, tmp_path: Path, bands: Any
) -> None:
    result = run(
        street.path, "-o", tmp_path / "out", "--sounds", "a cow mooing", "--at-least", "0.99", "--engine", "bands",
        library=library,
    )  # fmt: skip
    assert result.exit_code == 0
    assert result.output.splitlines()[-1] == (
        f"nothing found in {street.path} that is at least 0.99 probable; nothing was written"
    )
    assert not (tmp_path / "out").exists() and bands.asked == []


def test_a_sound_named_twice_is_asked_for_once(street: Recording, library: Path, tmp_path: Path, bands: Any) -> None:
    result = run(
        street.path, "-o", tmp_path / "out", "--sounds", "a cow mooing, A cow  mooing", "--at-least", "0.99",
        "--engine", "bands", library=library,
    )  # fmt: skip
    assert "note: named more than once, asked for once: A cow mooing" in result.output


def test_an_empty_list_is_refused(street: Recording, library: Path, tmp_path: Path, bands: Any) -> None:
    result = run(street.path, "-o", tmp_path / "out", "--sounds", " , ", "--engine", "bands", library=library)
    assert message(result) == (
        '--sounds: expected sounds to listen for, found none. Try: --sounds "dog barking, door slam"'
    )
    empty = tmp_path / "empty.txt"
    empty.write_text("# nothing yet\n", encoding="utf-8")
    result = run(street.path, "-o", tmp_path / "out", "--sounds", empty, "--engine", "bands", library=library)
    assert message(result) == f"{empty}: expected sounds, one a line, found none. Write one a line: a dog barking"
    assert isinstance(result.exception, EarmarkError) and result.exception.exit_code == 2


def test_a_video_without_sound(library: Path, tmp_path: Path, bands: Any, write_media: Callable[..., Path]) -> None:
    film = write_media(tmp_path / "film.mp4", video_seconds=1.0)
    result = run(film, "-o", tmp_path / "out", "--engine", "bands", library=library)
    assert message(result) == (f"{film}: expected an audio stream, found only video. Pass a file with sound.")
    assert not (tmp_path / "out").exists()


def test_what_lies_in_the_folder_is_kept(
    street: Recording, listed: Path, library: Path, tmp_path: Path, bands: Any, lenient: None
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "components.json").write_text("mine", encoding="utf-8")
    arguments = [street.path, "-o", out, "--sounds", listed, "--at-least", "0.1", "--engine", "bands"]
    result = run(*arguments, library=library)
    assert message(result) == (
        f"{out}/components.json: expected a free name, found a file that is already there. "
        "Choose another name, or pass --force to write over it."
    )
    assert (out / "components.json").read_text(encoding="utf-8") == "mine" and bands.asked == []
    assert run(*arguments, "--force", library=library).exit_code == 0
    again = run(*arguments, "--force", library=library)
    assert again.exit_code == 0, again.output


def test_an_output_that_is_a_file(street: Recording, library: Path, tmp_path: Path, bands: Any) -> None:
    result = run(street.path, "-o", street.path, "--engine", "bands", library=library)
    assert message(result) == (f"{street.path}: expected a folder to write into, found a file. Choose another name.")


def test_an_unknown_engine_is_told_before_listening(street: Recording, tmp_path: Path, bands: Any) -> None:
    result = run(street.path, "-o", tmp_path / "out", "--engine", "audioseb", library=tmp_path / "library")
    assert message(result).startswith("audioseb: expected one of the separator engines ")
    assert message(result).endswith("Did you mean audiosep?")
    assert not (tmp_path / "library").exists()


def test_the_same_command_goes_on_after_a_full_disk(
    street: Recording, listed: Path, library: Path, tmp_path: Path, bands: Any, lenient: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    from earmark import formats

    out = tmp_path / "out"
    arguments = [street.path, "-o", out, "--sounds", listed, "--at-least", "0.1", "--engine", "bands"]

    def full(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(formats, "_module", full)
        assert run(*arguments, library=library).exit_code != 0
    assert not (out / "components.srt").exists() and not (out / "components.json").exists()
    assert list(out.glob("*.wav"))
    bands.asked.clear()
    result = run(*arguments, library=library)
    assert result.exit_code == 0, result.output
    assert bands.asked == [], "nothing is separated again"


def test_eight_kilohertz_and_six_channels(
    listed: Path, library: Path, tmp_path: Path, bands: Any, lenient: None, samples: Callable[[Path], Any]
) -> None:
    t = np.arange(8 * 8_000) / 8_000
    beeps = (0.3 * np.sin(2 * np.pi * 3100 * t) * ((t >= 2) & (t < 6) & (t % 1.0 < 0.5))).astype(np.float32)
    wide = np.stack([beeps, 0 * beeps, 0 * beeps, beeps, 0 * beeps, beeps])
    write_waveforms(tmp_path / "six.wav", Waveform(wide, 8_000))
    out = tmp_path / "out"
    result = run(
        tmp_path / "six.wav", "-o", out, "--sounds", listed, "--at-least", "0.05", "--engine", "bands",
        library=library,
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    for path in out.glob("*.wav"):
        found, rate = samples(path)
        assert rate == 8_000 and found.shape == wide.shape
    assert list(out.glob("*.wav"))
