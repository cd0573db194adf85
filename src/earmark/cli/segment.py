"""`earmark segment`: speech, music and noise, or chunks cut at silence."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from earmark.cli.console import AudioStreamOption, ForceOption, WorkersOption, clock, progress_on_stderr, say
from earmark.errors import EarmarkError, FormatError, UsageError
from earmark.progress import Progress, ignore
from earmark.settings import SEGMENT_PRESETS, ChunkSettings, SegmentSettings

if TYPE_CHECKING:
    from earmark.segmenting import Segmented

EXAMPLE = "Example: earmark segment ~/recordings -o segmented.tsv"
EXTENSION_OF = {"textgrid": ".TextGrid", "audacity": ".txt", "segmented": ".tsv"}
"""Formats that hold one recording: several make a folder of them."""


def segment(
    paths: Annotated[
        list[Path],
        typer.Argument(metavar="PATH…", help="Audio or video files, and folders of them.", show_default=False),
    ],
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="Where to; the extension tells the format: .tsv (a row a file: speech only), .csv, .rttm, .jsonl, "
            ".TextGrid, .jams. A folder takes one file a recording. “-” prints.",
        ),
    ] = Path("-"),
    format: Annotated[
        str,
        typer.Option("--format", metavar="NAME", help="segmented, csv, rttm, jsonl, textgrid, audacity, jams, srt …"),
    ] = "",
    classes: Annotated[
        str, typer.Option("--classes", metavar="LIST", help="Classes to tell, with commas between.")
    ] = ",".join(SegmentSettings.classes),
    preset: Annotated[
        str,
        typer.Option(
            "--preset",
            metavar="NAME",
            help="Smoothing: default, or bacs (gaps < 1 s closed, then runs < 2 s dropped).",
        ),
    ] = "default",
    chunks: Annotated[
        float | None,
        typer.Option(
            "--chunks",
            metavar="SECONDS",
            min=0.1,
            help="Cut at silences into chunks of at least so long.",
            show_default=False,
        ),
    ] = None,
    longest: Annotated[
        float | None,
        typer.Option(
            "--longest",
            metavar="SECONDS",
            min=0.1,
            help=f"With --chunks: none is longer. Default: {ChunkSettings.greatest_seconds:g}.",
            show_default=False,
        ),
    ] = None,
    window: Annotated[
        float | None,
        typer.Option(
            "--window", metavar="SECONDS", min=0.1, help="Cut into windows of this length.", show_default=False
        ),
    ] = None,
    hop: Annotated[
        float | None,
        typer.Option(
            "--hop",
            metavar="SECONDS",
            min=0.01,
            help="With --window: from one start to the next. Default: the window.",
            show_default=False,
        ),
    ] = None,
    clips: Annotated[
        Path | None,
        typer.Option(
            "--clips",
            metavar="DIR",
            help="Also write each segment as an audio file into this folder.",
            show_default=False,
        ),
    ] = None,
    model: Annotated[
        Path | None,
        typer.Option(
            "--model",
            metavar="FILE",
            help="A model of `earmark train activity` instead of the built-in one.",
            show_default=False,
        ),
    ] = None,
    force: ForceOption = False,
    audio_stream: AudioStreamOption = 0,
    workers: WorkersOption = None,
) -> None:
    """Tell where recordings hold speech, music and noise, or cut them into chunks at their silences.

    Classes are independent: speech over music is both, and digital silence is none. What exists is kept, unless
    --force; a folder is never emptied.
    """
    from earmark import formats
    from earmark.media.discover import discover
    from earmark.media.files import atomic_write
    from earmark.segmenting import Segmenter, window_labels, write_clips

    began = time.monotonic()
    settings = _settings(classes, preset, audio_stream)
    cut = _cut_settings(chunks, longest, window, hop)
    files = discover(paths, exclude=_own_folder(clips, paths), on_error=None)
    folder = output if output.is_dir() else None
    name = formats.format_of(output, format or ("" if output.suffix else "csv" if chunks or window else "segmented"))
    if folder is None and name in formats.ONE_A_FILE and len(files) > 1:
        raise UsageError(
            str(output), expected=f"a folder, for {name} holds one recording and there are {len(files)}",
            found="the name of a file" if str(output) != "-" else "standard output",
            hint="Make a folder and pass it with -o, or use csv, rttm or jsonl.",
        )  # fmt: skip
    if window is None:
        segmenter = Segmenter(settings, model)
    if clips is not None:
        _make_folder(clips)

    def hear(path: Path, on_progress: Progress = ignore) -> Segmented:
        if window is not None:
            found = window_labels(path, window, window if hop is None else hop, audio_stream)
        elif cut is not None:
            found = segmenter.chunk(path, cut, on_progress)
        else:
            found = segmenter.segment(path, on_progress)
        if clips is not None:
            write_clips(found, clips, force=force)
        return found

    to_one_file = folder is None and str(output) != "-"
    targets = _targets(files, folder, EXTENSION_OF.get(name, f".{name}")) if folder is not None else {}
    kept = [path for path in files if path in targets and targets[path].exists() and not force]
    wanted = [path for path in files if path not in kept]
    heard: list[Segmented] = []
    failed: list[EarmarkError] = []
    with progress_on_stderr() as draw, atomic_write(output, force=force) if to_one_file else nullcontext() as file:
        for path, found in _each(wanted, hear, workers or os.cpu_count() or 1, draw):
            if isinstance(found, EarmarkError):
                failed.append(found)
                continue
            heard.append(found)
            if found.note:
                say(f"note: {path}: {found.note}")
            if path in targets:
                formats.write(found.labels, targets[path], name, recordings=[found.recording], force=force)
        if folder is None and (heard or not failed):
            labels = [label for found in heard for label in found.labels]
            recordings = [found.recording for found in heard]
            formats.write(labels, output if file is None else file, name, recordings=recordings)
        elif to_one_file:  # nothing could be heard: leave no empty file behind
            raise failed[0]
    _tell(heard, settings.classes if cut is None and window is None else (), kept, failed, began)
    if failed:
        raise typer.Exit(1)


def _settings(classes: str, preset: str, audio_stream: int) -> SegmentSettings:
    if preset not in SEGMENT_PRESETS:
        raise UsageError(
            preset, expected=f"one of the presets {', '.join(SEGMENT_PRESETS)}", found="another",
            hint="Leave --preset out for the default.",
        )  # fmt: skip
    names = tuple(dict.fromkeys(name.strip().lower() for name in classes.split(",") if name.strip()))
    if not names:
        raise UsageError("--classes", expected="at least one class", found="none", hint="Use --classes speech.")
    return replace(SEGMENT_PRESETS[preset], classes=names, audio_stream=audio_stream)


def _cut_settings(
    chunks: float | None, longest: float | None, window: float | None, hop: float | None
) -> ChunkSettings | None:
    if chunks is not None and window is not None:
        raise UsageError("--window", expected="one way to cut", found="--chunks as well", hint="Choose one of them.")
    if hop is not None and window is None:
        raise UsageError("--hop", expected="--window with it", found="no --window", hint="Add --window 4.")
    if hop is not None and window is not None and hop > window:
        raise UsageError(
            "--hop", expected=f"at most the window, {window:g} s", found=f"{hop:g} s",
            hint="A longer hop would leave gaps.",
        )  # fmt: skip
    if longest is not None and chunks is None:
        raise UsageError(
            "--longest", expected="--chunks with it", found="no --chunks", hint=f"Add --chunks {longest / 3:g}."
        )
    if chunks is None:
        return None
    longest = ChunkSettings.greatest_seconds if longest is None else longest
    if longest < chunks + 0.02:
        raise UsageError(
            "--longest", expected=f"more than --chunks, {chunks:g} s", found=f"{longest:g} s",
            hint=f"Use --longest {3 * chunks:g}.",
        )  # fmt: skip
    return ChunkSettings(least_seconds=chunks, greatest_seconds=longest)


def _own_folder(clips: Path | None, paths: list[Path]) -> list[Path]:
    """The folder whose media are this command's own work, not its input."""
    if clips is None:
        return []
    if any(os.path.realpath(clips) == os.path.realpath(path) for path in paths):
        raise UsageError(
            str(clips), expected="a folder of its own for the clips", found="the input", hint="Use --clips DIR/clips."
        )
    return [clips]


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as exc:
        raise FormatError(
            folder, expected="a folder that can be made", found=exc.strerror or "an error", hint="Choose another."
        ) from exc


