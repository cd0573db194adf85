"""`earmark dataset`: recordings to chunks with transcripts and keywords, and those to other tools."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Literal

import typer

from earmark.cli.console import WorkersOption, clock, progress_on_stderr, say
from earmark.cli.counts import counted
from earmark.settings import ChunkSettings

EXAMPLE = "Example: earmark dataset build podcast/ -o marz --language fa"

app = typer.Typer(
    name="dataset", help="Make data sets of recordings.", no_args_is_help=True, rich_markup_mode="rich", epilog=EXAMPLE
)


@app.command("build", epilog=EXAMPLE)
def build(
    source: Annotated[
        Path,
        typer.Argument(
            metavar="SOURCE",
            help="What `earmark collect` made, a folder of media, a CSV table, or a known collection.",
            show_default=False,
        ),
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="DIR", help="Where the data set goes.", show_default=False)
    ],
    language: Annotated[
        str,
        typer.Option("--language", metavar="CODE", help="Language of all of it. Default: what the source says."),
    ] = "",
    recogniser: Annotated[
        str, typer.Option("--recogniser", metavar="NAME", help="Hears what no text is given for; none leaves it empty.")
    ] = "moonshine",
    least: Annotated[
        float, typer.Option("--least", metavar="SECONDS", min=0.1, help="No chunk but the last is shorter.")
    ] = ChunkSettings.least_seconds,
    greatest: Annotated[
        float, typer.Option("--greatest", metavar="SECONDS", min=0.1, help="No chunk is longer.")
    ] = ChunkSettings.greatest_seconds,
    keep_silent: Annotated[bool, typer.Option("--keep-silent", help="Keep chunks in which nobody speaks.")] = False,
    keywords: Annotated[int, typer.Option("--keywords", metavar="N", min=0, help="Keywords of a chunk, at most.")] = 8,
    split_by: Annotated[
        str, typer.Option("--split-by", metavar="WHAT", help="Never on two sides: speaker (where known) or recording.")
    ] = "speaker",
    seed: Annotated[int, typer.Option("--seed", help="Decides what is for training and what for testing.")] = 0,
    workers: WorkersOption = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a data set that was made of another source.")] = False,
) -> None:
    """Cut recordings at their silences and write down what each chunk says, in a manifest.

    Text that the source has is taken, also from files beside the media (talk.srt, talk.txt); the rest a
    recogniser hears. A killed run goes on where it was, and ends in the same bytes.
    """
    from earmark.collecting import BuildSettings
    from earmark.collecting import build as make

    settings = BuildSettings(
        language=language.strip().lower(),
        recogniser=None if recogniser == "none" else recogniser,
        chunks=_chunk_settings(least, greatest),
        keep_silent=keep_silent,
        keywords=keywords,
        split_by=_split_by(split_by),
        seed=seed,
    )
    began = time.monotonic()
    with progress_on_stderr() as draw:
        result = make(source, output, settings, workers=workers, force=force, on_progress=draw)
    took = time.monotonic() - began
    for path, note in result.notes:
        say(f"note: {path}: {note}")
    for _, error in result.failed:
        say(f"left out: {' '.join(str(error).split())}")
    for each in result.left_out:
        told = [str(each.count)] * bool(each.count) + [clock(each.seconds)] * bool(each.seconds)
        say(f"left out: {each.reason}" + (f" ({', '.join(told)})" if told else ""))
    bare = sum(not chunk.transcript for chunk in result.chunks)
    if bare:
        say(f"note: {bare} of {counted(len(result.chunks), 'chunk')} without a transcript")
    empty = sorted({"train", "validation", "test"} - {chunk.split for chunk in result.chunks})
    if empty and result.chunks:
        groups = "speakers" if split_by == "speaker" and any(chunk.speaker for chunk in result.chunks) else "recordings"
        hint = " (--split-by recording divides them)" if groups == "speakers" else ""
        say(f"note: too few {groups} for three splits: nothing is for {' or '.join(empty)}{hint}")
    rate = f" ({result.audio_seconds / max(took, 1e-3):.0f} × real time)" if result.worked_on else ""
    say(
        f"{output}: {counted(len(result.chunks), 'chunk')} of {counted(result.recordings, 'recording')} "
        f"({result.layout}), {clock(result.audio_seconds)}, in {clock(took)}{rate}"
    )
    if result.failed:
        raise typer.Exit(1)


@app.command("export", epilog="Example: earmark dataset export marz -o shards")
def export(
    dataset: Annotated[Path, typer.Argument(metavar="DATASET", help="The folder of a data set.", show_default=False)],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="DIR", help="Where the shards go.", show_default=False)
    ],
    shard_megabytes: Annotated[
        int, typer.Option("--shard-size", metavar="MB", min=1, help="About how large a shard is.")
    ] = 500,
    force: Annotated[bool, typer.Option("--force", help="Write over shards that are there.")] = False,
) -> None:
    """Write the chunks of a data set as WebDataset shards: tar files of FLAC, text and JSON."""
    from earmark.collecting import read_manifest, write_shards

    chunks = read_manifest(dataset)
    with progress_on_stderr() as draw:
        paths = write_shards(chunks, output, shard_bytes=shard_megabytes * 1_000_000, force=force, on_progress=draw)
    say(f"{output}: {counted(len(chunks), 'chunk')} in {counted(len(paths), 'shard')}")


def _split_by(what: str) -> Literal["speaker", "recording"]:
    from earmark.errors import UsageError

    if what == "speaker":
        return "speaker"
    if what == "recording":
        return "recording"
    raise UsageError("--split-by", expected="speaker or recording", found=repr(what), hint="Choose one of them.")


def _chunk_settings(least: float, greatest: float) -> ChunkSettings:
    from earmark.errors import UsageError

    if least > greatest:
        raise UsageError(
            "--least", expected=f"at most --greatest ({greatest:g})", found=f"{least:g}", hint="Swap them."
        )
    return ChunkSettings(least_seconds=least, greatest_seconds=greatest)
