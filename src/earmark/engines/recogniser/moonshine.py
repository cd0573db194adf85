"""Moonshine tiny, English: 27 M parameters in eight bits, from the ``moonshine-voice`` 0.0.x wheel (MIT).

The two graphs are run here on ONNX Runtime rather than through the package, which copies samples one by
one, gives no probabilities and decodes greedily. The encoder hears the whole utterance once. The decoder
is a beam search over ``BEAMS`` hypotheses that share one copy of the encoder's keys and values: the graph
broadcasts a batch of one over the beams, which makes a step for four cost 1.5 times one for one, not four.

Conventions of the graphs, found by trying: the decoder's attention mask counts *samples*, and it takes
every 384th of them; the first step runs with empty caches and ``use_cache_branch`` false, and only then
are the encoder's keys and values computed. Quantisation looks at the range of a whole batch, so two
utterances in one batch would change each other's text: each is decoded by itself.

Source: Jeffries et al., Moonshine, arXiv:2410.15608, 2024.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from earmark.engines.graphs import open_graph
from earmark.engines.recogniser import HeardWord, Transcript
from earmark.engines.recogniser.tokens import BEGIN, END, has_loop, pieces_of, words_of
from earmark.errors import EngineError
from earmark.settings import SAMPLE_RATE
from earmark.timeline import Waveform

__all__ = ["Moonshine"]

BEAMS = 4
"""Hypotheses kept."""
LENGTH_POWER = 0.6
"""Finished hypotheses compare by their score over their length to this power."""
TOKENS_PER_SECOND = 6.5
EXTRA_TOKENS = 8
MIN_SECONDS = 0.5
"""Shorter utterances are completed with silence: the convolutions need something to stand on."""

FRAME_SAMPLES = 64 * 3 * 2
HEADS, HEAD_SIZE = 8, 36


@dataclass(frozen=True, slots=True)
class _Hypothesis:
    tokens: tuple[int, ...]
    logprobs: tuple[float, ...]
    score: float

    @property
    def rank(self) -> float:
        return self.score / float(max(1, len(self.tokens)) ** LENGTH_POWER)


class Moonshine:
    """Moonshine tiny English, one thread of ONNX Runtime a call; calls from several threads run at once.

    Args:
        beams: hypotheses kept by the search; 1 is greedy.

    Raises:
        EngineError: if the package that carries the model is missing, or is one that does not.
    """

    name = "moonshine"
    languages: frozenset[str] | None = frozenset({"en"})
    sample_rate = SAMPLE_RATE
    gives_word_times = False
    max_seconds = 30.0

    def __init__(self, beams: int = BEAMS) -> None:
        if beams < 1:
            raise ValueError(f"Moonshine needs at least one beam, got {beams}")
        folder = _model_folder()
        self._beams = beams
        self._pieces = pieces_of(folder / "tokenizer.bin")
        self._encoder = open_graph(folder / "encoder_model.ort")
        self._decoder = open_graph(folder / "decoder_model_merged.ort")
        self._inputs = [node.name for node in self._decoder.get_inputs()]
        presents = [node.name for node in self._decoder.get_outputs() if node.name.startswith("present")]
        self._first_outputs = ["logits", *presents]
        self._later_outputs = ["logits", *(name for name in presents if ".decoder." in name)]

    def transcribe(self, waveforms: Sequence[Waveform], language: str | None = None) -> list[Transcript]:
        if language not in (None, "en"):
            raise EngineError(
                "moonshine",
                expected="English (en), the one language it knows",
                found=f"the language {language!r}",
                hint="Choose another recogniser for it.",
            )
        return [self._transcribe(waveform) for waveform in waveforms]

    def _transcribe(self, waveform: Waveform) -> Transcript:
        if waveform.sample_rate != SAMPLE_RATE:
            raise ValueError(f"Moonshine hears {SAMPLE_RATE} Hz, got {waveform.sample_rate}")
        seconds = waveform.span.duration
        if seconds > self.max_seconds:
            raise ValueError(f"Moonshine hears at most {self.max_seconds} s at once, got {seconds:.1f}")
        samples = np.nan_to_num(waveform.mono(), nan=0.0, posinf=0.0, neginf=0.0)
        if not samples.any():
            return Transcript("", (), "en", 0.0, 0)
        short = round(MIN_SECONDS * SAMPLE_RATE) - samples.size
        hidden = self._encode(np.pad(samples, (0, max(0, short))))
        best = self._search(hidden, int(seconds * TOKENS_PER_SECOND) + EXTRA_TOKENS)
        tokens = [token for token in best.tokens if token != END]
        words = words_of(tokens, best.logprobs[: len(tokens)], self._pieces)
        return Transcript(
            text=" ".join(text for text, _ in words),
            words=tuple(HeardWord(text, probability) for text, probability in words),
            language="en",
            mean_logprob=best.score / max(1, len(best.tokens)),
            num_tokens=len(tokens),
        )

    def _encode(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """Hidden states, shape (1, frames, 288)."""
        mask = np.ones((1, samples.size), np.int64)
        hidden: NDArray[np.float32] = self._encoder.run(
            None, {"input_values": samples[None].astype(np.float32), "attention_mask": mask}
        )[0]
        return hidden

    def _search(self, hidden: NDArray[np.float32], max_tokens: int) -> _Hypothesis:
        """The best hypothesis of a beam search; one cut off at `max_tokens` only if none ended by itself."""
        feed: dict[str, NDArray[Any]] = {
            "encoder_hidden_states": hidden,
            "encoder_attention_mask": np.ones((1, hidden.shape[1] * FRAME_SAMPLES), np.int64),
            "input_ids": np.full((1, 1), BEGIN, np.int64),
            "use_cache_branch": np.array([False]),
        }
        empty = np.zeros((1, HEADS, 0, HEAD_SIZE), np.float32)
        feed.update({name: empty for name in self._inputs if name.startswith("past_key_values")})
        live = [_Hypothesis((), (), 0.0)]
        ended: list[_Hypothesis] = []
        outputs = self._first_outputs
        for _ in range(max_tokens):
            values = self._decoder.run(outputs, feed)
            live, parents = self._extend(live, values[0][:, -1], ended)
            if not live or (len(ended) >= self._beams) or _settled(live, ended):
                break
            for name, value in zip(outputs[1:], values[1:], strict=True):
                past = name.replace("present", "past_key_values")
                feed[past] = value[parents] if ".decoder." in name else value
            feed["input_ids"] = np.array([[hypothesis.tokens[-1]] for hypothesis in live], np.int64)
            feed["use_cache_branch"] = np.array([True])
            outputs = self._later_outputs
        return max(ended or live or [_Hypothesis((), (), 0.0)], key=lambda hypothesis: hypothesis.rank)

    def _extend(
        self, live: list[_Hypothesis], logits: NDArray[np.float32], ended: list[_Hypothesis]
    ) -> tuple[list[_Hypothesis], list[int]]:
        """The best continuations and the row each grew from; those that end are added to `ended`.

        Args:
            logits: shape (len(live), vocabulary).
        """
        width = 2 * self._beams
        top = np.argpartition(logits, logits.shape[1] - width, axis=1)[:, -width:]  # (live, width)
        peak = logits.max(axis=1, keepdims=True)
        norm = peak + np.log(np.exp(logits - peak).sum(axis=1, keepdims=True))
        scores = np.take_along_axis(logits, top, axis=1) - norm  # natural log-probabilities
        candidates = sorted(
            (
                (hypothesis.score + float(score), float(score), row, int(token))
                for row, hypothesis in enumerate(live)
                for score, token in zip(scores[row], top[row], strict=True)
            ),
            reverse=True,
        )
        grown: list[_Hypothesis] = []
        parents: list[int] = []
        for total, score, row, token in candidates:
            parent = live[row]
            child = _Hypothesis((*parent.tokens, token), (*parent.logprobs, score), total)
            if token == END:
                ended.append(child)
            elif not has_loop(child.tokens):
                grown.append(child)
                parents.append(row)
            if len(grown) == self._beams:
                break
        return grown, parents


def _settled(live: list[_Hypothesis], ended: list[_Hypothesis]) -> bool:
    """Whether an ended hypothesis outranks everything still growing."""
    return bool(ended) and max(h.rank for h in ended) >= max(h.rank for h in live)


def _model_folder() -> Path:
    spec = find_spec("moonshine_voice")
    if spec is None or spec.origin is None:
        raise EngineError(
            "moonshine",
            expected="the package moonshine-voice, which carries the model",
            found="no such package",
            hint="Run: pip install 'moonshine-voice>=0.0.59,<0.1'",
        )
    folder = Path(spec.origin).parent / "assets" / "tiny-en"
    if not (folder / "decoder_model_merged.ort").is_file():
        raise EngineError(
            "moonshine",
            expected=f"the English model in {folder}",
            found="no such model: moonshine-voice 0.1 and later carry none",
            hint="Run: pip install 'moonshine-voice>=0.0.59,<0.1'",
        )
    return folder
