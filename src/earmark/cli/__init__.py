"""The door most people use: `earmark find`, `index`, `transcribe`, …

One small file a command: it parses, calls one job and prints. Results go to standard output,
everything else to standard error. Exit codes: 0 done (also when nothing was found), 1 failed,
2 asked for something impossible, 130 stopped by Ctrl-C.
"""

from __future__ import annotations

import os
import signal
import sys
from types import FrameType
from typing import NoReturn

__all__ = ["main"]

STOPPED = 130
"""The exit code of a command ended by Ctrl-C, as shells have it."""


_interrupted = False


def main() -> None:
    """Runs the command line; an `EarmarkError` becomes one line, a bug keeps its traceback."""
    signal.signal(signal.SIGINT, _interrupt)
    try:
        _run()
    except KeyboardInterrupt:
        stopped()
    except SystemExit as end:  # typer ends an interrupted command by itself
        if end.code == STOPPED or (_interrupted and end.code):
            stopped()
        raise
    except Exception:
        if _interrupted:  # a library that was loading turned it into an error of its own
            stopped()
        raise


def _interrupt(number: int, frame: FrameType | None) -> NoReturn:
    global _interrupted
    _interrupted = True
    raise KeyboardInterrupt


def _run() -> None:
    # Recordings are shared out among earmark's own threads; a second layer of threads inside numpy only waits.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    from earmark.cli.app import app
    from earmark.errors import EarmarkError

    try:
        app()
    except EarmarkError as error:
        sys.stderr.write(f"earmark: {printable(error)}\n")
        sys.exit(error.exit_code)
    except BrokenPipeError:  # `earmark find … | head` is done with us
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)


def stopped() -> NoReturn:
    kept = "What was heard is kept; the same command goes on from there."
    command = next((word for word in sys.argv[1:] if not word.startswith("-")), "")
    if command == "train":
        kept = "The last checkpoint, if there was one, is kept; with --resume the same command goes on from there."
    elif command == "separate":
        kept = "No half file was left."
    sys.stderr.write(f"earmark: stopped. {kept}\n")
    sys.exit(STOPPED)


def printable(error: BaseException) -> str:
    """One line, whatever is in the file name."""
    line = " ".join(str(error).split())
    return line.encode(sys.stderr.encoding or "utf-8", "backslashreplace").decode(sys.stderr.encoding or "utf-8")
