"""A transcript to read: one label a line, without times. It is written, never read back."""

from __future__ import annotations

from earmark.formats.labels import Label
from earmark.records import Recording


def dumps(labels: list[Label], recordings: list[Recording], format: str) -> str:
    """Several recordings get a heading each."""
    order = list(dict.fromkeys(label.recording for label in labels))
    lines: list[str] = []
    for path in order:
        if len(order) > 1:
            lines += ([""] if lines else []) + [f"# {path}"]
        of_path = sorted((label for label in labels if label.recording == path), key=lambda each: each.span)
        lines += [" ".join(label.title.split()) for label in of_path]
    return "".join(f"{line}\n" for line in lines)
