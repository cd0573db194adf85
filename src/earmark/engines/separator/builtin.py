"""The separator that ships: earmark's own small mask network, on ONNX Runtime and numpy.

`docs/models/separator.md` says what it was trained on and how well it separates; `earmark train separate` made it.
Queries are read through the word-piece table of the built-in sound engine, which the network was trained with. The few
thousand wordings it was taught are no language, so a query is heard as what it means by itself and, for the greater
part, as the sounds whose wordings are nearest to it.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from earmark.engines.graphs import open_graph
from earmark.engines.separator import Mask
from earmark.engines.separator.masking import hann, spectrum_of
from earmark.engines.sound.builtin import WEIGHTS as SOUND_WEIGHTS
from earmark.engines.sound.pieces import WordPieces
from earmark.errors import EngineError

__all__ = ["BuiltinSeparator", "fingerprint"]

WEIGHTS = Path(__file__).parent / "weights"
CARD = "model.json"
GRAPHS = {"masker.onnx": {"magnitude", "meaning"}, "reader.onnx": {"pieces"}}
"""What each graph takes."""
_FIELDS = {"table": str, "vocabulary": dict, "time_factor": int}
LEVEL_SECONDS = 3.0
"""The network hears everything at the loudness of the last and next seconds, in a window as long as this."""
NEAREST = 0.05
"""How much less alike a wording may be to the query and still count, in cosine: the temperature of a softmax."""
TAUGHT = 3.0
"""Weight of the sounds it was taught beside the query's own vector. Both measured on kept-out recordings, in wordings
never taught: without them 0.5 dB less is gained."""
QUIETEST = 1e-5
"""Quieter than this is not made louder: the noise of 16 bits."""


def fingerprint(table: Path) -> str:
    """Of the word-piece table a network was trained with."""
    digest = hashlib.sha256()
    for name in ("pieces.npy", "scales.npy", "tokenizer.json"):
        digest.update((table / name).read_bytes())
    return digest.hexdigest()[:16]


def _read_card(weights: Path) -> dict[str, Any]:
    """``model.json`` of a folder of weights, looked over.

    Raises:
        EngineError: if a file of the weights is missing, or the card is none of this engine's.
    """
    for name in (*GRAPHS, CARD):
        if not (weights / name).is_file():
            if weights == WEIGHTS:
                hint = "Reinstall earmark."
            elif (weights / "weights" / name).is_file():
                hint = f"Pass {weights / 'weights'}."
            else:
                hint = "Make them with `earmark train separate`, and pass the folder it prints."
            raise EngineError(weights / name, expected="the separator's weights", found="no such file", hint=hint)
    path = weights / CARD
    try:
        card = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as exc:
        raise _foreign(path, "no JSON") from exc
    if not isinstance(card, dict):
        raise _foreign(path, "no card")
    for name, kind in _FIELDS.items():
        if not isinstance(card.get(name), kind):
            raise _foreign(path, f"a card without {name}")
    return card


def _session(path: Path, inputs: set[str], threads: int) -> Any:
    """A graph, if it takes what is expected.

    Raises:
        EngineError: if it does not, or is none.
    """
    try:
        session = open_graph(path, threads)
    except Exception as exc:  # its exceptions have no common parent
        raise _foreign(path, "no ONNX graph") from exc
    found = {node.name for node in session.get_inputs()}
    if found != inputs:
        raise _foreign(path, f"a graph of {', '.join(sorted(found))}")
    return session


def _foreign(path: Path, found: str) -> EngineError:
    hint = "Make them with `earmark train separate`, and pass the folder it prints."
    return EngineError(path, expected="the separator's weights", found=found, hint=hint)


class BuiltinSeparator:
    """See `Separator`.

    Args:
        model: folder with ``masker.onnx``, ``reader.onnx`` and ``model.json``, as `earmark train separate` writes it;
            None takes what is in the install.
        table: folder with the word-piece table.
        threads: of ONNX Runtime.

    Raises:
        EngineError: if a file of the weights is missing or none of this engine's, or the table is not the one they
            were trained with.
    """

    name = "earmark"
    sample_rate = 16_000
    frame_samples = 1024
    step_samples = 256
    window_seconds = 20.0
    context_seconds = 4.0

    def __init__(self, model: str | Path | None = None, table: Path = SOUND_WEIGHTS, threads: int = 1) -> None:
        weights = WEIGHTS if model is None else Path(model).expanduser()
        card = _read_card(weights)
        self._pieces = WordPieces(table)
        if card["table"] != fingerprint(table):
            raise EngineError(
                weights / CARD,
                expected=f"weights trained with the word-piece table in {table}",
                found="weights of another table",
                hint="Reinstall earmark, or make them anew with `earmark train separate`.",
            )
        self._masker, self._reader = (_session(weights / name, inputs, threads) for name, inputs in GRAPHS.items())
        wordings = [(row, text) for row, texts in enumerate(card["vocabulary"].values()) for text in texts]
        self._rows = np.array([row for row, _ in wordings])  # (wordings,), in order
        self._known = self._pieces.embed([text for _, text in wordings])  # (wordings, text_dim)
        self._meant = self._meaning(self._known)  # (wordings, meaning)
        self._firsts = np.flatnonzero(np.diff(self._rows, prepend=-1))
        self._taught = _unit(np.add.reduceat(self._meant, self._firsts, axis=0))  # (sounds, meaning)
        self._factor = int(card["time_factor"])
        self._scale = np.float32(1.0 / np.sqrt(np.square(hann(self.frame_samples)).sum()))

    def mask(self, samples: NDArray[np.float32], text: str) -> Mask:
        """See `Separator.mask`; float32 in [0, 1]."""
        meaning = self._read(text)
        samples = np.nan_to_num(np.asarray(samples, dtype=np.float32), nan=0.0, posinf=0.0, neginf=0.0)
        if samples.ndim != 1:
            raise ValueError(f"mask takes mono samples of shape (n,), got {samples.shape}")
        magnitude = np.abs(spectrum_of(samples, self.frame_samples, self.step_samples)).astype(np.float32)
        magnitude *= self._scale / self._level(samples, len(magnitude))[:, None]
        heard = np.pad(magnitude[:, :-1], ((0, -len(magnitude) % self._factor), (0, 0)))  # (frames, bins)
        mask = self._masker.run(None, {"magnitude": np.ascontiguousarray(heard.T)[None], "meaning": meaning})[0][0]
        mask = mask[:, : len(magnitude)].T
        return np.concatenate([mask, mask[:, -1:]], axis=1).astype(np.float32, copy=False)

    def _level(self, samples: NDArray[np.float32], frames: int) -> NDArray[np.float32]:
        """Root mean square around each frame, ``(frames,)``: a slanted window, for no loud sound to end abruptly."""
        step = self.step_samples
        squared = np.square(samples, dtype=np.float64)
        padded = np.pad(squared, (step // 2, frames * step - len(samples) + step // 2))
        power = padded[: frames * step].reshape(frames, step).mean(axis=1)
        half = max(1, round(LEVEL_SECONDS * self.sample_rate / step / 2))
        window = 1.0 - np.abs(np.arange(-half, half + 1)) / (half + 1)
        weight = np.convolve(np.ones(frames), window)[half : half + frames]
        level = np.convolve(power, window)[half : half + frames] / weight
        return np.maximum(np.sqrt(level), QUIETEST).astype(np.float32)

    def _meaning(self, pieces: NDArray[np.float32]) -> NDArray[np.float32]:
        """Word-piece vectors ``(n, text_dim)`` to unit rows ``(n, meaning)``."""
        return np.asarray(self._reader.run(None, {"pieces": pieces})[0], dtype=np.float32)

    def _read(self, text: str) -> NDArray[np.float32]:
        """What the network is asked, ``(1, meaning)``.

        Raises:
            QueryError: see `mask`.
        """
        pieces = self._pieces.read(text, "separator does")[None]
        meaning = self._meaning(pieces)
        alike = (self._known @ pieces[0] + self._meant @ meaning[0]) / 2  # (wordings,)
        nearest = np.maximum.reduceat(alike, self._firsts)  # (sounds,)
        shares = np.exp((nearest - nearest.max()) / NEAREST)
        return _unit(meaning + TAUGHT * _unit((shares @ self._taught)[None]))


def _unit(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9), dtype=np.float32)
