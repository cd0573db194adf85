"""The texts of a training step: every label in a random wording, free phrases, and the teacher's class names.

Phrases (AudioCaps captions, say) that mean nearly the same as a label's wordings become further wordings of it. All
others are asked as well: where nothing in a scene is at all like them, they are absent, which teaches the model to
say no to words it was never shown a sound for. How alike two texts are is judged by the sentence encoder, which
training may use and the product does not need.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from earmark.engines.sound.pieces import WordPieces
from earmark.training.mixing import Scenes
from earmark.training.sound_config import SoundConfig
from earmark.training.sound_corpus import Corpus

__all__ = ["Asked", "TextBank", "phrases_of"]

SAME, STRANGE = 0.80, 0.42
"""Cosines of the sentence encoder: above, two texts ask for the same sound; below, for different ones."""
TAUGHT, REFUSED = 0.35, 0.08
"""Scores of the teacher from which a class counts as heard, and below which as absent."""
_JOINTS = r",|;| followed by | as | while | and then | then | with | before | after "


def phrases_of(captions: Sequence[str]) -> list[str]:
    """Captions, and the parts they are joined from, lower case, two to fourteen words, without repetition."""
    found: dict[str, None] = {}
    for caption in captions:
        text = caption.strip().lower().rstrip(".")
        for part in [text, *re.split(_JOINTS, text)]:
            part = re.sub(r"^(and|then) ", "", part.strip())
            if 2 <= len(part.split()) <= 14:
                found.setdefault(part)
    return list(found)


def _column(path: Path, name: str) -> list[str]:
    with path.open(encoding="utf-8", newline="") as file:
        return [row[name] for row in csv.DictReader(file)]


@dataclass(slots=True)
class Asked:
    """What a batch of scenes is asked: `labels` rows first, in the corpus's order.

    Attributes:
        pieces: word-piece vectors, ``(texts, dim)``.
        heard: ``(scenes, texts, frames)`` in [0, 1].
        judged: the same shape, False where nothing can be said.
    """

    pieces: NDArray[np.float32]
    heard: NDArray[np.float32]
    judged: NDArray[np.bool_]


class TextBank:
    """Draws the texts of a batch.

    Args:
        phrases: how many free phrases, and how many class names of the teacher, a batch is asked.
    """

    def __init__(self, config: SoundConfig, corpus: Corpus, table: WordPieces, seed: int, phrases: int = 96) -> None:
        self._corpus, self._phrases = corpus, phrases
        self.generator = np.random.default_rng(seed)
        words: dict[str, list[str]] = {}
        for label in corpus.labels:
            words[label] = list(dict.fromkeys([*corpus.vocabulary.words(label), *corpus.captions.get(label, ())]))
        self._wordings = [table.embed(words[label]) for label in corpus.labels]
        self._mined: list[NDArray[np.float32] | None] = [None] * len(corpus.labels)
        self._free = np.zeros((0, table.dim), dtype=np.float32)
        self._alike = np.zeros((0, len(corpus.labels)), dtype=np.float32)
        self._classes: tuple[NDArray[np.float32], ...] = ()
        if not (config.phrases or config.teacher_classes):
            return
        from earmark.training.text_table import SentenceEncoder

        encoder = SentenceEncoder()
        flat = [(row, text) for row, label in enumerate(corpus.labels) for text in words[label]]
        meant = encoder.encode([text for _, text in flat])
        starts = np.flatnonzero(np.diff([-1, *[row for row, _ in flat]]))

        def alike(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
            """To the nearest wording of each label, ``(texts, labels)``."""
            return np.asarray(np.maximum.reduceat(vectors @ meant.T, starts, axis=1))

        if config.phrases:
            texts = phrases_of(_column(Path(config.phrases), "caption"))
            texts = [str(text) for text in self.generator.permutation(texts)[:30_000]]
            vectors = encoder.encode(texts)
            kept_out = [text for unseen in corpus.vocabulary.unseen.values() for text in unseen]
            nearest = (vectors @ encoder.encode(kept_out or [""]).T).max(axis=1)
            self._alike, self._free = alike(vectors), table.embed(texts)
            best = self._alike.argmax(axis=1)
            sure = (self._alike.max(axis=1) > SAME) & (nearest < 0.97)
            for row in range(len(corpus.labels)):
                mine = np.flatnonzero(sure & (best == row))
                self._mined[row] = self._free[mine] if len(mine) else None
        if config.teacher_classes and corpus.teacher is not None:
            names = _column(Path(config.teacher_classes), "display_name")
            told = dict.fromkeys(names, "")
            if config.ontology:
                for entry in json.loads(Path(config.ontology).read_text(encoding="utf-8")):
                    told[entry["name"]] = entry["description"].split(". ")[0].rstrip(".")
            self._classes = table.embed(names), table.embed([told.get(name) or name for name in names])
            self._class_alike = alike(encoder.encode(names))

    def ask(self, scenes: Scenes) -> Asked:
        g = self.generator
        pieces, heard, judged = [self._label_texts()], [scenes.heard], [~scenes.unknown]
        present = np.asarray(scenes.heard.max(axis=2) > 0)
        maybe = np.asarray(scenes.unknown.any(axis=2))
        around = [np.flatnonzero(present[scene] | maybe[scene]) for scene in range(len(present))]
        shape = (len(present), self._phrases, scenes.heard.shape[2])
        if len(self._free):
            chosen = g.integers(len(self._free), size=self._phrases)
            alike = self._alike[chosen]
            right, known = np.zeros(shape, dtype=np.float32), np.ones(shape, dtype=bool)
            for scene in range(shape[0]):
                if len(around[scene]):
                    known[scene, alike[:, around[scene]].max(axis=1) > STRANGE] = False
                same = (alike > SAME) & present[scene]  # (texts, labels)
                for text in np.flatnonzero(same.max(axis=1)):
                    right[scene, text] = scenes.heard[scene, same[text]].max(axis=0)
                    known[scene, text] = right[scene, text] > 0
            pieces.append(self._free[chosen])
            heard.append(right)
            judged.append(known)
        if self._classes and self._corpus.teacher is not None:
            chosen = g.choice(self._classes[0].shape[0], self._phrases, replace=False)
            scores = self._corpus.teacher[1][np.maximum(scenes.teacher, 0)][:, :, chosen].transpose(0, 2, 1)
            taught = (scenes.teacher >= 0)[:, None]
            hears = (scores > TAUGHT) & taught
            known = hears.copy()
            for scene in range(shape[0]):
                near = self._class_alike[chosen][:, around[scene]]
                far = near.max(axis=1) < STRANGE if near.shape[1] else np.ones(len(chosen), dtype=bool)
                known[scene] |= far[:, None] & (scores[scene] < REFUSED) & taught[scene]
            pieces.append(self._classes[int(g.random() < 0.3)][chosen])
            heard.append(hears.astype(np.float32))
            judged.append(known)
        return Asked(np.concatenate(pieces), np.concatenate(heard, axis=1), np.concatenate(judged, axis=1))

    def _label_texts(self) -> NDArray[np.float32]:
        out = np.empty((len(self._wordings), self._wordings[0].shape[1]), dtype=np.float32)
        for row, (own, mined) in enumerate(zip(self._wordings, self._mined, strict=True)):
            source = mined if mined is not None and self.generator.random() < 0.35 else own
            out[row] = source[int(self.generator.integers(len(source)))]
        return out
