"""What the training commands share."""

from __future__ import annotations

import pytest

from earmark.cli.training import training_extra, training_progress
from earmark.errors import EngineError


def test_a_missing_package_is_named_and_earmarks_own_faults_are_not_hidden() -> None:
    with pytest.raises(EngineError, match="expected the training extra, found no package torch. Run `pip install"):
        with training_extra():
            raise ModuleNotFoundError("No module named 'torch'", name="torch")
    with pytest.raises(ModuleNotFoundError):
        with training_extra():
            raise ModuleNotFoundError("No module named 'earmark.nowhere'", name="earmark.nowhere")


def test_in_a_log_a_stage_says_how_far_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    with training_progress() as draw:
        for done in (0.0, 0.1, 0.2, 1.0, 1.0):
            draw("train", done, 1.0)
    assert capsys.readouterr().err == "train: 0%\ntrain: 100%\n"
