"""Words looked for in the sound of a recording, across the blocks it is decoded in."""

from __future__ import annotations

import shutil
from importlib.util import find_spec
from pathlib import Path

import pytest

from earmark.engines.spotter.sphinx import SphinxSpotter
from earmark.errors import QueryError
from earmark.finding.spotting import find_spotted, pronunciations
from earmark.media.probe import probe
from earmark.settings import FindSettings


@pytest.fixture(scope="module")
def spotter() -> SphinxSpotter:
    return SphinxSpotter()


def test_a_word_is_found_and_another_is_not(tmp_path: Path) -> None:
    spec = find_spec("moonshine_voice")
    assert spec is not None and spec.origin is not None
    path = tmp_path / "talk.wav"
    shutil.copy(Path(spec.origin).parent / "assets" / "two_cities.wav", path)
    recording = probe(path)
    steps: list[float] = []
    found = find_spotted("incredulity", [recording], FindSettings(), lambda stage, done, total: steps.append(done))
    assert len(found) == 1 and found[0].kind == "said" and found[0].probability > 0.9
    assert found[0].evidence["way"] == "spotted" and 8 < found[0].span.start < 22
    assert steps == sorted(steps) and steps[-1] == pytest.approx(recording.duration_seconds, abs=0.1)
    assert find_spotted("hippopotamus", [recording]) == []


def test_names_are_said_by_rule_and_phrases_word_after_word(spotter: SphinxSpotter) -> None:
    assert pronunciations("kowalski", "en", spotter)
    assert pronunciations("red wisdom", "en", spotter)[0] == "R EH D W IH Z D AH M"
    assert pronunciations("سلام", "fa", spotter)[0] == "S AE L AA M"


@pytest.mark.parametrize(
    ("text", "found"), [("a", "one of 1"), ("中文", "none to say"), ("…", "none to say"), ("ما", "one of 2")]
)
def test_what_is_too_short_or_cannot_be_said(spotter: SphinxSpotter, text: str, found: str) -> None:
    with pytest.raises(QueryError) as caught:
        pronunciations(text, "fa" if text == "ما" else "en", spotter)
    assert str(caught.value) == (
        f"{text!r}: expected words of at least 3 sounds, in English or Persian letters, found {found}. "
        "Spot a longer word or a phrase."
    )
