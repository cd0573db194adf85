"""The commands as a user runs them: real processes, a real reading, what they print and how they end."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import wave
from importlib.util import find_spec
from pathlib import Path

import pytest

SECONDS = 17.0


def earmark(*arguments: str | Path, library: Path | None = None) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONIOENCODING": "utf-8", "COLUMNS": "120", "NO_COLOR": "1"}
    if library is not None:
        environment["EARMARK_LIBRARY"] = str(library)
    command = [sys.executable, "-m", "earmark", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, encoding="utf-8", env=environment)


@pytest.fixture(scope="module")
def reading(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first seconds of A Tale of Two Cities, from the recogniser's own wheel."""
    spec = find_spec("moonshine_voice")
    assert spec is not None and spec.origin is not None
    path = tmp_path_factory.mktemp("media") / "two cities.wav"
    with (
        wave.open(str(Path(spec.origin).parent / "assets" / "two_cities.wav")) as source,
        wave.open(str(path), "wb") as target,
    ):
        target.setparams(source.getparams())
        target.writeframes(source.readframes(round(SECONDS * source.getframerate())))
    return path


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory, reading: Path) -> Path:
    folder = tmp_path_factory.mktemp("library")
    run = earmark("index", reading, library=folder)
    assert run.returncode == 0, run.stderr
    assert "heard 1 recording, 0:17.0" in run.stderr and run.stdout == ""
    return folder


def test_find_prints_the_moment_with_its_match_marked(library: Path) -> None:
    run = earmark("find", "the age of wisdom", library=library)
    assert run.returncode == 0
    first, second = run.stdout.splitlines()[:2]
    assert "two cities.wav" in first and "0:05" in first and "said" in first
    assert "[the age of wisdom]" in second


def test_find_prints_one_json_object_a_line(library: Path, reading: Path) -> None:
    run = earmark("find", "the age of wisdom", "--json", "--limit", "1", library=library)
    (line,) = run.stdout.splitlines()
    moment = json.loads(line)
    assert moment["recording"] == str(reading) and moment["kind"] == "said"
    assert moment["start"] == pytest.approx(5.2, abs=0.4) and moment["end"] == pytest.approx(6.2, abs=0.4)
    assert 0.5 <= moment["probability"] <= 1 and "wisdom" in moment["text"]
    assert moment["evidence"]["way"] == "exact"


def test_what_is_not_there_is_a_note_and_no_failure(library: Path) -> None:
    run = earmark("find", "said: quarterly budget", library=library)
    assert (run.returncode, run.stdout) == (0, "")
    assert "not here: nothing like 'said: quarterly budget' with a score of 0.5 or more" in run.stderr


def test_asking_again_costs_no_pass_over_the_audio(library: Path, reading: Path) -> None:
    run = earmark("find", "the age of wisdom", reading, library=library)
    assert run.returncode == 0 and "heard" not in run.stderr
    assert "nothing new: the 1 recording was heard before" in earmark("index", reading, library=library).stderr


def test_find_writes_clips_and_labels_and_keeps_what_is_there(library: Path, tmp_path: Path) -> None:
    clips, labels = tmp_path / "clips", tmp_path / "moments.srt"
    command = ("find", "said: the age of wisdom", "--limit", "1", "--clips", clips, "--context", "0.5", "-o", labels)
    run = earmark(*command, library=library)
    assert run.returncode == 0, run.stderr
    (clip,) = clips.iterdir()
    with wave.open(str(clip)) as file:
        assert file.getnframes() / file.getframerate() == pytest.approx(2.0, abs=0.5)
    assert "the age of wisdom" in labels.read_text(encoding="utf-8")
    again = earmark(*command, library=library)
    assert again.returncode == 1 and "moments.srt: expected" in again.stderr


@pytest.mark.parametrize("extension", ["srt", "vtt", "txt", "json"])
def test_transcribe_writes_what_was_said(extension: str, library: Path, reading: Path, tmp_path: Path) -> None:
    path = tmp_path / f"reading.{extension}"
    run = earmark("transcribe", reading, "-o", path, library=library)
    assert run.returncode == 0, run.stderr
    text = path.read_text(encoding="utf-8")
    assert "age of foolishness" in text
    if extension == "json":
        words = [word for segment in json.loads(text)["segments"] for word in segment["words"]]
        assert all(0 <= word["start"] <= word["end"] <= SECONDS for word in words)
        assert sum(word["aligned"] for word in words) >= 0.8 * len(words)


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("find", ""), 2, "earmark: '': expected words to look for, found nothing. Try: earmark find"),
        (("find", "words", "missing.wav"), 1, "earmark: missing.wav: expected a file or folder, found nothing there."),
        (
            ("transcribe", "missing.wav"),
            1,
            "earmark: missing.wav: expected an audio or video file, found nothing there.",
        ),
        (("transcribe", "."), 1, "earmark: .: expected an audio or video file, found a folder. Pass the files in it"),
        (("transcribe", "x.wav", "-o", "x.doc"), 2, "earmark: x.doc: expected a format of labels, found '.doc'."),
        (("find", "words", "--library", "/dev/null"), 1, "earmark: /dev/null: expected a folder, found a file."),
        (("find", "word " * 500), 2, "expected a line of text, 2,000 characters at most, found 2,499 characters."),
        (("models", "pull", "nope"), 2, "found an unknown name. Run: earmark models list"),
        (
            ("segment", ".", "--longest", "9"),
            2,
            "--longest: expected --chunks with it, found no --chunks. Add --chunks 3.",
        ),
        (("find",), 2, "Missing argument 'TEXT'"),
        (("fnid", "x"), 2, "No such command 'fnid'"),
    ],
)
def test_mistakes_are_one_clear_line(arguments: tuple[str, ...], code: int, message: str, tmp_path: Path) -> None:
    run = earmark(*arguments, library=tmp_path / "library")
    assert (run.returncode, run.stdout) == (code, "")
    assert message in run.stderr and "Traceback" not in run.stderr


