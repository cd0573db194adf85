"""Every format gives back what it was given, and another program's parser reads the same."""

from __future__ import annotations

import csv
import io
import json
import re
import sys

import pytest

from earmark.errors import EngineError, FormatError, UsageError
from earmark.formats import EXTENSIONS, FORMATS, Label, format_of, label_of_moment, label_of_segment, read, write
from earmark.records import Moment, Recording, Segment, Word
from earmark.timeline import Span

WORDS = (Word("hello", Span(0.5, 0.9), 0.75), Word("world", Span(1.0, 1.25), 0.5, aligned=False))
LABELS = [
    Label(Span(0.5, 1.25), "hello world", kind="said", probability=0.625, words=WORDS, language="en"),
    Label(Span(1.001, 2.999), "a tab\there\nand a line", kind="heard", probability=0.25),
    Label(Span(3601.5, 3602.123), 'C:\\New "quoted", <b> & {braces}', kind="heard"),
    Label(Span(7200.0, 7200.001), "سلام، دنیا. it was می‌شود", kind="said"),
]
RECORDING = Recording("id", "/x/talk one.mp4", 8_000.0)
READABLE = [name for name in FORMATS if name not in ("txt", "segmented", "rttm")]


def written(labels, format: str, recordings=()) -> str:
    out = io.StringIO()
    write(labels, out, format, recordings=recordings)
    return out.getvalue()


def reread(tmp_path, labels, format: str, recordings=()) -> list[Label]:
    path = tmp_path / "labels"
    write(labels, path, format, recordings=recordings, force=True)
    return read(path, format)


@pytest.mark.parametrize("format", READABLE)
def test_times_and_text_come_back(tmp_path, format):
    back = sorted(reread(tmp_path, LABELS, format, [RECORDING]), key=lambda label: label.span)
    assert [label.title for label in back] == [label.title for label in LABELS]
    for label, given in zip(back, LABELS, strict=True):
        near = 0.0051 if format == "ass" else 1e-9
        assert label.span.start == pytest.approx(given.span.start, abs=near)
        assert label.span.end == pytest.approx(given.span.end, abs=near if format != "ass" else 0.011)


@pytest.mark.parametrize("format", ["json", "jsonl"])
def test_json_gives_back_everything(tmp_path, format):
    assert reread(tmp_path, LABELS, format) == LABELS


@pytest.mark.parametrize("format", FORMATS)
def test_no_labels_are_no_error(tmp_path, format):
    path = tmp_path / "labels"
    write([], path, format, recordings=[RECORDING])
    if format != "txt":
        assert read(path, format) == []


# Each format by the parser of another program


def test_srt_by_the_srt_package():
    import srt

    cues = list(srt.parse(written(LABELS, "srt")))
    assert [cue.content.replace("\u2060", "") for cue in cues][:3] == [label.text for label in LABELS[:3]]
    assert [(cue.start.total_seconds(), cue.end.total_seconds()) for cue in cues] == [
        (label.span.start, label.span.end) for label in LABELS
    ]


def test_vtt_by_ffmpeg(tmp_path):
    import av

    path = tmp_path / "a.vtt"
    write(LABELS, path)
    assert path.read_text().startswith("WEBVTT\n\n")
    with av.open(str(path)) as container:
        stream = container.streams.subtitles[0]
        packets = [packet for packet in container.demux(stream) if packet.size]
        cues = [(float(packet.pts * packet.time_base), bytes(packet).decode()) for packet in packets]
    assert cues[0] == (0.5, "hello world")
    assert cues[1] == (1.001, "a tab\there\nand a line")
    assert cues[2][1].replace("\u2060", "") == 'C:\\New "quoted", &lt;b&gt; &amp; {braces}'


def test_ass_by_ffmpeg(tmp_path):
    import av

    path = tmp_path / "a.ass"
    write(LABELS[:2], path)
    with av.open(str(path)) as container:
        stream = container.streams.subtitles[0]
        lines = [bytes(packet).decode() for packet in container.demux(stream) if packet.size]
    assert [line.split(",", 8)[8] for line in lines] == ["hello world", "a tab\there\\Nand a line"]


