"""`earmark train speech-text`: the contrastive model, from data sets and sentences."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["register", "speech_text"]


def register(app: typer.Typer) -> None:
    """Adds the command to `earmark train`."""
    app.command("speech-text")(speech_text)


def speech_text(
    config: Annotated[Path, typer.Argument(help="YAML: what to learn from, and what differs.", metavar="CONFIG")],
    out: Annotated[
        Path, typer.Option("--out", "-o", metavar="DIR", help="Folder for checkpoints, frames and weights.")
    ],
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the run in DIR.")] = False,
    steps: Annotated[int | None, typer.Option(min=1, help="Outranks max_steps of the config.")] = None,
) -> None:
    """Learn to put speech near the text that says it, from data sets of `earmark dataset build` and spoken sentences.

    Example: earmark train speech-text speech-text.yaml -o runs/speech-text
    """
    from earmark.cli.console import say
    from earmark.cli.training import training_extra, training_progress
    from earmark.errors import EarmarkError

    with training_extra():
        from earmark.training.speech_text.job import run
        from earmark.training.speech_text.loop import Check
        from earmark.training.speech_text.settings import read_settings
    settings = read_settings(config, **({} if steps is None else {"max_steps": steps}))
    broken: list[EarmarkError] = []

    def tell(check: Check) -> None:
        hits = f", Hits@1 of six {check.hits:.3f} (chance 0.167)" if check.hits == check.hits else ""
        say(f"step {check.step}: loss {check.loss:.3f}{hits}, temperature {check.temperature:.3f}")

    with training_progress() as draw:
        weights = run(settings, out, resume=resume, on_progress=draw, on_check=tell, on_broken=broken.append)
    typer.echo(weights)
    if broken:
        say(f"left out {len(broken)}:")
        for error in broken:
            say(f"  {error}")
