"""Batches: utterances drawn with their neighbours, and the text each is asked for by.

Neighbours of one recording share voice, room and topic, so that only the words tell them apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from earmark.engines.speech_text.spelling import spell
from earmark.training.speech_text.features import Frames
from earmark.training.speech_text.settings import SpeechTextSettings
from earmark.training.speech_text.sources import Utterance, plain

__all__ = ["Batch", "Batches", "TextReader", "embed_speech", "embed_texts"]

MOST_FRAMES = 640
"""Of one utterance in a batch (31 s of Moonshine's); the rest of a longer one is not heard."""
_SORTS = 4
"""A batch is heard in so many parts of like lengths, so that little is padding."""


class TextReader(Protocol):
    """What the text tower is given beside the letters: word-piece sums, or a frozen encoder's view."""

    dim: int

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]: ...


@dataclass(frozen=True)
class Batch:
    """Some speech and its texts; `alike` ``(n, n)`` marks pairs that share words by being made of the same."""

    speech: list[NDArray[np.float16]]
    texts: list[str]
    alike: NDArray[np.bool_]


class Batches:
    """Draws batches from one split; `generator` is all its state."""

    def __init__(self, utterances: Sequence[Utterance], frames: Frames, settings: SpeechTextSettings) -> None:
        self._frames = frames
        self._settings = settings
        self._texts = [plain(one.text, one.language) for one in utterances]
        self._keywords = [
            [words for keyword in frames.keywords[one.id] if (words := plain(keyword, one.language))]
            for one in utterances
        ]
        self._ids = [one.id for one in utterances]
        self._recordings = [one.recording for one in utterances]
        self.generator = np.random.default_rng(settings.seed)

    def draw(self) -> Batch:
        """One batch; no utterance twice."""
        size = min(self._settings.batch, len(self._ids))
        chosen: dict[int, None] = {}
        while len(chosen) < size:
            first = int(self.generator.integers(len(self._ids)))
            for at in range(first, min(first + self._settings.neighbours, len(self._ids))):
                if self._recordings[at] == self._recordings[first] and len(chosen) < size:
                    chosen.setdefault(at)
        return self._made(list(chosen))

    def whole(self) -> Batch:
        """All of the split, each asked for by all its keywords; the same every time."""
        texts = [" ".join(self._keywords[at]) or self._texts[at] for at in range(len(self._ids))]
        return Batch([self._frames.of(id_)[:MOST_FRAMES] for id_ in self._ids], texts, _alike(texts, self._texts))

    def _made(self, chosen: Sequence[int]) -> Batch:
        members, speech, texts = [], [], []
        for at in chosen:
            of = [at]
            follows = at + 1 < len(self._ids) and self._recordings[at + 1] == self._recordings[at]
            if follows and self.generator.random() < self._settings.joined:
                of.append(at + 1)
            members.append(set(of))
            speech.append(np.concatenate([self._frames.of(self._ids[one]) for one in of])[:MOST_FRAMES])
            texts.append(self._asked(of))
        shared = np.array([[bool(a & b) for b in members] for a in members])
        return Batch(speech, texts, shared | _alike(texts, [self._texts[at] for at in chosen]))

    def _asked(self, of: Sequence[int]) -> str:
        """Some of the keywords in any order, or the transcript."""
        words = [keyword for at in of for keyword in self._keywords[at]]
        if not words or self.generator.random() >= self._settings.keywords:
            return " ".join(self._texts[at] for at in of)
        count = int(self.generator.integers(1, len(words) + 1))
        return " ".join(words[at] for at in self.generator.permutation(len(words))[:count])


def _alike(asked: Sequence[str], said: Sequence[str]) -> NDArray[np.bool_]:
    """Pairs asked for by the same text, or of which the same was said."""
    left, right = np.array(asked, dtype=object), np.array(said, dtype=object)
    return np.asarray((left[:, None] == left[None]) | (right[:, None] == right[None]), dtype=bool)


def embed_speech(tower: Any, speech: Sequence[NDArray[np.float16]]) -> torch.Tensor:
    """Unit rows ``(len(speech), dim)``, heard in parts of like lengths."""
    lengths = np.array([len(frames) for frames in speech])
    device = next(tower.parameters()).device
    order = np.argsort(lengths, kind="stable")
    parts = []
    for part in np.array_split(order, max(1, min(len(order), _SORTS * -(-len(order) // 128)))):
        padded = np.zeros((len(part), int(lengths[part].max()), speech[0].shape[1]), np.float32)
        for row, at in enumerate(part):
            padded[row, : lengths[at]] = speech[at]
        parts.append(tower(torch.from_numpy(padded).to(device), torch.from_numpy(lengths[part]).to(device)))
    return torch.cat(parts)[torch.from_numpy(np.argsort(order, kind="stable")).to(device)]


def embed_texts(tower: Any, texts: Sequence[str], reader: TextReader, letters: bool) -> torch.Tensor:
    """Unit rows ``(len(texts), dim)``; `letters` where the tower reads them, too."""
    device = next(tower.parameters()).device
    read = torch.from_numpy(reader.embed(texts)).to(device)
    if not letters:
        return torch.as_tensor(tower(read))
    spelt, counts = spell(texts)
    return torch.as_tensor(tower(torch.from_numpy(spelt).to(device), torch.from_numpy(counts).to(device), read))
