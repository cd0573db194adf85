"""`earmark caption` as a user runs it, on a reading and on a beep, with the ears that ship."""

from __future__ import annotations

import errno
import html
import json
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import numpy as np
import pysubs2
import pytest
import typer
from typer.testing import CliRunner, Result

from earmark.cli import caption as command
from earmark.errors import EarmarkError, FormatError
from earmark.formats.captions import broken_rules
from earmark.formats.labels import Label
from earmark.timeline import Span, Waveform

ALARM = "smoke alarm, beeping, reversing beeps, alarm clock"


def run(*arguments: str | Path, library: Path) -> Result:
    app = typer.Typer()
    app.command(epilog=command.EXAMPLE)(command.caption)
    return CliRunner().invoke(app, [*map(str, arguments), "--library", str(library), "--workers", "1"])


def message(result: Result) -> str:
    assert isinstance(result.exception, EarmarkError), result.output
    return str(result.exception)


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("library")


@pytest.fixture(scope="module")
def reading(tmp_path_factory: pytest.TempPathFactory, two_cities: Waveform) -> Path:
    """Twelve seconds of a reading, then six of a smoke alarm, in stereo."""
    from earmark.media.clips import write_waveforms

    voice = two_cities.samples[0, : 12 * 16_000]
    seconds = np.arange(6 * 16_000) / 16_000
    alarm = 0.3 * np.sin(2 * np.pi * 3100 * seconds) * ((seconds > 1.0) & (seconds < 5.0) & (seconds % 1.0 < 0.5))
    path = tmp_path_factory.mktemp("media") / "reading.wav"
    write_waveforms(path, Waveform(np.stack([np.concatenate([voice, alarm.astype(np.float32)])] * 2), 16_000))
    return path


@pytest.mark.parametrize("extension", ["srt", "vtt", "ass"])
def test_words_are_captioned_and_read_back(extension: str, reading: Path, library: Path, tmp_path: Path) -> None:
    path = tmp_path / f"reading.{extension}"
    result = run(reading, "-o", path, "--words", library=library)
    assert result.exit_code == 0, result.output
    events = list(pysubs2.load(str(path)))
    labels = [Label(Span(e.start / 1000, e.end / 1000), e.plaintext) for e in events]
    assert broken_rules(labels, Span(0.0, 18.0)) == []
    assert "age of wisdom" in " ".join(each.text for each in labels).replace("\n", " ")
    if extension == "srt":
        assert path.read_text(encoding="utf-8").startswith("1\n00:00:0")


def test_sounds_are_captioned_beside_words(reading: Path, library: Path, tmp_path: Path) -> None:
    path = tmp_path / "reading.json"
    listed = tmp_path / "mine.txt"
    listed.write_text("\n".join(f"{name} | alarm" for name in ALARM.split(", ")), encoding="utf-8")
    result = run(reading, "-o", path, "--sounds", listed, "--min-score", "0.1", library=library)
    assert result.exit_code == 0, result.output
    segments = json.loads(path.read_text(encoding="utf-8"))["segments"]
    labels = [Label(Span(each["start"], each["end"]), each["text"], kind=each["kind"]) for each in segments]
    assert broken_rules(labels, Span(0.0, 18.0)) == []
    assert {label.kind for label in labels} == {"said", "heard"}
    heard = [label for label in labels if label.kind == "heard"]
    assert {label.text for label in heard} == {"[alarm]"}
    assert any(label.span.overlap(Span(13.0, 17.0)) > 0.8 for label in heard)
    said = sum(label.kind == "said" for label in labels)
    line = f"{len(labels)} captions: {said} of words, {len(labels) - said} of sounds; wrote {path}"
    assert result.stderr.splitlines()[-1] == line


def test_without_an_output_it_prints_srt(reading: Path, library: Path) -> None:
    result = run(reading, "--words", library=library)
    assert result.exit_code == 0 and result.stdout.startswith("1\n00:00:0")


def test_one_caption_is_one_caption(capsys: pytest.CaptureFixture[str]) -> None:
    command._count([Label(Span(0.0, 1.0), "Hello.", kind="said")], [])
    assert capsys.readouterr().err == "1 caption: 1 of words, 0 of sounds\n"


def test_text_without_times(reading: Path, library: Path, tmp_path: Path) -> None:
    assert run(reading, "-o", tmp_path / "out.txt", "--words", library=library).exit_code == 0
    text = (tmp_path / "out.txt").read_text(encoding="utf-8")
    assert "age of wisdom" in text.replace("\n", " ") and "-->" not in text


