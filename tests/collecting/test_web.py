"""Fetching from a real server: busy, moved, broken, lying, endless. Each ends whole or in one clear line."""

from __future__ import annotations

import gzip
import os
import time
from dataclasses import replace

import pytest

import earmark
from earmark.collecting.web import Web, unfinished_name
from earmark.errors import FormatError, MediaError

BODY = bytes(range(256)) * 1_000


@pytest.fixture
def web(patient) -> Web:
    return Web(patient)


@pytest.fixture
def path(tmp_path):
    folder = tmp_path / "into"
    folder.mkdir()
    return folder / "a.mp3"


def fetched(path) -> bytes:
    return unfinished_name(path).read_bytes()


def error(call, *args) -> str:
    with pytest.raises(MediaError) as caught:
        call(*args)
    return str(caught.value)


def test_a_page_with_its_validators(web, server, reply):
    server.routes["/f"] = lambda h: reply(h, 200, b"<rss/>", ETag='"7"', Last_Modified="Mon, 01 Jan 2024 00:00:00 GMT")
    page = web.fetch(server.url + "/f")
    assert (page.body, page.etag, page.last_modified) == (b"<rss/>", '"7"', "Mon, 01 Jan 2024 00:00:00 GMT")


def test_an_unchanged_page_is_not_sent_again(web, server, reply):
    server.routes["/f"] = lambda h: reply(h, 304 if h.headers["If-None-Match"] == '"7"' else 200, b"")
    assert web.fetch(server.url + "/f", etag='"7"').body is None
    assert server.requests[0][1]["If-None-Match"] == '"7"'


def test_a_download_is_whole(web, server, path):
    server.routes["/a"] = BODY
    told = []
    done = web.download(server.url + "/a", path, lambda have, total: told.append((have, total)))
    assert fetched(path) == BODY
    assert done.num_bytes == len(BODY)
    assert told[-1] == (len(BODY), len(BODY))


def test_the_server_is_told_who_asks(web, server, path):
    server.routes["/a"] = BODY
    web.download(server.url + "/a", path)
    assert server.requests[0][1]["User-Agent"] == f"earmark/{earmark.__version__}"


def test_redirects_are_followed_and_told(web, server, path, reply):
    server.routes["/a"] = lambda h: reply(h, 302, Location="/b")
    server.routes["/b"] = lambda h: reply(h, 307, Location=server.url + "/c")
    server.routes["/c"] = BODY
    assert web.download(server.url + "/a", path).url == server.url + "/c"
    assert fetched(path) == BODY


def test_redirects_without_end(web, server, path, reply):
    server.routes["/a"] = lambda h: reply(h, 302, Location="/a")
    assert error(web.download, server.url + "/a", path) == (
        f"{server.url}/a: expected a web server that answers, found redirects without end. "
        "Check the address in a browser."
    )


@pytest.mark.parametrize(
    ("target", "found"),
    [
        ("ftp://127.0.0.1/a", "a redirect to ftp:. Only http and https are followed."),
        ("gopher://127.0.0.1/", "a redirect to gopher:. Only http and https are followed."),
        ("file:///etc/passwd", "an address or redirect that leads nowhere (No host specified.). Check the address."),
    ],
)
def test_a_redirect_out_of_the_web_is_not_followed(web, server, path, reply, target, found):
    server.routes["/a"] = lambda h: reply(h, 302, Location=target)
    assert error(web.download, server.url + "/a", path) == (
        f"{server.url}/a: expected a web server that answers, found {found}"
    )
    assert not path.exists() and not unfinished_name(path).exists()


def test_private_addresses_are_refused_unless_allowed(patient, server, path):
    server.routes["/a"] = BODY
    web = Web(replace(patient, allow_private=False))
    assert error(web.download, server.url + "/a", path) == (
        "127.0.0.1: expected an address of the open internet, found 127.0.0.1, a private one. "
        "Pass --allow-private if you trust this feed with your own network."
    )
    assert server.requests == []


def test_private_addresses_are_refused_after_a_redirect_too(monkeypatch, patient, server, path, reply):
    monkeypatch.setattr("earmark.collecting.addresses.is_public", lambda address: address == "127.0.0.1")
    web = Web(replace(patient, allow_private=False))
    server.routes["/a"] = lambda h: reply(h, 302, Location="http://127.0.0.2:9/secret")
    assert error(web.download, server.url + "/a", path).startswith(
        "127.0.0.2: expected an address of the open internet, found 127.0.0.2, a private one."
    )
    assert server.count("/a") == 1  # the first hop was taken


