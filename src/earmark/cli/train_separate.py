"""`earmark train separate`: the model that pulls a described sound out of a mixture, from one's own recordings."""

from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from earmark.cli.console import say
from earmark.cli.training import training_extra, training_progress

__all__ = ["EXAMPLE", "register", "separate"]

EXAMPLE = "Example: EARMARK_DATA=~/sounds earmark train separate separate.yaml --out run1"


def separate(
    config: Annotated[
        Path,
        typer.Argument(
            help="A YAML config; or a folder of recordings with a CSV of file,start,end,caption.",
            metavar="CONFIG",
            show_default=False,
        ),
    ],
    out: Annotated[
        Path, typer.Option("--out", "-o", metavar="DIR", help="Where checkpoints, curves and weights go.")
    ] = Path("earmark-separate"),
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the last checkpoint in --out.")] = False,
    minutes: Annotated[
        float | None,
        typer.Option("--minutes", help="Train this long, whatever the config says.", min=0.1, show_default=False),
    ] = None,
) -> None:
    """Train the model that separates sounds. Runs on the GPU where there is one."""
    with training_extra():
        from earmark.training.config import CollectionConfig
        from earmark.training.separate.config import SeparateConfig, read_separate_config
        from earmark.training.separate.loop import train_separate
    if config.is_dir():
        chosen = SeparateConfig(data=str(config.resolve()), collections=(CollectionConfig(folder="."),))
    else:
        chosen = read_separate_config(config)
    if minutes is not None:
        chosen = replace(chosen, minutes=minutes)
    with training_progress() as draw:
        weights = train_separate(chosen, out, resume=resume, on_progress=draw)
    say(f"use them: earmark separate … --engine {shlex.quote(f'earmark:{weights}')}")
    typer.echo(weights)


def register(app: typer.Typer) -> None:
    """Adds the command to the commands of `earmark train`."""
    app.command("separate", epilog=EXAMPLE)(separate)
