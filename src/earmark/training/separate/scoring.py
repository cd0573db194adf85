"""How well a separator separates: two-source mixtures of kept-out recordings, and the measure they are scored by.

The scale-invariant signal-to-distortion ratio (SI-SDR) of the estimate, minus that of the mixture itself, is what
separation gained; doing nothing gains 0 dB.

Source: Le Roux et al., "SDR – half-baked or well done?", ICASSP 2019.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from earmark.scenes.builder import load_clip, sound_of
from earmark.scenes.clips import Clip
from earmark.scenes.vocabulary import OTHER, Vocabulary
from earmark.settings import SAMPLE_RATE
from earmark.timeline import to_samples

__all__ = ["Mixture", "mixtures_of", "si_sdr"]

SHORTEST_SECONDS = 0.3


@dataclass(frozen=True)
class Mixture:
    """Two sources, each ``(n,)``, mono at 16 kHz; the mixture is their sum. Texts are what a user may ask for each."""

    sources: tuple[NDArray[np.float32], NDArray[np.float32]]
    clips: tuple[Clip, Clip]
    texts: tuple[str, str]

    @property
    def samples(self) -> NDArray[np.float32]:
        return self.sources[0] + self.sources[1]


def si_sdr(estimated: NDArray[np.float32], reference: NDArray[np.float32]) -> float:
    """In dB; 80 at most and -80 at least, so that silence and perfection can be averaged."""
    estimated, reference = estimated.astype(np.float64), reference.astype(np.float64)
    energy = float(reference @ reference)
    if energy == 0.0:
        return -80.0
    scaled = (float(estimated @ reference) / energy) * reference
    kept, lost = float(scaled @ scaled), float(np.sum(np.square(estimated - scaled)))
    return float(np.clip(10 * np.log10((kept + 1e-30) / (lost + 1e-30)), -80.0, 80.0))


def mixtures_of(
    clips: Sequence[Clip],
    vocabulary: Vocabulary,
    count: int,
    seed: int = 0,
    seconds: float = 4.0,
    others: Sequence[Clip] = (),
    load: Callable[[Clip], NDArray[np.float32]] = load_clip,
) -> Iterator[Mixture]:
    """Pairs of sounds of labels nobody confuses, equally loud (0 dB), in wordings training never saw where there are.

    Labels are drawn evenly, then a clip of the label, then the part of it where its sound is heard; a shorter sound
    lies somewhere in the mixture. The same seed and clips give the same mixtures.

    Args:
        others: what the second source is drawn from; `clips` as well, if empty.

    Raises:
        ValueError: if there are no two labels that can be told apart.
    """
    generator = np.random.default_rng(seed)
    by_label, against = _by_label(clips), _by_label(others or clips)
    labels, other_labels = sorted(by_label), sorted(against)
    apart = {
        (a, b)
        for a in labels
        for b in other_labels
        if a != b and vocabulary.relation(a, b) == OTHER and vocabulary.relation(b, a) == OTHER
    }
    if not apart:
        raise ValueError(f"mixtures_of needs two labels that can be told apart, got {labels}")
    size = to_samples(seconds, SAMPLE_RATE)
    made = tried = 0
    while made < count:
        tried += 1
        if tried > 100 * count:
            raise ValueError("mixtures_of found too few clips with a sound in them")
        pair = [str(generator.choice(labels)), str(generator.choice(other_labels))]
        if (pair[0], pair[1]) not in apart:
            continue
        groups = by_label[pair[0]], against[pair[1]]
        chosen = [group[int(generator.integers(len(group)))] for group in groups]
        sources = [_placed(sound_of(load(clip), generator), size, generator) for clip in chosen]
        if any(source is None for source in sources):
            continue
        texts = []
        for label in pair:
            wordings = vocabulary.unseen.get(label) or vocabulary.words(label)
            texts.append(wordings[int(generator.integers(len(wordings)))])
        made += 1
        yield Mixture((sources[0], sources[1]), (chosen[0], chosen[1]), (texts[0], texts[1]))  # type: ignore[arg-type]


def _by_label(clips: Sequence[Clip]) -> dict[str, list[Clip]]:
    found: dict[str, list[Clip]] = {}
    for clip in clips:
        found.setdefault(clip.label, []).append(clip)
    return found


def _placed(sound: NDArray[np.float32], size: int, generator: np.random.Generator) -> NDArray[np.float32] | None:
    """The sound on a canvas of `size` samples with an energy of a tenth of full scale; None where it is too short."""
    if len(sound) < to_samples(SHORTEST_SECONDS, SAMPLE_RATE):
        return None
    if len(sound) > size:
        first = int(generator.integers(len(sound) - size))
        sound = sound[first : first + size]
    canvas = np.zeros(size, dtype=np.float32)
    at = int(generator.integers(size - len(sound) + 1))
    canvas[at : at + len(sound)] = sound
    level = float(np.sqrt(np.mean(np.square(canvas))))
    return None if level < 1e-5 else np.asarray(canvas * np.float32(0.05 / level), dtype=np.float32)