def test_a_busy_server_is_asked_again(web, server, path, reply):
    answers = iter([503, 429, 200])
    server.routes["/a"] = lambda h: reply(h, next(answers), BODY, Retry_After="0")
    web.download(server.url + "/a", path)
    assert fetched(path) == BODY
    assert server.count("/a") == 3


def test_waits_grow_with_each_try(patient, server, path, reply, monkeypatch):
    waits = []
    monkeypatch.setattr("time.sleep", lambda seconds: waits.append(round(seconds, 3)))
    server.routes["/a"] = lambda h: reply(h, 503)
    error(Web(replace(patient, backoff_seconds=1.0)).download, server.url + "/a", path)
    assert waits == [1.0, 2.0]
    waits.clear()
    server.routes["/a"] = lambda h: reply(h, 503, Retry_After="9999")
    error(Web(patient).download, server.url + "/a", path)
    assert waits == [120] * 3


def test_a_server_that_stays_busy(web, server, path, reply):
    server.routes["/a"] = lambda h: reply(h, 503)
    assert error(web.download, server.url + "/a", path) == (
        f"{server.url}/a: expected an answer with content, found HTTP 503. "
        "The server is busy or broken; run the same command again later."
    )
    assert server.count("/a") == 4


@pytest.mark.parametrize(
    ("status", "found", "hint"),
    [
        (404, "HTTP 404, no such page", "Check the address."),
        (410, "HTTP 410, a page that is gone for good", "Check the address."),
        (401, "HTTP 401", "The server asks for a password; take an address that is open to you."),
        (403, "HTTP 403", "The server asks for a permission; take an address that is open to you."),
        (204, "HTTP 204", "Check the address."),
    ],
)
def test_other_answers_are_told_at_once(web, server, path, reply, status, found, hint):
    server.routes["/a"] = lambda h: reply(h, status)
    assert error(web.download, server.url + "/a", path) == (
        f"{server.url}/a: expected an answer with content, found {found}. {hint}"
    )
    assert server.count("/a") == 1


def test_a_truncated_download_goes_on_where_it_broke_off(web, server, path, ranged):
    server.routes["/a"] = ranged(BODY, first_cut=100_000)
    web.download(server.url + "/a", path)
    assert fetched(path) == BODY
    second = server.requests[1][1]
    offset = int(second["Range"].removeprefix("bytes=").rstrip("-"))
    assert 0 < offset <= 100_000 and second["If-Range"] == '"v1"'


def test_a_truncated_download_begins_anew_where_the_server_has_no_ranges(web, server, path):
    cuts = iter([1_000, None])

    def serve(handler):
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(BODY)))
        handler.end_headers()
        handler.wfile.write(BODY[: next(cuts)])

    server.routes["/a"] = serve
    web.download(server.url + "/a", path)
    assert fetched(path) == BODY


def test_a_download_that_is_always_truncated(web, server, path):
    def serve(handler):
        handler.send_response(200)
        handler.send_header("Content-Length", "5000")
        handler.end_headers()
        handler.wfile.write(BODY[:2_000])

    server.routes["/a"] = serve
    assert error(web.download, server.url + "/a", path) == (
        f"{server.url}/a: expected a whole file, found 2,000 of 5,000 bytes, cut off 4 times. "
        "Run the same command again later."
    )
    assert server.count("/a") == 4


def test_a_later_run_completes_what_is_there(patient, server, path, ranged):
    server.routes["/a"] = ranged(BODY, first_cut=70_000)
    error(Web(replace(patient, retries=0)).download, server.url + "/a", path)
    part = unfinished_name(path).stat().st_size
    assert 0 < part <= 70_000
    Web(patient).download(server.url + "/a", path)
    assert fetched(path) == BODY
    assert server.requests[1][1]["Range"] == f"bytes={part}-"


def test_another_version_is_not_glued_to_what_is_there(patient, server, path, ranged):
    server.routes["/a"] = ranged(BODY, first_cut=70_000)
    error(Web(replace(patient, retries=0)).download, server.url + "/a", path)
    server.routes["/a"] = ranged(BODY[::-1], etag='"v2"')
    Web(patient).download(server.url + "/a", path)
    assert fetched(path) == BODY[::-1]


