"""Scores as text: a table for people, one JSON object a line for machines."""

from __future__ import annotations

import json
from collections.abc import Sequence

from earmark.evaluation.scores import Score

__all__ = ["json_lines", "table"]

HEADER = ("", "score", "chance", "95 % interval", "measured on", "")


def table(scores: Sequence[Score]) -> str:
    """Columns of equal width; "lower" marks figures of which less is better, "–" what is undefined."""
    rows = [HEADER, *(_row(score) for score in scores)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADER))]
    return "\n".join(
        "  ".join(
            text.ljust(width) if column in (0, 4, 5) else text.rjust(width)
            for column, (text, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )


def _row(score: Score) -> tuple[str, ...]:
    interval = "–"
    if score.low is not None and score.high is not None:
        interval = f"{_figure(score.low)} to {_figure(score.high)}"
    notes = [score.note] if score.note else []
    if not score.higher_is_better:
        notes.insert(0, "lower is better")
    return (
        score.name,
        _figure(score.value),
        _figure(score.chance),
        interval,
        f"{score.count:,} {score.unit}",
        "; ".join(notes),
    )


def _figure(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:.3f}" if abs(value) < 100 else f"{value:.1f}"


def json_lines(task: str, scores: Sequence[Score]) -> str:
    """One object a line: task, metric, value, chance, low, high, count, unit, higher_is_better, note."""
    return "\n".join(
        json.dumps(
            {
                "task": task,
                "metric": score.name,
                "value": score.value,
                "chance": score.chance,
                "low": score.low,
                "high": score.high,
                "count": score.count,
                "unit": score.unit,
                "higher_is_better": score.higher_is_better,
                "note": score.note,
            },
            ensure_ascii=False,
        )
        for score in scores
    )