def _targets(files: list[Path], folder: Path, extension: str) -> dict[Path, Path]:
    """A file of labels for each recording, named after it; recordings of one name are numbered."""
    taken: set[str] = set()
    targets: dict[Path, Path] = {}
    for path in files:
        stem, number = path.stem, 1
        while stem in taken:
            number += 1
            stem = f"{path.stem}-{number}"
        taken.add(stem)
        targets[path] = folder / (stem + extension)
    return targets


def _each(
    files: list[Path], hear: Callable[..., Segmented], workers: int, draw: Progress
) -> Iterator[tuple[Path, Segmented | EarmarkError]]:
    """What was heard in each file, in order, or why it could not be; several are heard at a time."""
    if len(files) == 1 or workers == 1:
        for path in files:
            try:
                yield path, hear(path, draw)
            except EarmarkError as error:
                yield path, error
        return
    pending: deque[tuple[Path, Future[Segmented]]] = deque()
    todo = iter(files)
    with ThreadPoolExecutor(workers, "segment") as pool:
        try:
            for number in range(len(files)):
                for coming in islice(todo, 2 * workers - len(pending)):
                    pending.append((coming, pool.submit(hear, coming)))
                path, future = pending.popleft()
                try:
                    yield path, future.result()
                except EarmarkError as error:
                    yield path, error
                draw(f"{len(files)} files", number + 1, len(files))
        finally:
            for _, future in pending:
                future.cancel()


def _tell(
    heard: list[Segmented], classes: tuple[str, ...], kept: list[Path], failed: list[EarmarkError], began: float
) -> None:
    """What it came to, on standard error."""
    seconds = sum(found.recording.duration_seconds for found in heard)
    if kept:
        say(f"kept the labels of {len(kept)} recordings that were there already (--force writes them anew)")
    if heard:
        took = max(time.monotonic() - began, 1e-3)
        count = "1 recording" if len(heard) == 1 else f"{len(heard)} recordings"
        shares = [f"{kind} {sum(f.seconds(kind) for f in heard) / seconds:.0%}" for kind in classes if seconds]
        if not classes:
            shares = [f"{sum(len(found.labels) for found in heard)} pieces"]
        what = f": {', '.join(shares)}" if shares else ""
        say(f"heard {count}, {clock(seconds)}, in {clock(took)} ({seconds / took:.0f} × real time){what}")
    if failed:
        say(f"{len(failed)} of {len(failed) + len(heard)} files could not be heard:")
        for error in failed:
            say(f"  {' '.join(str(error).split())}")
