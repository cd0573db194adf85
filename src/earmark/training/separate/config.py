"""What a training run of the separator is made of, as its YAML file says; collections are the sound model's."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from earmark.training.config import CollectionConfig, read_run
from earmark.training.sound_config import SoundConfig

__all__ = ["SeparateConfig", "read_separate_config"]


@dataclass(frozen=True)
class SeparateConfig:
    """One run. Everything has a default but the data."""

    data: str
    collections: tuple[CollectionConfig, ...]
    name: str = "earmark-separate-1"
    """Stored with the weights."""
    seed: int = 0
    minutes: float = 65.0
    """Wall clock; the learning rate falls by it, so that a slower machine ends as well, only less far."""
    max_steps: int = 0
    """Ends the run earlier; 0 leaves it to the clock. The learning rate then follows the steps."""
    batch: int = 12
    """Mixtures in a step."""
    frames: int = 192
    """Length of a mixture in frames of the spectrum."""
    learning_rate: float = 1.5e-3
    warmup_steps: int = 150
    decay_share: float = 0.5
    """The last part of the run, in which the learning rate falls to nothing along a cosine."""
    weight_decay: float = 0.02
    average: float = 0.998
    """How much of the running average of the weights survives a step, once warm."""
    checkpoint_steps: int = 200
    check_mixtures: int = 48
    """Mixtures of kept-out recordings measured with each checkpoint; 0 for none."""
    instruments: bool = False
    """Add FluidR3 instruments (needs fluidsynth)."""
    tones: bool = True
    """Add computed tones: alarms, telephones, sirens."""
    skip_licences: tuple[str, ...] = SoundConfig.skip_licences
    """Clips whose licence contains one of these, in any case, are left out."""
    channels: tuple[int, ...] = (32, 96, 160, 224)
    cache: str = ""
    """Where decoded clips are kept between runs; empty for the output folder."""
    held_out_list: str = ""
    """A text file beside the config: recordings kept for measuring, one a line as ``collection/file``."""

    def clips(self) -> SoundConfig:
        """The same data as the sound model's config says it, for `choose_clips`."""
        return SoundConfig(
            data=self.data, collections=self.collections, seed=self.seed, skip_licences=self.skip_licences,
            held_out_list=self.held_out_list,
        )  # fmt: skip


def read_separate_config(path: Path) -> SeparateConfig:
    """Reads a YAML config; raises what `read_run` raises."""
    return read_run(path, SeparateConfig, "separate.yaml")
