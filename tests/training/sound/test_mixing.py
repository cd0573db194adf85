"""Training scenes mixed in the log-mel domain."""

from __future__ import annotations

import numpy as np
import pytest

from earmark.media.logmel import BANDS, FLOOR, log_mel
from earmark.training.mixing import Event, Mixer, MixSettings

RELATIONS = np.array([[1, 0, 1], [0, 1, 0], [-1, 0, 1]], dtype=np.int8)
"""Label 0 is also called 2; who hears 2 cannot say whether it is 0."""


def bands_at(level: float, low: int, high: int, frames: int) -> np.ndarray:
    power = np.zeros((frames, BANDS))
    power[:, low:high] = level
    return np.log(power + FLOOR)


MEL = np.concatenate([bands_at(1e-3, 10, 14, 50), bands_at(1e-3, 40, 44, 50), bands_at(1e-4, 0, 64, 300)]).astype(
    np.float16
)
EVENTS = [Event(0, 0, 50, teacher=0), Event(1, 50, 100, teacher=3, clip_first=50)]
UNDER = [Event(-1, 100, 400)]


def mixer(seed: int = 0, **settings: object) -> Mixer:
    plain = {"snr_db": (20.0, 25.0), "background_db": (-60.0, -50.0), "clean_share": 0.0}
    return Mixer(
        MEL,
        EVENTS,
        np.ones(2),
        UNDER,
        RELATIONS,
        RELATIONS,
        seed,
        MixSettings(**{**plain, **settings}),  # type: ignore[arg-type]
    )


def test_shapes_and_the_same_seed() -> None:
    one, two = mixer().draw(3), mixer().draw(3)
    assert one.mel.shape == (3, BANDS, 400) and one.heard.shape == one.unknown.shape == (3, 3, 100)
    np.testing.assert_array_equal(one.mel, two.mel)
    assert one.spans == two.spans
    assert np.isfinite(one.mel).all()


def test_a_label_is_heard_where_its_bands_are_loud() -> None:
    scenes = mixer(min_events=1, max_events=1).draw(40)
    agreed = total = 0
    for scene, label, first, last in scenes.spans:
        low = 10 if label == 0 else 40
        loud = scenes.mel[scene, low - 3 : low + 7].mean(axis=0).reshape(100, 4).mean(axis=1)
        inside = loud[first + 1 : max(first + 2, last - 1)].mean()
        outside = np.delete(loud, np.arange(max(0, first - 1), min(100, last + 12))).mean()
        agreed += inside > outside + 1.0
        total += 1
    assert total >= 35 and agreed >= 0.9 * total


def test_what_else_a_sound_is_called_and_what_cannot_be_said() -> None:
    scenes = mixer(min_events=1, max_events=1).draw(20)
    for scene, label, first, last in scenes.spans:
        inside = slice(first, last)
        assert (scenes.heard[scene, label, inside] > 0).all()
        if label == 0:
            np.testing.assert_array_equal(scenes.heard[scene, 2], scenes.heard[scene, 0])
            assert (scenes.heard[scene, 1] == 0).all() and not scenes.unknown[scene, 1].any()


def test_unknown_never_covers_what_is_heard() -> None:
    scenes = mixer(max_events=5).draw(20)
    assert not (scenes.unknown & (scenes.heard > 0)).any()


def test_the_teacher_row_is_that_of_the_sound_that_dominates() -> None:
    scenes = mixer(min_events=1, max_events=1).draw(30)
    rows = {0: set(range(0, 3)), 1: set(range(3, 6))}
    seen = 0
    for scene, label, first, last in scenes.spans:
        taught = set(scenes.teacher[scene, first:last].tolist()) - {-1}
        assert taught <= rows[label]
        seen += bool(taught)
    assert seen > 15


def test_telephone_losses_and_silence_stay_finite() -> None:
    silent = mixer(clean_share=1.0).draw(30)
    assert np.isfinite(silent.mel).all() and silent.mel.min() >= np.log(FLOOR) - 1e-3


def test_mixing_energies_is_close_to_mixing_waveforms() -> None:
    """The shortcut the whole training rests on: within 1 dB per band on average."""
    g = np.random.default_rng(0)
    a, b = (g.normal(0, 0.1, 16_000 * 4).astype(np.float32) for _ in range(2))
    together = log_mel(a + b)
    under = np.exp(log_mel(a)) - FLOOR
    mixer()._add(under, np.exp(log_mel(b)) - FLOOR)
    difference = 10 / np.log(10) * (np.log(under + FLOOR) - together)
    assert float(difference.mean()) == pytest.approx(0.0, abs=1.0)
    assert abs(difference.std() - 5) < 3
