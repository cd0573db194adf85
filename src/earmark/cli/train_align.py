"""`earmark train align`: the alignment model of Xie et al., ICASSP 2022, from clips and captions."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["align", "register"]


def register(app: typer.Typer) -> None:
    """Adds the command to `earmark train`."""
    app.command("align")(align)


def align(
    config: Annotated[Path, typer.Argument(help="YAML of settings that differ from the paper's.", metavar="CONFIG")],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="DIR", help="Folder for checkpoints and features.")],
    data: Annotated[
        str | None, typer.Option(metavar="PATH", help="AudioGrounding folder or CSV; outranks the config.")
    ] = None,
    epochs: Annotated[int | None, typer.Option(min=1, help="Outranks the config.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the run in DIR.")] = False,
    search: Annotated[
        int, typer.Option(min=0, metavar="N", help="Try N settings out of `search` in the config with Ray Tune.")
    ] = 0,
    skip_broken: Annotated[
        bool, typer.Option("--skip-broken", help="Leave broken clips out; count and list them.")
    ] = False,
) -> None:
    """Learn which frames answer which words from clips and whole captions.

    Example: earmark train align align.yaml --data AudioGrounding -o runs/align
    """
    from earmark.cli.console import say
    from earmark.cli.training import training_extra, training_progress
    from earmark.errors import EarmarkError
    from earmark.training.align.settings import read_settings

    changes: dict[str, object] = {}
    if data is not None:
        changes["data"] = data
    if epochs is not None:
        changes["epochs"] = epochs
    broken: list[EarmarkError] = []
    on_broken = broken.append if skip_broken else None
    if search:
        from earmark.training.align.search import search_settings

        best = search_settings(config, out, search, changes, on_broken)
        typer.echo(best)
    else:
        settings = read_settings(config, **changes)
        with training_extra():
            from earmark.training.align.job import run
            from earmark.training.align.loop import Epoch

        def tell(epoch: Epoch) -> None:
            say(f"epoch {epoch.number}: loss {epoch.train_loss:.4f}, validation {epoch.val_loss:.4f}")

        with training_progress() as on_progress:
            path = run(settings, out, resume=resume, on_broken=on_broken, on_progress=on_progress, on_epoch=tell)
        typer.echo(path)
    if broken:
        say(f"left out {len(broken)}:")
        for error in broken:
            say(f"  {error}")
