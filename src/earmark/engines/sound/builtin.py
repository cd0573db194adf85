"""The sound engine that ships: earmark's own dual encoder, on ONNX Runtime and numpy.

`docs/models/sound.md` says what it was trained on and how well it hears; `earmark train sound` made it. The score of a
frame for a text is ``sigmoid(scale * cosine + bias)``, with scale and bias as calibrated on scenes kept out of
training, so that 0.5 means the same for every query. A prior per text was learned too, and dropped: see the card.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from earmark.engines.graphs import open_graph
from earmark.engines.sound.edges import EdgeSettings
from earmark.engines.sound.locating import LocateSettings
from earmark.engines.sound.pieces import WordPieces
from earmark.errors import EngineError
from earmark.media.logmel import BANDS, FLOOR, HOP, SAMPLE_RATE, log_mel

__all__ = ["BuiltinSound"]

WEIGHTS = Path(__file__).parent / "weights"
POOL = 4
"""Log-mel frames in one frame of the model."""
CHUNK_FRAMES = 750
"""Model frames (60 s) heard in one call of the network, so that memory does not grow with the samples given."""
CONTEXT_FRAMES = 40
"""Model frames (3.2 s) on each side beyond which nothing reaches a frame; measured in the tests."""
READER = "ears do"
LEAN = np.float32(0.6)
"""Weight of the known sounds nearest to a query beside what its own words say."""
LIKENESS = np.float32(0.05)
"""A sound this much less like the query (cosine of word-piece vectors) than the likest counts a third as much."""
CLIP_FRAMES = 128
"""Model frames (10.2 s) in one coarse vector: about the length of the scenes the head for clips was trained on."""


class BuiltinSound:
    """See `SoundEngine`.

    Args:
        weights: folder with ``audio.onnx``, ``text.npz``, ``model.json`` and the word-piece table.
        threads: of ONNX Runtime; one, because whole recordings are shared out among processes.

    Raises:
        EngineError: if a file of the weights is missing.
    """

    sample_rate = SAMPLE_RATE
    step_seconds = POOL * HOP / SAMPLE_RATE
    window_seconds = 60.0
    context_seconds = CONTEXT_FRAMES * POOL * HOP / SAMPLE_RATE

    def __init__(self, weights: Path = WEIGHTS, threads: int = 1) -> None:
        for name in ("audio.onnx", "text.npz", "model.json"):
            if not (weights / name).is_file():
                raise EngineError(
                    weights / name,
                    expected="the sound model's weights",
                    found="no such file",
                    hint="Reinstall earmark, or make them with `earmark train sound`.",
                )
        self._session = open_graph(weights / "audio.onnx", threads)
        self._pieces = WordPieces(weights)
        with np.load(weights / "text.npz") as arrays:
            self._text = {name: arrays[name].astype(np.float32) for name in arrays.files}
        self._card: dict[str, Any] = json.loads((weights / "model.json").read_text(encoding="utf-8"))
        self.name: str = self._card["name"]
        self.dim: int = self._card["dim"]
        self.moments = LocateSettings(**self._card.get("moments", {}))
        self.edges, self.band_edges = (
            EdgeSettings(**{way: tuple(fitted) for way, fitted in self._card.get(name, {}).items()})
            for name in ("edges", "band_edges")
        )
        self.clip_frames: int = CLIP_FRAMES if "clip_value_weight" in self._text else 0
        self._vocabulary = list(self._card["vocabulary"])
        if self._text["linear_weight"].ndim != 3:
            raise EngineError(
                weights / "text.npz",
                expected="weights of this version",
                found="those of an earlier one",
                hint="Run `earmark train sound` again, with --resume, to write them anew.",
            )
        self.members = len(self._text["joint"])
        wordings = [(row, text) for row, name in enumerate(self._vocabulary) for text in self._card["vocabulary"][name]]
        self._known = self._pieces.embed([text for _, text in wordings])  # (wordings, text_dim)
        self._known_rows = [row for row, _ in wordings]
        self._first_rows = np.searchsorted(self._known_rows, np.arange(len(self._vocabulary)))
        sounds = np.add.reduceat(self._encode(self._known), self._first_rows, axis=0)
        self._sounds = _unit(sounds)  # (sounds, dim)

    # --- hearing ---

    def embed_audio(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """Mono samples at 16 kHz to unit rows, ``ceil(n / 1280)`` of them."""
        samples = np.asarray(samples, dtype=np.float32)
        if samples.ndim != 1:
            raise ValueError(f"embed_audio takes mono samples of shape (n,), got {samples.shape}")
        mel = log_mel(samples)
        frames = -(-len(mel) // POOL)
        if frames == 0:
            return np.zeros((0, self.dim), dtype=np.float32)
        short = frames * POOL - len(mel)
        mel = np.pad(mel, ((0, short), (0, 0)), constant_values=np.float32(np.log(FLOOR)))
        mel = np.minimum(mel, 10.0)  # a broken codec's samples far outside [-1, 1]
        parts = []
        for first in range(0, frames, CHUNK_FRAMES):
            last = min(frames, first + CHUNK_FRAMES)
            before, after = max(0, first - CONTEXT_FRAMES), min(frames, last + CONTEXT_FRAMES)
            part = np.ascontiguousarray(mel[before * POOL : after * POOL].T)[None]  # (1, BANDS, rows)
            heard = self._session.run(None, {"mel": part})[0][0]  # (frames, dim)
            parts.append(heard[first - before : last - before])
        return np.concatenate(parts).astype(np.float32, copy=False)

    def embed_clips(self, frames: NDArray[np.float32]) -> NDArray[np.float32]:
        if not self.clip_frames or not len(frames):
            return np.zeros((0, self.dim), dtype=np.float32)
        weights, starts = self._text, np.arange(0, len(frames), self.clip_frames)
        clips = np.zeros((len(starts), self.dim), dtype=np.float32)
        frames = np.nan_to_num(frames)
        for member, joint in enumerate(weights["joint"]):  # (size, dim)
            spread = _unit(frames @ joint.T) * np.float32(np.sqrt(len(joint)))
            hidden = np.tanh(spread @ weights["clip_attend_weight"][member].T + weights["clip_attend_bias"][member])
            weight = hidden @ weights["clip_weigh_weight"][member, 0] + weights["clip_weigh_bias"][member, 0]
            share = np.exp(np.clip(weight, -30, 30))
            sums = np.add.reduceat(spread * share[:, None], starts, axis=0)
            means = sums / np.add.reduceat(share, starts)[:, None]  # (clips, size)
            one = _unit(means @ weights["clip_value_weight"][member].T + weights["clip_value_bias"][member])
            clips += weights["clip_share"][member] * one @ joint
        return _unit(clips)

    # --- reading ---

    def _encode(self, pieces: NDArray[np.float32]) -> NDArray[np.float32]:
        """Word-piece vectors ``(n, text_dim)`` to unit rows ``(n, dim)``."""
        weights = self._text
        wide = pieces * np.float32(np.sqrt(pieces.shape[1]))
        joined = np.zeros((len(pieces), self.dim), dtype=np.float32)
        for member, joint in enumerate(weights["joint"]):
            hidden = _gelu(wide @ weights["widen_weight"][member].T + weights["widen_bias"][member])
            narrow = hidden @ weights["narrow_weight"][member].T + weights["narrow_bias"][member]
            joined += _unit(wide @ weights["linear_weight"][member].T + narrow) @ joint
        return _unit(joined)

    def embed_text(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Unit rows ``(texts, dim)``: what the words say, leaning towards the sounds trained on that mean the like.

        A wording never met lands somewhere beside the others of its sound; the mean of those is a better place.
        """
        if not texts:
            return np.zeros((0, self.dim), dtype=np.float32)
        pieces = np.stack([self._pieces.read(text, READER) for text in texts])
        alike = np.maximum.reduceat(pieces @ self._known.T, self._first_rows, axis=1)  # (texts, sounds)
        share = np.exp((alike - alike.max(axis=1, keepdims=True)) / LIKENESS)
        share /= share.sum(axis=1, keepdims=True)
        return _unit(self._encode(pieces) + LEAN * (share @ self._sounds))

    def logits(self, frames: NDArray[np.float32], text: str) -> NDArray[np.float32]:
        """Uncalibrated: ``scale * cosine + bias``, shape ``(frames,)``."""
        score = self._card["scale"] * (frames @ self.embed_text([text])[0]) + self._card["bias"]
        return np.asarray(score, dtype=np.float32)

    def curve(self, frames: NDArray[np.float32], text: str) -> NDArray[np.float32]:
        """Calibrated probability in [0, 1] for each frame."""
        slope, offset = self._card["calibration"]
        logits = np.clip(slope * self.logits(np.nan_to_num(frames), text) + offset, -30.0, 30.0)
        return np.asarray(1.0 / (1.0 + np.exp(-logits)), dtype=np.float32)

    def clip_scores(self, clips: NDArray[np.float32], text: str) -> NDArray[np.float32]:
        return np.asarray(clips @ self.embed_text([text])[0], dtype=np.float32)

    def expected_seconds(self, text: str) -> float:
        """About how long such a sound lasts: a linear guess from the words, between 0.2 and 10 s."""
        guess = float(self._pieces.read(text, READER) @ self._text["duration_weight"] + self._text["duration_bias"][0])
        return float(np.clip(np.exp(guess), 0.2, 10.0))

    # --- knowing ---

    def vocabulary(self) -> Sequence[str]:
        return tuple(self._vocabulary)

    def nearest(self, text: str, k: int = 3) -> list[tuple[str, float]]:
        similarity = self._known @ self._pieces.read(text, READER)
        found: dict[str, float] = {}
        for row in np.argsort(-similarity):
            found.setdefault(self._vocabulary[self._known_rows[int(row)]], float(similarity[row]))
            if len(found) == k:
                break
        return list(found.items())

    def knows(self, text: str) -> bool:
        """Whether anything trained on means nearly the same."""
        return self.nearest(text, 1)[0][1] >= float(self._card["knows_above"])


def _unit(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    lengths = np.linalg.norm(rows, axis=-1, keepdims=True)
    return np.asarray(rows / np.maximum(lengths, 1e-9), dtype=np.float32)


def _gelu(x: NDArray[np.float32]) -> NDArray[np.float32]:
    """Exact to 2e-7 through the error function of Abramowitz & Stegun 7.1.26; numpy has none of its own."""
    z = np.abs(x) / np.float32(np.sqrt(2.0))
    t = 1.0 / (1.0 + 0.3275911 * z)
    poly = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))))
    erf = np.sign(x) * (1.0 - poly * np.exp(-z * z))
    return np.asarray(0.5 * x * (1.0 + erf), dtype=np.float32)


assert BANDS == 64
