"""`earmark caption`: captions of words and sounds, as a file, as a track of the film, or drawn into it."""

from __future__ import annotations

import io
import time
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

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
    progress_on_stderr,
    say,
    tell,
)
from earmark.cli.counts import counted
from earmark.cli.recording import one_recording
from earmark.errors import UsageError
from earmark.settings import CaptionSettings, IndexSettings

if TYPE_CHECKING:
    from earmark.formats import Label

EXAMPLE = "Example: earmark caption film.mp4 -o film.srt"


def caption(
    media: Annotated[Path, typer.Argument(metavar="MEDIA", help="One audio or video file.", show_default=False)],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="Where to; the extension tells the format: .srt, .vtt, .ass, .txt (no times), .json, .jsonl. “-” "
            "prints, as does leaving out -o, --mux and --burn.",
            show_default=False,
        ),
    ] = None,
    format: Annotated[
        str, typer.Option("--format", metavar="NAME", help="The format, where the extension does not tell it.")
    ] = "",
    mux: Annotated[
        Path | None,
        typer.Option(
            "--mux",
            metavar="FILE",
            help="Copy the film to .mkv, .mp4, .mov or .webm, with the captions as a track; nothing is encoded anew.",
            show_default=False,
        ),
    ] = None,
    burn: Annotated[
        Path | None,
        typer.Option(
            "--burn",
            metavar="FILE",
            help="Draw the captions into the pictures and write .mp4, .mkv or .mov (H.264).",
            show_default=False,
        ),
    ] = None,
    words_only: Annotated[bool, typer.Option("--words", help="Captions of words alone.")] = False,
    sounds_only: Annotated[bool, typer.Option("--sounds-only", help="Captions of sounds alone.")] = False,
    sounds: Annotated[
        str | None,
        typer.Option(
            "--sounds",
            metavar="LIST",
            help="The sounds to name: “dog barking, door slam”, or a text file of one a line. Default: a built-in "
            "list of 80.",
            show_default=False,
        ),
    ] = None,
    sounds_under_speech: Annotated[
        bool, typer.Option("--sounds-under-speech", help="Name sounds also while somebody speaks, above the words.")
    ] = False,
    min_score: Annotated[
        float,
        typer.Option("--min-score", metavar="P", min=0.0, max=1.0, help="Leave out sounds less probable than this."),
    ] = CaptionSettings.min_probability,
    at_once: Annotated[
        int, typer.Option("--at-once", metavar="N", min=1, help="Sounds at one time, at most.")
    ] = CaptionSettings.at_once,
    per_window: Annotated[
        float | None,
        typer.Option(
            "--per-window",
            metavar="SECONDS",
            help="One caption of sounds for each window of this length, instead of each sound at its own time.",
            show_default=False,
        ),
    ] = None,
    hop: Annotated[
        float | None,
        typer.Option(
            "--hop",
            metavar="SECONDS",
            help="With --per-window: from one window to the next. Default: the window.",
            show_default=False,
        ),
    ] = None,
    force: ForceOption = False,
    library: LibraryOption = None,
    recogniser: RecogniserOption = None,
    language: SpokenOption = None,
    ignore_sidecars: IgnoreSidecarsOption = False,
    audio_stream: AudioStreamOption = 0,
    workers: WorkersOption = None,
    verbose: VerboseOption = False,
) -> None:
    """Write captions of what is said and of what is heard, sounds in brackets between the lines of speech.

    Lines of at most 42 characters, two at once, never more than 20 characters a second to read. What the library has
    heard before is not heard again.
    """
    from earmark import captioning, formats, transcribing
    from earmark.indexing import index as listen
    from earmark.library import Catalogue
    from earmark.media.burning import burn as draw_into
    from earmark.media.burning import check_burning
    from earmark.media.files import atomic_write
    from earmark.media.remux import TEXT_OF, add_subtitles, container_of

    began = time.monotonic()
    if words_only and (sounds_only or sounds is not None):
        raise UsageError(
            "--words",
            expected="words alone",
            found="--sounds-only with it" if sounds_only else "--sounds with it",
            hint="Leave --words out for both.",
        )
    settings = replace(
        CaptionSettings(),
        min_probability=min_score,
        at_once=at_once,
        sounds_under_speech=sounds_under_speech,
        per_window_seconds=per_window,
        hop_seconds=hop,
    )
    captioning.check(settings)
    if output is None and mux is None and burn is None:
        output = Path("-")
    name = "" if output is None else formats.format_of(output, format or ("srt" if str(output) == "-" else ""))
    kind = "" if mux is None else container_of(media, mux, force)
    if burn is not None:
        check_burning(media, burn, force)
    vocabulary, again = ([], []) if words_only else captioning.vocabulary_of(sounds)
    if again:
        say(f"note: named more than once, asked for once: {', '.join(again)}")
    one_recording(media)
    written = [path for path in (output, mux, burn) if path is not None and str(path) != "-"]

    hearing = IndexSettings(
        recogniser=None if sounds_only else recogniser or IndexSettings.recogniser,
        language=language,
        sidecars=not ignore_sidecars,
        keep_words=recogniser is None,
        sound=None if words_only else IndexSettings.sound,
        audio_stream=audio_stream,
        workers=workers,
    )
    folder = library_folder(library)
    with progress_on_stderr() as draw, ExitStack() as stack:
        file = None
        if output is not None and str(output) != "-":
            file = stack.enter_context(atomic_write(output, force=force))  # says at once whether it can be written
        report = listen([media], folder, hearing, draw)
        if report.failed:
            raise report.failed[0][1]
        tell(report, verbose, began)
        recording = next(iter(report.recordings.values()))
        catalogue = Catalogue.load(folder)
        segments = [] if sounds_only else transcribing.transcript(catalogue, recording)
        made = captioning.caption(catalogue, recording, segments, vocabulary, settings, draw)
        for note in made.notes:
            say(f"note: {note}")
        if not made.captions:
            note = f"note: nothing to caption in {media}, as far as earmark can hear"
            say(f"{note}; nothing was written" if written else note)
            if output is not None and file is None:  # whoever reads the pipe gets an empty list, not nothing
                formats.write([], output, name, recordings=[recording])
            raise typer.Exit  # what was opened to be written goes away with it
        if output is not None:
            formats.write(made.captions, output if file is None else file, name, recordings=[recording])
        if mux is not None:
            text = io.StringIO()
            formats.write(made.captions, text, TEXT_OF[kind], recordings=[recording])
            spoken = next((segment.language for segment in segments if segment.language), "en" if vocabulary else "")
            for note in add_subtitles(
                media, mux, text.getvalue(), language=spoken, title="Captions by earmark", force=force
            ):
                say(f"note: {note}")
        if burn is not None:
            lines = [(each.span, each.text) for each in made.captions]
            draw_into(media, burn, lines, force=force, on_progress=draw)
    _count(made.captions, written)


def _count(captions: list[Label], written: list[Path]) -> None:
    said = sum(label.kind == "said" for label in captions)
    line = f"{counted(len(captions), 'caption')}: {said} of words, {len(captions) - said} of sounds"
    say(f"{line}; wrote {' and '.join(map(str, written))}" if written else line)
