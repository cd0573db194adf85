"""Masks laid on recordings: at any rate, on any channels, in windows, and back to samples."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray

from earmark.engines.separator import Mask
from earmark.engines.separator.masking import FADE_SECONDS, Tape, masked, samples_of, separated, spectrum_of
from earmark.timeline import Span, Waveform

RATE, FRAME, STEP = 16_000, 1024, 256


class Share:
    """A separator whose mask is told by a function of the time in frames and the frequency in Hz."""

    name, sample_rate, frame_samples, step_samples = "share", RATE, FRAME, STEP
    window_seconds, context_seconds = 3.0, 1.0

    def __init__(self, low: float = 1.0, high: float = 1.0, at_hz: float = 2000.0) -> None:
        self.low, self.high, self.at_hz = low, high, at_hz
        self.asked: list[tuple[int, str]] = []

    def mask(self, samples: NDArray[np.float32], text: str) -> Mask:
        self.asked.append((len(samples), text))
        hz = np.linspace(0, self.sample_rate / 2, self.frame_samples // 2 + 1)
        row = np.where(hz < self.at_hz, self.low, self.high).astype(np.float32)
        return np.repeat(row[None], len(samples) // self.step_samples + 1, axis=0)


class Loudness(Share):
    """Keeps more where it is louder: a mask that depends on what is heard."""

    def mask(self, samples: NDArray[np.float32], text: str) -> Mask:
        size = np.abs(spectrum_of(samples, FRAME, STEP))
        return (size / (size + 1.0)).astype(np.float32)


def noise(seconds: float, rate: int = RATE, channels: int = 1, seed: int = 0) -> NDArray[np.float32]:
    generator = np.random.default_rng(seed)
    return (0.1 * generator.standard_normal((channels, round(seconds * rate)))).astype(np.float32)


def blocks(samples: NDArray[np.float32], rate: int, seconds: float, start: float = 0.0) -> Iterator[Waveform]:
    size = round(seconds * rate)
    for first in range(0, samples.shape[1], size):
        yield Waveform(samples[:, first : first + size], rate, start + first / rate)


def joined(parts: Iterator[Waveform]) -> NDArray[np.float32]:
    return np.concatenate([part.samples for part in parts], axis=1)


def slow_spectrum(samples: NDArray[np.float32]) -> NDArray[np.complex128]:
    """Frame by frame, by the definition of the discrete Fourier transform."""
    out = np.zeros((len(samples) // STEP + 1, FRAME // 2 + 1), complex)
    turns = np.exp(-2j * np.pi * np.outer(np.arange(FRAME), np.arange(FRAME // 2 + 1)) / FRAME)
    for number in range(len(out)):
        frame = np.zeros(FRAME)
        for place in range(FRAME):
            at = number * STEP - FRAME // 2 + place
            if 0 <= at < len(samples):
                frame[place] = samples[at] * (0.5 - 0.5 * np.cos(2 * np.pi * place / FRAME))
        out[number] = frame @ turns
    return out


def slow_samples(spectrum: NDArray[np.complex128], length: int) -> NDArray[np.float64]:
    """Sample by sample: each frame's opinion, weighed by its window, over the sum of the squared windows."""
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(FRAME) / FRAME)
    frames = np.fft.irfft(spectrum, FRAME, axis=1)
    out = np.zeros(length)
    for at in range(length):
        said, weight = 0.0, 1e-12
        for number in range(len(frames)):
            place = at - number * STEP + FRAME // 2
            if 0 <= place < FRAME:
                said += frames[number, place] * window[place]
                weight += window[place] ** 2
        out[at] = said / weight
    return out


def test_the_spectrum_agrees_with_its_slow_twin_there_and_back() -> None:
    samples = noise(0.2)[0]
    spectrum = spectrum_of(samples, FRAME, STEP)
    assert np.allclose(spectrum, slow_spectrum(samples), atol=1e-4)
    changed = spectrum * np.random.default_rng(1).uniform(0, 1, spectrum.shape)
    assert np.allclose(samples_of(changed, STEP, len(samples)), slow_samples(changed, len(samples)), atol=1e-5)


