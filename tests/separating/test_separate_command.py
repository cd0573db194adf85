"""`earmark separate` as a user runs it: a voice in noise, with the engines that ship."""

from __future__ import annotations

import errno
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer
from numpy.typing import NDArray
from typer.testing import CliRunner, Result

from earmark.cli import separate as command
from earmark.engines.separator.builtin import WEIGHTS
from earmark.errors import EarmarkError, QueryError, UsageError
from earmark.finding import PREFIXES
from earmark.media.decode import decode
from earmark.separating.asking import HEARD, SPOKEN
from earmark.timeline import Span, Waveform

VOICE = Span(4.0, 8.0)


def run(*arguments: str | Path) -> Result:
    app = typer.Typer()
    app.command(epilog=command.EXAMPLE)(command.separate)
    return CliRunner().invoke(app, [*map(str, arguments)])


def message(result: Result) -> str:
    assert isinstance(result.exception, EarmarkError), result.output
    return str(result.exception)


def samples_in(path: Path) -> NDArray[np.float32]:
    return np.concatenate([block.samples for block in decode(path, sample_rate=None, channels=None)], axis=1)


@pytest.fixture(scope="module")
def street(tmp_path_factory: pytest.TempPathFactory, two_cities: Waveform) -> Path:
    """Twelve seconds of hiss in stereo, somebody reading from the fourth to the eighth."""
    from earmark.media.clips import write_waveforms

    hiss = 0.005 * np.random.default_rng(0).standard_normal(12 * 16_000)
    hiss[4 * 16_000 : 8 * 16_000] += 0.7 * two_cities.samples[0, 16_000 : 5 * 16_000]
    path = tmp_path_factory.mktemp("media") / "street.wav"
    write_waveforms(path, Waveform(np.stack([hiss, 0.5 * hiss]).astype(np.float32), 16_000))
    return path


def test_found_and_separated_where_it_is_and_silence_elsewhere(street: Path, tmp_path: Path) -> None:
    target, rest = tmp_path / "voice.wav", tmp_path / "rest.flac"
    result = run("a man speaking", street, "-o", target, "--residual", rest, "--min-score", "0.3")
    assert result.exit_code == 0, result.output
    mixture, voice, left = samples_in(street), samples_in(target), samples_in(rest)
    assert voice.shape == left.shape == mixture.shape
    assert np.abs(voice + left - mixture).max() <= 1e-4
    assert not voice[:, :16_000].any() and not voice[:, -2 * 16_000 :].any()
    inside = slice(round(VOICE.start * 16_000), round(VOICE.end * 16_000))
    assert np.sum(np.square(voice[:, inside])) > 0.3 * np.sum(np.square(mixture[:, inside]))
    assert np.allclose(voice[1], 0.5 * voice[0], atol=1e-4)
    assert "of 0:12.0; wrote" in result.output


def test_json_tells_the_moments(street: Path, tmp_path: Path) -> None:
    result = run("a man speaking", street, "-o", tmp_path / "voice.wav", "--json", "--min-score", "0.3")
    found = [json.loads(line) for line in result.stdout.splitlines() if line.startswith("{")]
    assert any(Span(each["start"], each["end"]).iou(VOICE) > 0.4 for each in found)
    assert {each["text"] for each in found} == {"a man speaking"}


def test_not_found_is_an_answer_and_writes_nothing(street: Path, tmp_path: Path) -> None:
    result = run("a helicopter", street, "-o", tmp_path / "h.wav", "--residual", tmp_path / "r.wav")
    assert result.exit_code == 0, result.output
    assert "not found: nothing like 'a helicopter' with a score of 0.5 or more" in result.output
    assert list(tmp_path.iterdir()) == []


def test_everywhere_does_not_look_first(street: Path, tmp_path: Path) -> None:
    result = run("a helicopter", street, "-o", tmp_path / "h.wav", "--everywhere")
    assert result.exit_code == 0, result.output
    assert samples_in(tmp_path / "h.wav").shape == samples_in(street).shape
    assert "separated 0:12.0 of 0:12.0" in result.output