def test_a_library_that_does_not_exist_yet_says_what_to_do(tmp_path: Path) -> None:
    run = earmark("find", "words", library=tmp_path / "none")
    assert run.returncode == 0 and "is empty. Pass files to look in, or run: earmark index PATH" in run.stderr
    assert not (tmp_path / "none").exists()


def test_broken_files_are_listed_and_fail_the_run(reading: Path, library: Path, tmp_path: Path) -> None:
    (tmp_path / "letter.mp3").write_text("dear friend, this is not music")
    run = earmark("index", tmp_path, reading, library=library)
    assert run.returncode == 1
    assert "1 of 2 files could not be heard:" in run.stderr and "letter.mp3: expected audio or video" in run.stderr


def test_help_is_quick_to_import_and_has_an_example() -> None:
    for command in ("find", "index", "transcribe"):
        assert "Example: earmark" in earmark(command, "--help").stdout
    code = (
        "import sys; sys.argv = ['earmark', '--help']\n"
        "from earmark.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "heavy = {'numpy', 'av', 'onnxruntime', 'lancedb', 'pyarrow', 'torch', 'pocketsphinx', 'rapidfuzz'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


def test_a_reader_that_leaves_early_is_no_error(library: Path) -> None:
    command = f"{sys.executable} -m earmark find 'it was the' --json --min-score 0 --library {library} | head -n 1"
    run = subprocess.run(command, shell=True, capture_output=True, text=True)
    assert run.stderr == "" and len(run.stdout.splitlines()) == 1


def test_moments_of_several_recordings_are_not_laid_on_one_timeline(tmp_path: Path, write_media, sound, tone) -> None:
    for name in ("one", "two"):
        write_media(tmp_path / f"{name}.wav", sound(tone(0.5, 1.5, 3.0 + (name == "two"))))
        (tmp_path / f"{name}.srt").write_text("1\n00:00:00,500 --> 00:00:01,500\na greenhouse\n", encoding="utf-8")
    arguments = ("find", "said: greenhouse", tmp_path / "one.wav", tmp_path / "two.wav", "-o")
    run = earmark(*arguments, tmp_path / "both.srt", library=tmp_path / "library")
    assert run.returncode == 2 and not (tmp_path / "both.srt").exists()
    assert (
        f"earmark: {tmp_path / 'both.srt'}: expected moments of one recording, for .srt names none, found those of 2. "
        "Use .csv, .rttm or .jsonl, or name the one recording to look in." in run.stderr
    )
    run = earmark(*arguments, tmp_path / "both.csv", library=tmp_path / "library")
    assert run.returncode == 0, run.stderr
    assert {"one.wav", "two.wav"} <= set(
        (tmp_path / "both.csv").read_text(encoding="utf-8").replace("/", ",").split(",")
    )


def test_what_cannot_be_written_is_said_before_hours_of_listening(reading: Path, tmp_path: Path) -> None:
    taken = tmp_path / "taken.srt"
    taken.write_text("mine")
    for command in (
        ("find", "wisdom", reading, "-o", taken),
        ("find", "wisdom", reading, "--plot", tmp_path / "x.gif"),
        ("find", "wisdom", reading, "-o", tmp_path / "none" / "x.srt"),
        ("transcribe", reading, "-o", taken),
    ):
        run = earmark(*command, library=tmp_path / "library")
        assert run.returncode in (1, 2) and run.stdout == ""
        assert "heard" not in run.stderr and "expected" in run.stderr
    assert taken.read_text() == "mine" and not (tmp_path / "library").exists()


def test_answers_name_a_file_that_is_there_and_holds_it(reading: Path, tmp_path: Path) -> None:
    library, folder = tmp_path / "library", tmp_path / "media"
    (folder / "b").mkdir(parents=True)
    first, second = folder / "a.wav", folder / "b" / "copy.wav"
    shutil.copy(reading, first)
    shutil.copy(reading, second)
    assert earmark("index", folder, "--no-sounds", library=library).returncode == 0
    asked = ("find", "said: the age of wisdom", "--json", "--limit", "1")

    def where(*paths: Path) -> str:
        return str(json.loads(earmark(*asked, *paths, library=library).stdout)["recording"])

    assert where(folder / "b") == str(second)  # the copy that was asked for
    assert " is also " in earmark(*asked, library=library).stderr
    second.unlink()
    assert where() == str(first)  # the one that is still there
    first.unlink()
    gone = earmark(*asked, "--clips", tmp_path / "clips", library=library)
    assert "is not there any more" in gone.stderr and "not cut: " in gone.stderr and gone.returncode == 1


def test_a_path_that_holds_something_else_by_now_is_not_an_answer(reading: Path, tmp_path: Path) -> None:
    library, path = tmp_path / "library", tmp_path / "talk.wav"
    shutil.copy(reading, path)
    assert earmark("index", path, "--no-sounds", library=library).returncode == 0
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 16_000, 0, "NONE", ""))
        file.writeframes(bytes(2 * 16_000 * 3))
    assert earmark("index", path, "--no-sounds", library=library).returncode == 0
    run = earmark("find", "said: the age of wisdom", library=library)
    assert run.stdout == "" and "not here" in run.stderr


def test_ctrl_c_says_that_what_was_heard_is_kept(reading: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "earmark", "index", str(reading), "--library", str(tmp_path / "library")]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        while process.poll() is None and not (tmp_path / "library" / "tables" / "passages.lance").exists():
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate()
    assert process.returncode == 130
    assert stderr.endswith("earmark: stopped. What was heard is kept; the same command goes on from there.\n")
