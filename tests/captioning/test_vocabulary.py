from __future__ import annotations

from pathlib import Path

import pytest

from earmark.captioning.vocabulary import Caption, builtin_vocabulary, read_vocabulary, vocabulary_of
from earmark.engines import registry
from earmark.errors import FormatError, UsageError
from earmark.formats.captions import lines_of
from earmark.scenes.vocabulary import shipped_vocabulary
from earmark.settings import CaptionSettings


def test_a_list_with_commas() -> None:
    captions, again = vocabulary_of(" dog  barking, door slam ,")
    assert captions == [Caption("dog barking", "dog barking"), Caption("door slam", "door slam")]
    assert again == []


def test_a_sound_named_twice_is_asked_for_once() -> None:
    captions, again = vocabulary_of("rain, Rain, thunder, rain")
    assert [each.sound for each in captions] == ["rain", "thunder"] and again == ["Rain", "rain"]


@pytest.mark.parametrize("nothing", ["", "  ", ",", " , ,"])
def test_a_list_of_nothing_is_an_error(nothing: str) -> None:
    with pytest.raises(UsageError) as error:
        vocabulary_of(nothing)
    assert str(error.value) == (
        '--sounds: expected sounds to listen for, found none. Try: --sounds "dog barking, door slam"'
    )


def test_a_file_of_sounds(tmp_path: Path) -> None:
    path = tmp_path / "sounds.txt"
    path.write_text("# mine\n\nrain\na violin | violin plays | music\na dog barking | dog\n", encoding="utf-8")
    captions, _ = vocabulary_of(str(path))
    assert [(each.sound, each.text) for each in captions] == [
        ("rain", "[rain]"),
        ("a violin", "♪ violin plays ♪"),
        ("a dog barking", "[dog]"),
    ]


def test_a_file_that_is_not_there_is_no_sound(tmp_path: Path) -> None:
    (tmp_path / "folder.txt").mkdir()
    for name, found in (("gone.txt", "no such file"), ("folder.txt", "a folder"), ("no/gone.txt", "no such file")):
        with pytest.raises(UsageError) as error:
            vocabulary_of(str(tmp_path / name))
        assert str(error.value) == f"{tmp_path / name}: expected a file of sounds, found {found}. Check the path."


def test_a_file_of_other_bytes(tmp_path: Path) -> None:
    (tmp_path / "sounds.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(FormatError, match=r"sounds.txt: expected text in UTF-8, found other bytes. Save it as UTF-8."):
        vocabulary_of(str(tmp_path / "sounds.txt"))


@pytest.mark.parametrize("line", ["a | b | c", "a | b | music | d", "| b", "a |"])
def test_a_line_that_does_not_parse_is_named(line: str) -> None:
    with pytest.raises(FormatError) as error:
        read_vocabulary(f"rain\n{line}\n", "list")
    assert str(error.value).startswith("list:2: expected a sound, or sound | caption, or sound | caption | kind")


def test_a_file_of_nothing() -> None:
    with pytest.raises(UsageError) as error:
        read_vocabulary("# nothing\n", "list")
    assert str(error.value) == "list: expected sounds, one a line, found none. Write one a line: a dog barking"


def test_music_stands_between_notes() -> None:
    captions, _ = vocabulary_of("a pop song, laughter, singing")
    assert [each.text for each in captions] == ["♪ a pop song ♪", "[laughter]", "♪ singing ♪"]
    assert captions[1].kind == "voice"  # the built-in list knows that voices laugh


def test_the_built_in_list_is_short_different_and_readable() -> None:
    captions = builtin_vocabulary()
    assert 60 <= len(captions) <= 120
    assert len({each.text for each in captions}) == len(captions)
    assert all(len(lines_of(each.text, CaptionSettings()) or ()) == 1 for each in captions)


def test_the_ears_were_trained_on_all_of_it() -> None:
    vocabulary = shipped_vocabulary()
    wordings = {wording.lower() for label in vocabulary.wordings for wording in vocabulary.words(label)}
    assert [each.sound for each in builtin_vocabulary() if each.sound not in wordings] == []
    engine = registry.load("sound", "earmark")
    assert sum(engine.knows(each.sound) for each in builtin_vocabulary()) >= 0.9 * len(builtin_vocabulary())
