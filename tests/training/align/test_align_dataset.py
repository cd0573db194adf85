"""AudioGrounding in both versions, any CSV, and every broken entry with its file and line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from earmark.errors import EarmarkError, FormatError, MediaError
from earmark.timeline import Span
from earmark.training.align.dataset import Caption, Phrase, Split, keep_known, read_audio_grounding, read_csv


def audio(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")


def item(**changes: object) -> dict[str, Any]:
    """A clip of version 2."""
    return {
        "audiocap_id": 7,
        "audio_id": "Yabc.wav",
        "tokens": "A dog barks and a man speaks",
        "phrases": [
            {"phrase": "a dog barks", "start_index": 0, "end_index": 2, "segments": [[3.0, 4.0], [0.5, 1.0]]},
            {"phrase": "a man speaks", "start_index": 4, "end_index": 6, "segments": [[0, 0]]},
        ],
        **changes,
    }


def write(folder: Path, *items: object) -> Path:
    audio(folder, "train/audio/Yabc.wav")
    (folder / "train.json").write_text("[\n" + ",\n".join(json.dumps(one) for one in items) + "\n]\n")
    return folder


EXPECTED = (
    Phrase("train/audio/Yabc.wav", "a dog barks", ("a", "dog", "barks"), (Span(0.5, 1), Span(3, 4))),
    Phrase("train/audio/Yabc.wav", "a man speaks", ("a", "man", "speaks"), ()),
)


def same(found: tuple[Phrase, ...]) -> bool:
    return [(p.clip, p.text, p.words, p.spans) for p in found] == [(p.clip, p.text, p.words, p.spans) for p in EXPECTED]


def test_version_2_is_a_list_of_clips(tmp_path: Path) -> None:
    splits = read_audio_grounding(write(tmp_path, item()))
    assert list(splits) == ["train"]
    assert same(splits["train"].phrases)
    caption = splits["train"].captions[0]
    assert caption.text == "A dog barks and a man speaks"
    assert caption.words == ("a", "dog", "barks", "and", "a", "man", "speaks")
    assert caption.place == f"{tmp_path / 'train.json'}:2 (phrase 1)"
    assert splits["train"].files == {"train/audio/Yabc.wav": tmp_path / "train/audio/Yabc.wav"}


def test_version_1_is_a_table_of_columns(tmp_path: Path) -> None:
    audio(tmp_path, "train/audio/abc_16.000_26.000.wav", "train/audio/abc_30.000_40.000.wav")
    table = {
        "audiocap_id": {"11": 7, "12": 7, "13": 8},
        "filename": {
            "11": "abc_16.000_26.000.wav",
            "12": "abc_16.000_26.000.wav",
            "13": "abc_30.000_40.000.wav",
        },
        "caption": {
            "11": "A dog barks and a man speaks",
            "12": "A dog barks and a man speaks",
            "13": "Rain",
        },
        "soundtag": {"11": "a dog barks", "12": "a man speaks", "13": "rain"},
        "timestamps": {"11": [[3.0, 4.0], [0.5, 1.0]], "12": [[0, 0]], "13": [[0.0, 10.0]]},
    }
    (tmp_path / "train.json").write_text(json.dumps(table))
    split = read_audio_grounding(tmp_path)["train"]
    # Two excerpts of one video are two clips.
    assert split.clips == ["train/audio/abc_16.000_26.000.wav", "train/audio/abc_30.000_40.000.wav"]
    assert len(split.captions) == 2
    assert [phrase.spans for phrase in split.phrases] == [(Span(0.5, 1), Span(3, 4)), (), (Span(0, 10),)]
    assert split.phrases[2].place.endswith("(row 13)")


def phrase(**changes: object) -> list[dict[str, object]]:
    return [{"phrase": "a dog barks", "segments": [[0.5, 1.0]], **changes}]


BROKEN = [
    (
        item(audio_id="Yxyz.wav", phrases=[]),
        "2: expected the audio file Yxyz.wav in train/audio, found no such file. "
        "Fetch it, or leave such clips out with --skip-broken.",
    ),
    (
        item(tokens="... !"),
        "2 (phrase 1): expected a caption with at least one word, found '... !', which is empty after "
        "cleaning. Give the clip a caption, or leave it out with --skip-broken.",
    ),
    (
        item(phrases=phrase(segments=[])),
        "2 (phrase 1): expected the segments of the phrase 'a dog barks', found none. "
        "Write [[0, 0]] for a phrase that is not heard.",
    ),
    (
        item(phrases=phrase(segments=[[4.0, 3.0]])),
        "2 (phrase 1): expected an offset after its onset, found 4 to 3. Write the earlier time first.",
    ),
    (
        item(phrases=phrase(segments=[[1.0, 3.0], [2.5, 4.0]])),
        "2 (phrase 1): expected segments that do not overlap, found 1 to 3 and 2.5 to 4. Merge them into one.",
    ),
    (
        item(phrases=phrase(segments=[["1.0", 3.0]])),
        '2 (phrase 1): expected segments of two times, [onset, offset], found ["1.0", 3.0]. Write times in seconds.',
    ),
    (
        {"tokens": "a dog"},
        '2: expected a clip with its audio_id, found {"tokens": "a dog"}. See `train.json` of AudioGrounding.',
    ),
]


@pytest.mark.parametrize(("broken", "message"), BROKEN, ids=range(len(BROKEN)))
def test_a_broken_entry_is_named_with_file_and_line(tmp_path: Path, broken: object, message: str) -> None:
    folder = write(tmp_path, broken, item())
    with pytest.raises(EarmarkError) as caught:
        read_audio_grounding(folder)
    assert str(caught.value) == f"{folder / 'train.json'}:{message}"
    skipped: list[EarmarkError] = []
    split = read_audio_grounding(folder, skipped.append)["train"]
    assert skipped
    assert split.captions  # the whole entry is still there


def test_a_file_that_is_no_json_or_another_table(tmp_path: Path) -> None:
    (tmp_path / "train.json").write_text('[\n{"audio_id": "x.wav"},\n{"audio_id"')
    with pytest.raises(FormatError, match=r"train.json:3: expected JSON, found Expecting ':' delimiter"):
        read_audio_grounding(tmp_path)
    (tmp_path / "train.json").write_text('{"filename": {}, "tokens": {}}')
    with pytest.raises(FormatError, match="expected a column soundtag, found filename, tokens"):
        read_audio_grounding(tmp_path)
    (tmp_path / "train.json").write_text("3")
    with pytest.raises(FormatError, match="expected a list of clips, or a table of columns, found int"):
        read_audio_grounding(tmp_path)
    with pytest.raises(FormatError, match="expected train.json and audio below it, found no such folder"):
        read_audio_grounding(tmp_path / "none")


def test_a_csv_has_captions_and_may_have_times(tmp_path: Path) -> None:
    audio(tmp_path, "a b.wav", "c.wav")
    path = tmp_path / "clips.csv"
    path.write_text(
        "file,caption,split,phrase,start,end\n"
        "a b.wav,A dog barks,,the dog,3,4\n"
        "a b.wav,A dog barks,,the dog,0.5,1\n"
        "c.wav,Rain,test,,,\n"
    )
    splits = read_csv(path)
    assert list(splits) == ["train", "test"]
    assert splits["train"].phrases[0].spans == (Span(0.5, 1), Span(3, 4))
    assert splits["train"].captions == (Caption("a b.wav", "A dog barks", ("a", "dog", "barks"), f"{path}:2"),)
    assert splits["test"].clips == ["c.wav"]


CSV_BROKEN = [
    ("x.wav,Rain,,,,", MediaError, "expected the audio file x.wav beside the table, found no such file."),
    ("c.wav,???,,,,", FormatError, "expected a caption with at least one word, found '???', which is empty"),
    ("c.wav,Rain,dev,,,", FormatError, "expected a split out of train, val, test, found 'dev'."),
    ("c.wav,Rain,,rain,2,1", FormatError, "expected an offset after its onset, found 2 to 1."),
    ("c.wav,Rain,,rain,soon,1", FormatError, "expected a number in 'start', found 'soon'."),
    (",Rain,,,,", MediaError, "expected a file name, found an empty field."),
]


@pytest.mark.parametrize(("row", "kind", "message"), CSV_BROKEN, ids=range(len(CSV_BROKEN)))
def test_a_broken_csv_line_is_named(tmp_path: Path, row: str, kind: type, message: str) -> None:
    audio(tmp_path, "c.wav")
    path = tmp_path / "clips.csv"
    path.write_text(f"file,caption,split,phrase,start,end\n{row}\nc.wav,Wind,,,,\n")
    with pytest.raises(kind) as caught:
        read_csv(path)
    assert str(caught.value).startswith(f"{path}:2: {message}")
    skipped: list[EarmarkError] = []
    assert [caption.text for caption in read_csv(path, skipped.append)["train"].captions][-1] == "Wind"
    assert len(skipped) == 1


def test_a_csv_without_its_columns(tmp_path: Path) -> None:
    path = tmp_path / "clips.csv"
    path.write_text("path,text\n")
    with pytest.raises(FormatError) as caught:
        read_csv(path)
    assert str(caught.value) == (
        f"{path}:1: expected the columns file and caption, found path, text. Name the columns in the first line."
    )
    with pytest.raises(FormatError, match="expected a CSV of file,caption, found no such file"):
        read_csv(tmp_path / "none.csv")


def test_an_unknown_word_is_named_once_and_left_out(tmp_path: Path) -> None:
    captions = (
        Caption("a", "dog zzz", ("dog", "zzz"), "t:1"),
        Caption("a", "zzz", ("zzz",), "t:2"),
        Caption("b", "zzz", ("zzz",), "t:3"),
    )
    split = Split({"a": Path("a"), "b": Path("b")}, captions)
    with pytest.raises(FormatError) as caught:
        keep_known(split, {"dog"}.__contains__)
    assert str(caught.value) == (
        "t:1: expected words that have a vector, found 'zzz'. "
        "Add it to the spelling table, or leave such words out with --skip-broken."
    )
    skipped: list[EarmarkError] = []
    kept = keep_known(split, {"dog"}.__contains__, skipped.append)
    assert len(skipped) == 1
    assert [caption.words for caption in kept.captions] == [("dog",)]
    assert kept.clips == ["a"]
