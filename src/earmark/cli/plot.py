"""`earmark plot`: pictures of what a model does."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from earmark.errors import UsageError

if TYPE_CHECKING:
    from earmark.timeline import Span

app = typer.Typer(no_args_is_help=True, help="Pictures of what a model does.")


@app.callback()
def _plot() -> None:
    pass


@app.command()
def alignment(
    checkpoint: Annotated[Path, typer.Argument(help="The best.pt that `earmark train align` wrote.")],
    clip: Annotated[Path, typer.Argument(help="An audio or video file.")],
    caption: Annotated[str, typer.Argument(help="What to look for: a caption or a phrase.")],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="PNG", help="Where to write the picture.")],
    threshold: Annotated[
        float, typer.Option(help="Estimated spans are where the mean over words, stretched to [0, 1], reaches this.")
    ] = 0.5,
    reference: Annotated[
        list[str] | None, typer.Option("--reference", metavar="START-END", help="A true span; may be given again.")
    ] = None,
) -> None:
    """Spectrogram, frame by word alignment, reference and estimated spans of one clip.

    Example: earmark plot alignment best.pt street.wav "a dog barks" --reference 3.0-4.5 -o dog.png
    """
    from earmark.timeline import ScoreCurve, spans_above
    from earmark.training.align.captions import caption_words
    from earmark.training.align.features import HOP_SECONDS, load, log_mel
    from earmark.training.align.loop import load_checkpoint
    from earmark.training.align.picture import plot_alignment
    from earmark.training.align.scoring import alignment_map

    spans = [_span(text) for text in reference or []]
    model, vectors, settings = load_checkpoint(checkpoint)
    words = [word for word in caption_words(caption) if word in vectors]
    if not words:
        raise UsageError(
            caption,
            expected="at least one word the model has a vector for",
            found="none",
            hint=f"It knows {', '.join(list(vectors.rows)[:8])} …",
        )
    features = log_mel(load(clip, settings.most_seconds))
    found = alignment_map(model, features, vectors.ids(words))
    values = found.mean(axis=1)
    spread = float(values.max() - values.min())
    stretched = (values - values.min()) / spread if spread > 0 else values * 0
    estimated = spans_above(ScoreCurve(stretched, HOP_SECONDS), threshold, threshold)
    plot_alignment(output, f"{clip.name}: {caption}", features, found, words, spans, estimated)
    typer.echo(output)


def _span(text: str) -> Span:
    from earmark.timeline import Span

    try:
        start, end = (float(part) for part in text.split("-"))
        return Span(start, end)
    except ValueError as error:
        raise UsageError(
            "--reference",
            expected="two times in seconds as START-END",
            found=repr(text),
            hint="Try --reference 3.0-4.5.",
        ) from error
