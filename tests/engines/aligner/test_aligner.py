"""One suite over every aligner."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from earmark.engines.aligner import Aligner
from earmark.engines.registry import load, names
from earmark.timeline import Span, Waveform

OPENING = "It was the best of times, it was the worst of times,".split()


@pytest.fixture(scope="module", params=names("aligner"))
def engine(request: pytest.FixtureRequest) -> Aligner:
    loaded: Aligner = load("aligner", request.param)
    return loaded


@pytest.fixture(scope="module")
def opening(two_cities: Waveform) -> Waveform:
    """The opening words, and nothing else."""
    return two_cities.cut(Span(0.0, 4.4))


def test_words_come_in_order_with_their_text(engine: Aligner, opening: Waveform) -> None:
    alignment = engine.align(opening, OPENING, [0.5] * len(OPENING))
    assert [word.text for word in alignment.words] == OPENING
    assert {word.probability for word in alignment.words} == {0.5}
    assert all(word.aligned for word in alignment.words)
    edges = [edge for word in alignment.words for edge in (word.span.start, word.span.end)]
    assert edges == sorted(edges)
    assert all(0.02 < word.span.duration < 1.0 for word in alignment.words)
    assert alignment.score is not None and -2.5 < alignment.score < 0
    assert 0 < alignment.frames <= 440


def test_times_are_those_of_the_media(engine: Aligner, opening: Waveform) -> None:
    here = engine.align(opening, OPENING)
    later = engine.align(Waveform(opening.samples, 16_000, 100.0), OPENING)
    for a, b in zip(here.words, later.words, strict=True):
        assert b.span.start == pytest.approx(a.span.start + 100, abs=1e-6)


def test_words_move_with_their_sound(engine: Aligner, opening: Waveform) -> None:
    plain = engine.align(opening, OPENING)
    silence = np.zeros((1, 32_000), np.float32)
    cut = (plain.words[5].span.end + plain.words[6].span.start) / 2
    samples = round(cut * 16_000)
    apart = np.concatenate([opening.samples[:, :samples], silence, opening.samples[:, samples:]], axis=1)
    moved = engine.align(Waveform(apart, 16_000), OPENING)
    shifts = [b.span.start - a.span.start for a, b in zip(plain.words, moved.words, strict=True)]
    assert shifts[:6] == pytest.approx([0.0] * 6, abs=0.06)
    assert shifts[6:] == pytest.approx([2.0] * 6, abs=0.06)


def test_text_that_was_not_spoken_fits_worse(engine: Aligner, opening: Waveform) -> None:
    true = engine.align(opening, OPENING).score
    false = engine.align(opening, "Give every grey monkey eight juicy yellow mangoes before Thursday".split()).score
    assert true is not None
    assert false is None or false < true - 0.4


def test_a_word_no_dictionary_has_is_said_by_rule(engine: Aligner, opening: Waveform) -> None:
    words = [*OPENING[:4], "tymez", *OPENING[6:]]
    alignment = engine.align(opening, words)
    assert alignment.words[4].aligned


def test_what_cannot_be_said_is_placed_between_its_neighbours(engine: Aligner, opening: Waveform) -> None:
    words = [*OPENING[:6], "—", *OPENING[6:]]
    alignment = engine.align(opening, words)
    assert [word.aligned for word in alignment.words] == [True] * 6 + [False] + [True] * 6
    dash = alignment.words[6].span
    assert alignment.words[5].span.end <= dash.start <= dash.end <= alignment.words[7].span.start


def test_numbers_are_said_in_words(engine: Aligner, two_cities: Waveform) -> None:
    alignment = engine.align(two_cities.cut(Span(0.0, 4.4)), ["1984", "$3.50"])
    assert [word.text for word in alignment.words] == ["1984", "$3.50"]


@pytest.mark.parametrize("samples", [np.zeros((1, 0), np.float32), np.zeros((1, 100), np.float32)])
def test_no_sound_gives_times_by_letters(engine: Aligner, samples: np.ndarray) -> None:
    alignment = engine.align(Waveform(samples, 16_000, 3.0), OPENING)
    assert alignment.score is None
    assert not any(word.aligned for word in alignment.words)
    assert all(3.0 <= word.span.start <= word.span.end <= 3.01 for word in alignment.words)


def test_no_words(engine: Aligner, opening: Waveform) -> None:
    assert engine.align(opening, []).words == ()


def test_broken_samples_do_not_break_it(engine: Aligner, opening: Waveform) -> None:
    broken = opening.samples.copy()
    broken[0, ::500] = np.nan
    broken[0, 7] = np.inf
    assert len(engine.align(Waveform(broken, 16_000), OPENING).words) == len(OPENING)


def test_order_and_threads_do_not_change_an_alignment(engine: Aligner, two_cities: Waveform) -> None:
    jobs = [(two_cities.cut(Span(start, start + 4.4)), OPENING) for start in (0.0, 6.0, 12.0, 0.0)]
    with ThreadPoolExecutor(2) as pool:
        together = list(pool.map(lambda job: engine.align(*job), jobs))
    assert together == [engine.align(*job) for job in reversed(jobs)][::-1]
    assert together[0] == together[3]


def test_mistakes_of_the_caller(engine: Aligner) -> None:
    with pytest.raises(ValueError, match="hears 16000 Hz, got 8000"):
        engine.align(Waveform(np.zeros((1, 8), np.float32), 8_000), ["a"])
    with pytest.raises(ValueError, match="got 2 words but 1 probabilities"):
        engine.align(Waveform(np.zeros((1, 8), np.float32), 16_000), ["a", "b"], [1.0])
