"""Asking web servers politely: few at a time, slower when they are busy, nothing twice.

urllib3 does what HTTP needs (connections kept, redirects, back-off, ``Retry-After``); added here are the
check of every address connected to, conditional requests, limits of size, and downloads that go on
where they broke off. Every way it can end otherwise is one `MediaError`.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import shutil
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from earmark import __version__
from earmark.collecting.addresses import connect_checked
from earmark.errors import EngineError, FormatError, MediaError

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse, PoolManager

__all__ = ["Downloaded", "Page", "Web", "WebSettings", "unfinished_name"]

BUSY = (429, 500, 502, 503, 504)
"""Answers that ask to come back later."""
BLOCK_BYTES = 1 << 16
MAX_BREAKS = 100
"""A download that breaks off this often is given up, though each piece brings something."""
SPARE_BYTES = 64 << 20
"""Room that a download leaves on the disk."""
USER_AGENT = f"earmark/{__version__}"
REFUSED = {401: "a password", 403: "a permission", 402: "a payment"}


@dataclass(frozen=True)
class WebSettings:
    """How servers are asked."""

    concurrency: int = 2
    """Downloads at a time."""
    retries: int = 5
    """Times a busy server or a broken connection is tried again."""
    backoff_seconds: float = 1.0
    """Wait before the second try; doubled with each further one."""
    longest_wait_seconds: int = 120
    """Longer waits that a server asks for are shortened to this."""
    timeout_seconds: float = 30.0
    """A server that is silent for this long has failed."""
    redirects: int = 10
    """Redirects followed for one address."""
    max_bytes: int = 4 << 30
    """Larger files are refused."""
    max_feed_bytes: int = 64 << 20
    """Larger feeds are refused, counted after decompression."""
    allow_private: bool = False
    """Also connect to loopback and private addresses."""


@dataclass(frozen=True, slots=True)
class Page:
    """What came of asking for a page; `body` is None where the server says it has not changed."""

    url: str
    body: bytes | None
    etag: str = ""
    last_modified: str = ""


@dataclass(frozen=True, slots=True)
class Downloaded:
    """A finished download: where it came from after redirects, its size, and the type the server gave it."""

    url: str
    num_bytes: int
    content_type: str


class Web:
    """Shared by the threads of one run.

    Raises:
        EngineError: if urllib3 is missing.
    """

    def __init__(self, settings: WebSettings | None = None) -> None:
        self.settings = WebSettings() if settings is None else settings
        self._pool = _pool_manager(self.settings)

    def fetch(self, url: str, etag: str = "", last_modified: str = "") -> Page:
        """A page whole in memory, unless it has not changed since `etag` or `last_modified`.

        Raises:
            MediaError: if it cannot be had.
        """
        headers = {}
        if etag:
            headers["If-None-Match"] = etag
        if last_modified:
            headers["If-Modified-Since"] = last_modified
        with self._answer(url, headers) as response:
            final = _final_url(url, response)
            if response.status == 304 and headers:
                return Page(final, None, etag, last_modified)
            _expect_ok(url, response)
            body = bytearray()
            for block in response.stream(BLOCK_BYTES, decode_content=True):
                body += block
                if len(body) > self.settings.max_feed_bytes:
                    raise _too_large(url, len(body), self.settings.max_feed_bytes, "--max-size does not apply")
            given = response.headers
            return Page(final, bytes(body), given.get("ETag", ""), given.get("Last-Modified", ""))

    def download(
        self,
        url: str,
        path: Path,
        on_bytes: Callable[[int, int], None] = lambda done, total: None,
        go_on: Callable[[], bool] = lambda: True,
    ) -> Downloaded:
        """A file, written under its unfinished name; the caller checks it and gives it its own.

        What an earlier run left there is completed, if the server confirms that the file is the same.

        Args:
            path: the name it will have; bytes go to `unfinished_name` of it.
            on_bytes: called with the bytes there are and will be (0 where that is not known).
            go_on: asked between blocks; False stops with InterruptedError.

        Raises:
            MediaError: if it cannot be had whole.
            FormatError: if the disk does not take it.
        """
        part = _Part(unfinished_name(path))
        futile = 0  # breaks in a row that brought nothing new
        while True:
            try:
                return self._continue(url, path, part, on_bytes, go_on)
            except _BrokeOff as exc:
                futile = 0 if part.size > part.most else futile + 1
                part.most = max(part.most, part.size)
                part.breaks += 1
                if futile >= self.settings.retries or part.breaks >= MAX_BREAKS:
                    of = f" of {exc.total:,}" if exc.total else ""
                    raise MediaError(
                        url,
                        expected="a whole file",
                        found=f"{part.most:,}{of} bytes, cut off {part.breaks} times",
                        hint="Run the same command again later.",
                    ) from exc
                _sleep(min(self.settings.backoff_seconds * 2**futile, 60.0))

    def _continue(
        self, url: str, path: Path, part: _Part, on_bytes: Callable[[int, int], None], go_on: Callable[[], bool]
    ) -> Downloaded:
        headers = {"Accept-Encoding": "identity"}
        offset = part.resumable_size()
        if offset:
            headers |= {"Range": f"bytes={offset}-", "If-Range": part.validator}
        with self._answer(url, headers) as response:
            if offset and response.status in (412, 416):  # not the file it was
                part.discard()
                raise _BrokeOff(0)
            if not (response.status == 206 and _range_start(response) == offset):
                _expect_ok(url, response)
                offset = 0
            total = _declared_total(response, offset)
            self._expect_room(url, part.path, total, offset)
            size = offset
            try:
                part.begin(offset, response)
                with open(part.path, "r+b" if offset else "wb") as file:
                    file.seek(offset)
                    while block := response.read1(BLOCK_BYTES, decode_content=True):  # also what a break cuts short
                        if not go_on():
                            raise InterruptedError
                        file.write(block)
                        size += len(block)
                        if size > self.settings.max_bytes:
                            raise _too_large(url, size, self.settings.max_bytes)
                        on_bytes(size, total)
                    file.truncate()
                    os.fsync(file.fileno())
            except _transport_errors() as exc:
                raise _BrokeOff(total) from exc
            except InterruptedError:
                raise
            except OSError as exc:  # of the disk: urllib3 has its own for the network
                raise FormatError(
                    path,
                    expected="a disk that takes the download",
                    found=exc.strerror or "an error",
                    hint="Free some room; the same command goes on from there.",
                ) from exc
            if total and not response.headers.get("Content-Encoding") and size != total:
                raise _BrokeOff(total)
            part.forget_validator()
            return Downloaded(_final_url(url, response), size, response.headers.get("Content-Type", ""))

    def _expect_room(self, url: str, path: Path, total: int, offset: int) -> None:
        if total > self.settings.max_bytes:
            raise _too_large(url, total, self.settings.max_bytes)
        free = shutil.disk_usage(path.parent).free
        if total - offset + SPARE_BYTES > free:
            raise MediaError(
                url,
                expected=f"room for {_megabytes(total - offset)} on the disk",
                found=_megabytes(free),
                hint="Free some, or choose another folder.",
            )

    @contextmanager
    def _answer(self, url: str, headers: dict[str, str]) -> Iterator[BaseHTTPResponse]:
        import urllib3.exceptions as broken

        if urlsplit(url).scheme not in ("http", "https"):
            raise MediaError(
                url,
                expected="an address that begins with http:// or https://",
                found=f"{urlsplit(url).scheme or 'none'}:" if urlsplit(url).scheme else "another",
                hint="Check the address.",
            )
        try:
            asked = {"User-Agent": USER_AGENT} | headers
            response = self._pool.request("GET", url, headers=asked, preload_content=False)
        except broken.MaxRetryError as exc:
            raise _unanswered(url, exc.reason or exc) from exc
        except (broken.HTTPError, http.client.HTTPException, OSError, UnicodeError) as exc:
            raise _unanswered(url, exc) from exc
        try:
            yield response
        except (broken.HTTPError, http.client.HTTPException) as exc:
            raise _unanswered(url, exc) from exc
        finally:
            response.close()


class _Part:
    """An unfinished file, and beside it what its server called that version of it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.breaks = 0
        self.most = 0  # bytes there ever were
        self._note = path.with_name(path.name + ".json")
        self.validator = ""

    @property
    def size(self) -> int:
        try:
            return self.path.stat().st_size
        except FileNotFoundError:
            return 0

    def resumable_size(self) -> int:
        """Bytes that may be kept: all, where it is known which version of the file they belong to."""
        try:
            self.validator = str(json.loads(self._note.read_text(encoding="utf-8"))["validator"])
        except (OSError, ValueError, KeyError, TypeError):
            return 0
        return self.size

    def begin(self, offset: int, response: BaseHTTPResponse) -> None:
        if offset:
            return
        etag = response.headers.get("ETag", "")
        validator = etag if etag and not etag.startswith("W/") else response.headers.get("Last-Modified", "")
        self.forget_validator()  # before the first byte of another version
        self.path.write_bytes(b"")
        if validator and not response.headers.get("Content-Encoding"):
            self._note.write_text(json.dumps({"validator": validator}), encoding="utf-8")

    def forget_validator(self) -> None:
        self._note.unlink(missing_ok=True)

    def discard(self) -> None:
        self.forget_validator()
        self.path.unlink(missing_ok=True)


