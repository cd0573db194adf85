"""`earmark train sound`: what its command line refuses; the training itself is tested in tests/training/sound."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from earmark.cli.train import app
from earmark.errors import FormatError, MediaError

pytest.importorskip("torch")


def test_a_config_that_is_not_there(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["sound", str(tmp_path / "none.yaml")])
    assert isinstance(result.exception, FormatError)
    assert str(result.exception) == (
        f"{tmp_path / 'none.yaml'}: expected a YAML file, found no such file. Start from the shipped sound.yaml."
    )


def test_a_folder_without_a_table(tmp_path: Path) -> None:
    (tmp_path / "clips").mkdir()
    result = CliRunner().invoke(app, ["sound", str(tmp_path / "clips"), "--out", str(tmp_path / "out")])
    assert isinstance(result.exception, MediaError)
    assert "expected a folder of clips with a table, found no .csv file" in str(result.exception)


def test_help_names_the_options() -> None:
    text = CliRunner().invoke(app, ["sound", "--help"], env={"COLUMNS": "120", "NO_COLOR": "1"}).stdout
    assert "--resume" in text and "--out" in text and "file,start,end,caption" in text
