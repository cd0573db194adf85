"""`earmark train separate`: what it says at its end; the training itself is tested in tests/training/separate."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from earmark.cli.app import app

pytest.importorskip("torch")


@pytest.mark.parametrize(("name", "quote"), [("run1", ""), ("my run", "'")])
def test_it_says_how_to_use_what_it_made(
    name: str, quote: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import earmark.training.separate.loop as loop

    def trained(config: Any, out: Path, **_: Any) -> Path:
        return out / "weights"

    monkeypatch.setattr(loop, "train_separate", trained)
    result = CliRunner().invoke(app, ["train", "separate", str(tmp_path), "--out", f"/{name}"])
    assert result.exit_code == 0, result.output
    assert result.stderr == f"use them: earmark separate … --engine {quote}earmark:/{name}/weights{quote}\n"
    assert result.stdout == f"/{name}/weights\n"