def test_nothing_to_caption_is_a_line_and_no_file(write_media: Any, sound: Any, library: Path, tmp_path: Path) -> None:
    silence = write_media(tmp_path / "silence.mp4", sound(np.zeros((1, 32_000), np.float32)), video_seconds=2.0)
    line = f"note: nothing to caption in {silence}, as far as earmark can hear"
    kept = tmp_path / "kept.srt"
    kept.write_text("mine")
    for options in (("-o", tmp_path / "out.srt"), ("--mux", tmp_path / "out.mkv"), ("-o", kept, "--force")):
        result = run(silence, *options, library=library)
        assert result.exit_code == 0, result.output
        assert result.stderr.splitlines()[-1] == f"{line}; nothing was written"
    assert sorted(each.name for each in tmp_path.iterdir()) == ["kept.srt", "silence.mp4"]
    assert kept.read_text() == "mine"
    printed = run(silence, "--format", "vtt", library=library)  # a pipe gets captions without a caption
    assert (printed.exit_code, printed.stdout.strip(), printed.stderr) == (0, "WEBVTT", line + "\n")


def test_a_folder_and_nothing_are_no_recording(reading: Path, tmp_path: Path) -> None:
    for path, found in (
        (reading.parent, "a folder. Pass the files in it, or a command that walks folders."),
        (tmp_path / "nothere.wav", "nothing there. Check the path."),
    ):
        result = run(path, "-o", tmp_path / "x.srt", library=tmp_path / "library")
        assert message(result) == f"{path}: expected an audio or video file, found {found}"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("channels", "rate"), [(1, 8_000), (2, 44_100), (6, 48_000)])
def test_any_rate_and_channels_will_do(
    channels: int, rate: int, write_media: Any, sound: Any, tone: Any, library: Path, tmp_path: Path
) -> None:
    path = write_media(tmp_path / "beep.wav", sound(tone(1.0, 2.5, 4.0, rate, channels, 1000.0), rate))
    result = run(path, "-o", tmp_path / "beep.srt", "--sounds-only", "--sounds", "beeping", library=library)
    assert result.exit_code == 0, result.output


def test_a_track_is_added_and_a_film_is_drawn_on(
    write_media: Any, sound: Any, reading: Path, two_cities: Waveform, library: Path, tmp_path: Path
) -> None:
    pytest.importorskip("matplotlib")
    film = write_media(tmp_path / "film.mp4", sound(two_cities.samples[:, : 5 * 16_000]), video_seconds=5.0)
    result = run(film, "--words", "--mux", tmp_path / "out.mkv", "--burn", tmp_path / "burnt.mp4", library=library)
    assert result.exit_code == 0, result.output
    assert result.stdout == ""
    assert result.stderr.splitlines()[-1].endswith(f"wrote {tmp_path / 'out.mkv'} and {tmp_path / 'burnt.mp4'}")
    with av.open(str(tmp_path / "out.mkv")) as container:
        assert [stream.type for stream in container.streams] == ["video", "audio", "subtitle"]
        assert container.streams.subtitles[0].metadata["language"] == "eng"
    with av.open(str(tmp_path / "burnt.mp4")) as container:
        assert container.streams.video[0].codec_context.name == "h264"


def test_what_exists_is_kept(reading: Path, library: Path, tmp_path: Path) -> None:
    for name, option in (("mine.srt", "-o"), ("mine.mkv", "--mux")):
        (tmp_path / name).write_text("mine")
        result = run(reading, "--words", option, tmp_path / name, library=library)
        assert message(result).endswith(
            f"{name}: expected a free name, found a file that is already there. "
            "Choose another name, or pass --force to write over it."
        )
        assert (tmp_path / name).read_text() == "mine"
    result = run(reading, "--words", "-o", tmp_path / "mine.srt", "--force", library=library)
    assert result.exit_code == 0 and (tmp_path / "mine.srt").read_text(encoding="utf-8").startswith("1\n")
    assert sorted(each.name for each in tmp_path.iterdir()) == ["mine.mkv", "mine.srt"]


