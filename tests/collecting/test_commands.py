"""The two commands: what they print, how they end, what they refuse."""

from __future__ import annotations

import tarfile
from datetime import datetime, timedelta, timezone

import pytest
import typer
from typer.testing import CliRunner

from earmark.cli.collect import collect, parse_since, parse_size
from earmark.cli.dataset import app as dataset
from earmark.errors import UsageError

app = typer.Typer()
app.command("collect")(collect)
app.add_typer(dataset, name="dataset")


def run(*arguments):
    return CliRunner().invoke(app, [str(each) for each in arguments])


@pytest.fixture
def feed(server, make_feed, item, episode_audio):
    server.routes["/a.mp3"] = server.routes["/b.mp3"] = episode_audio
    server.routes["/feed.xml"] = make_feed(
        item("One", server.url + "/a.mp3", "a", day=1), item("Two", server.url + "/b.mp3", "b", day=2)
    )
    return server.url + "/feed.xml"


def test_collecting_a_feed(feed, tmp_path):
    out = tmp_path / "podcast"
    first = run("collect", feed, "-o", out, "--limit", 1, "--allow-private")
    assert (first.exit_code, first.stdout, first.stderr) == (0, "", f"{out}: 1 of 1 recording\n")
    second = run("collect", feed, "-o", out, "--allow-private")
    assert second.stderr == f"{out}: 2 of 2 recordings, 1 of them new\n"
    assert len(list(out.glob("*.mp3"))) == 2


def test_a_dry_run_prints_what_it_would_fetch(feed, tmp_path, server):
    result = run("collect", feed, "-o", tmp_path / "x", "--dry-run", "--since", "2024-01-02", "--allow-private")
    (line,) = result.stdout.splitlines()
    day, length, name, url = line.split("\t")
    assert (day, length, url) == ("2024-01-02", "–", server.url + "/b.mp3")
    assert name.startswith("2024-01-02_Two_")
    assert result.stderr == "1 of 1 recording would be fetched\n"
    assert not (tmp_path / "x").exists()


def test_loopback_is_refused_without_the_option(feed, tmp_path):
    result = run("collect", feed, "-o", tmp_path / "x")
    assert "expected an address of the open internet, found 127.0.0.1, a private one" in str(result.exception)


def test_an_episode_that_fails_is_told_and_the_exit_code_says_so(feed, tmp_path, server):
    del server.routes["/b.mp3"]
    result = run("collect", feed, "-o", tmp_path / "x", "--allow-private")
    assert result.exit_code == 1
    assert f"failed: Two: {server.url}/b.mp3: expected an answer with content, found HTTP 404" in result.stderr
    assert result.stderr.endswith(f"{tmp_path / 'x'}: 1 of 2 recordings\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["folder", "--since", "3d"], "--since: expected a feed, found folder, which is none. Leave it out."),
        (["folder"], "-o: expected a folder for the list, found none. Pass -o DIR."),
        (["http://x/", "--since", "May"], "--since: expected a date like 2024-05-01, or days like 30d, found 'May'."),
        (
            ["folder", "-o", "x", "--max-size", "foo"],
            "--max-size: expected a size like 500MB, found 'foo'. Write it so.",
        ),
        (["http://x/", "--max-size", "big"], "--max-size: expected a size like 500MB, found 'big'. Write it so."),
    ],
)
def test_what_cannot_be_meant(arguments, message):
    result = run("collect", *arguments)
    assert isinstance(result.exception, UsageError) and str(result.exception).startswith(message)


def test_an_output_that_is_a_file(tmp_path, write_media, tone, sound):
    (tmp_path / "in").mkdir()
    write_media(tmp_path / "in" / "a.flac", sound(tone(0.2, 2.5, 3.0)))
    (tmp_path / "notes.txt").write_text("mine")
    for out in (tmp_path / "notes.txt", tmp_path / "notes.txt" / "below"):
        for command in (["collect"], ["dataset", "build"]):
            result = run(*command, tmp_path / "in", "-o", out)
            assert str(result.exception) == f"{out}: expected a folder, found a file. Choose another name."
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_sizes_and_dates():
    assert [parse_size(text) for text in ("4GB", "500 MB", "1.5k", "12")] == [4 * 10**9, 5 * 10**8, 1_500, 12]
    assert parse_since("2024-05-01") == datetime(2024, 5, 1, tzinfo=timezone.utc)
    assert abs(parse_since("30d") - (datetime.now(timezone.utc) - timedelta(days=30))) < timedelta(seconds=9)
    assert parse_since(None) is None


def test_from_a_folder_to_a_list_to_a_data_set_to_shards(tmp_path, write_media, tone, sound):
    (tmp_path / "in").mkdir()
    write_media(tmp_path / "in" / "a.flac", sound(tone(0.2, 2.5, 3.0)))
    (tmp_path / "in" / "broken.mp3").write_bytes(b"nothing")
    listed = run("collect", tmp_path / "in", "-o", tmp_path / "list")
    assert listed.exit_code == 1 and f"note: {tmp_path / 'in'}: read as folder\n" in listed.stderr
    (tmp_path / "in" / "a.txt").write_text("said here")
    built = run("dataset", "build", tmp_path / "list", "-o", tmp_path / "set", "--keywords", 0, "--recogniser", "none")
    assert built.exit_code == 0
    assert "note: too few recordings for three splits: nothing is for test or validation\n" in built.stderr
    assert f"{tmp_path / 'set'}: 1 chunk of 1 recording (collected), 0:03.0, in 0:" in built.stderr
    exported = run("dataset", "export", tmp_path / "set", "-o", tmp_path / "shards")
    assert exported.stderr == f"{tmp_path / 'shards'}: 1 chunk in 1 shard\n"
    with tarfile.open(tmp_path / "shards" / "train-000000.tar") as shard:
        assert [member.name.partition(".")[2] for member in shard] == ["flac", "json", "txt"]


def test_a_least_length_over_the_greatest(tmp_path):
    result = run("dataset", "build", tmp_path, "-o", tmp_path / "set", "--least", 20, "--greatest", 10)
    assert str(result.exception) == "--least: expected at most --greatest (10), found 20. Swap them."


def test_a_split_by_something_else(tmp_path):
    result = run("dataset", "build", tmp_path, "-o", tmp_path / "set", "--split-by", "mood")
    assert str(result.exception) == "--split-by: expected speaker or recording, found 'mood'. Choose one of them."


def test_help_shows_an_example():
    assert "Example: earmark dataset build podcast/ -o marz --language fa" in run("dataset", "build", "--help").stdout
