from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from earmark.errors import FormatError, UsageError
from earmark.training.speech_text.settings import Sentences, SpeechTextSettings
from earmark.training.speech_text.sources import plain, read_sources


def sentences(folder: Path, count: int = 40) -> Path:
    path = folder / "said.tsv"
    words = ("first", "second", "third", "fourth", "fifth")
    lines = [f'B{n // 10}-{n % 10}\tThe {words[n % 5]} sentence of line {n}, “so to say".' for n in range(count)]
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def test_both_sides_read_the_same_words() -> None:
    assert plain("Nineteen Eighty-Four!") == plain("1984") or plain("It's").islower()
    assert plain("كتاب‌هاي", "fa") == plain("کتاب‌های", "fa")


def test_sentences_of_a_book_stay_on_one_side(tmp_path: Path) -> None:
    found = read_sources(SpeechTextSettings(sentences=(Sentences(str(sentences(tmp_path))),)))
    sides = {one.recording: {other.split for other in found if other.recording == one.recording} for one in found}
    assert len(found) == 40 and len(sides) == 4
    assert sorted(map(sorted, sides.values())) == [["train"]] * 3 + [["validation"]]
    assert found[3].text == 'The fourth sentence of line 3, “so to say".', "quotes are part of a line"


def test_what_it_is_measured_on_is_never_learnt(tmp_path: Path) -> None:
    held = tmp_path / "held.csv"
    held.write_text("file,transcript\na.wav,THE FIRST SENTENCE OF LINE 0 so to say\n", encoding="utf-8")
    listed = (Sentences(str(sentences(tmp_path))),)
    found = read_sources(SpeechTextSettings(sentences=listed, leave_out=(str(held),)))
    assert len(found) == 39 and not any("line 0," in one.text for one in found)


def test_a_limit_keeps_what_a_smaller_one_keeps(tmp_path: Path) -> None:
    def ids(limit: int) -> list[str]:
        listed = (Sentences(str(sentences(tmp_path)), limit=limit),)
        return [one.id for one in read_sources(SpeechTextSettings(sentences=listed))]

    assert len(ids(20)) == 20 and set(ids(10)) < set(ids(20)) and ids(20) == sorted(ids(20))


def test_columns_by_name(tmp_path: Path) -> None:
    path = tmp_path / "stories.tsv"
    path.write_text("story\tlang\ttext\n1\ten\tOne day\n1\tfa\tروزی\n1\tfa\tشبی\n", encoding="utf-8")
    listed = Sentences(str(path), language="fa", text="text", only="lang=fa", takes=2)
    found = read_sources(SpeechTextSettings(sentences=(listed,)))
    assert [one.text for one in found] == ["روزی", "شبی"] * 2
    with pytest.raises(FormatError) as caught:
        read_sources(SpeechTextSettings(sentences=(replace(listed, text="words"),)))
    assert str(caught.value) == f"{path}: expected a column words, found story, lang, text. Check the config."


def test_chunks_for_testing_stay_out(tones: Path) -> None:
    manifest = tones / "manifest.jsonl"
    manifest.write_text(manifest.read_text(encoding="utf-8").replace('"validation"', '"test"'), encoding="utf-8")
    found = read_sources(SpeechTextSettings(manifests=(str(tones),)))
    assert len(found) == 20 and found[1].keywords == tuple(found[1].text.split()) and found[1].span is not None


def test_too_little(tmp_path: Path) -> None:
    path = tmp_path / "one.txt"
    path.write_text("Only this.\n\n …\n", encoding="utf-8")
    with pytest.raises(UsageError) as caught:
        read_sources(SpeechTextSettings(sentences=(Sentences(str(path)),)))
    assert str(caught.value) == (
        "earmark train speech-text: expected at least two utterances with a transcript to train on, found 1. "
        "Name more under `manifests:` or `sentences:`."
    )


def test_a_list_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FormatError) as caught:
        read_sources(SpeechTextSettings(sentences=(Sentences(str(tmp_path / "no.tsv")),)))
    assert (
        str(caught.value) == f"{tmp_path / 'no.tsv'}: expected a list of sentences, found no such file. Check the path."
    )  # noqa: E501