@pytest.mark.parametrize(("channels", "rate"), [(1, 8_000), (2, 44_100), (6, 48_000)])
@pytest.mark.parametrize("extension", [".wav", ".flac"])
def test_any_rate_and_channels_come_back_as_they_were(
    channels: int, rate: int, extension: str, write_media: Any, sound: Any, tone: Any, tmp_path: Path
) -> None:
    path = write_media(tmp_path / "beep.wav", sound(tone(0.5, 1.5, 2.0, rate, channels, 1000.0), rate))
    target, rest = tmp_path / f"target{extension}", tmp_path / f"rest{extension}"
    result = run("a beep", path, "-o", target, "--residual", rest, "--everywhere")
    assert result.exit_code == 0, result.output
    mixture = samples_in(path)
    assert samples_in(target).shape == mixture.shape == (channels, 2 * rate)
    assert np.abs(samples_in(target) + samples_in(rest) - mixture).max() <= 1e-4


def test_a_full_scale_mixture_still_adds_up(write_media: Any, sound: Any, tmp_path: Path) -> None:
    loud = np.sign(np.random.default_rng(0).standard_normal((1, 32_000))).astype(np.float32)
    path = write_media(tmp_path / "loud.wav", sound(loud))
    result = run("rain", path, "-o", tmp_path / "t.wav", "--residual", tmp_path / "r.wav", "--everywhere")
    assert result.exit_code == 0, result.output
    assert np.abs(samples_in(tmp_path / "t.wav") + samples_in(tmp_path / "r.wav") - samples_in(path)).max() <= 1e-4


def test_a_lossy_target_still_leaves_a_residual(street: Path, tmp_path: Path) -> None:
    result = run("speech", street, "-o", tmp_path / "t.mp3", "--residual", tmp_path / "r.wav", "--everywhere")
    assert result.exit_code == 0, result.output
    assert samples_in(tmp_path / "r.wav").shape == samples_in(street).shape


def beep_in(write_media: Any, sound: Any, tone: Any, path: Path, rate: int, channels: int) -> Path:
    made: Path = write_media(path, sound(tone(0.5, 1.0, 1.5, rate, channels, 1000.0), rate))
    return made


def test_more_channels_than_a_format_holds_are_refused_before_work_begins(
    write_media: Any, sound: Any, tone: Any, tmp_path: Path
) -> None:
    path = beep_in(write_media, sound, tone, tmp_path / "surround.wav", 48_000, 6)
    for arguments in (["-o", tmp_path / "t.mp3"], ["-o", tmp_path / "r.wav", "--residual", tmp_path / "t.mp3"]):
        result = run("a beep", path, *arguments, "--everywhere", "--engine", "never loaded")
        assert message(result) == (
            f"{tmp_path / 't.mp3'}: expected a format that holds 6 channels, as the recording has, "
            "found .mp3, which does not. Use .wav or .flac."
        )
        assert isinstance(result.exception, UsageError)
    assert list(tmp_path.iterdir()) == [path]
    ten = beep_in(write_media, sound, tone, tmp_path / "ten.wav", 48_000, 10)
    assert message(run("a beep", ten, "-o", tmp_path / "t.flac")).endswith("found .flac, which does not. Use .wav.")


@pytest.mark.parametrize(
    ("extension", "rate", "written"),
    [(".mp3", 96_000, 48_000), (".ogg", 44_100, 48_000), (".opus", 16_000, 48_000), (".m4a", 192_000, 96_000)],
)
def test_a_rate_that_a_format_cannot_keep_is_told(
    extension: str, rate: int, written: int, write_media: Any, sound: Any, tone: Any, tmp_path: Path
) -> None:
    path = beep_in(write_media, sound, tone, tmp_path / "beep.wav", rate, 2)
    target, rest = tmp_path / f"t{extension}", tmp_path / f"r{extension}"
    result = run("a beep", path, "-o", target, "--residual", rest, "--everywhere")
    notes = [line for line in result.output.splitlines() if line.startswith("note: ")]
    assert notes == [
        f"note: {target} and {rest}: written at {written:,} Hz, for the format cannot keep the recording's "
        f"{rate:,} Hz; .wav and .flac can"
    ]
    (first, *_) = decode(target, sample_rate=None, channels=None)
    assert (first.sample_rate, first.num_channels) == (written, 2)
    assert sorted(tmp_path.iterdir()) == sorted([path, target, rest])


