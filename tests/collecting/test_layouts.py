"""Collections as others lay them out: what is known of each recording is read, nothing is opened or copied."""

from __future__ import annotations

from pathlib import Path

import pytest

from earmark.collecting.layouts import beside, read_source
from earmark.collecting.recordings import Entry, write_entries
from earmark.errors import FormatError, MediaError
from earmark.timeline import Span


def touch(*paths: Path) -> None:
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")


def test_a_folder_of_media(tmp_path):
    touch(tmp_path / "b.mp3", tmp_path / "x" / "a.wav", tmp_path / "notes.txt", tmp_path / "out" / "c.wav")
    assert read_source(tmp_path, exclude=[tmp_path / "out"]) == (
        "folder",
        [Entry(tmp_path / "b.mp3"), Entry(tmp_path / "x" / "a.wav")],
    )


def test_one_file(tmp_path):
    touch(tmp_path / "a.wav")
    assert read_source(tmp_path / "a.wav") == ("folder", [Entry(tmp_path / "a.wav")])


def test_what_collect_made(tmp_path):
    write_entries(tmp_path, [Entry(tmp_path / "a.mp3", title="A", language="fa")])
    assert read_source(tmp_path) == ("collected", [Entry(tmp_path / "a.mp3", title="A", language="fa")])


def test_librispeech(tmp_path):
    chapter = tmp_path / "dev-clean" / "84" / "121123"
    touch(chapter / "84-121123-0000.flac", chapter / "84-121123-0001.opus")
    (chapter / "84-121123.trans.txt").write_text("84-121123-0000 GO\n84-121123-0001 DO YOU HEAR\n")
    assert read_source(tmp_path) == (
        "librispeech",
        [
            Entry(chapter / "84-121123-0000.flac", text="GO", language="en", speaker="84", split="validation"),
            Entry(chapter / "84-121123-0001.opus", text="DO YOU HEAR", language="en", speaker="84", split="validation"),
        ],
    )


def test_a_broken_line_of_librispeech(tmp_path):
    touch(tmp_path / "1-2.trans.txt")
    (tmp_path / "1-2.trans.txt").write_text("1-2-0000 GO\nnonsense\n")
    with pytest.raises(FormatError) as caught:
        read_source(tmp_path)
    assert str(caught.value) == (
        f"{tmp_path}/1-2.trans.txt, line 2: expected SPEAKER-CHAPTER-NUMBER and what was said, found 'nonsense'. "
        "Correct the line, or delete it."
    )


def test_common_voice(tmp_path):
    (tmp_path / "clips").mkdir()
    head = "client_id\tpath\tsentence\tlocale\n"
    (tmp_path / "train.tsv").write_text(head + 's1\ta.mp3\t"Quoted, he said\tfa\n', encoding="utf-8")
    (tmp_path / "test.tsv").write_text(head + "s2\tb.mp3\tسلام\tfa\n", encoding="utf-8")
    (tmp_path / "validated.tsv").write_text(head + "s3\tc.mp3\tno\tfa\n")
    clips = tmp_path / "clips"
    assert read_source(tmp_path) == (
        "common-voice",
        [
            Entry(clips / "a.mp3", text='"Quoted, he said', language="fa", speaker="s1", split="train"),
            Entry(clips / "b.mp3", text="سلام", language="fa", speaker="s2", split="test"),
        ],
    )


def test_musan(tmp_path):
    touch(tmp_path / "speech" / "librivox" / "s.wav", tmp_path / "music" / "m.wav", tmp_path / "README")
    assert read_source(tmp_path) == (
        "musan",
        [Entry(tmp_path / "music" / "m.wav", label="music"), Entry(tmp_path / "speech/librivox/s.wav", label="speech")],
    )


@pytest.mark.parametrize("delimiter", [",", ";"])
def test_a_table(tmp_path, delimiter):
    table = tmp_path / "list.csv"
    rows = [["File", "Transcript", "lang", "speaker", "split"]]
    rows += [["x/a.opus", '"One, two; three"', "en-GB", "ann", "dev"]]
    table.write_text("\ufeff" + "\r\n".join(delimiter.join(row) for row in rows), encoding="utf-8")
    entry = Entry(tmp_path / "x/a.opus", text="One, two; three", language="en", speaker="ann", split="validation")
    assert read_source(table) == ("table", [entry])
    table.rename(tmp_path / "manifest.csv")
    assert read_source(tmp_path) == ("table", [entry])


def test_a_table_with_times_gives_lines(tmp_path):
    table = tmp_path / "list.csv"
    table.write_text("path,start,end,text\na.wav,2,3.5,second\na.wav,0,1,first\nb.wav,,,whole\n")
    assert read_source(table)[1] == [
        Entry(tmp_path / "a.wav", lines=((Span(0, 1), "first"), (Span(2, 3.5), "second"))),
        Entry(tmp_path / "b.wav", text="whole"),
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,b\n1,2\n", "list.csv, line 1: expected a column of files (path, file, file_name, filename), found a, b. "),
        ("", "list.csv, line 1: expected a column of files (path, file, file_name, filename), found no header. "),
        (
            "path,text\na.wav,x\na.wav,y\n",
            "list.csv, line 3: expected one row a file, or start and end in each, found a.wav a second time. ",
        ),
        (
            "path,start,end,text\na.wav,2,1,x\n",
            "list.csv, line 2: expected start and end in seconds, start first, found '2' and '1'. ",
        ),
    ],
)
def test_tables_that_do_not_parse(tmp_path, text, message):
    (tmp_path / "list.csv").write_text(text)
    with pytest.raises(FormatError) as caught:
        read_source(tmp_path / "list.csv")
    assert message in str(caught.value)


def test_a_table_that_is_no_text(tmp_path):
    (tmp_path / "list.csv").write_bytes(b"path\n\xff.wav\n")
    with pytest.raises(FormatError, match="expected text in UTF-8, found byte 5 that is not. Save it as UTF-8."):
        read_source(tmp_path / "list.csv")


def test_nothing_there(tmp_path):
    with pytest.raises(MediaError, match="expected a file or folder, found nothing there"):
        read_source(tmp_path / "gone")


def test_text_beside_the_media(tmp_path):
    (tmp_path / "a.txt").write_text("all of\n it\n")
    (tmp_path / "b.txt").write_text("not this")
    (tmp_path / "b.srt").write_text("1\n00:00:01,000 --> 00:00:02,500\nHello\nthere\n")
    assert beside(Entry(tmp_path / "a.wav")).text == "all of it"
    assert beside(Entry(tmp_path / "b.wav")).lines == ((Span(1, 2.5), "Hello there"),)
    assert beside(Entry(tmp_path / "a.wav", text="known")).text == "known"
    assert beside(Entry(tmp_path / "c.wav")) == Entry(tmp_path / "c.wav")
