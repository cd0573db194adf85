"""The commands, by name. A command's own imports are light: what is heavy loads when the command runs."""

from __future__ import annotations

from typing import Annotated

import typer

from earmark import __version__
from earmark.cli import (
    caption,
    collect,
    components,
    dataset,
    evaluate,
    find,
    index,
    keywords,
    models,
    plot,
    segment,
    separate,
    train,
    train_activity,
    train_align,
    train_separate,
    train_speech_text,
    transcribe,
)

app = typer.Typer(
    name="earmark",
    help="Type what you want to hear. earmark tells you where it is.",
    epilog='Example: earmark find "it was the season of darkness" talk.mp4 ~/podcasts',
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"earmark {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    pass


app.command("find", epilog=find.EXAMPLE)(find.find)
app.command("index", epilog=index.EXAMPLE)(index.index)
app.command("transcribe", epilog=transcribe.EXAMPLE)(transcribe.transcribe)
app.command("caption", epilog=caption.EXAMPLE)(caption.caption)
app.command("components", epilog=components.EXAMPLE)(components.components)
app.command("keywords", epilog=keywords.EXAMPLE)(keywords.keywords)
app.command("segment", epilog=segment.EXAMPLE)(segment.segment)
app.command("separate", epilog=separate.EXAMPLE)(separate.separate)
app.command("collect", epilog=collect.EXAMPLE)(collect.collect)
app.add_typer(dataset.app, name="dataset")
app.add_typer(evaluate.app, name="evaluate")
train_activity.register(train.app)
train_align.register(train.app)
train_separate.register(train.app)
train_speech_text.register(train.app)
app.add_typer(train.app, name="train")
app.add_typer(plot.app, name="plot")
app.add_typer(models.app, name="models")
