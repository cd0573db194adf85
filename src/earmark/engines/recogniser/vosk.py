"""Vosk: small Kaldi models, one a language, with word times. Persian is what earmark pulls it for.

Needs the extra ``vosk`` and pulled weights (``earmark models pull vosk-small-fa``). Vosk gives no
log-probability of a sentence; the mean logarithm of its word confidences stands for it.

Source: https://alphacephei.com/vosk
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from earmark.engines.models import model_folder
from earmark.engines.recogniser import HeardWord, Transcript
from earmark.errors import EngineError
from earmark.settings import SAMPLE_RATE
from earmark.timeline import Span, Waveform

__all__ = ["Vosk"]

LEAST_CONFIDENCE = 1e-3


class Vosk:
    """One Vosk model; every utterance has a recogniser of its own, so threads share nothing but the model.

    Args:
        model: the language of a small model that was pulled (``fa``, ``en``), or a folder with a model, its
            language in its name as Vosk names them (``vosk-model-small-fa-0.42``).

    Raises:
        EngineError: if the package or the weights are missing, or cannot be loaded.
    """

    name = "vosk"
    sample_rate = SAMPLE_RATE
    gives_word_times = True
    max_seconds = 30.0

    def __init__(self, model: str = "fa") -> None:
        own = os.sep in model
        folder = Path(model).expanduser() if own else model_folder(f"vosk-small-{model}")
        self.language = _language_of(folder.name) if own else model
        self.languages: frozenset[str] | None = frozenset({self.language})
        try:
            import vosk
        except ImportError as exc:
            raise EngineError(
                "vosk",
                expected="the package vosk",
                found="it is not installed",
                hint='Run: pip install "earmark[vosk]"',
            ) from exc
        vosk.SetLogLevel(-1)
        self._recogniser = vosk.KaldiRecognizer
        try:
            if not (folder / "am").is_dir() and not (folder / "final.mdl").is_file():
                raise ValueError("no acoustic model in it")  # Vosk itself says nothing of use, and may end the process
            self._model = vosk.Model(str(folder))
        except Exception as exc:  # vosk raises bare Exception
            raise EngineError(
                f"vosk:{model}",
                expected=f"a Vosk model in {folder}",
                found=str(exc),
                hint=f"Delete {folder} and run: earmark models pull vosk-small-fa",
            ) from exc

    def transcribe(self, waveforms: Sequence[Waveform], language: str | None = None) -> list[Transcript]:
        if language not in (None, self.language):
            raise EngineError(
                "vosk",
                expected=f"the language of its model ({self.language})",
                found=f"the language {language!r}",
                hint="Choose another model for it, as in --recogniser vosk:en.",
            )
        return [self._transcribe(waveform) for waveform in waveforms]

    def _transcribe(self, waveform: Waveform) -> Transcript:
        if waveform.sample_rate != SAMPLE_RATE:
            raise ValueError(f"Vosk hears {SAMPLE_RATE} Hz, got {waveform.sample_rate}")
        if waveform.span.duration > self.max_seconds:
            raise ValueError(f"Vosk hears at most {self.max_seconds} s at once, got {waveform.span.duration:.1f}")
        samples = np.nan_to_num(waveform.mono(), nan=0.0, posinf=0.0, neginf=0.0)
        if not samples.any():
            return Transcript("", (), self.language, 0.0, 0)
        recogniser = self._recogniser(self._model, SAMPLE_RATE)
        recogniser.SetWords(True)
        found: list[Any] = []
        if recogniser.AcceptWaveform((np.clip(samples, -1.0, 1.0) * 32767).astype("<i2").tobytes()):
            found += json.loads(recogniser.Result()).get("result", ())
        found += json.loads(recogniser.FinalResult()).get("result", ())
        return transcript_of(found, waveform.span, self.language)


def transcript_of(found: Sequence[dict[str, Any]], whole: Span, language: str) -> Transcript:
    """Vosk's words (``word``, ``conf``, ``start``, ``end`` in seconds of the utterance) on the clock of the media."""
    words = []
    for entry in found:
        start = min(max(whole.start, whole.start + float(entry["start"])), whole.end)
        end = min(max(start, whole.start + float(entry["end"])), whole.end)
        sure = min(1.0, max(0.0, float(entry.get("conf", 1.0))))
        words += [HeardWord(part, sure, Span(start, end)) for part in str(entry["word"]).split()]
    logprob = sum(math.log(max(LEAST_CONFIDENCE, word.probability)) for word in words)
    return Transcript(
        " ".join(word.text for word in words), tuple(words), language, logprob / max(1, len(words)), len(words)
    )


def _language_of(folder_name: str) -> str:
    """``vosk-model-small-fa-0.42`` is Persian; English where a name tells none."""
    parts = folder_name.lower().split("-")
    return next((part for part in parts if len(part) == 2 and part.isalpha()), "en")