def test_a_range_beyond_the_file_begins_anew(patient, server, path, reply, ranged):
    server.routes["/a"] = ranged(BODY, first_cut=70_000)
    error(Web(replace(patient, retries=0)).download, server.url + "/a", path)
    short = BODY[:5_000]
    server.routes["/a"] = lambda h: reply(h, 416) if h.headers["Range"] else reply(h, 200, short)
    Web(patient).download(server.url + "/a", path)
    assert fetched(path) == short


def test_ten_gigabytes_are_refused_before_a_byte_is_read(web, server, path, reply):
    server.routes["/a"] = lambda h: reply(h, 200, b"x", Content_Length="10000000000")
    began = time.monotonic()
    assert error(web.download, server.url + "/a", path) == (
        f"{server.url}/a: expected at most 4,295.0 MB, found 10,000.0 MB or more. Pass --max-size to allow more."
    )
    assert time.monotonic() - began < 2
    assert not unfinished_name(path).exists()


def test_a_length_that_fits_no_disk_is_refused(patient, server, path, reply):
    server.routes["/a"] = lambda h: reply(h, 200, b"x", Content_Length=str(10**18))
    message = error(Web(replace(patient, max_bytes=10**19)).download, server.url + "/a", path)
    assert "expected room for 1,000,000,000,000.0 MB on the disk" in message


def test_an_endless_file_stops_at_the_limit(patient, server, path):
    def serve(handler):
        handler.send_response(200)
        handler.end_headers()
        try:
            while True:
                handler.wfile.write(BODY)
        except OSError:
            pass

    server.routes["/a"] = serve
    message = error(Web(replace(patient, max_bytes=1_000_000)).download, server.url + "/a", path)
    assert "expected at most 1.0 MB, found 1.0 MB or more" in message or "found 1.1 MB or more" in message


def test_a_feed_that_swells_when_unpacked_stops_at_the_limit(patient, server, reply):
    bomb = gzip.compress(bytes(20_000_000))
    assert len(bomb) < 50_000
    server.routes["/f"] = lambda h: reply(h, 200, bomb, Content_Encoding="gzip")
    message = error(Web(replace(patient, max_feed_bytes=1_000_000)).fetch, server.url + "/f")
    assert "expected at most 1.0 MB" in message


def test_a_server_that_stays_silent(patient, server, path):
    server.routes["/a"] = lambda h: time.sleep(0.6)
    web = Web(replace(patient, timeout_seconds=0.2, retries=0))
    assert error(web.download, server.url + "/a", path) == (
        f"{server.url}/a: expected a web server that answers, found a server that stays silent. "
        "Check the address and the network; the same command goes on where it stopped."
    )


def test_nobody_listens(patient, path):
    web = Web(replace(patient, retries=0))
    assert "found nobody listening there" in error(web.download, "http://127.0.0.1:9/a", path)


def test_no_server_of_that_name(patient, path, monkeypatch):
    import socket

    def unknown(*_):
        raise socket.gaierror("no such name")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    web = Web(replace(patient, retries=0))
    assert "found no server of that name" in error(web.download, "http://feed.example/a", path)


def test_https_is_checked_in_the_same_way(patient, server):
    """A plain server under https: the connection is made, and fails only when TLS begins."""
    address = server.url.replace("http:", "https:")
    assert "found one that cannot be trusted (" in error(Web(patient).fetch, address + "/a")
    refused = error(Web(replace(patient, allow_private=False)).fetch, address + "/a")
    assert refused.startswith("127.0.0.1: expected an address of the open internet")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="this system has no disk that is always full")
def test_a_full_disk(web, server, path):
    server.routes["/a"] = BODY
    unfinished_name(path).symlink_to("/dev/full")
    with pytest.raises(FormatError) as caught:
        web.download(server.url + "/a", path)
    assert str(caught.value) == (
        f"{path}: expected a disk that takes the download, found No space left on device. "
        "Free some room; the same command goes on from there."
    )


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://example.org/a", "javascript:1", "feed.xml"])
def test_other_schemes_are_refused(web, url):
    assert "expected an address that begins with http:// or https://" in error(web.fetch, url)


def test_an_answer_that_is_no_http(web, server, path):
    server.routes["/a"] = lambda h: h.wfile.write(b"SSH-2.0-OpenSSH\r\n")
    assert "expected a web server that answers, found a broken answer" in error(web.download, server.url + "/a", path)
