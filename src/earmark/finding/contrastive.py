"""Windows ranked by what speech says, without a transcript: vectors of speech against the vector of the question.

About every five seconds of a recording have the vector of ten (`indexing/speech_rows.py`), in the space the question
is put into, too. They are mapped, not read: an hour is 180 kB.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from functools import cache

import numpy as np
from numpy.typing import NDArray

from earmark import language
from earmark.engines import registry
from earmark.engines.speech_text.contrastive import ContrastiveEngine
from earmark.errors import LibraryError
from earmark.finding.cascade import Scored
from earmark.library import Catalogue, Hearing, read_track, track_path
from earmark.records import Recording
from earmark.timeline import Span

__all__ = ["contrastive_scores", "has_vectors", "load_engine"]


@cache
def load_engine(name: str) -> ContrastiveEngine:
    """The engine by the name the index was told: ``contrastive``, or ``contrastive:FOLDER``."""
    engine: ContrastiveEngine = registry.load("speech_text", name)
    return engine


def has_vectors(catalogue: Catalogue, recordings: Collection[str] | None) -> bool:
    """Whether any recording's speech can be asked without its words."""
    return bool(_heard(catalogue, recordings))


def contrastive_scores(
    text: str, catalogue: Catalogue, recordings: Collection[str] | None, spoken: str | None = None
) -> list[Scored]:
    """Every window that is not silent, with its cosine, by recording and time.

    Raises:
        LibraryError: if no recording was heard for this.
        EngineError: if the model it was heard with is missing.
    """
    heard = _heard(catalogue, recordings)
    if not heard:
        raise LibraryError(
            catalogue.folder,
            expected="vectors of speech",
            found="none",
            hint="Run: earmark index --speech-vectors PATH…",
        )
    words = " ".join(token.key for token in language.normalise(text, spoken))
    scored: list[Scored] = []
    for recording, hearing in heard:
        engine = load_engine(model_of(hearing))
        asked = engine.embed_text([words])[0]
        path = track_path(catalogue.folder, recording.id, "speech", hearing.engine)
        try:
            header, rows = read_track(path, hearing.position)
        except FileNotFoundError:  # it holds no audio
            continue
        cosines = _cosines(np.asarray(rows), asked)
        for at in np.flatnonzero(np.isfinite(cosines)).tolist():
            start = header.start_seconds + at * header.step_seconds
            end = min(start + engine.window_seconds, recording.span.end)
            span = Span(start, max(start, end))
            scored.append(Scored(recording, span, contrastive=float(cosines[at])))
    return scored


def model_of(hearing: Hearing) -> str:
    """The name of the engine as the index was told it."""
    told = json.loads(hearing.settings).get("speech")
    return told if isinstance(told, str) else "contrastive"


def _heard(catalogue: Catalogue, recordings: Collection[str] | None) -> list[tuple[Recording, Hearing]]:
    found = []
    for id_, recording in catalogue.recordings.items():
        hearing = catalogue.hearing_of(id_, "speech")
        if hearing is not None and (recordings is None or id_ in recordings):
            found.append((recording, hearing))
    return found


def _cosines(rows: NDArray[np.generic], asked: NDArray[np.float32]) -> NDArray[np.float32]:
    """Of stored rows with a unit vector; not a number where a row is silence."""
    values = rows.view(np.int8).astype(np.float32)
    lengths = np.linalg.norm(values, axis=1)
    cosines = np.full(len(values), np.nan, np.float32)
    np.divide(values @ asked, lengths, out=cosines, where=lengths > 0)
    return cosines
