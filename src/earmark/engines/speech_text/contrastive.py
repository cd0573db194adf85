"""The contrastive engine: two small towers, on ONNX Runtime, over frames of an encoder it names.

`docs/models/speech-text.md` says what the model that ships was trained on and how well it ranks; `earmark train
speech-text` made it, and makes others: pass their folder as ``contrastive:FOLDER``.

A recording is heard in windows of two hops, about ten seconds every five. Frames are made once, in pieces of a window
with a second of context on both sides, and shared by the windows over them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from earmark.engines.graphs import open_graph
from earmark.engines.speech_text.frames import load_frames
from earmark.engines.speech_text.spelling import spell, words_of
from earmark.engines.text.wordpieces import WordPieceEncoder
from earmark.errors import EngineError
from earmark.settings import SAMPLE_RATE

__all__ = ["FORMAT", "WEIGHTS", "ContrastiveEngine", "digest_of", "read_card"]

WEIGHTS = Path(__file__).parent / "weights"
FORMAT = "earmark-speech-text-1"
_FILES = ("audio.onnx", "text.onnx", "model.json")
_CARD = {"name": str, "dim": int, "encoder": str, "text_encoder": str, "calibration": list}
HOP_SECONDS = 5.0
"""About: a whole number of frames."""
CONTEXT_SECONDS = 1.0
SILENCE = 1e-4
"""Windows whose loudest sample is below this (-80 dBFS) have no vector."""
_BATCH_TEXTS = 64


class ContrastiveEngine:
    """See `SpeechTextEngine`.

    Args:
        model: folder with ``audio.onnx``, ``text.onnx`` and ``model.json``; None takes what is in the install.

    Raises:
        EngineError: if a file is missing or is none of this engine's, or what the model stands on is missing.
    """

    sample_rate = SAMPLE_RATE

    def __init__(self, model: str | Path | None = None) -> None:
        folder = WEIGHTS if model is None else Path(model).expanduser()
        card = read_card(folder)
        self.name: str = card["name"]
        self.dim: int = card["dim"]
        self._slope, self._offset = (float(value) for value in card["calibration"])
        self._frames = load_frames(card["encoder"])
        self._reader: Any = WordPieceEncoder() if card["text_encoder"] == "words" else _bert(card["text_encoder"])
        self._spells = card["text_encoder"] == "words"
        read = self._reader.dim
        texts = (("letters", None), ("counts", None), ("read", read)) if self._spells else (("read", read),)
        self._audio = _session(folder / "audio.onnx", (("frames", self._frames.dim),), self.dim)
        self._text = _session(folder / "text.onnx", texts, self.dim)
        self._hop = round(HOP_SECONDS / self._frames.step_seconds)  # frames
        self._context = round(CONTEXT_SECONDS / self._frames.step_seconds)
        self._frame_samples = round(self._frames.step_seconds * SAMPLE_RATE)
        self.hop_seconds = self._hop * self._frame_samples / SAMPLE_RATE
        self.window_seconds = 2 * self.hop_seconds
        self.context_seconds = self._context * self._frame_samples / SAMPLE_RATE

    def embed_speech(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """See `SpeechTextEngine`."""
        samples = _mono(samples)
        if not _is_loud(samples):
            return np.zeros(self.dim, np.float32)
        return np.asarray(self._embed(self._heard(samples)[None])[0])

    def embed_windows(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """See `SpeechTextEngine`."""
        samples = _mono(samples)
        hop_samples = self._hop * self._frame_samples
        count = -(-samples.size // hop_samples)
        rows = np.zeros((count, self.dim), np.float32)
        if not count:
            return rows
        frames = self._heard(samples)
        loud = [_is_loud(samples[at * hop_samples : (at + 2) * hop_samples]) for at in range(count)]
        whole = [at for at in range(count) if loud[at] and (at + 2) * self._hop <= len(frames)]
        for first in range(0, len(whole), 16):
            some = whole[first : first + 16]
            rows[some] = self._embed(np.stack([frames[at * self._hop : (at + 2) * self._hop] for at in some]))
        for at in range(count):
            if loud[at] and at not in whole:
                rest = frames[at * self._hop :] if at * self._hop < len(frames) else frames[-1:]
                rows[at] = self._embed(rest[None])[0]
        return rows

    def embed_text(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """See `SpeechTextEngine`."""
        rows = np.zeros((len(texts), self.dim), np.float32)
        for first in range(0, len(texts), _BATCH_TEXTS):
            some = list(texts[first : first + _BATCH_TEXTS])
            feed: dict[str, Any] = {"read": self._reader.embed(some)}
            if self._spells:
                feed["letters"], feed["counts"] = spell(some)
            read = np.array([bool(words_of(text)) for text in some])
            rows[first : first + len(some)] = self._text.run(None, feed)[0] * read[:, None]
        return rows

    def probability(self, cosines: NDArray[np.float32]) -> NDArray[np.float32]:
        """See `SpeechTextEngine`. Of one window and one text that are as often meant for each other as not."""
        logits = np.clip(self._slope * cosines + self._offset, -30.0, 30.0)
        return np.asarray(1.0 / (1.0 + np.exp(-logits)), dtype=np.float32)

    def logits(self, cosines: NDArray[np.float32]) -> NDArray[np.float32]:
        """The logarithm of the odds behind `probability`."""
        return np.asarray(self._slope * cosines + self._offset, dtype=np.float32)

    def _heard(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """Frames of samples of any length; `step_seconds` after each other, the last ones may be missing."""
        piece, context, step = 2 * self._hop, self._context, self._frame_samples
        if samples.size <= (piece + 2 * context) * step:
            return self._frames.frames(samples)
        parts = []
        for first in range(0, -(-samples.size // step), piece):
            before = max(0, first - context)
            heard = self._frames.frames(samples[before * step : (first + piece + context) * step])
            parts.append(heard[first - before : first - before + piece])
        return np.concatenate(parts)

    def _embed(self, frames: NDArray[np.float32]) -> NDArray[np.float32]:
        """Frames of windows ``(windows, n, frames_dim)`` to unit rows ``(windows, dim)``."""
        return np.asarray(self._audio.run(None, {"frames": frames})[0], dtype=np.float32)


def read_card(folder: Path) -> dict[str, Any]:
    """``model.json`` of a folder of weights, looked over.

    Raises:
        EngineError: as `ContrastiveEngine`.
    """
    for name in _FILES:
        if not (folder / name).is_file():
            hint = "Make it with: earmark train speech-text CONFIG -o OUT, and pass OUT/weights."
            raise EngineError(folder / name, expected="a speech–text model", found="no such file", hint=hint)
    path = folder / "model.json"
    try:
        card = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as exc:
        raise _foreign(path, "no JSON") from exc
    if not isinstance(card, dict) or card.get("format") != FORMAT:
        raise _foreign(path, "the card of something else")
    for name, kind in _CARD.items():
        if not isinstance(card.get(name), kind):
            raise _foreign(path, f"no {name}")
    if len(card["calibration"]) != 2 or not all(isinstance(value, int | float) for value in card["calibration"]):
        raise _foreign(path, "no slope and offset under calibration")
    return card


def digest_of(model: str | Path | None) -> str:
    """Of all files of a model: other weights never answer for what these heard.

    Raises:
        EngineError: as `ContrastiveEngine`.
    """
    folder = WEIGHTS if model is None else Path(model).expanduser()
    read_card(folder)
    digest = hashlib.blake2b(digest_size=8)
    for name in _FILES:
        digest.update((folder / name).read_bytes())
    return digest.hexdigest()


def _session(path: Path, inputs: Sequence[tuple[str, int | None]], dim: int) -> Any:
    """A graph, if it takes and gives what is expected: names of its inputs, and the size of their last axis."""
    try:
        session = open_graph(path)
    except Exception as exc:  # its exceptions have no common parent
        raise _foreign(path, "no ONNX graph") from exc
    found = {node.name: node.shape for node in session.get_inputs()}
    if set(found) != {name for name, _ in inputs}:
        raise _foreign(path, f"a graph of {', '.join(found)}")
    for name, size in inputs:
        if size is not None and found[name][-1] != size:
            raise _foreign(path, f"{name} of {found[name][-1]} dimensions instead of {size}")
    (made,) = session.get_outputs()
    if made.shape[-1] not in (dim, None) and not isinstance(made.shape[-1], str):
        raise _foreign(path, f"vectors of {made.shape[-1]} dimensions instead of {dim}")
    return session


def _foreign(path: Path, found: str) -> EngineError:
    hint = "Export the model again with: earmark train speech-text CONFIG -o OUT --resume"
    return EngineError(path, expected="a file of a speech–text model", found=found, hint=hint)


def _bert(name: str) -> Any:
    kind, _, where = name.partition(":")
    if kind != "bert" or not where:
        raise EngineError(
            name, expected="a reader of text: words or bert:FOLDER", found="an unknown name", hint="Check the config."
        )
    from earmark.engines.speech_text.pretrained import BertTexts

    return BertTexts(where)


def _mono(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    samples = np.nan_to_num(np.asarray(samples, dtype=np.float32), nan=0.0, posinf=0.0, neginf=0.0)
    if samples.ndim != 1:
        raise ValueError(f"speech is mono samples of shape (n,), got {samples.shape}")
    return samples


def _is_loud(samples: NDArray[np.float32]) -> bool:
    return bool(np.abs(samples).max(initial=0.0) > SILENCE)
