"""Curves as a picture: precision over recall, misses over false alarms (DET), and figures over the threshold.

Needs matplotlib, from the `plot` extra; it is imported when a picture is asked for.
"""

from __future__ import annotations

from pathlib import Path
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from earmark.errors import EngineError
from earmark.evaluation.ranking import OperatingPoints
from earmark.evaluation.scores import Floats

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["figure", "plot_operating_points"]

DET_TICKS = (0.001, 0.01, 0.05, 0.2, 0.5, 0.8, 0.95)


def figure(width_inches: float, height_inches: float) -> Figure:
    """An empty picture that is never shown on a screen.

    Raises:
        EngineError: if matplotlib is not installed.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise EngineError(
            "--plot",
            expected="matplotlib",
            found="no such package",
            hint="Install it with `pip install 'earmark[plot]'`.",
        ) from error
    made = Figure(figsize=(width_inches, height_inches), layout="constrained")
    FigureCanvasAgg(made)
    return made


def plot_operating_points(path: Path, title: str, points: OperatingPoints) -> None:
    """Writes a picture of three: precision over recall, DET, and all three figures over the threshold."""
    made = figure(14, 4.6)
    left, right, swept = made.subplots(1, 3)
    share = points.num_positives / max(1, points.num_positives + points.num_negatives)
    left.plot(points.recall, points.precision)
    left.axhline(share, linestyle=":", color="grey", label=f"chance {share:.3f}")
    left.set(xlabel="recall", ylabel="precision", xlim=(0, 1), ylim=(0, 1.02), title="precision over recall")
    left.legend(loc="upper right")
    left.grid(alpha=0.3)
    right.plot(_probit(points.false_alarm_rate), _probit(points.miss_rate))
    ticks = _probit(np.array(DET_TICKS))
    right.plot(ticks, -ticks, linestyle=":", color="grey", label="chance")
    right.set(
        xlabel="false alarms",
        ylabel="misses",
        title="DET",
        xlim=(ticks[0], ticks[-1]),
        ylim=(ticks[0], ticks[-1]),
    )
    labels = [f"{100 * tick:g} %" for tick in DET_TICKS]
    right.set_xticks(ticks, labels)
    right.set_yticks(ticks, labels)
    right.legend(loc="upper right")
    right.grid(alpha=0.3)
    for name in ("precision", "recall", "f1"):
        swept.plot(points.thresholds, getattr(points, name), label="F1" if name == "f1" else name)
    swept.axhline(2 * share / (1 + share), linestyle=":", color="grey", label="F1 of always yes")
    swept.set(xlabel="threshold", ylim=(0, 1.02), title="over the threshold")
    swept.legend(loc="best")
    swept.grid(alpha=0.3)
    made.suptitle(title)
    made.savefig(path, dpi=150)


def _probit(shares: NDArray[np.float64]) -> Floats:
    """Shares in [0, 1] as deviates of a normal distribution, kept finite."""
    inverse = NormalDist().inv_cdf
    return np.array([inverse(min(max(float(share), 1e-5), 1 - 1e-5)) for share in shares])
