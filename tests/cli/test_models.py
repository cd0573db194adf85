"""`earmark models`: what is shown before anything is fetched, and that nothing is fetched unasked."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from earmark.cli.models import app
from earmark.engines import models


@pytest.fixture(autouse=True)
def no_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setenv("EARMARK_MODELS", str(tmp_path))
    pulled: list[str] = []

    def pretend(name: str, on_progress: object = None) -> Path:
        pulled.append(name)
        return tmp_path / name

    monkeypatch.setattr(models, "pull", pretend)
    return pulled


def test_the_list_says_how_large_and_how_to_use_them(tmp_path: Path) -> None:
    (tmp_path / "vosk-small-fa").mkdir()
    shown = CliRunner().invoke(app, ["list"])
    assert shown.exit_code == 0
    lines = {line.split()[0]: line for line in shown.output.splitlines()}
    assert "486 MB" in lines["whisper-small"] and "MIT" in lines["whisper-small"]
    assert "--recogniser whisper:turbo" in lines["whisper-turbo"] and "1.6 GB" in lines["whisper-turbo"]
    assert "pulled" in lines["vosk-small-fa"].split()


def test_it_asks_first_and_takes_no_for_an_answer(no_network: list[str]) -> None:
    refused = CliRunner().invoke(app, ["pull", "whisper-small"], input="n\n")
    assert refused.exit_code == 1 and no_network == []
    for told in ("486 MB", "licence MIT", models.MODELS["whisper-small"].sha256, "huggingface.co/Systran"):
        assert told in refused.output
    agreed = CliRunner().invoke(app, ["pull", "whisper-small"], input="y\n")
    assert agreed.exit_code == 0 and no_network == ["whisper-small"]
    assert "--recogniser whisper:small" in agreed.output


def test_yes_does_not_ask(no_network: list[str]) -> None:
    assert CliRunner().invoke(app, ["pull", "vosk-small-fa", "--yes"]).exit_code == 0
    assert no_network == ["vosk-small-fa"]