def test_csv_by_the_csv_module():
    rows = list(csv.DictReader(io.StringIO(written(LABELS, "csv"))))
    assert [row["text"] for row in rows] == [label.text for label in LABELS]
    assert (rows[1]["start"], rows[1]["end"], rows[1]["kind"]) == ("1.001", "2.999", "heard")
    assert (rows[1]["probability"], rows[2]["probability"]) == ("0.2500", "")


def test_textgrid_by_the_textgrid_package(tmp_path):
    import textgrid

    path = tmp_path / "a.TextGrid"
    write(LABELS, path, recordings=[RECORDING])
    grid = textgrid.TextGrid.fromFile(str(path))
    assert [tier.name for tier in grid] == ["said", "heard"]
    assert grid.maxTime == 8_000.0
    marks = [(each.minTime, each.maxTime, each.mark) for each in grid[1] if each.mark]
    assert marks[0] == (1.001, 2.999, "a tab\\there\\nand a line")


def test_overlapping_labels_get_a_tier_of_their_own():
    labels = [Label(Span(start, start + 2.0), kind="speech") for start in (0.0, 1.0, 2.0)]
    names = re.findall(r'name = "(.*)"', written(labels, "textgrid"))
    assert names == ["speech", "speech 2"]


@pytest.mark.filterwarnings("ignore:Passing a schema:DeprecationWarning")  # inside jams
def test_jams_by_its_own_schema():
    import jams

    document = jams.load(io.StringIO(written(LABELS, "jams", [RECORDING])), validate=True, strict=True)
    assert document.file_metadata.duration == 8_000.0
    said, heard = document.annotations
    assert [each.value for each in heard.data] == [LABELS[1].text, LABELS[2].text]
    assert heard.data[0].time == 1.001 and heard.data[0].duration == 1.998
    assert heard.data[0].confidence == 0.25


def test_rttm_by_its_grammar():
    labels = [
        Label(Span(0.0, 1.5), kind="speech", recording="/x/my talk.mp4", probability=0.5),
        Label(Span(2.25, 3.0), kind="music", recording="/y/b.wav", speaker="two\twords"),
    ]
    pattern = re.compile(r"^SPEAKER (\S+) 1 (\d+\.\d{3}) (\d+\.\d{3}) <NA> <NA> (\S+) (\S+) <NA>$")
    rows = [pattern.match(line).groups() for line in written(labels, "rttm").splitlines()]
    assert rows == [
        ("my%20talk", "0.000", "1.500", "speech", "0.5000"),
        ("b", "2.250", "0.750", "two%09words", "<NA>"),
    ]


def test_rttm_comes_back(tmp_path):
    labels = [Label(Span(0.5, 1.75), "a%b\nc", recording="/x/a.wav"), Label(Span(2.0, 3.0), kind="noise")]
    back = reread(tmp_path, labels, "rttm")
    assert [(each.span, each.speaker, each.recording) for each in back] == [
        (Span(0.5, 1.75), "a%b\nc", "a"),
        (Span(2.0, 3.0), "noise", ""),
    ]


def test_rttm_names_of_two_folders_stay_apart():
    labels = [Label(Span(0, 1), kind="speech", recording=path) for path in ("/x/a.wav", "/y/a.wav")]
    assert [line.split()[1] for line in written(labels, "rttm").splitlines()] == ["/x/a.wav", "/y/a.wav"]


def test_audacity_is_three_columns():
    rows = [line.split("\t") for line in written(LABELS, "audacity").splitlines()]
    assert rows[1] == ["1.001000", "2.999000", "a tab\\there\\nand a line"]
    assert rows[2][2] == 'C:\\\\New "quoted", <b> & {braces}'


def test_audacity_passes_over_spectral_lines(tmp_path):
    path = tmp_path / "labels.txt"
    path.write_text("0.5\t1.0\tdoor\n\\\t100.0\t2000.0\n2.0\t2.0\n")
    assert read(path, "audacity") == [Label(Span(0.5, 1.0), "door"), Label(Span(2.0, 2.0), "")]


def test_txt_is_the_words_alone():
    assert written(LABELS[:2], "txt") == "hello world\na tab here and a line\n"
    two = [Label(Span(0, 1), "one", recording="a.wav"), Label(Span(0, 1), "two", recording="b.wav")]
    assert written(two, "txt") == "# a.wav\none\n\n# b.wav\ntwo\n"


