"""Pulling weights: from a server of our own that can break off, lie and resume."""

from __future__ import annotations

import hashlib
import io
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import ClassVar

import pytest

from earmark.engines import models
from earmark.engines.models import MODELS, Model, RemoteFile, is_pulled, model_folder, pull
from earmark.errors import EngineError, UsageError

WEIGHTS = bytes(range(256)) * 500


class Publisher(BaseHTTPRequestHandler):
    """Serves `files`; breaks off after `limit` bytes where one is set; `asked` holds the ranges asked for."""

    files: ClassVar[dict[str, bytes]] = {}
    limit: ClassVar[int | None] = None
    ranges = True
    asked: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        content = self.files.get(self.path)
        if content is None:
            self.send_error(404, "Not Found")
            return
        begin = 0
        asked = self.headers.get("Range", "")
        self.asked.append(asked)
        if asked and self.ranges:
            begin = int(asked.removeprefix("bytes=").rstrip("-"))
            if begin >= len(content):
                self.send_error(416, "Range Not Satisfiable")
                return
        self.send_response(206 if begin else 200)
        self.send_header("Content-Length", str(len(content) - begin))
        self.end_headers()
        self.wfile.write(content[begin:] if self.limit is None else content[begin : begin + self.limit])

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def publisher(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Publisher]]:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("vosk-model-0.1/am/final.mdl", b"acoustic")
        archive.writestr("vosk-model-0.1/../../evil", b"outside")
        archive.writestr("vosk-model-0.1/README", b"read me")
    server = HTTPServer(("127.0.0.1", 0), Publisher)
    base = f"http://127.0.0.1:{server.server_port}"
    Publisher.files = {"/model.bin": WEIGHTS, "/config.json": b"{}", "/model.zip": packed.getvalue()}
    Publisher.limit, Publisher.ranges, Publisher.asked = None, True, []
    checksum = hashlib.sha256(WEIGHTS).hexdigest()
    files = (RemoteFile("model.bin", f"{base}/model.bin", checksum), RemoteFile("config.json", f"{base}/config.json"))
    archive_sum = hashlib.sha256(packed.getvalue()).hexdigest()
    monkeypatch.setattr(
        models,
        "MODELS",
        {
            "tiny": Model("--recogniser whisper:tiny", "for a test", "MIT", len(WEIGHTS) + 2, files),
            "packed": Model("-", "-", "MIT", 1000, (RemoteFile("model.zip", f"{base}/model.zip", archive_sum),)),
            "gone": Model("-", "-", "MIT", 1, (RemoteFile("x", f"{base}/missing"),)),
        },
    )
    monkeypatch.setenv("EARMARK_MODELS", str(tmp_path / "models"))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield Publisher
    server.shutdown()
    thread.join()
    server.server_close()


def test_what_can_be_pulled_is_pinned() -> None:
    for name, model in MODELS.items():
        assert len(model.sha256) == 64 and int(model.sha256, 16), name
        assert model.licence in {"MIT", "Apache-2.0"} and model.size_bytes > 1e7
        assert all(file.address.startswith("https://") for file in model.files)
        assert all("/resolve/main/" not in file.address for file in model.files), "a revision, not a branch"


def test_pulled_once_and_kept(publisher: type[Publisher], tmp_path: Path) -> None:
    steps: list[tuple[float, float]] = []
    folder = pull("tiny", lambda stage, done, total: steps.append((done, total)))
    assert folder == tmp_path / "models" / "tiny" == model_folder("tiny") and is_pulled("tiny")
    assert (folder / "model.bin").read_bytes() == WEIGHTS and (folder / "config.json").read_bytes() == b"{}"
    assert steps[-1] == (len(WEIGHTS) + 2, len(WEIGHTS) + 2)
    publisher.files = {}
    assert pull("tiny") == folder
    assert [path.name for path in folder.parent.iterdir()] == ["tiny"]


def test_a_pull_that_broke_off_goes_on(publisher: type[Publisher]) -> None:
    publisher.limit = 100_000
    with pytest.raises(EngineError) as caught:
        pull("tiny")
    address = models.MODELS["tiny"].files[0].address
    assert str(caught.value) == (
        f"tiny: expected an answer from {address}, found the connection closed after 100000 of 128000 bytes. "
        "Check the connection and pull again; it goes on where it stopped."
    )
    assert not is_pulled("tiny")
    publisher.limit = None
    assert (pull("tiny") / "model.bin").read_bytes() == WEIGHTS
    assert publisher.asked == ["", "bytes=100000-", ""]


def test_a_server_that_cannot_resume_is_begun_anew(publisher: type[Publisher]) -> None:
    publisher.limit = 1000
    with pytest.raises(EngineError):
        pull("tiny")
    publisher.limit, publisher.ranges = None, False
    assert (pull("tiny") / "model.bin").read_bytes() == WEIGHTS


def test_wrong_content_is_discarded(publisher: type[Publisher], tmp_path: Path) -> None:
    publisher.files = publisher.files | {"/model.bin": b"something else"}
    with pytest.raises(EngineError) as caught:
        pull("tiny")
    right, wrong = hashlib.sha256(WEIGHTS).hexdigest(), hashlib.sha256(b"something else").hexdigest()
    assert str(caught.value) == (
        f"tiny: expected model.bin with SHA-256 {right}, found {wrong}. It was discarded; pull it again. "
        "If this repeats, what lies at the address was changed."
    )
    assert list((tmp_path / "models" / "tiny.part").iterdir()) == [] and not is_pulled("tiny")


def test_an_archive_is_unpacked_inside_its_folder(publisher: type[Publisher], tmp_path: Path) -> None:
    folder = pull("packed")
    assert sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()) == [
        "README",
        "am/final.mdl",
        "earmark.json",
    ]
    assert not list(tmp_path.rglob("evil"))


def test_a_missing_page_and_an_unknown_name(publisher: type[Publisher]) -> None:
    with pytest.raises(EngineError, match="found HTTP 404 Not Found"):
        pull("gone")
    with pytest.raises(UsageError) as caught:
        pull("whispr")
    assert str(caught.value) == (
        "whispr: expected one of tiny, packed, gone, found an unknown name. Run: earmark models list"
    )


def test_a_folder_that_cannot_be_written(
    publisher: type[Publisher], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("EARMARK_MODELS", str(tmp_path / "file" / "models"))
    with pytest.raises(EngineError, match="set EARMARK_MODELS to another folder"):
        pull("tiny")