@pytest.mark.parametrize(("extension", "longer"), [(".wav", 0), (".flac", 0), (".mp3", 0), (".ogg", 0), (".m4a", 1023)])
def test_what_keeps_the_rate_needs_no_note(
    extension: str, longer: int, write_media: Any, sound: Any, tone: Any, tmp_path: Path
) -> None:
    path = beep_in(write_media, sound, tone, tmp_path / "beep.wav", 48_000, 2)
    target = tmp_path / f"t{extension}"
    result = run("a beep", path, "-o", target, "--everywhere")
    assert result.output == f"separated 0:01.5 of 0:01.5; wrote {target}\n"
    assert 0 <= samples_in(target).shape[1] - samples_in(path).shape[1] <= longer


def test_a_video_without_sound_is_told(write_media: Any, tmp_path: Path) -> None:
    film = write_media(tmp_path / "film.mp4", video_seconds=1.0)
    assert "expected an audio stream, found only video" in message(run("rain", film, "-o", tmp_path / "t.wav"))


def test_sound_of_a_film_is_separated(write_media: Any, sound: Any, tone: Any, tmp_path: Path) -> None:
    film = write_media(tmp_path / "film.mp4", sound(tone(0.5, 1.5, 2.0, 48_000, 2), 48_000), video_seconds=2.0)
    result = run("a beep", film, "-o", tmp_path / "t.wav", "--everywhere")
    assert result.exit_code == 0, result.output
    assert samples_in(tmp_path / "t.wav").shape == samples_in(film).shape


def test_files_that_are_there_are_kept_unless_forced(street: Path, tmp_path: Path) -> None:
    target, rest = tmp_path / "t.wav", tmp_path / "r.wav"
    rest.write_text("mine")
    taken = message(run("speech", street, "-o", target, "--residual", rest, "--everywhere"))
    assert taken == (
        f"{rest}: expected a free name, found a file that is already there. "
        "Choose another name, or pass --force to write over it."
    )
    assert rest.read_text() == "mine" and not target.exists()
    assert run("speech", street, "-o", target, "--residual", rest, "--everywhere", "--force").exit_code == 0
    assert rest.stat().st_size > 1000


def test_three_files_are_three(street: Path, tmp_path: Path) -> None:
    before = street.read_bytes()
    assert message(run("speech", street, "-o", street, "--force")) == (
        "--output: expected a file of its own, found the recording itself. Choose another name."
    )
    one = tmp_path / "one.wav"
    assert message(run("speech", street, "-o", one, "--residual", one)) == (
        "--residual: expected a file of its own, found the file of --output. Choose another name."
    )
    assert street.read_bytes() == before


def test_a_format_is_told_by_its_extension(street: Path, tmp_path: Path) -> None:
    assert message(run("speech", street, "-o", tmp_path / "t.xyz")) == (
        f"{tmp_path / 't.xyz'}: expected an audio format by its extension, found '.xyz'. "
        "Use one of .wav, .flac, .mp3, .ogg, .opus, .m4a."
    )
    assert "found none." in message(run("speech", street, "-o", tmp_path / "t"))
    result = run("speech", street, "-o", tmp_path / "t.wav", "--residual", tmp_path / "r.txt")
    assert isinstance(result.exception, UsageError) and result.exception.exit_code == 2
    assert message(result).startswith(f"{tmp_path / 'r.txt'}: expected an audio format by its extension, found '.txt'.")


