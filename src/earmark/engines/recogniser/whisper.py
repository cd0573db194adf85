"""Whisper of any size through faster-whisper (CTranslate2, no torch): 99 languages, word times, its own gates.

The weights are pulled once (``earmark models pull whisper-small``), or lie in a folder of your own that
CTranslate2's converter made. Each utterance is decoded by itself, without the text before it, so that one
invention does not breed the next; what the model holds for silence, or for a loop, is decoded again warmer and
then left out (faster-whisper's thresholds for no speech, log-probability and compression).

Source: Radford et al., "Robust Speech Recognition via Large-Scale Weak Supervision", 2022;
https://github.com/SYSTRAN/faster-whisper
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from earmark.engines.models import model_folder
from earmark.engines.recogniser import HeardWord, Transcript
from earmark.errors import EngineError
from earmark.settings import SAMPLE_RATE
from earmark.timeline import Span, Waveform

__all__ = ["Whisper"]

BEAMS = 5
TEMPERATURES = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
TOKENS_PER_SECOND, EXTRA_TOKENS = 12, 16
"""Nobody says more: quick Persian takes about ten tokens a second. A loop ends there instead of at 224."""
NEEDED = ("model.bin", "config.json", "tokenizer.json")
"""Without its tokenizer faster-whisper would fetch one."""


class Whisper:
    """One size of Whisper; calls from several threads run at once, each on one core.

    Args:
        model: a size that was pulled (``small``), or a folder of CTranslate2 weights.
        temperatures: tried one after the other until the text passes the gates.

    Raises:
        EngineError: if the weights are missing or cannot be loaded.
    """

    name = "whisper"
    languages: frozenset[str] | None = None
    sample_rate = SAMPLE_RATE
    gives_word_times = True
    max_seconds = 30.0

    def __init__(self, model: str = "small", temperatures: Sequence[float] = TEMPERATURES) -> None:
        folder = Path(model).expanduser() if os.sep in model else model_folder(f"whisper-{model}")
        missing = [name for name in NEEDED if not (folder / name).is_file()]
        if missing:
            raise EngineError(
                f"whisper:{model}",
                expected=f"Whisper weights for CTranslate2 in {folder}",
                found=f"no {', no '.join(missing)}",
                hint="Run: earmark models pull whisper-small",
            )
        import ctranslate2
        from faster_whisper import WhisperModel

        gpu = ctranslate2.get_cuda_device_count() > 0
        try:
            self._model = WhisperModel(
                str(folder),
                device="cuda" if gpu else "cpu",
                compute_type="float16" if gpu else "int8",
                cpu_threads=1,
                num_workers=min(8, os.cpu_count() or 1),
                local_files_only=True,
            )
        except (RuntimeError, ValueError, OSError) as exc:
            raise EngineError(
                f"whisper:{model}",
                expected=f"Whisper weights for CTranslate2 in {folder}",
                found=" ".join(str(exc).split()),
                hint=f"Delete {folder} and pull it again.",
            ) from exc
        self._temperatures = list(temperatures)
        self._known = frozenset(self._model.supported_languages)

    def transcribe(self, waveforms: Sequence[Waveform], language: str | None = None) -> list[Transcript]:
        if language is not None and language not in self._known:
            raise EngineError(
                "whisper",
                expected="a language it knows" if len(self._known) > 1 else "English (en), the one language it knows",
                found=f"the language {language!r}",
                hint="Give its two-letter code, or leave it out.",
            )
        return [self._transcribe(waveform, language) for waveform in waveforms]

    def _transcribe(self, waveform: Waveform, language: str | None) -> Transcript:
        if waveform.sample_rate != SAMPLE_RATE:
            raise ValueError(f"Whisper hears {SAMPLE_RATE} Hz, got {waveform.sample_rate}")
        if waveform.span.duration > self.max_seconds:
            raise ValueError(f"Whisper hears at most {self.max_seconds} s at once, got {waveform.span.duration:.1f}")
        samples = np.nan_to_num(waveform.mono(), nan=0.0, posinf=0.0, neginf=0.0)
        if not samples.any():
            return Transcript("", (), language or "", 0.0, 0)
        segments, info = self._model.transcribe(
            samples,
            language=language,
            beam_size=BEAMS,
            temperature=self._temperatures,
            max_new_tokens=EXTRA_TOKENS + int(TOKENS_PER_SECOND * waveform.span.duration),
            word_timestamps=True,
            condition_on_previous_text=False,
            vad_filter=False,
        )
        words: list[HeardWord] = []
        logprob, tokens, silence = 0.0, 0, 0.0
        for segment in segments:
            logprob += float(segment.avg_logprob) * (len(segment.tokens) + 1)
            tokens += len(segment.tokens)
            silence = max(silence, float(segment.no_speech_prob))
            for word in segment.words or ():
                words += _heard(word.word, word.start, word.end, word.probability, waveform.span)
        return Transcript(
            text=" ".join(word.text for word in words),
            words=tuple(words),
            language=str(info.language),
            mean_logprob=logprob / max(1, tokens + 1) if words else 0.0,
            num_tokens=tokens if words else 0,
            no_speech_probability=silence if words else None,
        )


def _heard(text: str, start: float, end: float, probability: float, whole: Span) -> list[HeardWord]:
    """One word on the clock of the media; a word with a space inside is as many as it holds, at one time."""
    first = min(max(whole.start + float(start), whole.start), whole.end)  # numpy's floats, in faster-whisper
    span = Span(first, min(max(whole.start + float(end), first), whole.end))
    return [HeardWord(part, min(1.0, max(0.0, float(probability))), span) for part in text.split()]
