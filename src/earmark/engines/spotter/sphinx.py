"""Keyword spotting with pocketsphinx and its US-English model, both inside its wheel (BSD).

The keyword competes with a loop over all phones. How dearly the loop pays for each phone decides everything:
over 84 clips of six Persian words (426 pairs of a clip and another word), the words found with one false alarm
were 10 of 84 at pocketsphinx's own penalty of 1e-1, 13 at 1e-3, 26 at 1e-6, 46 at 1e-10, 60 at 1e-15, 62 at
1e-20 and 61 at 1e-30. Dividing the score by the number of phones, or its square root, made it worse (53 of 84
at 1e-20); batch normalisation of the cepstra changed nothing.

Source: https://github.com/cmusphinx/pocketsphinx
"""

from __future__ import annotations

import math
import os
import tempfile
import threading
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from earmark.engines.spotter import Hit
from earmark.errors import EngineError
from earmark.settings import SAMPLE_RATE
from earmark.timeline import Span, Waveform

__all__ = ["SphinxSpotter"]

LOOP_PENALTY = 1e-20
THRESHOLD = 1e-40
"""Everything this likely or more is reported; what to believe is the caller's to say."""
FRAME_SECONDS = 0.01
PAD_SECONDS = 0.3
NOISE = 1e-4
PEAK = 0.5
SCORE_SCALE = 1024
"""Scores are stored in units of 2^10 of their logarithm (SENSCR_SHIFT in pocketsphinx) …"""
SCORE_OFFSET = 1500 * math.log(1.0001) * SCORE_SCALE
"""… and 1,500 of these, to base 1.0001, below what they are (KWS_MAX)."""
PHONES = frozenset(
    "AA AE AH AO AW AY B CH D DH EH ER EY F G HH IH IY JH K L M N NG OW OY P R S SH T TH UH UW V W Y Z ZH".split()
)
MAX_ADDED_WORDS = 5_000


class SphinxSpotter:
    """Used by many threads, each with its own decoder (40 MB, 0.1 s to load).

    Raises:
        EngineError: if pocketsphinx or its model is missing.
    """

    name = "sphinx"
    sample_rate = SAMPLE_RATE

    def __init__(self) -> None:
        spec = find_spec("pocketsphinx")
        folder = None if spec is None or spec.origin is None else Path(spec.origin).parent / "model" / "en-us"
        if folder is None or not (folder / "cmudict-en-us.dict").is_file():
            raise EngineError(
                "sphinx",
                expected="the package pocketsphinx with its model",
                found="no such package" if folder is None else "no model in it",
                hint="Run: pip install --force-reinstall 'pocketsphinx>=5.0.4,<6'",
            )
        self._folder = folder
        self._local = threading.local()

    def pronunciations(self, word: str) -> list[str]:
        decoder = self._decoder()
        found = [decoder.lookup_word(word)]
        found += [decoder.lookup_word(f"{word}({number})") for number in range(2, 6)]
        return list(dict.fromkeys(phones for phones in found if phones))

    def spot(self, waveform: Waveform, keywords: Mapping[str, Sequence[str]]) -> list[Hit]:
        if waveform.sample_rate != SAMPLE_RATE:
            raise ValueError(f"SphinxSpotter hears {SAMPLE_RATE} Hz, got {waveform.sample_rate}")
        for keyword, pronunciations in keywords.items():
            for phones in pronunciations:
                unknown = set(phones.split()) - PHONES
                if unknown or not phones.split():
                    raise EngineError(
                        keyword,
                        expected=f"phones among {' '.join(sorted(PHONES))}",
                        found=" ".join(sorted(unknown)) or "none",
                        hint="Write them as the CMU dictionary does, without stress.",
                    )
        if not any(keywords.values()) or waveform.num_samples == 0:
            return []
        decoder = self._decoder()
        owners = self._listen_for(decoder, keywords)
        decoder.reinit_feat()
        decoder.start_utt()
        decoder.process_raw(as_pcm(waveform.mono()), full_utt=True)
        decoder.end_utt()
        hits = []
        if decoder.hyp() is not None:
            for found in decoder.seg() or ():
                start = waveform.start_seconds - PAD_SECONDS + found.start_frame * FRAME_SECONDS
                end = waveform.start_seconds - PAD_SECONDS + (found.end_frame + 1) * FRAME_SECONDS
                start = min(max(start, waveform.start_seconds), waveform.span.end)
                score = SCORE_SCALE * math.log(max(found.prob, 1e-300)) + SCORE_OFFSET
                span = Span(start, min(max(end, start), waveform.span.end))
                hits.append(Hit(owners[found.word.strip()], span, score))
        return best_of_overlapping(hits)

    def _listen_for(self, decoder: Any, keywords: Mapping[str, Sequence[str]]) -> dict[str, str]:
        """Makes the decoder look for `keywords`; entry of its dictionary -> keyword."""
        known = tuple((keyword, tuple(phones)) for keyword, phones in keywords.items())
        if known == self._local.keywords:
            owners: dict[str, str] = self._local.owners
            return owners
        owners, lines = {}, []
        for keyword, pronunciations in known:
            for phones in dict.fromkeys(pronunciations):
                entry = f"earmark{self._local.added}"
                self._local.added += 1
                decoder.add_word(entry, phones, False)
                owners[entry] = keyword
                lines.append(f"{entry} /{THRESHOLD:g}/\n")
        with tempfile.TemporaryDirectory() as folder:  # pocketsphinx takes several keyphrases from a file only
            path = Path(folder) / "keywords"
            path.write_text("".join(lines), encoding="ascii")
            decoder.add_kws("spot", str(path))
        decoder.activate_search("spot")
        self._local.keywords, self._local.owners = known, owners
        return owners

    def _decoder(self) -> Any:
        if getattr(self._local, "added", MAX_ADDED_WORDS) >= MAX_ADDED_WORDS:
            from pocketsphinx import Decoder

            self._local.decoder = Decoder(
                hmm=str(self._folder / "en-us"),
                dict=str(self._folder / "cmudict-en-us.dict"),
                lm=None,
                kws_plp=LOOP_PENALTY,
                loglevel="FATAL",
                logfn=os.devnull,
            )
            self._local.added, self._local.keywords, self._local.owners = 0, None, {}
        return self._local.decoder


def best_of_overlapping(hits: Sequence[Hit]) -> list[Hit]:
    """Of hits of one keyword that overlap, the one that scores best; in order of time."""
    kept: list[Hit] = []
    for hit in sorted(hits, key=lambda hit: -hit.score):
        if not any(other.keyword == hit.keyword and other.span.overlap(hit.span) > 0 for other in kept):
            kept.append(hit)
    return sorted(kept, key=lambda hit: (hit.span.start, hit.keyword))


def as_pcm(samples: NDArray[np.float32]) -> bytes:
    """Levelled, padded, over faint noise (the model never met digital silence), as 16-bit samples."""
    samples = np.nan_to_num(samples, nan=0.0, posinf=0.0, neginf=0.0)
    peak = float(np.abs(samples).max())
    padded = np.pad(samples * (PEAK / peak if peak > 0 else 1.0), round(PAD_SECONDS * SAMPLE_RATE))
    noisy = padded + np.random.default_rng(0).normal(0.0, NOISE, padded.size)
    return (np.clip(noisy, -1.0, 1.0) * 32767).astype("<i2").tobytes()
