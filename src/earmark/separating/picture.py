"""What separating did, as a picture: the spectrum of the recording, of the target, and of what is left."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from earmark.engines.separator.masking import spectrum_of
from earmark.errors import EngineError, UsageError
from earmark.media.decode import decode
from earmark.media.files import atomic_path, check_free
from earmark.separating import Separated
from earmark.timeline import Span

__all__ = ["PICTURES", "check_picture", "draw_spectra"]

PICTURES = (".png", ".pdf", ".svg")
RATE, FRAME, STEP = 16_000, 1024, 256
MOST_SECONDS = 60.0
"""A longer part of the recording is not drawn: what was separated first is."""


def check_picture(path: Path, force: bool = False) -> None:
    """Whether a picture can be drawn at all.

    Raises:
        UsageError: if the extension is no picture's.
        EngineError: if matplotlib is missing.
        FormatError: if the name is taken and `force` is not set.
    """
    if path.suffix.lower() not in PICTURES:
        raise UsageError(path, expected=f"one of {', '.join(PICTURES)}", found=path.suffix or "no extension",
                         hint="Name the picture so.")  # fmt: skip
    check_free(path, force=force)
    try:
        import matplotlib  # noqa: F401
    except ModuleNotFoundError as exc:
        raise EngineError(
            "--plot", expected="the plot extra", found="no package matplotlib",
            hint="Run `pip install 'earmark[plot]'`.",
        ) from exc  # fmt: skip


def draw_spectra(path: Path, made: Separated, force: bool = False) -> None:
    """Writes the picture, of a minute at most from the first moment on.

    Raises:
        FormatError: if the file cannot be written.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    first = max(made.recording.start_seconds, made.spans[0].start - 1.0)
    last = min(made.recording.span.end, made.spans[-1].end + 1.0, first + MOST_SECONDS)
    shown = Span(first, last)
    begin = made.recording.start_seconds
    names = {made.recording.path: shown} | {str(name): shown.shift(-begin) for name in made.written}
    figure = Figure(figsize=(12, 1 + 2.5 * len(names)), layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(made.text)
    panels = figure.subplots(len(names), 1, squeeze=False, sharex=True)[:, 0]
    for panel, (name, span) in zip(panels, names.items(), strict=True):
        stream = made.recording.audio_stream if name == made.recording.path else 0
        panel.imshow(
            _decibels(name, span, stream).T, origin="lower", aspect="auto", vmin=-90, vmax=-10, cmap="magma",
            extent=(shown.start, shown.end, 0, RATE / 2000),
        )  # fmt: skip
        panel.set_title(Path(name).name, fontsize=9)
        panel.set_ylabel("kHz")
    panels[-1].set_xlabel("seconds")
    with atomic_path(path, force=force) as temporary:
        figure.savefig(temporary, format=path.suffix[1:].lower(), dpi=110)


def _decibels(name: str, span: Span, audio_stream: int) -> NDArray[np.float32]:
    """Power of the down-mix in dB, full scale being about 0, shape ``(frames, bins)``."""
    blocks = decode(
        name, sample_rate=RATE, audio_stream=audio_stream, start_seconds=max(0.0, span.start), end_seconds=span.end
    )
    samples = np.concatenate([np.zeros(0, np.float32), *(block.mono() for block in blocks)])
    power = np.square(np.abs(spectrum_of(samples, FRAME, STEP)) / (FRAME / 4))
    return np.asarray(10 * np.log10(power + 1e-12), dtype=np.float32)
