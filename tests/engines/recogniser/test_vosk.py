"""Vosk without a model: none can be made here (they are Kaldi's), so what is around it is tested."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from earmark.engines.recogniser.vosk import Vosk, _language_of, transcript_of
from earmark.engines.registry import load
from earmark.errors import EngineError
from earmark.timeline import Span


def test_missing_weights_name_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EARMARK_MODELS", str(tmp_path))
    with pytest.raises(EngineError) as caught:
        load("recogniser", "vosk")
    assert str(caught.value) == (
        f"vosk-small-fa: expected its weights in {tmp_path}/vosk-small-fa, found none there. "
        "Run: earmark models pull vosk-small-fa"
    )


def test_a_missing_package_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EARMARK_MODELS", str(tmp_path))
    (tmp_path / "vosk-small-fa").mkdir()
    monkeypatch.setitem(sys.modules, "vosk", None)
    with pytest.raises(EngineError) as caught:
        Vosk()
    assert str(caught.value) == (
        'vosk: expected the package vosk, found it is not installed. Run: pip install "earmark[vosk]"'
    )


def test_a_folder_that_is_no_model_is_one_line_and_does_not_end_the_process(tmp_path: Path) -> None:
    pytest.importorskip("vosk", reason="the extra `vosk` brings it")
    for entry in ("", "final.mdl"):
        if entry:
            (tmp_path / entry).write_bytes(b"no model")
        with pytest.raises(EngineError) as caught:
            Vosk(str(tmp_path))
        assert str(caught.value).startswith(f"vosk:{tmp_path}: expected a Vosk model in {tmp_path}, found ")
        assert str(caught.value).endswith(f"Delete {tmp_path} and run: earmark models pull vosk-small-fa")


def test_words_lie_on_the_clock_of_the_media() -> None:
    found = [
        {"conf": 1.0, "start": 0.3, "end": 0.6, "word": "سلام"},
        {"conf": 0.5, "start": 0.6, "end": 9.0, "word": "دنیا"},
    ]
    heard = transcript_of(found, Span(100.0, 102.0), "fa")
    assert heard.text == "سلام دنیا" and heard.language == "fa" and heard.num_tokens == 2
    assert [word.span for word in heard.words] == [Span(100.3, 100.6), Span(100.6, 102.0)]
    assert heard.mean_logprob == pytest.approx(-0.3466, abs=1e-4)
    assert transcript_of([], Span(0, 1), "fa").text == ""


def test_the_language_of_a_model_of_ones_own_is_in_its_name() -> None:
    assert _language_of("vosk-model-small-fa-0.42") == "fa"
    assert _language_of("vosk-model-en-us-0.22") == "en"
    assert _language_of("mine") == "en"
