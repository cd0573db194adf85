"""`earmark separate`: a described sound pulled out of a recording, as an audio file of the same length."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from earmark.cli.console import AudioStreamOption, ForceOption, clock, progress_on_stderr, say, write_out

if TYPE_CHECKING:
    from earmark.records import Moment

EXAMPLE = 'Example: earmark separate "a dog barking" street.wav -o dog.wav --residual rest.wav'


def separate(
    text: Annotated[str, typer.Argument(metavar="TEXT", help="The sound, in words.", show_default=False)],
    media: Annotated[Path, typer.Argument(metavar="MEDIA", help="An audio or video file.", show_default=False)],
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="The sound: .wav, .flac, .mp3, .ogg, .opus or .m4a, as long as the recording and silent elsewhere.",
            show_default=False,
        ),
    ],
    residual: Annotated[
        Path | None,
        typer.Option(
            "--residual", metavar="FILE", help="All the rest: the recording minus the sound.", show_default=False
        ),
    ] = None,
    everywhere: Annotated[
        bool, typer.Option("--everywhere", help="Do not look for it first; separate the whole recording.")
    ] = False,
    min_score: Annotated[
        float,
        typer.Option("--min-score", metavar="P", min=0.0, max=1.0, help="Not there, if less probable than this."),
    ] = 0.5,
    engine: Annotated[
        str,
        typer.Option(
            "--engine",
            metavar="NAME",
            help="What separates: earmark, earmark:FOLDER with weights of `earmark train separate`, or audiosep, once "
            "pulled with `earmark models`.",
        ),
    ] = "earmark",
    plot: Annotated[
        Path | None,
        typer.Option(
            "--plot",
            metavar="FILE",
            help="A picture of the spectrum before and after: .png, .pdf or .svg.",
            show_default=False,
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object a moment.")] = False,
    force: ForceOption = False,
    audio_stream: AudioStreamOption = 0,
) -> None:
    """Pull a described sound out of a recording.

    It is looked for first, and separated only where it is.
    Nothing found is an answer too: a note, exit code 0, and no file.
    The recording is listened to each time; the library is neither asked nor added to.
    """
    from earmark import separating

    if plot is not None:
        from earmark.separating.picture import check_picture

        check_picture(plot, force)
    settings = replace(
        separating.SeparateSettings(), min_probability=min_score, everywhere=everywhere, audio_stream=audio_stream
    )
    with progress_on_stderr() as draw:
        made = separating.separate(
            media, text, output, residual, settings, engine=engine, force=force, on_progress=draw
        )
    for note in made.notes:
        say(f"note: {note}")
    for moment in made.moments:
        write_out(_as_line(moment) if as_json else _as_text(moment))
    if not made.written:
        say(
            f"not found: nothing like {made.text[:80]!r} with a score of {min_score:g} or more. Nothing was written; "
            "pass --everywhere to separate all the same."
        )
        return
    seconds = sum(span.duration for span in made.spans)
    files = " and ".join(str(path) for path in made.written)
    say(f"separated {clock(seconds)} of {clock(made.recording.duration_seconds)}; wrote {files}")
    if plot is not None:
        from earmark.separating.picture import draw_spectra

        draw_spectra(plot, made, force)
        say(f"wrote {plot}")


def _as_line(moment: Moment) -> str:
    from earmark.formats import label_of_moment
    from earmark.formats.jsonlines import dump_json, record_of

    record: dict[str, Any] = record_of(label_of_moment(moment))
    return dump_json(record) + "\n"


def _as_text(moment: Moment) -> str:
    return f"{moment.probability:.2f}  {clock(moment.span.start)}–{clock(moment.span.end)}\n"
