"""One data set, read by everything that trains and measures."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from earmark.evaluation.inputs import read_references
from earmark.formats.manifest import Chunk, write_manifest
from earmark.scenes.clips import read_clips
from earmark.timeline import Span
from earmark.training.speech_text.settings import SpeechTextSettings
from earmark.training.speech_text.sources import read_sources


@pytest.fixture
def data(tmp_path: Path, write_media: Callable[..., Path], sound: type[Any], tone: Callable[..., Any]) -> Path:
    write_media(tmp_path / "a.wav", sound(tone(0.0, 1.0, 4.0)))
    said = ("a dog barks in the yard", "rain falls")
    write_manifest(
        tmp_path,
        [
            Chunk("a-0", "a", str(tmp_path / "a.wav"), 0.0, 2.0, said[0], ("dog barks", "yard"), "en", "train", "s"),
            Chunk("a-1", "a", str(tmp_path / "a.wav"), 2.0, 4.0, said[1], ("rain",), "en", "train", "s"),
            Chunk("a-2", "a", str(tmp_path / "a.wav"), 3.0, 4.0, "", (), "", "validation", "", "music"),
        ],
    )
    return tmp_path


def test_the_sound_model(data: Path) -> None:
    clips = read_clips(data)
    assert [(clip.path.name, clip.label, clip.span) for clip in clips] == [
        ("a.wav", "speech", Span(0.0, 2.0)), ("a.wav", "speech", Span(2.0, 4.0)), ("a.wav", "music", Span(3.0, 4.0)),
    ]  # fmt: skip
    assert clips[0].caption == "a dog barks in the yard"


def test_the_alignment_model(data: Path) -> None:
    pytest.importorskip("torch")
    from earmark.training.align.dataset import read_csv

    broken: list[Any] = []
    splits = read_csv(data / "manifest.csv", broken.append)
    assert [caption.text for caption in splits["train"].captions] == ["a dog barks in the yard", "rain falls"]
    assert len(broken) == 1, "a chunk without words has no caption to align"


def test_the_speech_text_model(data: Path) -> None:
    found = read_sources(SpeechTextSettings(manifests=(str(data / "manifest.jsonl"),)))
    assert [(one.text, one.span) for one in found] == [
        ("a dog barks in the yard", Span(0.0, 2.0)), ("rain falls", Span(2.0, 4.0)),
    ]  # fmt: skip


def test_what_measures(data: Path) -> None:
    references = read_references(data / "manifest.jsonl")
    assert references.spans == {("a", "dog barks yard"): (Span(0.0, 2.0),), ("a", "rain"): (Span(2.0, 4.0),)}
    assert references.transcripts == {"a": "a dog barks in the yard rain falls"}