def test_a_full_disk_leaves_no_half_file(
    reading: Path, library: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import os

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    run(reading, "--words", "-o", tmp_path / "warm.srt", library=library)  # so that nothing is left to be heard
    monkeypatch.setattr(os, "fsync", full)
    result = run(reading, "--words", "-o", tmp_path / "out.srt", library=library)
    assert isinstance(result.exception, FormatError)
    assert "out.srt: expected room on the disk, found none left. Free some, or write elsewhere." in message(result)
    assert [each.name for each in tmp_path.iterdir()] == ["warm.srt"]


def test_a_video_without_sound(write_media: Callable[..., Path], library: Path, tmp_path: Path) -> None:
    path = write_media(tmp_path / "mute.mp4", video_seconds=2.0)
    result = run(path, "-o", tmp_path / "out.srt", library=library)
    assert "mute.mp4: expected an audio stream, found only video. Pass a file with sound." in message(result)
    assert not (tmp_path / "out.srt").exists()


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (("--words", "--sounds-only"), "--words: expected words alone, found --sounds-only with it. Leave --words out"),
        (("--words", "--sounds", "rain"), "--words: expected words alone, found --sounds with it. Leave --words out"),
        (("--sounds", " , "), "--sounds: expected sounds to listen for, found none. Try: --sounds"),
        (("--hop", "3"), "--hop: expected --per-window with it, found --hop alone. Try: --per-window 4 --hop 3"),
        (("-o", "x.doc"), "x.doc: expected a format of labels, found '.doc'."),
        (("--mux", "x.avi"), "x.avi: expected the extension of a container with subtitles, found '.avi'."),
    ],
)
def test_mistakes_are_told_before_anything_is_heard(options: tuple[str, ...], expected: str, tmp_path: Path) -> None:
    result = run("missing.wav", *options, library=tmp_path / "library")
    assert message(result).startswith(expected) and result.exception.exit_code == 2  # type: ignore[union-attr]


def test_a_sound_named_twice_and_one_in_another_script(reading: Path, library: Path, tmp_path: Path) -> None:
    result = run(reading, "--sounds", "rain, rain, باران", "-o", tmp_path / "out.srt", library=library)
    assert "named more than once, asked for once: rain" in result.output
    assert message(result).startswith("“باران”: expected English words, found a script earmark's built-in ears do not")
    assert not (tmp_path / "out.srt").exists()


def test_windows_get_a_caption_each(reading: Path, library: Path, tmp_path: Path) -> None:
    path = tmp_path / "out.srt"
    result = run(
        reading, "--sounds-only", "--sounds", ALARM, "--min-score", "0.1", "--sounds-under-speech",
        "--per-window", "4", "--hop", "3", "-o", path, library=library,
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    events = list(pysubs2.load(str(path)))
    assert events and all(event.start % 3000 == 0 and event.duration == 3000 for event in events)


def test_help_has_an_example(library: Path) -> None:
    assert "Example: earmark caption film.mp4 -o film.srt" in run("--help", library=library).output


CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
PAGE = """<video><track default kind="captions" src="data:text/vtt;charset=utf-8;base64,{data}"></video><pre></pre>
<script>
const element = document.querySelector("track");
element.track.mode = "hidden";
const tell = text => document.querySelector("pre").textContent = text;
element.onerror = () => tell("error");
element.onload = () => tell(JSON.stringify([...element.track.cues].map(c => [c.startTime, c.endTime,
  c.getCueAsHTML().textContent])));
</script>"""


@pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")
def test_a_browser_reads_the_webvtt(tmp_path: Path) -> None:
    import base64

    from earmark import formats

    labels = [
        Label(Span(1.0, 2.5), "[door closes]", kind="heard"),
        Label(Span(2.5, 5.0), "He said: a < b & c > d\n-- and --> left."),
        Label(Span(3661.25, 3663.0), "امروز هوا خوب است.\n♪ music ♪", kind="said"),
    ]
    formats.write(labels, tmp_path / "film.vtt")
    page = tmp_path / "page.html"
    data = base64.b64encode((tmp_path / "film.vtt").read_bytes()).decode()
    page.write_text(PAGE.replace("{data}", data), encoding="utf-8")
    assert CHROMIUM is not None
    command = [CHROMIUM, "--headless=new", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=5000",
               f"--user-data-dir={tmp_path / 'profile'}", "--dump-dom", page.as_uri()]  # fmt: skip
    dumped = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", timeout=120).stdout
    found = re.search(r"<pre>(.*?)</pre>", dumped, re.DOTALL)
    assert found is not None, dumped
    cues = json.loads(html.unescape(found[1]))
    assert [(start, end) for start, end, _ in cues] == [(1.0, 2.5), (2.5, 5.0), (3661.25, 3663.0)]
    texts = [re.sub("[\u202a-\u202e\u2066-\u2069\u2060]", "", text) for _, _, text in cues]
    assert texts == [label.text for label in labels]
