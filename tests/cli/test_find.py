"""`earmark find`: what it says of what it did not hear, what it refuses, what it says it wrote."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from earmark.cli.app import app
from earmark.cli.find import check_clips
from earmark.errors import EarmarkError, FormatError, QueryError, UsageError
from earmark.indexing import index
from earmark.library import Catalogue
from earmark.settings import IndexSettings

CUES = "1\n00:00:00,500 --> 00:00:01,500\nMovable types made printing cheap.\n"


def find(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["find", *map(str, arguments)])


def refusal(*arguments: str | Path) -> EarmarkError:
    """What a command is refused with, before it prints an answer or says that it listened."""
    run = find(*arguments)
    assert isinstance(run.exception, EarmarkError), run.output
    assert run.stdout == "" and "heard " not in run.stderr
    return run.exception


@pytest.fixture
def talk(tmp_path: Path, write_media: Callable[..., Path], sound: Any, tone: Any) -> Path:
    """A file whose words a transcript gives."""
    path: Path = write_media(tmp_path / "talk.wav", sound(tone(0.5, 1.5, 3.0)))
    path.with_suffix(".srt").write_text(CUES, encoding="utf-8")
    return path


@pytest.fixture
def other(tmp_path: Path, write_media: Callable[..., Path], sound: Any, tone: Any) -> Path:
    path: Path = write_media(tmp_path / "other.wav", sound(tone(0.5, 2.5, 4.0)))
    return path


def test_not_here_is_not_said_of_words_never_listened_for(talk: Path, tmp_path: Path) -> None:
    library = tmp_path / "library"
    index([talk], library, IndexSettings(recogniser=None, sidecars=False, workers=1))  # as components listens
    run = find("said: printing", "--library", library)
    assert run.exit_code == 0 and run.stdout == ""
    assert run.stderr == (
        "note: the words of the recording were never listened for; run: earmark index PATH…\n"
        "not found: nothing like 'said: printing' with a score of 0.5 or more in what was listened for\n"
    )


def test_not_here_is_not_said_of_sounds_never_listened_for(talk: Path, tmp_path: Path) -> None:
    library = tmp_path / "library"
    index([talk], library, IndexSettings(sound=None, workers=1))
    run = find("heard: a dog barking", "--library", library)
    assert run.exit_code == 0 and run.stdout == ""
    assert run.stderr == (
        "note: the sounds of the recording were never listened for; run: earmark index PATH…\n"
        "not found: nothing like 'heard: a dog barking' with a score of 0.5 or more in what was listened for\n"
    )
    assert find("said: quarterly budget", "--library", library).stderr == (
        "not here: nothing like 'said: quarterly budget' with a score of 0.5 or more\n"
    )


@pytest.mark.parametrize("system", [(), ("--system", "cascade")])
def test_recordings_left_out_are_counted_beside_the_answers_of_others(
    system: tuple[str, ...], talk: Path, other: Path, tmp_path: Path
) -> None:
    library = tmp_path / "library"
    index([other], library, IndexSettings(recogniser=None, sound=None, workers=1))
    index([talk], library, IndexSettings(sound=None, workers=1))
    line = "note: the words of 1 of 2 recordings were never listened for; run: earmark index PATH…\n"
    run = find("said: printing", "--library", library, "--json", "--min-score", "0", *system)
    assert run.exit_code == 0 and run.stderr == line
    (answer,) = map(json.loads, run.stdout.splitlines())
    assert answer["recording"] == str(talk) and answer["text"] == "Movable types made printing cheap."


def test_clips_must_go_into_a_folder(talk: Path, tmp_path: Path) -> None:
    taken, library = tmp_path / "notes.txt", tmp_path / "library"
    taken.write_text("mine")
    error = refusal("printing", talk, "--clips", taken, "--library", library)
    assert isinstance(error, UsageError) and error.exit_code == 2
    assert str(error) == (f"--clips {taken}: expected a folder to write into, found a file. Choose another name.")
    error = refusal("printing", talk, "--clips", taken / "deep" / "er", "--library", library)
    assert str(error) == (
        f"--clips {taken / 'deep' / 'er'}: expected a folder to write into, found a file, {taken}, in its place. "
        "Choose another name."
    )
    assert taken.read_text() == "mine" and not library.exists()


def test_clips_need_a_folder_that_may_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    check_clips(tmp_path / "new" / "clips")
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(FormatError) as caught:
        check_clips(tmp_path)
    assert str(caught.value) == (
        f"--clips {tmp_path}: expected a folder you may write to, found one you may not. Write elsewhere."
    )


def test_a_format_for_one_recording_is_refused_before_answers_are_printed(
    talk: Path, other: Path, tmp_path: Path
) -> None:
    other.with_suffix(".srt").write_text(CUES, encoding="utf-8")
    library, labels = tmp_path / "library", tmp_path / "o.srt"
    index([talk, other], library, IndexSettings(sound=None, workers=1))
    for system in ((), ("--system", "ranked")):
        error = refusal("said: printing", "--library", library, "-o", labels, "--min-score", "0", *system)
        assert error.exit_code == 2 and not labels.exists()
        assert str(error) == (
            f"{labels}: expected moments of one recording, for .srt names none, found those of 2. "
            "Use .csv, .rttm or .jsonl, or name the one recording to look in."
        )


def test_a_system_is_not_asked_for_a_sound(talk: Path, tmp_path: Path) -> None:
    error = refusal("heard: dog", talk, "--system", "fused", "--library", tmp_path / "library")
    assert isinstance(error, QueryError) and error.exit_code == 2
    assert str(error) == (
        "'heard: dog': expected what speech is about, for --system, found a question for a sound. "
        "Leave out --system, or heard:."
    )
    assert not (tmp_path / "library").exists()


def test_a_system_calls_uncertain_what_it_is_not_sure_of(talk: Path, tmp_path: Path) -> None:
    library = tmp_path / "library"
    index([talk], library, IndexSettings(sound=None, workers=1))
    run = find("a violin concerto", "--library", library, "--system", "cascade", "--json")
    assert run.stderr == "note: nothing certain; the nearest in what it is about:\n"
    (answer,) = map(json.loads, run.stdout.splitlines())
    assert answer["probability"] < 0.5 and answer["evidence"]["uncertain"] is True
    sure = find("printing with movable types", "--library", library, "--system", "cascade", "--json")
    assert sure.stderr == "" and "uncertain" not in json.loads(sure.stdout)["evidence"]
    kept = find("a violin concerto", "--library", library, "--system", "cascade", "--min-score", "0.5")
    assert kept.stdout == "" and kept.stderr == (
        "not here: nothing like 'a violin concerto' with a score of 0.5 or more\n"
    )


def test_a_question_is_not_printed_as_what_was_said(other: Path, tmp_path: Path, speech_text_weights: Path) -> None:
    library, labels = tmp_path / "library", tmp_path / "o.srt"
    words_to_come = IndexSettings(recogniser=None, sound=None, speech=f"contrastive:{speech_text_weights}", workers=1)
    index([other], library, words_to_come)
    asked = ("کتاب", "--library", library, "--system", "contrastive", "--min-score", "0", "--limit", "1")
    run = find(*asked, "-o", labels)
    first, second = run.stdout.splitlines()
    assert "other.wav" in first and first.endswith("said (contrastive)") and second == "     (no words recognised)"
    assert "(no words recognised)" in labels.read_text(encoding="utf-8")
    assert json.loads(find(*asked, "--json").stdout)["text"] == ""


def test_a_language_nobody_knows_is_refused(talk: Path, tmp_path: Path) -> None:
    error = refusal("printing", talk, "--language", "xx", "--library", tmp_path / "library")
    assert isinstance(error, UsageError) and not (tmp_path / "library").exists()
    assert str(error).startswith("--language xx: expected one of af, am, ar, as, ")
    index([talk], tmp_path / "library", IndexSettings(sound=None, workers=1))
    run = find("said: printing", "--language", "en", "--library", tmp_path / "library")
    assert run.exit_code == 0 and "[printing]" in run.stdout


def test_what_was_written_is_said(talk: Path, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    library, labels, picture = tmp_path / "library", tmp_path / "o.csv", tmp_path / "o.png"
    index([talk], library, IndexSettings(sound=None, workers=1))
    run = find("said: printing", "--library", library, "--json", "-o", labels, "--plot", picture)
    assert run.stderr == f"wrote {labels}\nwrote {picture}\n"
    assert labels.stat().st_size and picture.stat().st_size
    assert [json.loads(line)["kind"] for line in run.stdout.splitlines()] == ["said"]


def test_who_asks_for_a_sound_alone_does_not_wait_for_words(other: Path, tmp_path: Path) -> None:
    library = tmp_path / "library"
    jobs = lambda: {job for _, job, _ in Catalogue.load(library).hearings}  # noqa: E731
    assert find("heard: a dog barking", other, "--library", library).exit_code == 0
    assert "sounds" in jobs() and "words" not in jobs()
    assert find("heard: a dog barking", other, "--library", library, "--about").exit_code == 0
    assert "words" in jobs()
    other.rename(tmp_path / "again.wav")
    assert find("quarterly budget", tmp_path / "again.wav", "--library", tmp_path / "second").exit_code == 0
    assert {"words", "sounds"} <= {job for _, job, _ in Catalogue.load(tmp_path / "second").hearings}
