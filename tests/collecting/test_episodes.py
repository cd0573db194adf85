"""From a feed to a folder: whole files under safe names, once, also after a kill."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from datetime import datetime, timezone

import pytest

from earmark.collecting.episodes import collect_feed, episode_name
from earmark.collecting.feeds import Episode
from earmark.collecting.recordings import read_entries
from earmark.errors import FormatError


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "podcast"


@pytest.fixture
def show(server, make_feed, item, episode_audio):
    """A feed of three episodes, served."""

    def serve(*titles, **options):
        items = [item(t, f"{server.url}/{n}.mp3", f"id{n}", day=n + 1) for n, t in enumerate(titles)]
        server.routes["/feed.xml"] = make_feed(*items, **options)
        for n in range(len(titles)):
            server.routes[f"/{n}.mp3"] = episode_audio
        return server.url + "/feed.xml"

    return serve


def media(folder):
    return sorted(path.name for path in folder.iterdir() if path.suffix == ".mp3")


def everything(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def test_episodes_come_with_what_is_known_about_them(show, folder, patient):
    url = show("First", "Second", language="fa-ir")
    result = collect_feed(url, folder, settings=patient)
    assert (result.wanted, result.fetched, result.failed) == (2, 2, [])
    second, first = read_entries(folder)  # newest first
    assert (first.title, first.language, first.feed, first.id) == ("First", "fa", "The feed", "id0")
    assert first.published == "2024-01-01T12:00:00+00:00"
    assert first.duration_seconds == pytest.approx(2.0, abs=0.1)
    assert first.path.parent == folder and first.path.stat().st_size == first.num_bytes
    assert first.path.name.startswith("2024-01-01_First_")
    row = json.loads((folder / "recordings.jsonl").read_text().splitlines()[1])
    assert row["file"] == first.path.name


def test_a_second_run_asks_for_the_feed_alone(show, folder, patient, server, reply):
    url = show("First", "Second")
    body = server.routes["/feed.xml"]
    server.routes["/feed.xml"] = lambda h: (
        reply(h, 304) if h.headers["If-None-Match"] == '"e"' else reply(h, 200, body, ETag='"e"')
    )
    collect_feed(url, folder, settings=patient)
    before = everything(folder)
    server.requests.clear()
    result = collect_feed(url, folder, settings=patient)
    assert [path for path, _ in server.requests] == ["/feed.xml"]
    assert server.requests[0][1]["If-None-Match"] == '"e"'
    assert (result.wanted, result.fetched, len(result.here)) == (2, 0, 2)
    assert everything(folder) == before


def test_a_feed_that_has_not_changed_still_brings_what_is_missing(show, folder, patient, server, reply):
    url = show("First", "Second")
    body = server.routes["/feed.xml"]
    server.routes["/feed.xml"] = lambda h: (
        reply(h, 304) if h.headers["If-None-Match"] else reply(h, 200, body, ETag='"e"')
    )
    collect_feed(url, folder, limit=1, settings=patient)
    assert len(media(folder)) == 1
    collect_feed(url, folder, settings=patient)
    assert len(media(folder)) == 2


def test_since_and_limit(show, folder, patient):
    url = show("a", "b", "c", "d")
    result = collect_feed(url, folder, limit=2, since=datetime(2024, 1, 2, tzinfo=timezone.utc), settings=patient)
    assert [entry.title for entry in read_entries(folder)] == ["d", "c"]
    assert result.wanted == 2
    result = collect_feed(url, folder, since=datetime(2024, 1, 2), settings=patient)
    assert [entry.title for entry in read_entries(folder)] == ["d", "c", "b"]


def test_since_leaves_out_what_has_no_date_and_says_so(server, folder, patient, make_feed, item):
    server.routes["/f"] = make_feed(item("a", server.url + "/a.mp3", day=None))
    result = collect_feed(server.url + "/f", folder, since=datetime(2024, 1, 1), settings=patient)
    assert result.wanted == 0
    assert result.notes == ["1 episodes without a date are left out with --since"]


def test_a_dry_run_writes_nothing(show, folder, patient, server):
    result = collect_feed(show("First", "Second"), folder, dry_run=True, settings=patient)
    assert [episode.title for episode, _ in result.planned] == ["Second", "First"]
    assert not folder.exists()
    assert [path for path, _ in server.requests] == ["/feed.xml"]


def test_without_a_folder_it_is_named_after_the_feed(show, tmp_path, patient, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = collect_feed(show("First", title="../../Our show: 1/2"), settings=patient)
    assert str(result.folder) == "Our-show-1-2"
    assert len(media(tmp_path / "Our-show-1-2")) == 1


@pytest.mark.parametrize(
    "title",
    ["../../etc/passwd", "/absolute", "..", "a\0b", 'con:*?"<>|', "\u202egnp.exe", "x" * 500, "۱۲ قسمت‌های", ".hidden"],
)
def test_names_stay_in_the_folder_and_are_plain(title):
    name = episode_name(Episode("id", "https://c.example/../../x.mp3", title, extension=".mp3"))
    assert "/" not in name and "\\" not in name and ".." not in name and not name.startswith(".")
    assert name.isprintable() and len(name.encode()) < 160 and name.endswith(".mp3")


def test_an_extension_from_a_feed_is_one_of_media():
    assert episode_name(Episode("id", "https://c.example/x", "t", extension=".sh")).endswith(".mp3")


def test_nothing_is_written_outside_of_the_folder(server, tmp_path, patient, make_feed, item, episode_audio):
    inner = tmp_path / "out" / "podcast"
    server.routes["/f"] = make_feed(
        item("../../../escape", server.url + "/x/%2E%2E/%2E%2E/escape.mp3", "../../id"), title="../../up"
    )

    def serve(handler):
        handler.send_response(200)
        handler.send_header("Content-Disposition", 'attachment; filename="../../../evil.mp3"')
        handler.send_header("Content-Length", str(len(episode_audio)))
        handler.end_headers()
        handler.wfile.write(episode_audio)

    server.routes["/x/%2E%2E/%2E%2E/escape.mp3"] = server.routes["/escape.mp3"] = serve
    before = {path for path in tmp_path.rglob("*")}
    result = collect_feed(server.url + "/f", inner, settings=patient)
    assert result.failed == [] and len(media(inner)) == 1
    new = {path for path in tmp_path.rglob("*")} - before
    assert all(path == inner or path == inner.parent or inner in path.parents for path in new)


def test_two_episodes_of_one_title_and_day(server, folder, patient, make_feed, item, episode_audio):
    server.routes["/a.mp3"] = server.routes["/b.mp3"] = episode_audio
    items = [item("Same", f"{server.url}/{name}.mp3", name) for name in "ab"]
    server.routes["/f"] = make_feed(*items)
    assert len(collect_feed(server.url + "/f", folder, settings=patient).here) == 2
    assert len(media(folder)) == 2


def test_one_episode_that_fails_does_not_stop_the_others(show, folder, patient, server, reply):
    url = show("First", "Second", "Third")
    server.routes["/1.mp3"] = lambda h: reply(h, 404)
    server.routes["/2.mp3"] = lambda h: reply(h, 200, b"<html><body>Please log in</body></html>")
    result = collect_feed(url, folder, settings=patient)
    assert [entry.title for entry in result.here] == ["First"]
    assert {name: str(error) for name, error in result.failed} == {
        "Second": f"{server.url}/1.mp3: expected an answer with content, found HTTP 404, no such page. "
        "Check the address.",
        "Third": f"{server.url}/2.mp3: expected audio or video, found a text file. Look at the episode in a browser.",
    }
    assert media(folder) == [result.here[0].path.name]
    assert [name for name in everything(folder) if name.endswith(".part")] == []


def test_an_episode_that_was_deleted_comes_back(show, folder, patient):
    url = show("First")
    collect_feed(url, folder, settings=patient).here[0].path.unlink()
    assert collect_feed(url, folder, settings=patient).fetched == 1
    assert len(media(folder)) == 1


def test_an_html_page_instead_of_a_feed_writes_nothing_but_the_lock(server, folder, patient):
    server.routes["/f"] = b"<!doctype html><html></html>"
    with pytest.raises(FormatError, match="found an HTML page"):
        collect_feed(server.url + "/f", folder, settings=patient)
    assert everything(folder) == [".lock"]


def test_no_more_than_two_downloads_at_a_time(show, folder, patient, server, reply, episode_audio):
    import threading

    url = show(*"abcdef")
    lock, now, most = threading.Lock(), 0, 0

    def serve(handler):
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        time.sleep(0.05)
        with lock:
            now -= 1
        reply(handler, 200, episode_audio)

    for n in range(6):
        server.routes[f"/{n}.mp3"] = serve
    assert collect_feed(url, folder, settings=patient).fetched == 6
    assert most == 2


def test_two_runs_in_one_folder_do_not_meet(show, folder, patient):
    from earmark.collecting.lock import locked

    with locked(folder), pytest.raises(FormatError) as caught:
        collect_feed(show("a"), folder, settings=patient)
    assert str(caught.value) == (
        f"{folder}: expected a folder that no other run works in, found one at work. "
        "Wait until it is done, or choose another folder."
    )


def test_the_folder_is_a_file(show, folder, patient):
    folder.write_text("x")
    with pytest.raises(FormatError, match="expected a folder, found a file. Choose another name."):
        collect_feed(show("a"), folder, settings=patient)


RUN = """
import sys
from pathlib import Path
from earmark.collecting import WebSettings, collect_feed
collect_feed(sys.argv[1], Path(sys.argv[2]), settings=WebSettings(allow_private=True, backoff_seconds=0.0))
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system cannot kill")
def test_a_killed_run_goes_on_where_it_was(show, folder, patient, server, ranged, episode_audio):
    url = show("First", "Second", "Third")
    hold = []

    def stuck(handler):  # the newest episode comes by half, then nothing
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(episode_audio)))
        handler.send_header("ETag", '"v1"')
        handler.end_headers()
        handler.wfile.write(episode_audio[: len(episode_audio) // 2])
        handler.wfile.flush()
        hold.append(True)
        time.sleep(1.0)

    server.routes["/2.mp3"] = stuck
    run = subprocess.Popen([sys.executable, "-c", RUN, url, str(folder)])
    try:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline and not (hold and len(read_entries(folder)) == 2):
            time.sleep(0.02)
        part = next(folder.glob(".*.part"))
        while time.monotonic() < deadline and not part.stat().st_size:
            time.sleep(0.02)
    finally:
        os.kill(run.pid, signal.SIGKILL)
        run.wait()
    with open(folder / "recordings.jsonl", "ab") as file:
        file.write(b'{"file": "half a li')  # as if it had been killed at this line
    assert len(media(folder)) == 2
    server.routes["/2.mp3"] = ranged(episode_audio)
    server.requests.clear()
    result = collect_feed(url, folder, settings=patient)
    assert sorted(path for path, _ in server.requests) == ["/2.mp3", "/feed.xml"]
    half = next(headers["Range"] for path, headers in server.requests if path == "/2.mp3")
    assert 0 < int(half.removeprefix("bytes=").rstrip("-")) <= len(episode_audio) // 2
    assert (result.fetched, len(result.here)) == (1, 3)
    assert all((folder / name).read_bytes() == episode_audio for name in media(folder))
    assert len(read_entries(folder)) == len((folder / "recordings.jsonl").read_text().splitlines()) == 3


def test_a_feed_of_thousands_is_handled_without_asking_for_what_is_not_wanted(
    server, folder, patient, make_feed, item, episode_audio
):
    items = [item(f"No {n}", f"{server.url}/e/{n}.mp3", f"id{n}", day=n + 1) for n in range(5_000)]
    server.routes["/f"] = make_feed(*items)
    for n in (4_998, 4_999):
        server.routes[f"/e/{n}.mp3"] = episode_audio
    result = collect_feed(server.url + "/f", folder, limit=2, settings=replace(patient))
    assert [entry.title for entry in read_entries(folder)] == ["No 4999", "No 4998"]
    assert (result.fetched, len(server.requests)) == (2, 3)
