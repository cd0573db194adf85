"""A data set of tones: each "word" is a pitch, so that what is to be learnt is known."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from earmark.formats.manifest import Chunk, write_manifest

PITCHES = {"red": 300.0, "green": 700.0, "blue": 1500.0, "grey": 3000.0}


def build(folder: Path, write_media: Callable[..., Path], sound: type[Any]) -> Path:
    generator = np.random.default_rng(0)
    names, chunks = list(PITCHES), []
    for number in range(6):
        parts = []
        for place in range(4):
            first, second = generator.choice(names, 2, replace=False)
            seconds = np.arange(8_000) / 16_000
            parts += [0.3 * np.sin(2 * np.pi * PITCHES[str(name)] * seconds) for name in (first, second)]
            split = "validation" if number == 5 else "train"
            chunks.append(
                Chunk(
                    f"r{number}-{place}", f"r{number}", str(folder / f"r{number}.wav"), float(place), place + 1.0,
                    f"{first} {second}", (str(first), str(second)), "en", split,
                )
            )  # fmt: skip
        write_media(folder / f"r{number}.wav", sound(np.concatenate(parts)[None].astype(np.float32)))
    write_manifest(folder, chunks)
    return folder


@pytest.fixture
def tones(tmp_path: Path, write_media: Callable[..., Path], sound: type[Any]) -> Path:
    folder = tmp_path / "tones"
    folder.mkdir()
    return build(folder, write_media, sound)
