"""Configs of the sound model's training."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import pytest

from earmark.errors import FormatError, UsageError
from earmark.training.sound_config import read_config


def test_a_small_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOUNDS", "/somewhere")
    path = tmp_path / "c.yaml"
    path.write_text("data: ${SOUNDS}/x\nbatch: 4\ncollections: [a, {folder: b, held_out_folds: [4]}]\n")
    config = read_config(path)
    assert (config.data, config.batch) == ("/somewhere/x", 4)
    assert [(c.folder, c.held_out_folds) for c in config.collections] == [("a", ()), ("b", ("4",))]


@pytest.mark.parametrize("name", ["sound.yaml", "sound-gpu.yaml"])
def test_the_shipped_ones(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EARMARK_DATA", "/data")
    monkeypatch.setenv("EARMARK_TEACHER", "/teacher")
    config = read_config(Path(str(files("earmark.training").joinpath("configs", name))))
    assert {"esc10", "kitchen20"} <= {c.folder for c in config.collections}
    assert config.teacher == "/teacher/yamnet.tflite"
    assert Path(config.held_out_list).name == "held_out.txt"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("learning_rate: 2e-3", "expected `learning_rate` to be a number, found '2e-3'. YAML reads 2e-3 as a word"),
        ("batch: 1.5", "expected `batch` to be a whole number, found 1.5"),
        ("batch: true", "expected `batch` to be a whole number, found True"),
        ("name: 3", "expected `name` to be text, found 3"),
        ("tones: 1", "expected `tones` to be true or false, found 1"),
    ],
)
def test_values_of_another_kind(tmp_path: Path, line: str, message: str) -> None:
    path = tmp_path / "c.yaml"
    path.write_text(f"data: x\ncollections: [a]\n{line}\n")
    with pytest.raises(FormatError) as caught:
        read_config(path)
    assert message in str(caught.value)


def test_an_unset_variable_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOT_SET", raising=False)
    path = tmp_path / "c.yaml"
    path.write_text("data: ${NOT_SET}\ncollections: [a]\n")
    with pytest.raises(UsageError) as caught:
        read_config(path)
    assert str(caught.value) == (
        f"{path}: expected the environment variable NOT_SET, found nothing under that name. "
        "Set it to a folder: NOT_SET=/path/to/data earmark train …"
    )


def test_an_unknown_name_is_named(tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    path.write_text("data: x\ncollections: [a]\nlearning_rat: 1\n")
    with pytest.raises(FormatError, match="found learning_rat. See the shipped sound.yaml."):
        read_config(path)


@pytest.mark.parametrize(("text", "missing"), [("data: x\n", "`collections`"), ("collections: [a]\n", "`data`")])
def test_what_is_needed(tmp_path: Path, text: str, missing: str) -> None:
    path = tmp_path / "c.yaml"
    path.write_text(text)
    with pytest.raises(FormatError, match=f"expected {missing}, found nothing"):
        read_config(path)


def test_broken_yaml_is_named_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    path.write_text("data: x\ncollections: [a\n")
    with pytest.raises(FormatError, match=r"c.yaml, line 3: expected YAML"):
        read_config(path)


def test_a_missing_file_and_a_missing_list(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="none.yaml: expected a YAML file, found no such file"):
        read_config(tmp_path / "none.yaml")
    path = tmp_path / "c.yaml"
    path.write_text("data: x\ncollections: [a]\nheld_out_list: l.txt\n")
    with pytest.raises(FormatError, match="l.txt: expected a list of recordings, found no such file"):
        read_config(path)
