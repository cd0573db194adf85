"""AudioSep: 32 kHz, 26 million parameters and a text encoder of 125 million, steered by any phrase in English.

Pulled (``earmark models pull audiosep``), never shipped; needs the extra ``audiosep`` (torch and transformers). On
graphics hardware where there is any. The rebuilding was checked against the published layout, name by name and shape
by shape, not against the published file, which was not at hand: `docs/components.md` says what that leaves open.

Source: Liu et al., "Separate Anything You Describe", arXiv 2308.05037; https://github.com/Audio-AGI/AudioSep
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from earmark.engines.models import model_folder
from earmark.engines.separator import Mask
from earmark.engines.separator.audiosep.checkpoint import CHECKPOINT, fill, read_weights
from earmark.errors import EngineError

__all__ = ["AudioSep"]


class AudioSep:
    """See `Separator`.

    Args:
        model: a folder with the checkpoint and ``tokenizer.json``, instead of the pulled ones.

    Raises:
        EngineError: if a package or the weights are missing, or the weights are not AudioSep's.
    """

    name = "audiosep"
    sample_rate = 32_000
    frame_samples = 2_048
    step_samples = 320
    window_seconds = 7.68
    context_seconds = 1.28
    """Both are multiples of the 0.32 s by which the network's answer moves with its input; the publisher hears 1 s of
    context and keeps 3 s."""

    def __init__(self, model: str = "") -> None:
        folder = Path(model).expanduser() if os.sep in model else model_folder("audiosep")
        try:
            import torch
            import transformers  # noqa: F401
        except ImportError as exc:
            raise EngineError(
                "audiosep",
                expected="the packages torch and transformers",
                found=f"{exc.name} is not installed",
                hint='Run: pip install "earmark[audiosep]"',
            ) from exc
        from earmark.engines.separator.audiosep.network import HOP, STRIDE, WINDOW, ResUNet
        from earmark.engines.separator.audiosep.phrases import PhraseEncoder

        assert (WINDOW, HOP) == (self.frame_samples, self.step_samples)
        assert all(round(s * self.sample_rate) % STRIDE == 0 for s in (self.window_seconds, self.context_seconds))
        path = folder / CHECKPOINT
        weights = read_weights(path)
        device = "cuda" if torch.cuda.is_available() else "cpu"
        self._phrases = PhraseEncoder(folder, weights, path, device)
        with torch.device("meta"):
            network = ResUNet()
        fill(network, weights["separator"], "separator", path)
        self._network = network.eval().float().to(device, memory_format=torch.channels_last)
        self._device = device

    def mask(self, samples: np.ndarray[tuple[int, ...], np.dtype[np.float32]], text: str) -> Mask:
        import torch

        phrase = self._phrases.embed(text)
        frames = len(samples) // self.step_samples + 1
        heard = np.nan_to_num(samples, nan=0.0, posinf=0.0, neginf=0.0)
        # reflected at its ends, a stretch has to be longer than half a frame
        heard = np.pad(heard, (0, max(0, self.frame_samples - len(heard))))
        parts = []
        window = round(self.window_seconds * self.sample_rate) // self.step_samples  # in frames, as all below
        context = round(self.context_seconds * self.sample_rate) // self.step_samples
        for first in range(0, frames, window):
            last, before = min(frames, first + window), max(0, first - context)
            stretch = heard[before * self.step_samples : (last + context) * self.step_samples]
            with torch.inference_mode():
                part = self._network(torch.from_numpy(stretch.copy())[None].to(self._device), phrase)[0]
            parts.append(part[first - before : last - before].cpu().numpy())
        return np.concatenate(parts)
