"""Words that are known, placed in time: by alignment, beside what was recognised, or over the speech."""

from __future__ import annotations

import time
import wave
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from earmark.engines.aligner.sphinx import SphinxAligner
from earmark.indexing import index
from earmark.indexing.placing import CueEar, ReadyEar, aligned, is_placed, place_lines
from earmark.indexing.transcripts import Cue, segments_of
from earmark.library import Catalogue
from earmark.records import Recording, Segment, Word
from earmark.settings import IndexSettings
from earmark.timeline import Span, Waveform

TEXT = "it was the best of times"


@pytest.fixture(scope="module")
def reading() -> Path:
    spec = find_spec("moonshine_voice")
    assert spec is not None and spec.origin is not None
    return Path(spec.origin).parent / "assets" / "two_cities.wav"


def heard(*words: tuple[str, float, float]) -> list[Word]:
    return [Word(text, Span(start, end), 0.9) for text, start, end in words]


def test_a_text_takes_the_times_of_the_same_words_recognised() -> None:
    found = place_lines(
        ["One TWO, four", "five"],
        heard(("one", 1.0, 1.5), ("two", 2.0, 2.5), ("three", 3.0, 3.5), ("five.", 9.0, 9.5)),
        [Span(1.0, 3.5), Span(9.0, 9.5)],
        Span(0.0, 10.0),
    )
    assert [segment.text for segment in found] == ["One TWO, four", "five"]
    spans = [(word.text, word.span, word.aligned) for segment in found for word in segment.words]
    assert spans == [
        ("One", Span(1.0, 1.5), True),
        ("TWO,", Span(2.0, 2.5), True),
        ("four", Span(2.5, 2.5 + 5 / 7.5), False),
        ("five", Span(9.0, 9.5), True),
    ]


def test_a_text_that_was_not_recognised_is_spread_over_the_speech() -> None:
    found = place_lines(["abcd abcd", "abcd abcd"], heard(("xyz", 4.0, 5.0)), [Span(1, 3), Span(7, 9)], Span(0, 10))
    assert [segment.span for segment in found] == [Span(1, 3), Span(7, 9)]
    assert [word.span for word in found[1].words] == [Span(7, 8), Span(8, 9)]
    assert not any(word.aligned for segment in found for word in segment.words)


def test_words_stay_in_order_where_utterances_overlap() -> None:
    words = heard(("a", 0.0, 2.0), ("c", 1.0, 1.2), ("d", 1.2, 1.3))
    (segment,) = place_lines(["a b c d"], words, [Span(0, 2)], Span(0, 3))
    starts = [word.span.start for word in segment.words]
    assert starts == sorted(starts) and len(starts) == 4


def test_a_long_pause_parts_a_line() -> None:
    words = heard(("a", 0.0, 1.0), ("b", 1.0, 2.0), ("c", 30.0, 31.0))
    assert [segment.text for segment in place_lines(["a b c"], words, [Span(0, 31)], Span(0, 40))] == ["a b", "c"]


def recording(seconds: float) -> Recording:
    return Recording("0", "talk.wav", seconds)


def test_ready_words_are_handed_over_once_and_from_where_it_stopped() -> None:
    segments = segments_of([Cue(1, 2, "one"), Cue(5, 6, "two")], Span(0, 9), "fa", "sidecar@1", print)
    assert not is_placed(segments)
    ear = ReadyEar(recording(9.0), segments, "sidecar@1", begin=5.0)
    (harvest,) = ear.harvest()
    assert [passage.segment.text for passage in harvest.passages] == ["two"] and harvest.position == 9.0
    assert ear.harvest()[0].passages == []


@pytest.fixture(scope="module")
def aligner() -> SphinxAligner:
    return SphinxAligner()


@pytest.fixture(scope="module")
def speech(reading: Path) -> Waveform:
    """The first eight seconds, at 16 kHz: every third sample of a smoothed 48 kHz."""
    with wave.open(str(reading)) as file:
        rate, channels = file.getframerate(), file.getnchannels()
        samples = np.frombuffer(file.readframes(8 * rate), "<i2").reshape(-1, channels).mean(axis=1) / 32768
    step = rate // 16_000
    smooth = np.convolve(samples, np.hanning(2 * step + 1) / step, mode="same") if step > 1 else samples
    return Waveform(smooth[::step].astype(np.float32)[None], 16_000)


def listen(ear: CueEar, sound: Waveform) -> list[Segment]:
    passages = []
    for second in range(0, 8, 2):
        ear.feed(sound.cut(Span(second, second + 2)))
        (harvest,) = ear.harvest()
        passages += harvest.passages
    ear.finish()
    (harvest,) = ear.harvest()
    assert harvest.position == 8.0 and harvest.job == "words"
    return [passage.segment for passage in passages + harvest.passages]


