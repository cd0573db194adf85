"""What a training run of the sound model is made of, as its YAML file says."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from earmark.training.config import CollectionConfig, read_run

__all__ = ["SoundConfig", "read_config"]


@dataclass(frozen=True)
class SoundConfig:
    """One run. Everything has a default but the data."""

    data: str
    collections: tuple[CollectionConfig, ...]
    name: str = "earmark-sound-1"
    """Stored with everything the model will ever produce."""
    seed: int = 0
    members: int = 1
    """Networks trained from starts of their own on the same recordings, whose opinions are averaged: each adds its
    cost to hearing and its size to the weights."""
    minutes: float = 75.0
    """Wall clock of each member; the learning rate falls by it: a slower machine ends as well, only less far."""
    max_steps: int = 0
    """Ends the run earlier; 0 leaves it to the clock. The learning rate then follows the steps."""
    batch: int = 16
    learning_rate: float = 2e-3
    warmup_steps: int = 300
    decay_share: float = 0.4
    """The last part of the run, in which the learning rate falls to nothing along a cosine."""
    weight_decay: float = 0.02
    checkpoint_steps: int = 500
    phrases: str = ""
    """A CSV with a column `caption`: free wordings, matched to labels by meaning. Needs the sentence encoder."""
    ontology: str = ""
    """AudioSet's ontology.json: descriptions of the teacher's classes."""
    teacher: str = ""
    """YAMNet as TFLite; its embeddings are a second thing to learn. Needs `ai-edge-litert`."""
    teacher_classes: str = ""
    """The CSV of the teacher's class names, with a column `display_name`."""
    instruments: bool = False
    """Add FluidR3 instruments (needs fluidsynth)."""
    tones: bool = True
    """Add computed tones: alarms, telephones, sirens."""
    speech: str = ""
    """A text file of sentences for espeak-ng to say, one a line; the last column of a table."""
    skip_licences: tuple[str, ...] = ("by-nc", "noncommercial", "sampling+", "unknown")
    """Clips whose licence contains one of these, in any case, are left out."""
    channels: tuple[int, ...] = (32, 64, 128, 192)
    width: int = 256
    dim: int = 96
    calibration_scenes: int = 60
    cache: str = ""
    """Where decoded clips are kept between runs; empty for the output folder."""
    held_out_list: str = ""
    """A text file beside the config: recordings kept for measuring, one a line as ``collection/file``."""


def read_config(path: Path) -> SoundConfig:
    """Reads a YAML config; raises what `read_run` raises."""
    return read_run(path, SoundConfig, "sound.yaml")