class _BrokeOff(Exception):
    """A download stopped before its end, of `total` bytes or 0."""

    def __init__(self, total: int) -> None:
        super().__init__(total)
        self.total = total


def unfinished_name(path: Path) -> Path:
    """Where the bytes of a download lie until it is whole and checked; hidden, so no folder walk takes it."""
    return path.with_name(f".{path.name}.part")


def _pool_manager(settings: WebSettings) -> PoolManager:
    try:
        import urllib3
        from urllib3.connection import HTTPConnection, HTTPSConnection
        from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError
    except ImportError as exc:
        raise EngineError(
            "collect", expected="the package urllib3", found="none", hint="Run: pip install 'earmark[collect]'"
        ) from exc

    def connect(connection: Any) -> socket.socket:
        try:
            timeout = connection.timeout
            return connect_checked(
                connection._dns_host,
                connection.port,
                allow_private=settings.allow_private,
                timeout_seconds=timeout if isinstance(timeout, (int, float)) else None,
                options=connection.socket_options or (),
            )
        except socket.gaierror as exc:
            raise NameResolutionError(connection.host, connection, exc) from exc
        except TimeoutError as exc:
            raise ConnectTimeoutError(connection, f"no answer within {timeout} s") from exc
        except OSError as exc:
            raise NewConnectionError(connection, exc.strerror or str(exc)) from exc

    class CheckedHTTPConnection(HTTPConnection):
        def _new_conn(self) -> socket.socket:
            return connect(self)

    class CheckedHTTPSConnection(HTTPSConnection):
        def _new_conn(self) -> socket.socket:
            return connect(self)

    class CheckedHTTPPool(urllib3.HTTPConnectionPool):
        ConnectionCls = CheckedHTTPConnection

    class CheckedHTTPSPool(urllib3.HTTPSConnectionPool):
        ConnectionCls = CheckedHTTPSConnection

    retries = urllib3.Retry(
        total=None,
        connect=settings.retries,
        read=settings.retries,
        status=settings.retries,
        other=0,
        redirect=settings.redirects,
        status_forcelist=BUSY,
        backoff_factor=settings.backoff_seconds / 2,  # urllib3 waits factor * 2 ** n from the second retry on
        backoff_max=60.0,
        retry_after_max=settings.longest_wait_seconds,
        raise_on_status=False,
    )
    manager = urllib3.PoolManager(
        num_pools=8,
        maxsize=settings.concurrency,
        retries=retries,
        timeout=urllib3.Timeout(settings.timeout_seconds),
    )
    manager.pool_classes_by_scheme = {"http": CheckedHTTPPool, "https": CheckedHTTPSPool}
    return manager