@pytest.mark.parametrize("fails", [0, 1])
def test_a_full_disk_leaves_neither_file(
    fails: int, street: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import earmark.media.clips as clips

    real: Callable[..., None] = clips._mux
    names: list[str] = []

    def full(container: Any, stream: Any, frame: Any) -> None:
        if container.name not in names:
            names.append(container.name)
        if names.index(container.name) == fails:
            raise OSError(errno.ENOSPC, "No space left on device")
        real(container, stream, frame)

    monkeypatch.setattr(clips, "_mux", full)
    target, rest = tmp_path / "t.wav", tmp_path / "r.wav"
    told = message(run("speech", street, "-o", target, "--residual", rest, "--everywhere"))
    name = (target, rest)[fails]
    assert told == f"{name}: expected room on the disk, found none left. Free some, or write elsewhere."
    assert list(tmp_path.iterdir()) == []


def test_ctrl_c_leaves_neither_file(street: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import earmark.media.clips as clips

    def stop(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(clips, "_mux", stop)
    result = run("speech", street, "-o", tmp_path / "t.wav", "--residual", tmp_path / "r.wav", "--everywhere")
    assert result.exit_code == 130
    assert list(tmp_path.iterdir()) == []


def test_a_query_it_cannot_read_is_refused_before_anything_is_heard(street: Path, tmp_path: Path) -> None:
    result = run("  ", street, "-o", tmp_path / "t.wav")
    assert "expected a sound in words, found an empty query" in message(result)
    assert isinstance(result.exception, EarmarkError) and result.exception.exit_code == 2


@pytest.mark.parametrize(
    ("query", "found", "hint"),
    [
        ("heard:", "nothing after heard:", "Describe it: “a baby crying”."),
        ("Heard: ?!", "no letter or digit", "Describe it: “a baby crying”."),
        (
            "said: dog",
            "said:, which asks for speech",
            "Describe the sound: “a baby crying”; `earmark find` finds what was said.",
        ),
        (
            "Meaning: a dog",
            "meaning:, which asks for speech",
            "Describe the sound: “a baby crying”; `earmark find` finds what was said.",
        ),
    ],
)
def test_a_query_that_asks_for_no_sound_is_refused(
    query: str, found: str, hint: str, street: Path, tmp_path: Path
) -> None:
    result = run(query, street, "-o", tmp_path / "t.wav", "--everywhere")
    assert message(result) == f"“{query}”: expected a sound in words, found {found}. {hint}"
    assert isinstance(result.exception, QueryError) and result.exception.exit_code == 2
    assert list(tmp_path.iterdir()) == []


def test_a_sound_may_be_asked_for_as_finding_takes_it(street: Path, tmp_path: Path) -> None:
    plain, asked = tmp_path / "plain.wav", tmp_path / "asked.wav"
    run("a helicopter", street, "-o", plain, "--everywhere")
    assert run("heard: a helicopter", street, "-o", asked, "--everywhere").exit_code == 0
    assert asked.read_bytes() == plain.read_bytes()
    assert (
        "not found: nothing like 'a helicopter' with"
        in run("heard:a helicopter", street, "-o", tmp_path / "n.wav").output
    )
    assert {HEARD, *SPOKEN} == set(PREFIXES), "the prefixes of finding"


def test_an_engine_of_ones_own_separates(street: Path, tmp_path: Path) -> None:
    shutil.copytree(WEIGHTS, tmp_path / "own" / "weights")
    result = run(
        "speech",
        street,
        "-o",
        tmp_path / "t.wav",
        "--everywhere",
        "--engine",
        f"earmark:{tmp_path / 'own' / 'weights'}",
    )
    assert result.exit_code == 0, result.output
    assert samples_in(tmp_path / "t.wav").shape == samples_in(street).shape
    assert message(run("speech", street, "-o", tmp_path / "u.wav", "--engine", f"earmark:{tmp_path / 'own'}")) == (
        f"{tmp_path / 'own' / 'masker.onnx'}: expected the separator's weights, found no such file. "
        f"Pass {tmp_path / 'own' / 'weights'}."
    )


def test_an_unknown_engine_is_told(street: Path, tmp_path: Path) -> None:
    told = message(run("speech", street, "-o", tmp_path / "t.wav", "--engine", "earmrk"))
    assert told.startswith("earmrk: expected one of the separator engines earmark") and told.endswith("earmark?")


def test_a_picture_shows_before_and_after(street: Path, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    target, picture = tmp_path / "t.wav", tmp_path / "p.png"
    result = run("speech", street, "-o", target, "--everywhere", "--plot", picture)
    assert result.exit_code == 0, result.output
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert result.output.splitlines() == [f"separated 0:12.0 of 0:12.0; wrote {target}", f"wrote {picture}"]
    assert message(run("speech", street, "-o", tmp_path / "u.wav", "--plot", tmp_path / "p.doc")) == (
        f"{tmp_path / 'p.doc'}: expected one of .png, .pdf, .svg, found .doc. Name the picture so."
    )


def test_what_was_written_is_told_when_the_picture_fails(
    street: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    figure = pytest.importorskip("matplotlib.figure")

    def full(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(figure.Figure, "savefig", full)
    target, picture = tmp_path / "t.wav", tmp_path / "p.png"
    result = run("speech", street, "-o", target, "--everywhere", "--plot", picture)
    assert message(result) == (f"{picture}: expected room on the disk, found none left. Free some, or write elsewhere.")
    assert result.output == f"separated 0:12.0 of 0:12.0; wrote {target}\n"
    assert list(tmp_path.iterdir()) == [target]
