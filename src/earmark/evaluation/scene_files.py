"""Scenes on disk: audio files built from labelled clips and a seed, and the reference that says what is where.

Made as Clotho-Moment was: real sounds laid at known times over a background. The same seed and clips
give the same files again.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from earmark.errors import UsageError
from earmark.media.clips import write_waveforms
from earmark.media.files import atomic_write
from earmark.progress import Progress, ignore
from earmark.scenes.builder import Load, SceneSettings, build_scene, load_clip
from earmark.scenes.clips import Clip
from earmark.timeline import Waveform

__all__ = ["HISS", "write_scenes"]

SAMPLE_RATE = 16_000

HISS = Clip(Path("hiss"), "hiss")
"""The background where no recordings are given: noise that falls by 3 dB an octave, the same in every scene."""


DEFAULT_SETTINGS = SceneSettings()


def write_scenes(
    folder: Path,
    clips: Sequence[Clip],
    *,
    count: int,
    seed: int,
    distractors: Sequence[Clip] = (),
    backgrounds: Sequence[Clip] = (),
    absent: int = 5,
    settings: SceneSettings = DEFAULT_SETTINGS,
    load: Load = load_clip,
    force: bool = False,
    on_progress: Progress = ignore,
) -> Path:
    """Writes ``scene-0001.flac`` … and ``truth.jsonl`` into a folder.

    Args:
        absent: queries per scene for sounds that are not in it, drawn from the other labels.
        backgrounds: none takes `HISS`.

    Returns:
        the path of the reference.

    Raises:
        UsageError: if the clips have fewer labels than a scene has sounds.
    """
    labels = sorted({clip.label for clip in clips})
    if len(labels) <= settings.events:
        raise UsageError(
            "--events",
            expected=f"clips of more than {settings.events} labels, so that something can be absent",
            found=f"{len(labels)}: {', '.join(labels)}" if labels else "none",
            hint="Ask for fewer sounds a scene with --events, or add clips.",
        )
    folder.mkdir(parents=True, exist_ok=True)
    lines: list[dict[str, object]] = []
    for i in range(count):
        scene = build_scene(seed * 1_000_003 + i, clips, distractors, backgrounds or [HISS], settings, _with_hiss(load))
        name = f"scene-{i + 1:04d}.flac"
        write_waveforms(folder / name, Waveform(scene.samples[None], SAMPLE_RATE), force=force)
        row = {"recording": name, "duration": round(len(scene.samples) / SAMPLE_RATE, 6)}
        asked = sorted({sound.label for sound in scene.sounds if sound.asked})
        for label in asked:
            for span in scene.spans_of(label):
                times = {"start": round(span.start, 6), "end": round(span.end, 6)}
                lines.append({**row, "query": _wording(label), **times})
        gone = sorted(set(labels) - scene.labels)
        drawn = np.random.default_rng([seed, i]).permutation(len(gone))[:absent]
        lines += [{**row, "query": _wording(gone[j]), "start": None, "end": None} for j in sorted(drawn)]
        on_progress("build scenes", i + 1, count)
    with atomic_write(folder / "truth.jsonl", force=force) as file:
        file.writelines(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
    return folder / "truth.jsonl"


def _wording(label: str) -> str:
    """A label as somebody would type it: `clock_tick` is asked for as "clock tick"."""
    return label.replace("_", " ").replace("-", " ")


def _with_hiss(load: Load) -> Load:
    def load_or_make(clip: Clip) -> NDArray[np.float32]:
        return _hiss() if clip is HISS else load(clip)

    return load_or_make


def _hiss(seconds: float = 70.0) -> NDArray[np.float32]:
    size = round(seconds * SAMPLE_RATE)
    spectrum = np.fft.rfft(np.random.default_rng(0).standard_normal(size))
    spectrum /= np.sqrt(np.maximum(np.arange(len(spectrum)), 20.0))
    noise = np.fft.irfft(spectrum, size)
    return np.asarray(0.1 * noise / np.abs(noise).max(), dtype=np.float32)
