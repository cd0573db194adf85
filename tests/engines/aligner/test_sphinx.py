from __future__ import annotations

from pathlib import Path

import pytest

from earmark.engines.aligner import sphinx
from earmark.engines.aligner.sphinx import SphinxAligner, fill_gaps
from earmark.errors import EngineError
from earmark.timeline import Span, Waveform


def test_gaps_are_shared_by_letters() -> None:
    spans = [None, Span(1.0, 2.0), None, None, Span(3.0, 3.5), None]
    assert fill_gaps(spans, [4, 4, 1, 3, 2, 0], Span(0.5, 4.0)) == [
        Span(0.5, 1.0),
        Span(1.0, 2.0),
        Span(2.0, 2.25),
        Span(2.25, 3.0),
        Span(3.0, 3.5),
        Span(3.5, 4.0),
    ]


def test_a_gap_without_room_is_empty() -> None:
    assert fill_gaps([Span(0.0, 2.0), None], [1, 5], Span(0.0, 1.0)) == [Span(0.0, 2.0), Span(2.0, 2.0)]
    assert fill_gaps([], [], Span(0.0, 1.0)) == []


def test_a_dictionary_that_has_grown_is_loaded_anew(monkeypatch: pytest.MonkeyPatch, beckett: Waveform) -> None:
    monkeypatch.setattr(sphinx, "MAX_ADDED_WORDS", 2)
    engine = SphinxAligner()
    part = beckett.cut(Span(0.0, 2.0))
    engine.align(part, ["zzyx"])
    first = engine._local.decoder
    engine.align(part, ["zzyx"])
    assert engine._local.decoder is first
    engine.align(part, ["blorptag"])
    engine.align(part, ["on"])
    assert engine._local.decoder is not first


def test_missing_package_and_missing_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sphinx, "find_spec", lambda name: None)
    with pytest.raises(EngineError) as caught:
        SphinxAligner()
    assert str(caught.value) == (
        "sphinx: expected the package pocketsphinx, which carries the model, found no such package. "
        "Run: pip install 'pocketsphinx>=5.0.4,<6'"
    )
    monkeypatch.undo()
    monkeypatch.setattr(Path, "is_file", lambda self: False)
    with pytest.raises(EngineError, match=r"en-us, found no such model\. Run: pip install --force"):
        SphinxAligner()