def test_json_of_one_recording_names_it_once():
    labels = [Label(Span(0, 1), "one", recording=RECORDING.path)]
    document = json.loads(written(labels, "json", [RECORDING]))
    assert document == {
        "recording": "/x/talk one.mp4",
        "duration": 8000.0,
        "segments": [{"start": 0.0, "end": 1.0, "text": "one"}],
    }


def test_json_of_two_recordings_names_each(tmp_path):
    labels = [Label(Span(0, 1), "one", recording="a.wav"), Label(Span(0, 1), "two", recording="b.wav")]
    assert reread(tmp_path, labels, "json") == labels


def test_a_name_of_undecodable_bytes_survives(tmp_path):
    labels = [Label(Span(0, 1), kind="speech", recording="caf\udce9.wav")]
    for format in ("jsonl", "json", "csv", "segmented"):
        assert reread(tmp_path, labels, format)[0].recording == "caf\udce9.wav"
    json.loads(written(labels, "jsonl").encode())  # valid UTF-8, valid JSON


# segmented.tsv


def test_segmented_is_a_row_a_file():
    recordings = [Recording("1", "/x/a.mp3", 10.0), Recording("2", "/x/silent.wav", 5.0)]
    labels = [
        Label(Span(0.5, 2.0), kind="speech", recording="/x/a.mp3"),
        Label(Span(1.0, 9.0), kind="music", recording="/x/a.mp3"),
        Label(Span(4.0, 5.25), kind="speech", recording="/x/a.mp3"),
    ]
    assert written(labels, "segmented", recordings) == (
        "/x/a.mp3\t0.500\t2.000\t4.000\t5.250\t0.2750\n/x/silent.wav\t0\n"
    )


@pytest.mark.parametrize("name", ["a b.mp3", "a\tb.mp3", "a\nb.mp3", 'a"b.mp3', "C:\\talks\\new.mp3", "گفتگو.mp3"])
def test_segmented_keeps_any_name(tmp_path, name):
    labels = [Label(Span(0.5, 2.0), kind="speech", recording=name)]
    text = written(labels, "segmented")
    (row,) = csv.reader(io.StringIO(text, newline=""), delimiter="\t")
    assert row == [name, "0.500", "2.000", "0.7500"]
    assert reread(tmp_path, labels, "segmented") == labels


# Where things are written


def test_the_extension_chooses(tmp_path):
    assert {format_of(f"a{extension.upper()}") for extension in EXTENSIONS} == set(FORMATS) - {"audacity"}
    assert format_of("a.txt", "Audacity") == "audacity"
    with pytest.raises(UsageError) as caught:
        format_of("a.docx")
    assert str(caught.value) == (
        "a.docx: expected a format of labels, found '.docx'. Use one of srt, vtt, ass, txt, json, jsonl, csv, "
        "segmented, rttm, textgrid, audacity, jams."
    )
    with pytest.raises(UsageError, match="^srtt: expected a format of labels, found 'srtt'"):
        format_of("a.srt", "srtt")
    with pytest.raises(UsageError, match="^labels: expected a format of labels, found no extension"):
        write([], "labels")


def test_a_file_that_is_there_is_kept_unless_forced(tmp_path):
    path = tmp_path / "a.srt"
    path.write_text("mine")
    with pytest.raises(FormatError) as caught:
        write(LABELS, path)
    assert str(caught.value) == (
        f"{path}: expected a free name, found a file that is already there. "
        "Choose another name, or pass --force to write over it."
    )
    assert path.read_text() == "mine"
    write(LABELS, path, force=True)
    assert len(read(path)) == len(LABELS)
    assert [each.name for each in tmp_path.iterdir()] == ["a.srt"]


def test_a_dash_is_standard_output(capsysbinary):
    write([Label(Span(0, 1), kind="speech", recording="caf\udce9.wav")], "-", "segmented")
    assert capsysbinary.readouterr().out == b"caf\xe9.wav\t0.000\t1.000\t1.0000\n"
    write([Label(Span(0, 1), "سلام")], "-", "txt")
    assert capsysbinary.readouterr().out.decode() == "سلام\n"


