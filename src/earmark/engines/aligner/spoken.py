"""Was this text spoken at all? A recogniser writes English whatever it hears: over a song, a saw, French.

Four numbers tell: how well the words fit the sound (the alignment's score), how sure the recogniser was
(the mean log-probability of its tokens), how often the text repeats itself, and how long it is, for a long
text is a steadier witness than a single word. A logistic regression joins them, fitted to what the built-in
recogniser wrote over 229 utterances of English (clean, and in kitchen noise at 0 to 10 dB as far as most of
their words came out right) and 556 of French, Persian, Japanese, Arabic and German speech, music and everyday
sounds, most of these forced past the speech detector. `bench/words.py` measures what it keeps and drops. To
compare: at 99 % of clean speech kept, the score alone keeps a third of the noisy speech and drops half of
the other languages; the log-probability alone keeps 83 % and drops 92 %.
Sung English is kept about half of the time. The
phone loop of pocketsphinx, the textbook background model, costs three times the alignment and was left out:
its scores are already relative to the best sound of each frame.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from earmark.engines.aligner import Alignment
from earmark.timeline import Waveform

__all__ = ["Verdict", "judge"]

BIAS = 2.05
SCORE_WEIGHT = 1.22
LOGPROB_WEIGHT = 13.1
REPETITION_WEIGHT = -13.1
LENGTH_WEIGHT = 4.0
ENOUGH_TOKENS = 24
"""More tokens than this make a text no more credible: a long invention must not outweigh a poor fit."""
THRESHOLD = 0.5

WORST_SCORE = -7.0
WORST_LOGPROB = -2.0
TYPICAL_SCORE = -1.7
TYPICAL_LOGPROB = -0.12
"""Medians of clear English speech: what falls furthest below them is given as the reason."""
UNSPOKEN = re.compile("[♪♫©]")
"""Learnt from subtitles and written over music: ``♪♪``, ``© transcript``."""
MAX_TOKENS_PER_SECOND = 12.0
"""Nobody speaks faster for a whole utterance; a decoder in a loop does."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a text was spoken.

    Attributes:
        reason: why not, as a clause: ``"the words do not fit the sound"``; empty when spoken.
        confidence: probability in [0, 1] that it was spoken.
    """

    spoken: bool
    reason: str
    confidence: float


def judge(alignment: Alignment, waveform: Waveform, mean_logprob: float, num_tokens: int) -> Verdict:
    """Whether the words of `alignment` were spoken in `waveform`.

    Args:
        mean_logprob: mean natural log-probability of the recogniser's tokens.
        num_tokens: how many tokens the text took.
    """
    text = " ".join(word.text for word in alignment.words)
    if num_tokens <= 0 or not any(letter.isalnum() for letter in text):
        return Verdict(False, "there are no words", 0.0)
    if UNSPOKEN.search(text):
        return Verdict(False, "it holds signs of subtitles, which nobody says", 0.0)
    seconds = waveform.span.duration
    if num_tokens > MAX_TOKENS_PER_SECOND * seconds + 2:
        return Verdict(False, f"nobody says that much in {seconds:.1f} s", 0.0)
    score = WORST_SCORE if alignment.score is None else max(WORST_SCORE, alignment.score)
    logprob = max(WORST_LOGPROB, mean_logprob)
    repeated = repetition(text)
    evidence = (
        BIAS
        + SCORE_WEIGHT * score
        + LOGPROB_WEIGHT * logprob
        + REPETITION_WEIGHT * repeated
        + LENGTH_WEIGHT * math.log(min(num_tokens, ENOUGH_TOKENS))
    )
    confidence = 1.0 / (1.0 + math.exp(-evidence))
    if confidence >= THRESHOLD:
        return Verdict(True, "", confidence)
    shortfalls = {
        "the words do not fit the sound": SCORE_WEIGHT * (TYPICAL_SCORE - score),
        "the recogniser was guessing": LOGPROB_WEIGHT * (TYPICAL_LOGPROB - logprob),
        "the text repeats itself": -REPETITION_WEIGHT * repeated,
    }
    return Verdict(False, max(shortfalls, key=lambda reason: shortfalls[reason]), confidence)


def repetition(text: str) -> float:
    """The share of three-word phrases that were there before, in [0, 1); 0.0 for fewer than six words."""
    words = re.findall(r"[a-z']+", text.lower())
    if len(words) < 6:
        return 0.0
    phrases = list(zip(words, words[1:], words[2:], strict=False))
    return 1.0 - len(set(phrases)) / len(phrases)
