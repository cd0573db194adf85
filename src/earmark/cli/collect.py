"""`earmark collect`: episodes of a podcast, or recordings that are here already, into one list."""

from __future__ import annotations

import re
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from earmark.cli.console import clock, say
from earmark.cli.counts import counted
from earmark.errors import UsageError
from earmark.progress import Progress, ignore

if TYPE_CHECKING:
    from earmark.collecting import Collected

EXAMPLE = "Example: earmark collect https://example.org/feed.xml -o podcast --limit 20"


def collect(
    source: Annotated[
        str,
        typer.Argument(
            metavar="SOURCE",
            help="The address of a podcast feed, a folder, a CSV table, or a LibriSpeech, Common Voice or MUSAN one.",
            show_default=False,
        ),
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="DIR",
            help="Where to. Default: a folder with the name of the feed.",
            show_default=False,
        ),
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(
            "--since", metavar="DATE", help="Leave out older episodes: 2024-05-01, or 30d for days.", show_default=False
        ),
    ] = None,
    limit: Annotated[
        int | None,
        typer.Option(
            "--limit", "-n", metavar="N", min=1, help="So many of the newest, those here included.", show_default=False
        ),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be fetched; write nothing.")] = False,
    max_size: Annotated[str, typer.Option("--max-size", metavar="SIZE", help="Refuse larger files.")] = "4GB",
    allow_private: Annotated[
        bool, typer.Option("--allow-private", help="Also connect to loopback and private addresses.")
    ] = False,
) -> None:
    """Fetch the episodes of a podcast, whole and checked, or list recordings where they are.

    What is here already is not fetched again, and what broke off is completed: run it again at any time.
    The list, recordings.jsonl, is what `earmark dataset build` reads; media files are never copied.
    """
    from earmark.collecting import WebSettings, collect_feed, collect_local

    begin, most = parse_since(since), parse_size(max_size)
    if re.match(r"[a-z][a-z0-9+.-]*://", source, re.IGNORECASE):
        settings = WebSettings(max_bytes=most, allow_private=allow_private)
        with transfers_on_stderr() as draw:
            result = collect_feed(
                source, output, since=begin, limit=limit, dry_run=dry_run, settings=settings, on_progress=draw
            )
        for episode, name in result.planned:
            day = episode.published.date().isoformat() if episode.published is not None else "undated"
            length = clock(episode.duration_seconds) if episode.duration_seconds else "–"
            _print(f"{day}\t{length}\t{name}\t{episode.url}")
    else:
        if since is not None:
            raise UsageError("--since", expected="a feed", found=f"{source}, which is none", hint="Leave it out.")
        if output is None and not dry_run:
            raise UsageError("-o", expected="a folder for the list", found="none", hint="Pass -o DIR.")
        result = collect_local(Path(source).expanduser(), output or Path(), limit=limit, dry_run=dry_run)
        if dry_run:
            for entry in result.here:
                _print(str(entry.path))
    _tell(result, dry_run)
    if result.failed:
        raise typer.Exit(1)


def parse_since(text: str | None) -> datetime | None:
    """A date, or a number of days before now as ``30d``; both in UTC.

    Raises:
        UsageError: if it is neither.
    """
    if text is None:
        return None
    try:
        if text.endswith("d"):
            return datetime.now(timezone.utc) - timedelta(days=int(text[:-1]))
        day = date.fromisoformat(text)
        return datetime(day.year, day.month, day.day, tzinfo=timezone.utc)
    except (ValueError, OverflowError) as exc:
        raise UsageError(
            "--since", expected="a date like 2024-05-01, or days like 30d", found=repr(text), hint="Write it so."
        ) from exc


def parse_size(text: str) -> int:
    """Bytes of ``500MB``, ``4 GB`` or a plain number; powers of 1000.

    Raises:
        UsageError: if it is no size.
    """
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([kmgt]?)b?", text.strip().lower())
    if not found:
        raise UsageError("--max-size", expected="a size like 500MB", found=repr(text), hint="Write it so.")
    return int(float(found[1]) * 1000 ** " kmgt".index(found[2] or " "))


@contextmanager
def transfers_on_stderr() -> Iterator[Progress]:
    """Draws each download while it runs: name, size, speed. Silent where standard error is no terminal."""
    if not sys.stderr.isatty():
        yield ignore
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, TaskID, TextColumn, TransferSpeedColumn
    from rich.progress import Progress as Bars

    columns = (
        TextColumn("{task.description}", markup=False), BarColumn(), DownloadColumn(), TransferSpeedColumn()
    )  # fmt: skip
    lock = threading.Lock()
    with Bars(*columns, console=Console(stderr=True), transient=True) as bars:
        tasks: dict[str, TaskID] = {}

        def draw(name: str, completed: float, total: float) -> None:
            with lock:
                if name not in tasks:
                    tasks[name] = bars.add_task(name[:50], total=total or None)
                bars.update(tasks[name], completed=completed)
                if total and completed >= total:
                    bars.remove_task(tasks.pop(name))

        yield draw


def _tell(result: Collected, dry_run: bool) -> None:
    for note in result.notes:
        say(f"note: {note}")
    for name, error in result.failed:
        say(f"failed: {name}: {' '.join(str(error).split())}")
    if dry_run:
        count = len(result.planned) or len(result.here)
        say(f"{count} of {counted(result.wanted, 'recording')} would be {'fetched' if result.planned else 'listed'}")
    else:
        new = "" if result.fetched == len(result.here) else f", {result.fetched} of them new"
        say(f"{result.folder}: {len(result.here)} of {counted(result.wanted, 'recording')}{new}")


def _print(line: str) -> None:
    encoding = sys.stdout.encoding or "utf-8"
    sys.stdout.write(line.encode(encoding, "backslashreplace").decode(encoding) + "\n")
