"""`earmark keywords`: what recordings are about."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from earmark.cli.console import (
    AudioStreamOption,
    IgnoreSidecarsOption,
    LibraryOption,
    RecogniserOption,
    SpokenOption,
    VerboseOption,
    WorkersOption,
    clock,
    library_folder,
    listen_to,
    say,
    write_out,
)
from earmark.settings import IndexSettings

EXAMPLE = "Example: earmark keywords talk.mp4 --chunks"


def keywords(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[PATH…]", help="Files and folders. Default: everything indexed.", show_default=False),
    ] = None,
    chunks: Annotated[bool, typer.Option("--chunks", help="Tell them for every five minutes or so.")] = False,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="Keywords at most, of each.")] = 10,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object per line.")] = False,
    library: LibraryOption = None,
    recogniser: RecogniserOption = None,
    language: SpokenOption = None,
    ignore_sidecars: IgnoreSidecarsOption = False,
    audio_stream: AudioStreamOption = 0,
    workers: WorkersOption = None,
    verbose: VerboseOption = False,
) -> None:
    """List what recordings are about: the keywords of what is said in them, the most telling first.

    Files that have not been heard yet are listened to first. Keywords have up to three words; they come from how
    often and where words stand (YAKE), in English and Persian.
    """
    from earmark.finding.about import topics
    from earmark.formats.bidi import isolate
    from earmark.formats.jsonlines import dump_json
    from earmark.library import Catalogue

    folder = library_folder(library)
    wanted = None
    failed = False
    if paths:
        settings = IndexSettings(
            recogniser=recogniser or IndexSettings.recogniser,
            language=language,
            sidecars=not ignore_sidecars,
            keep_words=recogniser is None,
            sound=None,
            audio_stream=audio_stream,
            workers=workers,
        )
        report = listen_to(paths, folder, settings, verbose)
        failed, wanted = bool(report.failed), set(report.recordings)
    catalogue = Catalogue.load(folder)
    if not catalogue.recordings:
        say(f"note: the library in {folder} is empty. Pass files, or run: earmark index PATH…")
    found = topics(catalogue, wanted, chunks)
    path = None
    for topic in found:
        best = topic.keywords[:limit]
        if as_json:
            record = {
                "path": topic.recording.path,
                "start": round(topic.span.start, 3),
                "end": round(topic.span.end, 3),
                "keywords": [{"text": text, "score": round(score, 4)} for text, score in best],
            }
            write_out(dump_json(record) + "\n")
            continue
        if topic.recording.path != path:
            path = topic.recording.path
            write_out(f"{path}\n")
        when = f"{clock(topic.span.start)}–{clock(topic.span.end)}  " if chunks else ""
        write_out(isolate(f"     {when}{', '.join(text for text, _ in best)}") + "\n")
    if not found and catalogue.recordings:
        say("note: no keywords: nobody says anything there, as far as earmark has heard")
    if failed:
        raise typer.Exit(1)