@pytest.mark.parametrize("length", [0, 1, 255, 256, 1023, 5000])
def test_a_spectrum_left_alone_gives_the_samples_back(length: int) -> None:
    samples = noise(1.0)[0, :length]
    assert np.allclose(samples_of(spectrum_of(samples, FRAME, STEP), STEP, length), samples, atol=1e-6)


@pytest.mark.parametrize("rate", [8_000, 11_025, 16_000, 22_050, 44_100, 48_000])
@pytest.mark.parametrize("channels", [1, 2, 6])
def test_a_mask_of_ones_keeps_and_one_of_zeros_drops_all(rate: int, channels: int) -> None:
    samples = noise(0.5, rate, channels)
    for share in (1.0, 0.0, 0.25):
        engine = Share(share, share)
        mask = engine.mask(np.zeros(RATE // 2, np.float32), "")
        assert np.allclose(masked(mask, engine, samples, rate), share * samples, atol=2e-6)


@pytest.mark.parametrize("rate", [8_000, 16_000, 44_100, 48_000])
def test_tones_on_both_sides_of_an_edge_are_told_apart_at_any_rate(rate: int) -> None:
    seconds = np.arange(rate) / rate
    low, high = (0.3 * np.sin(2 * np.pi * hz * seconds).astype(np.float32) for hz in (500.0, 3000.0))
    engine = Share(1.0, 0.0)
    found = masked(engine.mask(np.zeros(RATE, np.float32), ""), engine, (low + high)[None], rate)[0]
    inner = slice(rate // 10, -rate // 10)
    assert np.abs(found - low)[inner].max() < 0.003


def test_above_what_the_engine_hears_its_highest_octave_decides() -> None:
    rate = 48_000
    seconds = np.arange(rate) / rate
    shrill = 0.3 * np.sin(2 * np.pi * 15_000 * seconds).astype(np.float32)[None]
    engine = Share(0.0, 0.5, at_hz=3000.0)
    found = masked(engine.mask(np.zeros(RATE, np.float32), ""), engine, shrill, rate)
    assert np.allclose(found[:, 5000:-5000], 0.5 * shrill[:, 5000:-5000], atol=0.002)


def test_a_mask_that_turns_phases_turns_them() -> None:
    samples = noise(0.5)
    engine = Share()
    mask = -np.ones((samples.shape[1] // STEP + 1, FRAME // 2 + 1), np.complex64)
    assert np.allclose(masked(mask, engine, samples, RATE), -samples, atol=1e-6)


@pytest.mark.parametrize("rate", [8_000, 16_000, 44_100])
def test_windows_add_up_to_what_one_call_gives(rate: int) -> None:
    heard = noise(11.0)
    mixture = noise(11.0, rate, 2, seed=3)
    engine = Loudness()
    whole = masked(engine.mask(heard[0], ""), engine, mixture, rate)
    parts = joined(separated(engine, "", [Span(0, 11)], blocks(mixture, rate, 0.7), blocks(heard, RATE, 1.3)))
    assert parts.shape == mixture.shape
    if rate == RATE:
        assert np.abs(parts - whole).max() < 1e-6
    assert np.sum(np.square(parts - whole)) < 1e-3 * np.sum(np.square(whole))  # frames lie elsewhere at other rates


def test_outside_of_the_spans_is_silence_and_inside_is_all_that_the_mask_keeps() -> None:
    mixture = noise(20.0)
    spans = [Span(2.0, 3.0), Span(8.0, 9.5)]
    engine = Share(0.5, 0.5)
    parts = list(separated(engine, "x", spans, blocks(mixture, RATE, 0.9), blocks(mixture, RATE, 2.0)))
    found = joined(iter(parts))
    assert found.shape == mixture.shape
    assert [part.start_seconds for part in parts] == pytest.approx(
        np.cumsum([0, *[part.num_samples / RATE for part in parts]])[:-1]
    )
    inside = np.zeros(mixture.shape[1], bool)
    near = np.zeros(mixture.shape[1], bool)
    for span in spans:
        inside[round(span.start * RATE) : round(span.end * RATE)] = True
        near[round((span.start - FADE_SECONDS) * RATE) : round((span.end + FADE_SECONDS) * RATE)] = True
    assert np.allclose(found[:, inside], 0.5 * mixture[:, inside], atol=1e-6)
    assert not found[:, ~near].any()
    assert sum(size for size, _ in engine.asked) < 0.5 * mixture.shape[1]
    assert {text for _, text in engine.asked} == {"x"}


def test_spans_that_nearly_touch_are_not_doubled() -> None:
    mixture = noise(6.0)
    spans = [Span(1.0, 2.0), Span(2.05, 3.0)]
    found = joined(separated(Share(), "", spans, blocks(mixture, RATE, 1.0), blocks(mixture, RATE, 1.0)))
    assert np.abs(found).max() <= np.abs(mixture).max() + 1e-6
    assert np.allclose(found[:, RATE : 3 * RATE], mixture[:, RATE : 3 * RATE], atol=1e-6)


def test_the_clock_of_the_recording_may_start_late() -> None:
    mixture = noise(6.0)
    parts = list(
        separated(
            Share(), "", [Span(102.0, 103.0)], blocks(mixture, RATE, 1.0, 100.0), blocks(mixture, RATE, 1.0, 100.0)
        )
    )
    found = joined(iter(parts))
    assert parts[0].start_seconds == 100.0
    assert np.allclose(found[:, 2 * RATE : 3 * RATE], mixture[:, 2 * RATE : 3 * RATE], atol=1e-6)
    assert not found[:, : int(1.8 * RATE)].any()


def test_spans_beyond_the_end_and_an_empty_recording_are_no_trouble() -> None:
    mixture = noise(2.0)
    found = joined(separated(Share(), "", [Span(1, 9)], blocks(mixture, RATE, 0.5), blocks(mixture, RATE, 0.5)))
    assert np.allclose(found[:, RATE:], mixture[:, RATE:], atol=1e-6)
    assert list(separated(Share(), "", [Span(0, 9)], iter(()), iter(()))) == []
    beyond = joined(separated(Share(), "", [Span(5, 9)], blocks(mixture, RATE, 0.5), blocks(mixture, RATE, 0.5)))
    assert beyond.shape == mixture.shape and not beyond.any()


def test_neither_the_target_nor_the_rest_leaves_full_scale() -> None:
    mixture = np.sign(noise(2.0)) * np.float32(0.99)
    found = joined(separated(Loudness(), "", [Span(0, 2)], blocks(mixture, RATE, 2.0), blocks(mixture, RATE, 2.0)))
    turned = Share(-2.0, -2.0)
    wild = joined(separated(turned, "", [Span(0, 2)], blocks(mixture, RATE, 2.0), blocks(mixture, RATE, 2.0)))
    for target in (found, wild):
        assert np.abs(target).max() <= 1.0 and np.abs(mixture - target).max() <= 1.0 + 1e-6


def test_memory_is_bounded_by_the_window_not_the_recording() -> None:
    held: list[int] = []

    def long_silence(rate: int, seconds: int) -> Iterator[Waveform]:
        for second in range(seconds):
            yield Waveform(np.zeros((1, rate), np.float32), rate, float(second))

    tape = Tape(long_silence(RATE, 500))
    for at in range(0, 500 * RATE, 5 * RATE):
        tape.forget(at)
        tape.reach(at + 5 * RATE)
        held.append(tape._held.nbytes)
    assert max(held) <= 7 * RATE * 4
    sizes = [
        part.num_samples
        for part in separated(
            Share(), "", [Span(3, 4), Span(400, 401)], long_silence(RATE, 500), long_silence(RATE, 500)
        )
    ]
    assert sum(sizes) == 500 * RATE and max(sizes) <= 10 * RATE


def test_a_tape_gives_silence_where_there_is_nothing() -> None:
    tape = Tape(blocks(np.ones((2, 10), np.float32), 10, 0.3))
    assert tape.read(-2, 3).tolist() == [[0, 0, 1, 1, 1]] * 2
    assert tape.read(8, 12).tolist() == [[1, 1, 0, 0]] * 2
    tape.forget(9)
    assert tape.read(7, 11).tolist() == [[0, 0, 1, 0]] * 2
    tape.forget(50)
    assert tape.reach(60) == 10
    assert tape.read(50, 52).tolist() == [[0, 0]] * 2
