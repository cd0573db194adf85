"""What the commands share: options, progress on standard error, times as people write them."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from earmark.progress import Progress, ignore

if TYPE_CHECKING:
    from earmark.indexing import Report
    from earmark.settings import IndexSettings

LibraryOption: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--library",
        metavar="DIR",
        help="The library's folder. Default: $EARMARK_LIBRARY, else the place your system keeps application data.",
        show_default=False,
    ),
]
AudioStreamOption: TypeAlias = Annotated[
    int,
    typer.Option("--audio-stream", metavar="N", min=0, help="Which audio stream of each file, counted from 0."),
]
WorkersOption: TypeAlias = Annotated[
    int | None,
    typer.Option("--workers", metavar="N", min=1, help="Threads that listen. Default: one a core.", show_default=False),
]
RecogniserOption: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--recogniser",
        metavar="NAME",
        help="What recognises words: moonshine (English), whisper:SIZE or vosk, once pulled with `earmark models`. "
        "Default: what was used before, else moonshine.",
        show_default=False,
    ),
]
SpokenOption: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--language",
        metavar="CODE",
        help="The language that is spoken: en, fa, … Default: the transcript's or the recogniser's.",
        show_default=False,
    ),
]
IgnoreSidecarsOption: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--ignore-sidecars",
        help="Recognise also where a transcript (.srt, .vtt, .json, .txt) lies beside the file, or subtitles in it.",
    ),
]
ForceOption: TypeAlias = Annotated[bool, typer.Option("--force", "-f", help="Write over a file of that name.")]
VerboseOption: TypeAlias = Annotated[
    bool, typer.Option("--verbose", "-v", help="List text that was dropped as never spoken.")
]


def library_folder(option: Path | None) -> Path:
    if option is not None:
        return option.expanduser()
    from earmark.library import default_folder

    return default_folder()


def clock(seconds: float) -> str:
    """``1:02:03.4``: hours, minutes, seconds and tenths; hours only where there are any."""
    tenths = round(seconds * 10)
    minutes, rest = divmod(tenths, 600)
    hours, minutes = divmod(minutes, 60)
    head = f"{hours}:{minutes:02d}" if hours else f"{minutes}"
    return f"{head}:{rest // 10:02d}.{rest % 10}"


def say(line: str) -> None:
    """A remark for the person, on standard error."""
    encoding = sys.stderr.encoding or "utf-8"
    sys.stderr.write(line.encode(encoding, "backslashreplace").decode(encoding) + "\n")


def write_out(text: str) -> None:
    """To standard output, whatever letters it can take."""
    encoding = sys.stdout.encoding or "utf-8"
    sys.stdout.write(text.encode(encoding, "backslashreplace").decode(encoding))
    sys.stdout.flush()


@contextmanager
def progress_on_stderr() -> Iterator[Progress]:
    """Draws progress: file, position, × real time, time left. Silent where standard error is no terminal."""
    if not sys.stderr.isatty():
        yield ignore
        return
    from rich.console import Console
    from rich.progress import BarColumn, ProgressColumn, Task, TaskID, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bars
    from rich.text import Text

    class Position(ProgressColumn):
        def render(self, task: Task) -> Text:
            return Text(f"{clock(task.completed)} of {clock(task.total or 0)}")

    class RealTime(ProgressColumn):
        def render(self, task: Task) -> Text:
            return Text("" if not task.elapsed else f"{(task.completed - task.fields['begin']) / task.elapsed:.0f} ×")

    columns = (
        TextColumn("{task.description}", markup=False), BarColumn(), Position(), RealTime(), TimeRemainingColumn()
    )  # fmt: skip
    with Bars(*columns, console=Console(stderr=True), transient=True) as bars:
        tasks: dict[str, TaskID] = {}

        def draw(stage: str, completed: float, total: float) -> None:
            if stage not in tasks:
                for old in tasks.values():
                    bars.remove_task(old)
                tasks.clear()
                name = Path(stage).name.encode("utf-8", "backslashreplace").decode()
                tasks[stage] = bars.add_task(name, total=total, begin=completed)
            bars.update(tasks[stage], completed=min(completed, total), total=total)

        yield draw


def listen_to(paths: Sequence[Path], folder: Path, settings: IndexSettings, verbose: bool) -> Report:
    """Listens to what the library has not heard, with progress, and tells what came of it.

    Raises:
        EarmarkError: the one file's, where it was asked for alone and could not be heard.
    """
    from earmark.indexing import index

    began = time.monotonic()
    with progress_on_stderr() as draw:
        report = index(paths, folder, settings, draw)
    if len(report.failed) == 1 and not report.recordings:
        raise report.failed[0][1]
    tell(report, verbose, began)
    return report


def tell(report: Report, verbose: bool, began: float) -> None:
    """What a listening run came to, on standard error."""
    for path, note in report.notes:
        say(f"note: {path}: {note}")
    if report.dropped:
        stretches = "1 stretch" if len(report.dropped) == 1 else f"{len(report.dropped)} stretches"
        say(f"note: dropped {stretches} of text that nobody spoke" + (":" if verbose else " (--verbose lists them)."))
        if verbose:
            for path, line in report.dropped:
                say(f"  {path.name}: {line}")
    if report.heard:
        seconds = sum(report.recordings[id_].duration_seconds for id_ in report.heard if id_ in report.recordings)
        took = time.monotonic() - began
        files = "1 recording" if len(report.heard) == 1 else f"{len(report.heard)} recordings"
        say(f"heard {files}, {clock(seconds)}, in {clock(took)} ({seconds / max(took, 1e-3):.0f} × real time)")
    if report.failed:
        say(f"{len(report.failed)} of {len(report.failed) + len(report.recordings)} files could not be heard:")
        for _, error in report.failed:
            say(f"  {' '.join(str(error).split())}")
