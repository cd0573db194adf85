"""Ctrl-C at any moment is one line and the exit code shells know."""

from __future__ import annotations

import subprocess
import sys

import pytest

LOADING = """
import os, signal, sys, time
sys.argv = ["earmark", "COMMAND", "x.wav"]
import earmark.cli, earmark.cli.app

def app():
    try:
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(5)
    except KeyboardInterrupt:
        raise ImportError("initialization failed")

earmark.cli.app.app = app
earmark.cli.main()
"""


@pytest.mark.parametrize(
    ("command", "line"),
    [
        ("find", "earmark: stopped. What was heard is kept; the same command goes on from there.\n"),
        ("separate", "earmark: stopped. No half file was left.\n"),
        (
            "train",
            "earmark: stopped. The last checkpoint, if there was one, is kept; with --resume the same command goes on "
            "from there.\n",
        ),
    ],
)
def test_while_a_library_loads_that_turns_it_into_an_error_of_its_own(command: str, line: str) -> None:
    run = subprocess.run([sys.executable, "-c", LOADING.replace("COMMAND", command)], capture_output=True, text=True)
    assert (run.returncode, run.stderr) == (130, line)
