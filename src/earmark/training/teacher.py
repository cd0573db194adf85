"""A larger tagger's opinion of every clip, as a second thing for the sound model to learn.

YAMNet (Apache-2.0, 521 AudioSet classes) hears every clip once, in patches of 0.96 s every 0.48 s; its embedding and
class scores are cached. It teaches in training only: nothing of it is in the shipped weights.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from earmark.errors import EngineError

__all__ = ["HOP_SAMPLES", "Teacher", "reduced"]

PATCH_SAMPLES, HOP_SAMPLES = 15_600, 7_680


class Teacher:
    """YAMNet as TFLite, on one thread.

    Raises:
        EngineError: if `ai-edge-litert` is not installed or the file is not there.
    """

    def __init__(self, path: Path) -> None:
        try:
            from ai_edge_litert.interpreter import Interpreter
        except ImportError as exc:
            raise EngineError(
                "ai-edge-litert",
                expected="the TFLite runtime",
                found="no such package",
                hint="Run `pip install ai-edge-litert`, or leave `teacher` out of the config.",
            ) from exc
        if not path.is_file():
            raise EngineError(
                path, expected="yamnet.tflite", found="no such file", hint="Leave `teacher` out of the config."
            )
        self._run = Interpreter(str(path), num_threads=1, experimental_preserve_all_tensors=True)
        self._run.allocate_tensors()
        self._input = self._run.get_input_details()[0]["index"]
        self._scores = self._run.get_output_details()[0]["index"]
        pooled = [d for d in self._run.get_tensor_details() if "global_average_pooling" in d["name"]]
        self._embedding = [d["index"] for d in pooled if d["shape"][-1] == 1024][-1]

    def hear(self, samples: NDArray[np.float32]) -> tuple[NDArray[np.float16], NDArray[np.float16]]:
        """Embeddings ``(patches, 1024)`` and scores ``(patches, 521)``; patch ``i`` is centred on its own hop."""
        patches = max(1, -(-len(samples) // HOP_SAMPLES))
        padded = np.pad(samples, (PATCH_SAMPLES // 2 - HOP_SAMPLES // 2, PATCH_SAMPLES + HOP_SAMPLES))
        embeddings = np.empty((patches, 1024), dtype=np.float16)
        scores = np.empty((patches, 521), dtype=np.float16)
        for patch in range(patches):
            first = patch * HOP_SAMPLES
            self._run.set_tensor(self._input, np.ascontiguousarray(padded[None, first : first + PATCH_SAMPLES]))
            self._run.invoke()
            embeddings[patch] = self._run.get_tensor(self._embedding).reshape(-1)
            scores[patch] = self._run.get_tensor(self._scores).reshape(-1)
        return embeddings, scores


def reduced(embeddings: NDArray[np.float16], dim: int) -> NDArray[np.float16]:
    """Principal components of the embeddings, half whitened, as unit rows ``(patches, dim)``."""
    full = embeddings.astype(np.float32)
    full -= full.mean(axis=0)
    sample = full[:: max(1, len(full) // 12_000)]
    _, spread, directions = np.linalg.svd(sample, full_matrices=False)
    dim = min(dim, len(spread))
    out = full @ directions[:dim].T / np.sqrt(np.maximum(spread[:dim], 1e-6) / np.sqrt(len(sample)))
    return np.asarray(out / np.maximum(np.linalg.norm(out, axis=1, keepdims=True), 1e-9), dtype=np.float16)