def test_formats_of_one_recording_refuse_two():
    labels = [Label(Span(0, 1), "x", recording=path) for path in ("a.wav", "b.wav")]
    for format in ("audacity", "textgrid", "jams"):
        with pytest.raises(FormatError) as caught:
            written(labels, format)
        assert str(caught.value) == (
            f"{format}: expected labels of one recording, found labels of 2. "
            "Write one file for each recording, or use csv, jsonl or rttm."
        )


@pytest.mark.parametrize(("format", "package"), [("textgrid", "praatio"), ("jams", "jams")])
def test_a_missing_package_names_the_extra(monkeypatch, format, package):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(EngineError) as caught:
        written(LABELS, format)
    assert str(caught.value) == (
        f"{format}: expected the package {package}, found it is not installed. "
        'Install it with: pip install "earmark[formats]"'
    )


# What does not parse


@pytest.mark.parametrize(
    ("format", "content", "said"),
    [
        ("csv", "a,b\n1,2\n", ":1: expected the columns start and end, found a, b. "),
        ("csv", "start,end\n0,1\nx,2\n", ":3: expected a time in seconds, found 'x'. "),
        ("csv", "start,end,probability\n0,1,7\n", ":2: expected a probability in [0, 1], found '7'. "),
        ("audacity", "0.5 1.0 door\n", ":1: expected start, end and label with tabs between, found '0.5 1.0 door'. "),
        ("audacity", "2.0\t1.0\tdoor\n", ":1: expected an end at or after the start, found 2.0 to 1.0. "),
        ("rttm", "SPEAKER a 1 0.0 1.0\n", ":1: expected at least 8 fields, found 5. "),
        ("rttm", "SPEAKER a 1 0.0 1.0 x x b c\n", ":1: expected a score or <NA>, found 'c'. "),
        ("segmented", "a.wav\t0.5\t0.1\n", ":1: expected a path, pairs of times and a ratio, found 3 columns. "),
        ("segmented", "a.wav\t0\nb.wav\t1\t2\n", ":2: expected a path, pairs of times and a ratio, found 3 columns. "),
        ("jsonl", '{"start": 0, "end": 1}\n[1]\n', ":2: expected a JSON object, found list. "),
        ("jsonl", '{"start": 0}\n', ":1: expected the key 'end', found none. "),
        ("jsonl", "{oops\n", ":1: expected a JSON object, found Expecting property name"),
        ("json", '{"segments": 3}', ":1: expected an object with a list of segments, found dict. "),
        ("json", '{"a":\n]', ":2: expected a JSON document, found Expecting value. "),
        ("srt", "no cues in here\n", ": expected srt subtitles, found no cue. "),
        ("vtt", "plain text\n", ": expected vtt subtitles, found no cue. "),
        ("textgrid", "plain text\n", ": expected a TextGrid, found something else. "),
        ("jams", "plain text\n", ": expected a JAMS document, found something else. "),
        ("jams", "[1, 2]", ": expected a JAMS document, found something else. "),
    ],
)
def test_what_does_not_parse_is_said_with_its_line(tmp_path, format, content, said):
    path = tmp_path / "labels"
    path.write_text(content)
    with pytest.raises(FormatError) as caught:
        read(path, format)
    assert str(caught.value).startswith(f"{path}{said}")


def test_what_cannot_be_read(tmp_path):
    with pytest.raises(
        FormatError, match=r"found an error of the system \(No such file or directory\)\. Check the path"
    ):
        read(tmp_path / "none.srt")
    (tmp_path / "a.txt").write_text("words")
    with pytest.raises(UsageError, match="expected a format with times, found txt. Read one of srt, vtt"):
        read(tmp_path / "a.txt")


# Labels


def test_labels_are_made_of_records():
    segment = Segment(Span(0.5, 1.25), "hello world", WORDS, language="en")
    assert label_of_segment(segment, "a.wav") == Label(
        Span(0.5, 1.25), "hello world", "said", "a.wav", 0.625, words=WORDS, language="en"
    )
    assert label_of_segment(Segment(Span(0, 1), "x")).probability is None
    moment = Moment(RECORDING, Span(1, 2), 0.5, "heard", "a door")
    assert label_of_moment(moment) == Label(Span(1, 2), "a door", "heard", RECORDING.path, 0.5)


def test_a_probability_is_checked():
    with pytest.raises(ValueError, match=r"probability must lie in \[0, 1\], got 1.5"):
        Label(Span(0, 1), probability=1.5)