def _transport_errors() -> tuple[type[Exception], ...]:
    import urllib3.exceptions as broken

    return (broken.ProtocolError, broken.TimeoutError, broken.SSLError, http.client.HTTPException, ConnectionError)


def _expect_ok(url: str, response: BaseHTTPResponse) -> None:
    status = response.status
    if status == 200:
        return
    known = {404: "no such page", 410: "a page that is gone for good"}
    found = f"HTTP {status}" + (f", {known[status]}" if status in known else "")
    hint = "Check the address."
    if status in REFUSED:
        hint = f"The server asks for {REFUSED[status]}; take an address that is open to you."
    elif status in BUSY:
        hint = "The server is busy or broken; run the same command again later."
    raise MediaError(url, expected="an answer with content", found=found, hint=hint)


def _unanswered(url: str, reason: BaseException) -> MediaError:
    import urllib3.exceptions as broken

    hint = "Check the address and the network; the same command goes on where it stopped."
    if isinstance(reason, broken.NameResolutionError):
        found = "no server of that name"
    elif isinstance(reason, broken.NewConnectionError):  # counts as a kind of timeout
        found = "nobody listening there"
    elif isinstance(reason, broken.TimeoutError):
        found = "a server that stays silent"
    elif isinstance(reason, broken.SSLError):
        found, hint = f"one that cannot be trusted ({_first_line(reason)})", "Check the address and your clock."
    elif isinstance(reason, broken.ResponseError) and "redirect" in str(reason):
        found, hint = "redirects without end", "Check the address in a browser."
    elif isinstance(reason, broken.URLSchemeUnknown):
        found, hint = f"a redirect to {reason.scheme}:", "Only http and https are followed."
    elif isinstance(reason, broken.LocationValueError):
        found, hint = f"an address or redirect that leads nowhere ({_first_line(reason)})", "Check the address."
    else:
        found = f"a broken answer ({_first_line(reason)})"
    return MediaError(url, expected="a web server that answers", found=found, hint=hint)


def _too_large(url: str, size: int, most: int, hint: str = "Pass --max-size to allow more") -> MediaError:
    return MediaError(url, expected=f"at most {_megabytes(most)}", found=f"{_megabytes(size)} or more", hint=f"{hint}.")


def _declared_total(response: BaseHTTPResponse, offset: int) -> int:
    """The size of the whole file as the server declares it; 0 where it does not."""
    with contextlib.suppress(ValueError):
        if offset:
            return int(response.headers.get("Content-Range", "").rpartition("/")[2])
        return max(0, int(response.headers.get("Content-Length", "0")))
    return 0


def _range_start(response: BaseHTTPResponse) -> int:
    with contextlib.suppress(ValueError):
        return int(response.headers.get("Content-Range", "").removeprefix("bytes ").partition("-")[0])
    return -1


def _final_url(url: str, response: BaseHTTPResponse) -> str:
    from urllib.parse import urljoin

    return urljoin(url, response.geturl() or "")


def _megabytes(count: int) -> str:
    return f"{count / 1e6:,.1f} MB"


def _first_line(reason: BaseException) -> str:
    text = " ".join(str(reason).split())
    return text[:160]


def _sleep(seconds: float) -> None:
    import time

    time.sleep(seconds)
