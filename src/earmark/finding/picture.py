"""An answer as a picture: the waveform of each recording, the curve of the sound asked for, and the moments found."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from earmark.errors import EngineError, QueryError, UsageError
from earmark.finding.heard import curve_of, listened, load_ears
from earmark.library import Catalogue
from earmark.media.decode import decode
from earmark.media.files import atomic_path
from earmark.records import Moment, Recording
from earmark.timeline import ScoreCurve

__all__ = ["PICTURES", "check_picture", "draw"]

PICTURES = (".png", ".pdf", ".svg")
MOST_RECORDINGS = 6
"""More would be too small to read."""
COLUMNS = 2_000
"""Points a waveform or a curve is drawn with."""
KIND_COLOURS = {"said": "tab:green", "heard": "tab:orange"}


def draw(
    path: Path, query: str, moments: Sequence[Moment], catalogue: Catalogue, threshold: float, force: bool = False
) -> None:
    """Writes a picture of `moments` to `path`: one panel a recording, the most probable first.

    Raises:
        UsageError: if the extension is no picture's.
        EngineError: if matplotlib is missing.
        FormatError: if the name is taken and `force` is not set, or the file cannot be written.
    """
    check_picture(path)
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    recordings = list({moment.recording.id: moment.recording for moment in moments}.values())[:MOST_RECORDINGS]
    figure = Figure(figsize=(12, 1 + 2.2 * max(1, len(recordings))), layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(query)
    panels: list[Any] = list(figure.subplots(len(recordings), 1, squeeze=False)[:, 0]) if recordings else []
    for panel, recording in zip(panels, recordings, strict=True):
        own = [moment for moment in moments if moment.recording.id == recording.id]
        curve = _curve(query, catalogue, recording) if any(moment.kind == "heard" for moment in own) else None
        _panel(panel, recording, own, curve, threshold)
    with atomic_path(path, force=force) as temporary:
        figure.savefig(temporary, format=path.suffix[1:].lower(), dpi=110)


def check_picture(path: Path) -> None:
    """Whether a picture can be drawn at all.

    Raises:
        UsageError, EngineError: as `draw`.
    """
    if path.suffix.lower() not in PICTURES:
        raise UsageError(
            path,
            expected="a picture's extension",
            found=repr(path.suffix) if path.suffix else "none",
            hint=f"Use one of {', '.join(PICTURES)}.",
        )
    try:
        import matplotlib  # noqa: F401
    except ImportError as exc:
        raise EngineError(
            "--plot", expected="matplotlib", found="no such package", hint="Run: pip install 'earmark[plot]'"
        ) from exc


def _panel(
    panel: Any, recording: Recording, moments: Sequence[Moment], curve: ScoreCurve | None, threshold: float
) -> None:
    seconds, low, high = envelope(recording)
    panel.fill_between(seconds, low, high, color="0.75", linewidth=0)
    panel.set(xlim=(recording.span.start, max(recording.span.end, recording.span.start + 0.1)), ylim=(-1, 1), yticks=[])
    panel.set_title(Path(recording.path).name, fontsize=9, loc="left")
    panel.set_xlabel("seconds", fontsize=8)
    chance = panel.twinx()
    chance.set(ylim=(0, 1), ylabel="probability")
    chance.axhline(threshold, color="0.4", linewidth=0.6, linestyle=":")
    if curve is not None and curve.num_frames:
        size = -(-curve.num_frames // COLUMNS)
        peaks = np.maximum.reduceat(curve.values, np.arange(0, curve.num_frames, size))
        times = curve.start_seconds + (np.arange(peaks.size) + 0.5) * size * curve.step_seconds
        chance.plot(times, peaks, color="tab:blue", linewidth=0.9)
    for moment in moments:
        colour = KIND_COLOURS[moment.kind]
        chance.axvspan(moment.span.start, moment.span.end, color=colour, alpha=0.3, linewidth=0)
        chance.text(moment.span.middle, moment.probability, f"{moment.probability:.2f}", fontsize=7, ha="center")


def _curve(query: str, catalogue: Catalogue, recording: Recording) -> ScoreCurve | None:
    for found, hearing in listened(catalogue, {recording.id}):
        try:
            text = query.removeprefix("heard:").strip()
            return curve_of(text, catalogue, found, hearing, load_ears(hearing.engine))
        except QueryError:
            return None
    return None


def envelope(recording: Recording) -> tuple[NDArray[np.float64], NDArray[np.float32], NDArray[np.float32]]:
    """Lowest and highest sample of at most `COLUMNS` stretches, and the second in the middle of each."""
    rate = 4_000
    size = max(1, int(recording.duration_seconds * rate / COLUMNS))
    lows: list[NDArray[np.float32]] = []
    highs: list[NDArray[np.float32]] = []
    rest = np.zeros(0, np.float32)
    for block in decode(recording.path, sample_rate=rate, audio_stream=recording.audio_stream):
        samples = np.concatenate([rest, block.mono()])
        whole = samples.size // size * size
        shaped, rest = samples[:whole].reshape(-1, size), samples[whole:]
        lows.append(shaped.min(axis=1, initial=0.0))
        highs.append(shaped.max(axis=1, initial=0.0))
    low, high = (np.concatenate([np.zeros(0, np.float32), *parts]) for parts in (lows, highs))
    return recording.start_seconds + (np.arange(low.size) + 0.5) * size / rate, low, high
