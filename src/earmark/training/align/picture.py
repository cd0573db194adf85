"""A clip as the model sees it: spectrogram, frame × word alignment, and where a phrase is said to be."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from earmark.errors import EngineError
from earmark.timeline import Span
from earmark.training.align.features import HOP_SECONDS

__all__ = ["plot_alignment"]


def plot_alignment(
    path: Path,
    title: str,
    features: NDArray[np.float32],
    found: NDArray[np.float32],
    words: Sequence[str],
    reference: Sequence[Span],
    estimated: Sequence[Span],
) -> None:
    """Writes the picture.

    Args:
        features: log-mel, (frames, bands).
        found: the alignment, (frames, words), in [0, 1].
        reference, estimated: spans in seconds; either may be empty.

    Raises:
        EngineError: if matplotlib is not installed.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise EngineError(
            "earmark plot",
            expected="matplotlib",
            found="no such package",
            hint="Install it with `pip install 'earmark[plot]'`.",
        ) from error
    seconds = len(features) * HOP_SECONDS
    made = Figure(figsize=(10, 5 + 0.25 * len(words)), layout="constrained")
    FigureCanvasAgg(made)
    top, middle, bottom = made.subplots(3, 1, sharex=True, height_ratios=[3, 0.5 + 0.35 * len(words), 1])
    top.imshow(features.T, origin="lower", aspect="auto", extent=(0, seconds, 0, features.shape[1]))
    top.set(title=title, ylabel="mel band")
    shown = middle.imshow(
        found.T, aspect="auto", extent=(0, seconds, len(words) - 0.5, -0.5), vmin=0.0, vmax=1.0, cmap="magma",
        interpolation="nearest",
    )  # fmt: skip
    middle.set_yticks(range(len(words)), list(words))
    made.colorbar(shown, ax=middle, label="cosine")
    for row, (spans, colour) in enumerate(((reference, "tab:green"), (estimated, "tab:orange"))):
        bottom.broken_barh([(span.start, span.duration) for span in spans], (row - 0.35, 0.7), color=colour)
    bottom.set_yticks([0, 1], ["reference", "estimated"])
    bottom.set(xlabel="seconds", xlim=(0, seconds), ylim=(1.6, -0.6))
    made.savefig(path, dpi=150)
