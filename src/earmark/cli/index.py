"""`earmark index`: listen ahead of time."""

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
    library_folder,
    listen_to,
    say,
)
from earmark.settings import IndexSettings

EXAMPLE = "Example: earmark index ~/podcasts"


def index(
    paths: Annotated[
        list[Path],
        typer.Argument(metavar="PATH…", help="Audio or video files, and folders of them.", show_default=False),
    ],
    library: LibraryOption = None,
    audio_stream: AudioStreamOption = 0,
    recogniser: RecogniserOption = None,
    language: SpokenOption = None,
    ignore_sidecars: IgnoreSidecarsOption = False,
    words: Annotated[bool, typer.Option("--words/--no-words", help="Recognise what is said.")] = True,
    sounds: Annotated[bool, typer.Option("--sounds/--no-sounds", help="Keep what every moment sounds like.")] = True,
    speech_vectors: Annotated[
        bool,
        typer.Option(
            "--speech-vectors", help="Keep what speech says as vectors, too, for find --system contrastive and fused."
        ),
    ] = False,
    workers: WorkersOption = None,
    verbose: VerboseOption = False,
) -> None:
    """Listen to files ahead of time, so that `earmark find` answers at once.

    What is known already is not heard again, also when it was moved or renamed. Ctrl-C is safe: the same
    command goes on where it stopped.
    """

    settings = IndexSettings(
        recogniser=(recogniser or IndexSettings.recogniser) if words else None,
        language=language,
        sidecars=not ignore_sidecars,
        keep_words=recogniser is None,
        sound=IndexSettings.sound if sounds else None,
        speech="contrastive" if speech_vectors else None,
        audio_stream=audio_stream,
        workers=workers,
    )
    report = listen_to(paths, library_folder(library), settings, verbose)
    if not report.heard and not report.failed:
        count = len(report.recordings)
        say(f"nothing new: {'the 1 recording was' if count == 1 else f'all {count} recordings were'} heard before")
    if report.failed:
        raise typer.Exit(1)
