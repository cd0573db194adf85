from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from earmark.engines.recogniser import moonshine
from earmark.engines.recogniser.moonshine import Moonshine
from earmark.engines.recogniser.tokens import END
from earmark.errors import EngineError
from earmark.timeline import Span, Waveform


def twin(engine: Moonshine, samples: np.ndarray, steps: int) -> list[int]:
    """Greedy, without any cache: the whole text so far goes through the decoder at every step."""
    hidden = engine._encode(samples)
    tokens = [1]
    for _ in range(steps):
        feed = {
            "encoder_hidden_states": hidden,
            "encoder_attention_mask": np.ones((1, hidden.shape[1] * 384), np.int64),
            "input_ids": np.array([tokens], np.int64),
            "use_cache_branch": np.array([False]),
        }
        for name in engine._inputs:
            if name.startswith("past"):
                feed[name] = np.zeros((1, 8, 0, 36), np.float32)
        tokens.append(int(engine._decoder.run(["logits"], feed)[0][0, -1].argmax()))
        if tokens[-1] == END:
            break
    return tokens[1:]


def test_one_beam_is_greedy_decoding(two_cities: Waveform) -> None:
    engine = Moonshine(beams=1)
    samples = two_cities.cut(Span(0.0, 6.0)).mono()
    best = engine._search(engine._encode(samples), 40)
    assert len(best.tokens) > 8
    assert list(best.tokens) == twin(engine, samples, 40)


def test_more_beams_never_score_worse(two_cities: Waveform) -> None:
    part = two_cities.cut(Span(20.0, 26.0)).mono()
    scores = []
    for beams in (1, 4):
        engine = Moonshine(beams)
        scores.append(engine._search(engine._encode(part), 50).rank)
    assert scores[1] >= scores[0] - 0.05


def test_a_search_cut_short_still_answers(two_cities: Waveform) -> None:
    engine = Moonshine()
    best = engine._search(engine._encode(two_cities.cut(Span(0.0, 6.0)).mono()), 3)
    assert len(best.tokens) == 3


def test_other_languages_are_refused(beckett: Waveform) -> None:
    with pytest.raises(EngineError) as caught:
        Moonshine().transcribe([beckett], language="fa")
    assert str(caught.value) == (
        "moonshine: expected English (en), the one language it knows, found the language 'fa'. "
        "Choose another recogniser for it."
    )


def test_no_beams() -> None:
    with pytest.raises(ValueError, match="at least one beam, got 0"):
        Moonshine(beams=0)


def test_missing_package_and_missing_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(moonshine, "find_spec", lambda name: None)
    with pytest.raises(EngineError) as caught:
        Moonshine()
    assert str(caught.value) == (
        "moonshine: expected the package moonshine-voice, which carries the model, found no such package. "
        "Run: pip install 'moonshine-voice>=0.0.59,<0.1'"
    )
    monkeypatch.undo()
    monkeypatch.setattr(Path, "is_file", lambda self: False)
    with pytest.raises(EngineError, match=r"tiny-en, found no such model: moonshine-voice 0\.1 and later"):
        Moonshine()
