"""`earmark transcribe`: what was said, as subtitles, text or JSON."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from earmark.cli.console import (
    AudioStreamOption,
    ForceOption,
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
from earmark.cli.recording import one_recording
from earmark.settings import IndexSettings

EXAMPLE = "Example: earmark transcribe talk.mp4 -o talk.srt"


def transcribe(
    media: Annotated[Path, typer.Argument(metavar="MEDIA", help="One audio or video file.", show_default=False)],
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="Where to; the extension tells the format: .srt, .vtt, .ass, .txt, .json (words with times), .jsonl. "
            "“-” prints.",
        ),
    ] = Path("-"),
    format: Annotated[
        str,
        typer.Option("--format", metavar="NAME", help="The format, where the extension does not tell it."),
    ] = "",
    force: ForceOption = False,
    library: LibraryOption = None,
    recogniser: RecogniserOption = None,
    language: SpokenOption = None,
    ignore_sidecars: IgnoreSidecarsOption = False,
    audio_stream: AudioStreamOption = 0,
    workers: WorkersOption = None,
    verbose: VerboseOption = False,
) -> None:
    """Write down what was said, with the times of the words.

    What the library has heard before is not heard again. Subtitles are split at pauses and sentences and keep the
    rules of reading that `earmark caption` keeps; plain text has one line an utterance; JSON keeps every word with its
    time and probability.
    """
    from earmark import formats, transcribing
    from earmark.formats.captions import spoken_captions
    from earmark.library import Catalogue
    from earmark.media.files import check_free

    name = formats.format_of(output, format or ("txt" if str(output) == "-" else ""))
    if str(output) != "-":
        check_free(output, force=force)  # before the work, not after it
    one_recording(media)
    folder = library_folder(library)
    settings = IndexSettings(
        recogniser=recogniser or IndexSettings.recogniser,
        language=language,
        sidecars=not ignore_sidecars,
        keep_words=recogniser is None,
        sound=None,
        audio_stream=audio_stream,
        workers=workers,
    )
    report = listen_to([media], folder, settings, verbose)
    recording = next(iter(report.recordings.values()))
    segments = transcribing.transcript(Catalogue.load(folder), recording)
    if not segments:
        say(f"note: nobody says anything in {media}, as far as earmark can hear")
    if name in {"srt", "vtt", "ass"}:
        labels = spoken_captions(segments, recording.span)
    else:
        labels = [formats.label_of_segment(segment, recording.path) for segment in segments]
    formats.write(labels, output, name, recordings=[recording], force=force)
