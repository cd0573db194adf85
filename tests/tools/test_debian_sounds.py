"""The sounds of Debian's packages: what is taken, what it is called, and that only free ones may train."""

from __future__ import annotations

import csv
import importlib.util
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from types import ModuleType

import pytest

from earmark.scenes.vocabulary import shipped_vocabulary

SCRIPT = Path(__file__).parents[2] / "tools" / "debian_sounds.py"


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("debian_sounds", SCRIPT)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["debian_sounds"] = module
    spec.loader.exec_module(module)
    return module


def test_only_licences_that_allow_it_may_train(tool: ModuleType) -> None:
    table = tool.read_table(SCRIPT.with_suffix(".csv"))
    assert len(table) > 200
    for row in table:
        assert row.use in tool.FOLDERS, row
        if row.use == "train":
            assert "GPL" not in row.licence and "NC" not in row.licence and row.licence, row


def test_labels_are_written_as_the_vocabulary_writes_them(tool: ModuleType) -> None:
    vocabulary = shipped_vocabulary()
    for row in tool.read_table(SCRIPT.with_suffix(".csv")):
        assert vocabulary.canonical(row.label) == row.label


@pytest.mark.skipif(shutil.which("dpkg-deb") is None, reason="no dpkg-deb: packages are unpacked on Debian alone")
def test_sounds_are_taken_out_of_packages_and_archives_in_them(
    tool: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "root"
    (root / "DEBIAN").mkdir(parents=True)
    (root / "DEBIAN/control").write_text(
        "Package: farm\nVersion: 1\nArchitecture: all\nMaintainer: Nobody <a@b.c>\nDescription: a farm\n"
    )
    sounds = root / "usr/share/farm"
    sounds.mkdir(parents=True)
    (sounds / "cow 1.wav").write_bytes(b"moo")
    (sounds / "cow.png").write_bytes(b"a picture")
    (sounds / "speech.wav").write_bytes(b"hello")
    with zipfile.ZipFile(sounds / "more.zip", "w") as inner:
        inner.writestr("audio/sheep.ogg", b"baa")
    package = tmp_path / "farm_1_all.deb"
    subprocess.run(["dpkg-deb", "--build", str(root), str(package)], check=True, capture_output=True)
    real = subprocess.run

    def download(command: list[str], **options: object) -> object:
        if command[0] != "apt-get":
            return real(command, **options)  # type: ignore[call-overload]
        if command[2] != "farm":
            raise subprocess.CalledProcessError(100, command, stderr=b"E: Unable to locate package")
        return shutil.copy(package, str(options["cwd"]))

    monkeypatch.setattr(tool.subprocess, "run", download)
    table = tmp_path / "debian_sounds.csv"
    table.write_text(
        "package,files,label,licence,use\n"
        "farm,*/cow*,cow,CC0,train\n"
        "farm,*/sheep*,sheep,GPL-2,measure\n"
        "farm,*/goat*,goat,CC0,train\n"
        "gone,*/x*,dog,CC0,train\n"
    )
    monkeypatch.setattr(tool, "__file__", str(table.with_suffix(".py")))
    monkeypatch.setattr(sys, "argv", ["debian_sounds.py", str(tmp_path / "out"), "--jobs", "1"])
    tool.main()
    with (tmp_path / "out/debian/manifest.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["label"], row["licence"], row["source"]) for row in rows] == [
        ("cow", "CC0", "farm:usr/share/farm/cow 1.wav")
    ]
    assert (tmp_path / "out/debian" / rows[0]["file"]).read_bytes() == b"moo"
    assert (tmp_path / "out/debian-measure/farm/sheep/audio-sheep.ogg").read_bytes() == b"baa"


def test_what_is_missing_is_named(
    tool: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(command: list[str], **options: object) -> object:
        raise subprocess.CalledProcessError(100, command, stderr=b"E: Unable to locate package gone")

    monkeypatch.setattr(tool.subprocess, "run", refuse)
    table = tmp_path / "debian_sounds.csv"
    table.write_text("package,files,label,licence,use\ngone,*/x*,dog,CC0,train\n")
    monkeypatch.setattr(tool, "__file__", str(table.with_suffix(".py")))
    monkeypatch.setattr(sys, "argv", ["debian_sounds.py", str(tmp_path / "out")])
    tool.main()
    said = capsys.readouterr().out
    assert "Unable to locate package gone" in said and "not found: gone */x*" in said
