"""`earmark components`: every sound of a recording as a file of its own, with captions and a summary."""

from __future__ import annotations

import json
import os
import time
from collections import Counter
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from earmark.cli.console import (
    AudioStreamOption,
    ForceOption,
    LibraryOption,
    WorkersOption,
    clock,
    library_folder,
    progress_on_stderr,
    say,
    tell,
    write_out,
)
from earmark.cli.counts import counted
from earmark.cli.recording import one_recording
from earmark.errors import FormatError, UsageError
from earmark.settings import CaptionSettings, IndexSettings

if TYPE_CHECKING:
    from earmark.captioning import Heard
    from earmark.components import Component
    from earmark.records import Recording

EXAMPLE = "Example: earmark components street.mp4 -o street"
CAPTIONS, SUMMARY = "components.srt", "components.json"


def components(
    media: Annotated[Path, typer.Argument(metavar="MEDIA", help="One audio or video file.", show_default=False)],
    output: Annotated[
        Path,
        typer.Option(
            "--output", "-o", metavar="DIR", help="The folder to write into; made if need be.", show_default=False
        ),
    ],
    sounds: Annotated[
        str | None,
        typer.Option(
            "--sounds",
            metavar="LIST",
            help="The sounds to look for: “dog barking, door slam”, or a text file of one a line. Default: a built-in "
            "list of 80.",
            show_default=False,
        ),
    ] = None,
    at_least: Annotated[
        float,
        typer.Option("--at-least", metavar="P", min=0.0, max=1.0, help="Leave out sounds less probable than this."),
    ] = 0.5,
    top: Annotated[
        int | None,
        typer.Option(
            "--top", metavar="N", min=1, help="Components at most, the most probable ones.", show_default=False
        ),
    ] = None,
    engine: Annotated[
        str | None,
        typer.Option(
            "--engine",
            metavar="NAME",
            help="What separates: earmark, or audiosep, once pulled with `earmark models`. Default: earmark.",
            show_default=False,
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object per line.")] = False,
    force: ForceOption = False,
    library: LibraryOption = None,
    audio_stream: AudioStreamOption = 0,
    workers: WorkersOption = None,
) -> None:
    """Take a recording apart: which sounds are in it, each one separated where it is, and heard again by itself.

    What still is the sound it was taken for stays: one WAV each, as long as the recording and silent elsewhere,
    captions (components.srt) and a summary (components.json). An interrupted run goes on where it stopped.
    """  # fmt: skip
    from earmark import captioning
    from earmark.captioning.hearing import sounds_heard
    from earmark.components import STATE, Present, earlier_files, forget, remove_earlier, take_apart
    from earmark.engines import registry
    from earmark.indexing import index as listen
    from earmark.library import Catalogue

    began = time.monotonic()
    one_recording(media)
    _check_folder(output, force)
    engine = engine or registry.names("separator")[0]
    separator = registry.load("separator", engine)  # says at once if it is unknown or was not pulled
    vocabulary, again = captioning.vocabulary_of(sounds)
    if again:
        say(f"note: named more than once, asked for once: {', '.join(again)}")
    settings = replace(CaptionSettings(), min_probability=at_least, at_once=AT_ONCE)
    hearing = IndexSettings(recogniser=None, sidecars=False, audio_stream=audio_stream, workers=workers)
    folder = library_folder(library)
    with progress_on_stderr() as draw:
        report = listen([media], folder, hearing, draw)
        if report.failed:
            raise report.failed[0][1]
        tell(report, False, began)
        recording = next(iter(report.recordings.values()))
        heard, notes = sounds_heard(Catalogue.load(folder), recording, vocabulary, settings, on_progress=draw)
        for note in notes:
            say(f"note: {note}")
        heard = _of_the_top([each for each in heard if each.span.overlap(recording.span) > 0], top)
        if not heard:
            say(f"nothing found in {media} that is at least {at_least:g} probable; nothing was written")
            return
        _make_folder(output)
        earlier = earlier_files(output / SUMMARY, output / STATE) if force else []
        present = [Present(each.caption.sound, each.caption.words, each.span, each.probability) for each in heard]
        found = take_apart(
            recording,
            present,
            output,
            separator,
            [each.sound for each in vocabulary],
            workers=workers,
            force=force,
            on_progress=draw,
        )
        mine = [output / component.file for component in found if component.file]
        remove_earlier(output, earlier, [media, *mine])
        _write(output, recording, engine, found, heard, settings, force)
        forget(output)
    _show(found, as_json)
    kept = [component for component in found if component.file]
    say(
        f"kept {len(kept)} of {counted(len(found), 'sound')}; "
        f"{clock(recording.duration_seconds)} taken apart in {clock(time.monotonic() - began)}"
    )


AT_ONCE = 4
"""Sounds at one time, at most; the least probable are left out."""


def _of_the_top(heard: list[Heard], top: int | None) -> list[Heard]:
    """What was heard of the `top` most probable sounds; those heard for longer first where they are equal."""
    if top is None:
        return heard
    best: dict[str, tuple[float, float]] = {}
    for each in heard:
        probability, seconds = best.get(each.caption.sound, (0.0, 0.0))
        best[each.caption.sound] = (max(probability, each.probability), seconds + each.span.duration)
    chosen = sorted(best, key=lambda sound: best[sound], reverse=True)[:top]
    return [each for each in heard if each.caption.sound in chosen]


def _write(
    folder: Path, recording: Recording, engine: str, found: list[Component], heard: list[Heard],
    settings: CaptionSettings, force: bool,
) -> None:  # fmt: skip
    """Captions of what stayed, and the summary of all that was found."""
    from earmark import captioning, formats
    from earmark.media.files import atomic_write

    by_sound = {each.caption.sound: each.caption for each in heard}
    stayed = [
        captioning.Heard(by_sound[component.sound], part.span, part.probability)
        for component in found
        for part in component.kept
    ]
    captions, _ = captioning.laid_out([], stayed, [], recording.span, settings)
    formats.write(captions, folder / CAPTIONS, "srt", recordings=[recording], force=force)
    summary = {
        "recording": recording.path,
        "id": recording.id,
        "duration_seconds": recording.duration_seconds,
        "engine": engine,
        "captions": CAPTIONS,
        "components": [_row(component) for component in found],
    }
    with atomic_write(folder / SUMMARY, force=force) as file:
        json.dump(summary, file, ensure_ascii=False, indent=1)
        file.write("\n")


def _row(component: Component) -> dict[str, Any]:
    parts = []
    for part in component.parts:
        row = asdict(part)
        span = row.pop("span")
        rounded = {key: round(value, 3) for key, value in (*span.items(), *row.items()) if isinstance(value, float)}
        parts.append({**rounded, "named": part.named, "kept": part.kept, "reason": part.reason or None})
    seconds = sum(part.span.duration for part in component.kept)
    return {
        "sound": component.sound,
        "name": component.name,
        "file": component.file or None,
        "seconds": round(seconds, 3),
        "moments": parts,
    }


def _show(found: list[Component], as_json: bool) -> None:
    if as_json:
        write_out("".join(json.dumps(_row(component), ensure_ascii=False) + "\n" for component in found))
        return
    width = max(len(component.name) for component in found)
    for component in sorted(found, key=lambda each: not each.file):
        line = f"{component.name:<{width}}  "
        if component.file:
            best = max(part.probability for part in component.kept)
            seconds = sum(part.span.duration for part in component.kept)
            count = len(component.kept)
            line += f"{count:>3} × {clock(seconds):>8}  {best:.2f}  {component.file}"
        else:
            line += f"left out: {_why(component)}"
        write_out(line + "\n")


def _why(component: Component) -> str:
    """Why no part of a sound stayed, the most frequent reason first."""
    reasons = Counter(part.reason.replace("another", part.named) for part in component.parts)
    return ", ".join(reason for reason, _ in reasons.most_common()) or "no audio where it was heard"


def _check_folder(folder: Path, force: bool) -> None:
    """Asked before listening: whether the folder can be had, and its files.

    Raises:
        UsageError: if it is a file.
        FormatError: if a result lies in it and `force` is not set, or it cannot be written to.
    """
    from earmark.media.files import check_free

    if folder.is_dir():
        for name in (CAPTIONS, SUMMARY):
            check_free(folder / name, force=force)
    elif folder.exists():
        raise UsageError(folder, expected="a folder to write into", found="a file", hint="Choose another name.")
    there = next(each for each in (folder, *folder.absolute().parents) if each.exists())
    if not os.access(there, os.W_OK):
        raise FormatError(
            folder, expected="a folder you may write to", found="one you may not", hint="Write elsewhere."
        )


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as exc:
        raise FormatError(
            folder, expected="a folder that can be made", found=exc.strerror or "an error", hint="Choose another."
        ) from exc