@pytest.fixture(scope="module")
def placed(speech: Waveform, aligner: SphinxAligner) -> list[Word]:
    """The first words as the aligner places them in a cue that is exact."""
    from earmark.engines.registry import load

    transcript = load("recogniser", "moonshine").transcribe([speech.cut(Span(0.0, 3.0))])[0]
    assert TEXT in transcript.text.lower()
    found = aligner.align(speech.cut(Span(0.0, 3.0)), [word.text for word in transcript.words])
    return list(found.words)


def test_a_cue_with_wrong_times_gets_right_words(speech: Waveform, aligner: SphinxAligner, placed: list[Word]) -> None:
    text = " ".join(word.text for word in placed)
    start, end = placed[0].span.start, placed[-1].span.end
    cue = Cue(max(0.0, start - 0.2), end + 0.2, text)
    segments = segments_of([cue], speech.span, "en", "sidecar@1", print)
    with ThreadPoolExecutor(1) as pool:
        (found,) = listen(CueEar(recording(8.0), segments, aligner, "sidecar@1", pool, 1, 0.0), speech)
    assert all(word.aligned for word in found.words) and found.span == segments[0].span
    errors = [abs(a.span.start - b.span.start) for a, b in zip(found.words, placed, strict=True)]
    assert np.median(errors) < 0.03


def test_text_that_is_not_spoken_keeps_the_times_of_its_cues(speech: Waveform, aligner: SphinxAligner) -> None:
    cues = [Cue(0.0, 2.5, "vierzig Kilometer weiter südlich"), Cue(2.6, 5.0, "wartete schon der Bürgermeister")]
    segments = segments_of(cues, speech.span, "en", "sidecar@1", print)
    with ThreadPoolExecutor(1) as pool:
        found = listen(CueEar(recording(8.0), segments, aligner, "sidecar@1", pool, 1, 0.0), speech)
    assert found == segments and not any(word.aligned for segment in found for word in segment.words)


def test_an_english_text_without_times_is_laid_beside_what_was_recognised(reading: Path, tmp_path: Path) -> None:
    media = tmp_path / "talk.wav"
    with wave.open(str(reading)) as source, wave.open(str(media), "wb") as target:
        target.setparams(source.getparams())
        target.writeframes(source.readframes(7 * source.getframerate()))
    text = "It was the best of times.\nIt was the worst of thymes!"
    media.with_suffix(".txt").write_text(text)
    settings = IndexSettings(sound=None, workers=1)
    report = index([media], tmp_path / "library", settings)
    assert not report.notes and not report.failed
    catalogue = Catalogue.load(tmp_path / "library")
    first, second = (catalogue.segment(row) for row in range(2))
    assert (first.text, second.text) == tuple(text.split("\n"))
    assert all(word.aligned for word in first.words) and first.language == "en"
    assert first.words[0].span.start < 2.0 and second.span.start >= first.words[-1].span.start


def test_placing_goes_on_at_the_first_cue_that_is_not_stored(speech: Waveform, aligner: SphinxAligner) -> None:
    cues = [Cue(0.0, 1.0, "One."), Cue(3.0, 4.0, "Two."), Cue(6.0, 7.0, "Three.")]
    segments = segments_of(cues, speech.span, "en", "sidecar@1", print)
    with ThreadPoolExecutor(1) as pool:
        ear = CueEar(recording(8.0), segments, aligner, "sidecar@1", pool, 1, 0.0)
        ear.feed(speech.cut(Span(0.0, 2.0)))
        deadline = time.monotonic() + 60
        while ear.harvest()[0].position == 0.0 and time.monotonic() < deadline:
            time.sleep(0.01)
        assert ear.harvest()[0].position == 3.0
        rest = CueEar(recording(8.0), segments, aligner, "sidecar@1", pool, 1, 3.0)
        rest.feed(speech.cut(Span(2.4, 8.0)))
        rest.finish()
        (harvest,) = rest.harvest()
    assert [passage.segment.text for passage in harvest.passages] == ["Two.", "Three."] and harvest.position == 8.0


def test_a_book_inside_a_cue_is_not_aligned(speech: Waveform, aligner: SphinxAligner) -> None:
    segments = segments_of([Cue(0.0, 2.0, "word " * 20_000)], speech.span, "en", "sidecar@1", print)
    began = time.process_time()
    assert aligned(segments, speech, aligner) == segments
    assert time.process_time() - began < 1.0


def test_more_words_than_anybody_says_keep_their_times() -> None:
    from earmark.indexing.placing import is_placed
    from earmark.records import Segment, Word
    from earmark.timeline import Span

    def cue(start: float) -> Segment:
        words = tuple(Word("word", Span(start, start + 1.0), aligned=False) for _ in range(3))
        return Segment(Span(start, start + 1.0), "word word word", words, "en", "sidecar@1")

    assert not is_placed([cue(float(i)) for i in range(9)])
    assert is_placed([cue(i * 9 / 50_000) for i in range(50_000)])
