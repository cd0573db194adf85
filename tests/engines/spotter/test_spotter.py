"""Spotting: phones of a word, and finding it in real speech."""

from __future__ import annotations

import numpy as np
import pytest

from earmark.engines.spotter import Hit
from earmark.engines.spotter.phones import MOST_VARIANTS, variants_of
from earmark.engines.spotter.sphinx import PHONES, SphinxSpotter, best_of_overlapping
from earmark.errors import EngineError
from earmark.timeline import Span, Waveform


@pytest.fixture(scope="module")
def spotter() -> SphinxSpotter:
    return SphinxSpotter()


def test_short_vowels_that_persian_does_not_write_are_tried() -> None:
    assert variants_of("slom", persian=True) == ["S AE L AA M", "S EH L AA M", "S OW L AA M"]
    assert variants_of("dust", persian=True) == ["D UW S T", "D UW S EH T"]
    assert "HH OW D AA HH AA F EH Z" in variants_of("xdohofz", persian=True)
    assert len(variants_of("mtSkrm", persian=True)) == MOST_VARIANTS


def test_english_phones_are_taken_as_they_are() -> None:
    assert variants_of("SAn") == ["SH EY N"]
    assert variants_of("中") == variants_of("") == []


def test_every_phone_is_one_the_model_knows() -> None:
    every = "pbtdkgCJfvTDszSZhmnNlrwyiIeAaoOuUVYWXRxq"
    for persian in (False, True):
        for variant in variants_of(every, persian):
            assert set(variant.split()) <= PHONES


def test_the_best_of_overlapping_hits_is_kept() -> None:
    weak, best = Hit("a", Span(0, 1), 1.0), Hit("a", Span(0.5, 1.5), 2.0)
    other, later = Hit("b", Span(0, 1), 0.5), Hit("a", Span(2, 3), 0.1)
    assert best_of_overlapping([weak, best, other, later]) == [other, best, later]


def test_words_are_found_where_they_are_said(spotter: SphinxSpotter, two_cities: Waveform) -> None:
    """Once each in 12 seconds of reading: "… wisdom … foolishness …"; the others are not said at all."""
    keywords = {
        word: spotter.pronunciations(word) for word in ("wisdom", "foolishness", "elephant", "kilometres", "telephone")
    }
    part = Waveform(two_cities.cut(Span(0, 14)).samples, 16_000, 100.0)
    best: dict[str, Hit] = {}
    for hit in spotter.spot(part, keywords):
        if hit.keyword not in best or hit.score > best[hit.keyword].score:
            best[hit.keyword] = hit
    said = min(best[word].score for word in ("wisdom", "foolishness"))
    others = [best[word].score for word in ("elephant", "kilometres", "telephone") if word in best]
    assert said > max(others, default=-999.0) + 50
    assert 100.0 < best["wisdom"].span.end <= best["foolishness"].span.start + 0.5 < 114.0
    again = spotter.spot(part, keywords)
    assert [hit for hit in again if hit.keyword == "wisdom"][0].span.start >= 100.0


def test_silence_and_nothing(spotter: SphinxSpotter) -> None:
    nothing = Waveform(np.zeros((1, 0), np.float32), 16_000)
    assert spotter.spot(nothing, {"a": ["W IH Z D AH M"]}) == []
    assert spotter.spot(Waveform(np.ones((1, 16_000), np.float32), 16_000), {"a": []}) == []
    silence = Waveform(np.zeros((1, 32_000), np.float32), 16_000)
    assert all(hit.score < 100 for hit in spotter.spot(silence, {"a": ["W IH Z D AH M"]}))


def test_the_dictionary_is_asked(spotter: SphinxSpotter) -> None:
    assert spotter.pronunciations("wisdom") == ["W IH Z D AH M"]
    assert len(spotter.pronunciations("read")) == 2
    assert spotter.pronunciations("xyzzyq") == []


def test_a_phone_the_model_does_not_know(spotter: SphinxSpotter) -> None:
    with pytest.raises(EngineError) as caught:
        spotter.spot(Waveform(np.ones((1, 16_000), np.float32), 16_000), {"salam": ["S AA1 L QQ"]})
    assert str(caught.value).startswith("salam: expected phones among AA AE ")
    assert str(caught.value).endswith("found AA1 QQ. Write them as the CMU dictionary does, without stress.")
    with pytest.raises(ValueError, match="hears 16000 Hz, got 8000"):
        spotter.spot(Waveform(np.ones((1, 8_000), np.float32), 8_000), {})
