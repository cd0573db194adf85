"""`earmark train activity`: a model of speech, music and noise from one's own recordings."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from earmark.cli.console import ForceOption, clock, say
from earmark.cli.training import training_extra, training_progress
from earmark.errors import UsageError

__all__ = ["EXAMPLE", "activity", "register"]

EXAMPLE = "Example: earmark train activity musan/ -o mine.onnx && earmark segment show.mp4 --model mine.onnx"


def activity(
    folders: Annotated[
        list[Path],
        typer.Argument(
            metavar="FOLDER...",
            help="Recordings in speech/, music/ and noise/ (MUSAN's layout), or with names that begin so; or a data "
            "set of `earmark dataset build`, or another folder whose table (manifest.csv) labels its files.",
            show_default=False,
        ),
    ],
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="The model, .onnx; its curves (.png) and history (.json) lie beside it.",
        ),
    ] = Path("activity.onnx"),
    model: Annotated[
        str, typer.Option("--model", metavar="NAME", help="Network: temporal, or mlp (feed-forward, 30-20-10).")
    ] = "temporal",
    features: Annotated[
        str | None,
        typer.Option(
            "--features",
            metavar="NAME",
            help="logmel or mfcc (40). Default: logmel for temporal, mfcc for mlp.",
            show_default=False,
        ),
    ] = None,
    classes: Annotated[
        str | None,
        typer.Option(
            "--classes",
            metavar="LIST",
            help="Classes to answer for; the rest is heard as none of them. `speech` makes a speech/non-speech model. "
            "Default: all there are.",
            show_default=False,
        ),
    ] = None,
    epochs: Annotated[int, typer.Option("--epochs", metavar="N", min=1, help="At most so many.")] = 60,
    scenes: Annotated[int, typer.Option("--scenes", metavar="N", min=1, help="Fresh scenes of 20 s an epoch.")] = 150,
    patience: Annotated[
        int, typer.Option("--patience", metavar="N", min=1, help="Stop after so many epochs without a better one.")
    ] = 8,
    silero: Annotated[
        bool, typer.Option("--silero/--no-silero", help="Speech is Silero's answer, corrected (temporal only).")
    ] = True,
    render_music: Annotated[
        float,
        typer.Option(
            "--render-music",
            metavar="MINUTES",
            min=0.0,
            help="Add so many minutes of music composed here and played by fluidsynth with FluidR3 into the first "
            "FOLDER/music.",
        ),
    ] = 0.0,
    seed: Annotated[int, typer.Option("--seed", metavar="N", help="Same corpus, options and seed: same scenes.")] = 0,
    work: Annotated[
        Path | None,
        typer.Option(
            "--work",
            metavar="DIR",
            help="Where the decoded corpus is kept for the next run. Default: beside the model.",
            show_default=False,
        ),
    ] = None,
    force: ForceOption = False,
) -> None:
    """Train a model of speech, music and noise, to be used with `earmark segment --model`.

    Scenes are mixed from the recordings; one recording in eight is held out, and training stops when these get no
    better. Needs the extra `train`.
    """
    for name, value, known in (("--model", model, ("temporal", "mlp")), ("--features", features, ("logmel", "mfcc"))):
        if value is not None and value not in known:
            raise UsageError(name, expected=f"one of {', '.join(known)}", found=value, hint=f"Use {known[0]}.")
    with training_extra():
        from earmark.training.activity.corpus import CLASSES
        from earmark.training.activity.loop import ActivityTraining, check_output, train_activity
    began = time.monotonic()
    names = None if classes is None else _named(classes, CLASSES)
    check_output(output, force)
    settings = ActivityTraining(
        model=model, features=features, classes=names, silero=silero, epochs=epochs, patience=patience, scenes=scenes,
        seed=seed,
    )  # fmt: skip
    if render_music:
        from earmark.training.activity.music import render

        music = folders[0] / "music"
        music.mkdir(parents=True, exist_ok=True)
        render(music, render_music, seed)
    with training_progress() as draw:
        outcome = train_activity(folders, output, settings, draw, work, force)
    for line in outcome.skipped:
        say(f"note: left out {line}")
    best = outcome.epochs[outcome.best]
    scores = ", ".join(f"{kind} {value:.3f}" for kind, value in best.f1.items())
    say(f"kept epoch {outcome.best + 1} of {len(outcome.epochs)}; frame F1 on held-out recordings: {scores}")
    size, took = output.stat().st_size / 1e6, clock(time.monotonic() - began)
    say(f"wrote {output} ({size:.2f} MB) after {took}; use it: earmark segment … --model {output}")


def _named(classes: str, known: tuple[str, ...]) -> tuple[str, ...]:
    """The classes of a list with commas, each once.

    Raises:
        UsageError: if one is not known, or none is named.
    """
    names = tuple(dict.fromkeys(name.strip() for name in classes.split(",") if name.strip()))
    for name in names or ("none",):
        if name not in known:
            raise UsageError("--classes", expected=f"some of {', '.join(known)}", found=name, hint="Use one of them.")
    return names


def register(app: typer.Typer) -> None:
    """Adds the command to the commands of `earmark train`."""
    app.command("activity", epilog=EXAMPLE)(activity)
