"""`earmark train`: make the models earmark ships, or your own."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["app"]

app = typer.Typer(help="Train earmark's own models.", no_args_is_help=True)

DEFAULT_OUT = Path("earmark-sound")


@app.callback()
def train() -> None:
    """Train earmark's own models."""


@app.command()
def sound(
    config: Annotated[
        Path,
        typer.Argument(
            help="A YAML config; or a folder of recordings with a CSV of file,start,end,caption.", metavar="CONFIG"
        ),
    ],
    out: Annotated[
        Path, typer.Option("--out", "-o", help="Where checkpoints, loss curves and weights go.", metavar="DIR")
    ] = DEFAULT_OUT,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the last checkpoint in --out.")] = False,
    minutes: Annotated[float | None, typer.Option(help="Train this long, whatever the config says.", min=0.1)] = None,
    member: Annotated[
        int | None,
        typer.Option(
            help="Train this one of the config's members alone, from 1: each can have its own core or job. "
            "The last one to end writes the weights.",
            min=1,
        ),
    ] = None,
) -> None:
    """Train the model that hears sounds. Runs on the GPU where there is one.

    Example: EARMARK_DATA=~/sounds earmark train sound sound.yaml --out run1
    """
    from dataclasses import replace

    from earmark.cli.training import training_extra, training_progress
    from earmark.training.config import CollectionConfig
    from earmark.training.sound_config import SoundConfig, read_config

    if config.is_dir():
        chosen = SoundConfig(data=str(config.resolve()), collections=(CollectionConfig(folder="."),))
    else:
        chosen = read_config(config)
    if minutes is not None:
        chosen = replace(chosen, minutes=minutes)
    with training_extra():
        from earmark.training.sound import train_sound
    with training_progress() as draw:
        chosen_member = None if member is None else member - 1
        weights = train_sound(chosen, out, resume=resume, member=chosen_member, on_progress=draw)
    if weights is None:
        typer.echo(f"Member {member} of {chosen.members} is trained. The weights are written when all are.", err=True)
    else:
        typer.echo(weights)
