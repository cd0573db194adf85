"""`earmark models`: what larger weights there are, and pulling one by name."""

from __future__ import annotations

from typing import Annotated

import typer

from earmark.cli.console import progress_on_stderr, say

EXAMPLE = "Example: earmark models pull whisper-small"

app = typer.Typer(
    help="Weights that are larger or for other languages: list them, pull one. Nothing is ever fetched unasked.",
    epilog=EXAMPLE,
    no_args_is_help=True,
)


@app.command("list")
def list_models() -> None:
    """List the weights that can be pulled, and which of them are there."""
    from earmark.engines.models import MODELS, is_pulled, models_folder

    for name, model in MODELS.items():
        there = "pulled" if is_pulled(name) else megabytes(model.size_bytes)
        typer.echo(f"{name:<18} {there:>8}  {model.licence:<10}  {model.use:<33}  {model.about}")
    say(f"pulled ones lie in {models_folder()}")


@app.command("pull", epilog=EXAMPLE)
def pull_model(
    name: Annotated[str, typer.Argument(metavar="NAME", help="One of `earmark models list`.", show_default=False)],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Fetch weights once, check them, and keep them. A pull that was stopped goes on where it was."""
    from earmark.engines.models import MODELS, is_pulled, models_folder, pull

    if name in MODELS and not is_pulled(name):
        model = MODELS[name]
        say(f"{name}: {model.about}. {megabytes(model.size_bytes)}, licence {model.licence}")
        say(f"from    {model.files[0].address}")
        say(f"sha256  {model.sha256}")
        say(f"into    {models_folder() / name}")
        if not yes and not typer.confirm("Pull it?", err=True):
            raise typer.Exit(1)
    elif name in MODELS:
        say(f"{name} is there already")
    with progress_on_stderr() as draw:
        folder = pull(name, draw)
    typer.echo(str(folder))
    if name in MODELS:
        say(f"use it with {MODELS[name].use}")


def megabytes(size_bytes: int) -> str:
    return f"{size_bytes / 1e9:.1f} GB" if size_bytes >= 1e9 else f"{size_bytes / 1e6:.0f} MB"
