"""What was said in one recording, from its first word to its last."""

from __future__ import annotations

from earmark.library import Catalogue
from earmark.records import Recording, Segment

__all__ = ["transcript"]


def transcript(catalogue: Catalogue, recording: Recording) -> list[Segment]:
    """What the library holds of the words of a recording, in order of time; empty where nothing was said."""
    ids = catalogue.column("recording_id")
    return [catalogue.segment(row) for row, id_ in enumerate(ids) if id_ == recording.id]
