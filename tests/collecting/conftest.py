"""A real web server on the loopback address that misbehaves on demand, and feeds for it to serve."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from xml.sax.saxutils import escape

import pytest

from earmark.collecting.web import WebSettings

Handler = BaseHTTPRequestHandler


@dataclass
class Server:
    """Answers by path: with bytes, or with a function that is handed the request."""

    routes: dict[str, bytes | Callable[[Handler], None]] = field(default_factory=dict)
    requests: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    url: str = ""

    def count(self, path: str) -> int:
        return sum(asked == path for asked, _ in self.requests)


def answer(handler: Handler, status: int, body: bytes = b"", **headers: str) -> None:
    """A whole answer; ``Content_Type="audio/mpeg"`` becomes a header."""
    handler.send_response(status)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    named.setdefault("Content-Length", str(len(body)))
    for name, value in named.items():
        handler.send_header(name, value)
    handler.end_headers()
    with suppress(OSError):  # a client that has seen enough
        handler.wfile.write(body)


def resumable(body: bytes, etag: str = '"v1"', first_cut: int | None = None) -> Callable[[Handler], None]:
    """A file served with ranges; the first answer breaks off after `first_cut` bytes."""
    state = {"cut": first_cut}

    def serve(handler: Handler) -> None:
        wanted = handler.headers.get("Range")
        start = 0
        if wanted and handler.headers.get("If-Range") == etag:
            start = int(wanted.removeprefix("bytes=").rstrip("-"))
        part = body[start:]
        handler.send_response(206 if start else 200)
        if start:
            handler.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
        handler.send_header("Content-Length", str(len(part)))
        handler.send_header("ETag", etag)
        handler.end_headers()
        cut, state["cut"] = state["cut"], None
        with suppress(OSError):
            handler.wfile.write(part if cut is None else part[:cut])

    return serve


@pytest.fixture
def server() -> Iterator[Server]:
    state = Server()
    lock = threading.Lock()

    class Answering(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            with lock:
                state.requests.append((self.path, dict(self.headers)))
            route = state.routes.get(self.path)
            if route is None:
                answer(self, 404, b"nothing here")
            elif isinstance(route, bytes):
                answer(self, 200, route)
            else:
                route(self)

        def log_message(self, *args: object) -> None:
            pass

    http = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
    http.daemon_threads = True
    state.url = f"http://127.0.0.1:{http.server_address[1]}"
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield state
    http.shutdown()
    thread.join()
    http.server_close()


@pytest.fixture
def patient() -> WebSettings:
    """Settings for a server in this process: allowed, never waited for long."""
    return WebSettings(allow_private=True, backoff_seconds=0.0, timeout_seconds=3.0, retries=3)


@pytest.fixture
def reply() -> Callable[..., None]:
    return answer


@pytest.fixture
def ranged() -> Callable[..., Callable[[Handler], None]]:
    return resumable


@dataclass(frozen=True)
class Item:
    title: str = "An episode"
    url: str = ""
    guid: str = ""
    day: int | None = 1
    kind: str = "audio/mpeg"


def rss(*items: Item, title: str = "The feed", language: str = "en-us") -> bytes:
    """A podcast feed; `day` counts from 1 January 2024."""
    rows = []
    for item in items:
        date = ""
        if item.day is not None:
            moment = datetime(2024, 1, 1, 12, tzinfo=timezone.utc) + timedelta(days=item.day - 1)
            date = f"<pubDate>{format_datetime(moment)}</pubDate>"
        guid = f"<guid isPermaLink='false'>{escape(item.guid)}</guid>" if item.guid else ""
        enclosure = f"<enclosure url='{escape(item.url)}' length='1' type='{item.kind}'/>" if item.url else ""
        rows.append(f"<item><title>{escape(item.title)}</title>{guid}{date}{enclosure}</item>")
    return (
        f"<?xml version='1.0' encoding='UTF-8'?><rss version='2.0'><channel><title>{escape(title)}</title>"
        f"<language>{language}</language>{''.join(rows)}</channel></rss>"
    ).encode()


@pytest.fixture
def make_feed() -> Callable[..., bytes]:
    return rss


@pytest.fixture
def item() -> type[Item]:
    return Item


@pytest.fixture
def episode_audio(tmp_path: Path, write_media, tone, sound) -> bytes:
    """Two seconds of MP3, as bytes."""
    folder = tmp_path / "made"
    folder.mkdir()
    return write_media(folder / "a.mp3", sound(tone(0.5, 1.0, 2.0))).read_bytes()
