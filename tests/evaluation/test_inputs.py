"""Reading: every field, every broken line by the value of its message, and round trips of frame scores."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from earmark.errors import EarmarkError, FormatError
from earmark.evaluation.inputs import read_estimates, read_references
from earmark.evaluation.score_files import read_curves, read_score_matrix, write_curves
from earmark.timeline import ScoreCurve, Span


def lines(path: Path, *rows: object) -> Path:
    path.write_text("\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows) + "\n")
    return path


def row(**fields: object) -> dict[str, object]:
    return {"recording": "a.wav", "query": "dog", "start": 1.0, "end": 2.0, **fields}


def test_references_hold_spans_absent_queries_durations_and_words(tmp_path: Path) -> None:
    path = lines(
        tmp_path / "truth.jsonl",
        row(start=5.0, end=6.0, duration=60.0),
        row(),
        row(),  # said twice, counts once
        "",
        row(query="cat", start=None, end=None),
        {"recording": "a.wav", "text": "hello"},
        {"recording": "b.wav", "class": "music", "start": 0, "end": 1},
    )
    truth = read_references(path)
    assert truth.spans == {
        ("a.wav", "dog"): (Span(1, 2), Span(5, 6)),
        ("a.wav", "cat"): (),
        ("b.wav", "music"): (Span(0, 1),),
    }
    assert truth.durations == {"a.wav": 60.0}
    assert truth.transcripts == {"a.wav": "hello"}
    assert truth.recordings == ["a.wav", "b.wav"]
    assert truth.queries == ["dog", "cat", "music"]


def test_estimates_come_by_falling_probability(tmp_path: Path) -> None:
    truth = read_references(lines(tmp_path / "truth.jsonl", row(), row(query="cat", start=None, end=None)))
    path = lines(
        tmp_path / "said.jsonl",
        row(probability=0.2),
        row(start=3, end=4, probability=0.7),
        row(query="cat", start=None, end=None, probability=0.1),
    )
    said = read_estimates(path, truth)
    assert said.of(("a.wav", "dog")).spans == (Span(3, 4), Span(1, 2))
    assert said.of(("a.wav", "dog")).presence == 0.7
    assert said.of(("a.wav", "cat")).spans == ()
    assert said.of(("a.wav", "cat")).presence == 0.1
    assert said.of(("z.wav", "dog")).presence == 0.0


def test_a_heard_moment_of_earmark_find_is_read_as_it_is(tmp_path: Path) -> None:
    truth = read_references(lines(tmp_path / "truth.jsonl", row()))
    moment = {"recording": "a.wav", "start": 1.0, "end": 2.0, "kind": "heard", "text": "dog", "probability": 0.75}
    said = read_estimates(lines(tmp_path / "said.jsonl", moment), truth)
    assert said.of(("a.wav", "dog")).probabilities == (0.75,)
    assert said.transcripts == {}


BROKEN = [
    (
        '{"recording": "a.wav", "query"',
        'expected one JSON object a line, found \'{"recording": "a.wav", "query"\' '
        "(Expecting ':' delimiter at column 31). Write JSON lines: one object, one line.",
    ),
    (
        "[1, 2]",
        "expected one JSON object a line, found '[1, 2]'. "
        'As in {"recording": "a.wav", "query": "dog", "start": 1.2, "end": 2.0}.',
    ),
    (
        {"query": "dog", "start": 1, "end": 2},
        "expected a text in 'recording', found no such field. Give every line its 'recording'.",
    ),
    (row(query=" "), "expected a text in 'query', found \" \". Give every line its 'query'."),
    (
        row(start=3.0),
        "expected an end after its start, found 3 to 2. Write times in seconds, the earlier one first.",
    ),
    (row(end=None), "expected a number in 'end', found null. Write seconds and scores as plain numbers."),
    (
        row(start="1.0"),
        "expected a number in 'start', found \"1.0\". Write seconds and scores as plain numbers.",
    ),
    (
        '{"recording": "a.wav", "query": "dog", "start": NaN, "end": 2}',
        "expected a number in 'start', found NaN. Write seconds and scores as plain numbers.",
    ),
]


@pytest.mark.parametrize(("line", "message"), BROKEN, ids=range(len(BROKEN)))
def test_a_broken_line_is_named_with_its_number(tmp_path: Path, line: object, message: str) -> None:
    path = lines(tmp_path / "truth.jsonl", row(), line)
    with pytest.raises(FormatError) as caught:
        read_references(path)
    assert str(caught.value) == f"{path}:2: {message}"
    broken: list[EarmarkError] = []
    assert len(read_references(path, broken.append).spans) == 1
    assert len(broken) == 1


def test_two_lengths_of_one_recording_are_an_error(tmp_path: Path) -> None:
    path = lines(tmp_path / "truth.jsonl", row(duration=60), row(duration=59))
    with pytest.raises(FormatError) as caught:
        read_references(path)
    assert str(caught.value) == (
        f"{path}:2: expected one duration for a.wav, found 60 s before and 59 s here. "
        "Write the length of the file on every line of it, or on none."
    )


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            row(query="fox"),
            "expected a recording and query the reference asks, found 'fox' of a.wav. "
            "Add it to the reference, with start and end null where the query is not there.",
        ),
        (
            row(probability=1.5),
            "expected a probability between 0 and 1, found 1.5. Map scores to probabilities first, say with a sigmoid.",
        ),
    ],
)
def test_a_broken_estimate_is_named(tmp_path: Path, line: object, message: str) -> None:
    truth = read_references(lines(tmp_path / "truth.jsonl", row()))
    path = lines(tmp_path / "said.jsonl", line)
    with pytest.raises(FormatError) as caught:
        read_estimates(path, truth)
    assert str(caught.value) == f"{path}:1: {message}"


def test_a_class_may_be_said_in_any_recording_of_the_reference(tmp_path: Path) -> None:
    truth = read_references(lines(tmp_path / "truth.jsonl", row(query="speech"), row(recording="b.wav", query="music")))
    path = lines(tmp_path / "said.jsonl", row(recording="b.wav", query="speech"))
    assert ("b.wav", "speech") in read_estimates(path, truth, crossed=True).answers
    with pytest.raises(FormatError, match="found 'speech' of b.wav"):
        read_estimates(path, truth)


def test_files_that_are_no_files(tmp_path: Path) -> None:
    with pytest.raises(FormatError) as missing:
        read_references(tmp_path / "none.jsonl")
    assert str(missing.value) == (
        f"{tmp_path / 'none.jsonl'}: expected a file to evaluate, found no such file. Check the path."
    )
    with pytest.raises(FormatError, match="expected a file of JSON lines, found a folder. Pass the file"):
        read_references(tmp_path)
    (tmp_path / "latin.jsonl").write_bytes(b'{"recording": "\xe9.wav"}')
    with pytest.raises(FormatError, match="expected text in UTF-8, found other bytes at offset 15"):
        read_references(tmp_path / "latin.jsonl")
    (tmp_path / "empty.jsonl").write_text("\n")
    with pytest.raises(FormatError, match="expected at least one reference line, found none"):
        read_references(tmp_path / "empty.jsonl")


CURVES = {
    ("a.wav", "dog"): ScoreCurve(np.array([0.25, 0.5, 1.0], np.float32), 0.5),
    ("b/c d.wav", "a dog's bark"): ScoreCurve(np.array([0.0, 0.125], np.float32), 0.25, 1.5),
}


def same(left: dict[tuple[str, str], ScoreCurve], right: dict[tuple[str, str], ScoreCurve]) -> bool:
    return left.keys() == right.keys() and all(
        np.array_equal(left[k].values, right[k].values)
        and (left[k].step_seconds, left[k].start_seconds) == (right[k].step_seconds, right[k].start_seconds)
        for k in left
    )


def test_frame_scores_go_through_npz(tmp_path: Path) -> None:
    write_curves(tmp_path / "curves.npz", CURVES)
    assert same(read_curves(tmp_path / "curves.npz"), CURVES)


def test_frame_scores_as_tsv(tmp_path: Path) -> None:
    rows = ["recording\tquery\tstart\tend\tscore"]
    for (recording, query), curve in CURVES.items():
        for i, value in enumerate(curve.values):
            rows.append(f"{recording}\t{query}\t{curve.time_of(i)}\t{curve.time_of(i + 1)}\t{value}")
    path = tmp_path / "curves.tsv"
    path.write_text("\n".join(rows) + "\n")
    assert same(read_curves(path), CURVES)
    path.write_text("\n".join([*rows, "a.wav\tdog\t1.5\t2.0\thigh"]))
    with pytest.raises(FormatError) as caught:
        read_curves(path)
    assert str(caught.value) == (
        f"{path}:7: expected recording, query and three numbers, separated by tabs, "
        "found 'a.wav\\tdog\\t1.5\\t2.0\\thigh'. One frame a line."
    )
    path.write_text("\n".join([*rows, "a.wav\tdog\t9.5\t10.0\t1.0"]))
    with pytest.raises(FormatError, match="expected frames of one length, end to end, for 'dog' of a.wav"):
        read_curves(path)
    path.write_text("query\tscore\n")
    with pytest.raises(FormatError, match="expected the header recording, query, start, end, score"):
        read_curves(path)


def test_frame_scores_as_a_folder_of_tsv(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="expected one .tsv of frame scores per recording, found none"):
        read_curves(tmp_path)
    (tmp_path / "x.tsv").write_text("onset\toffset\tdog\tcat\n0.0\t0.5\t0.25\t1.0\n0.5\t1.0\t0.5\t0.0\n")
    curves = read_curves(tmp_path)
    assert list(curves) == [("x", "dog"), ("x", "cat")]
    assert curves["x", "cat"].values.tolist() == [1.0, 0.0]
    assert curves["x", "cat"].step_seconds == 0.5
    (tmp_path / "x.tsv").write_text("onset\toffset\tdog\n0.0\t0.5\n")
    with pytest.raises(FormatError, match="expected 3 numbers on every line, found lines that differ"):
        read_curves(tmp_path)


def test_a_broken_npz_is_named(tmp_path: Path) -> None:
    path = tmp_path / "curves.npz"
    write_curves(path, CURVES)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(FormatError) as caught:
        read_curves(path)
    assert str(caught.value) == (
        f"{path}: expected a whole .npz file of scores, found one that does not open. "
        "Write it again; it may have been cut off."
    )
    np.savez(path, values=np.zeros(3))
    with pytest.raises(FormatError, match="found no offsets, recordings, queries, step_seconds, start_seconds"):
        read_curves(path)
    write_curves(path, {("a.wav", "dog"): ScoreCurve(np.array([0.5, np.nan], np.float32), 0.1)})
    with pytest.raises(FormatError, match="expected a number for every frame, found NaN in 'dog' of a.wav"):
        read_curves(path)
    with pytest.raises(FormatError, match="expected a file of scores, found no such file"):
        read_curves(tmp_path / "none.npz")


def test_a_score_matrix_as_npz_or_lines(tmp_path: Path) -> None:
    scores = np.array([[1.0, 0.5], [0.0, 2.0]])
    np.savez(tmp_path / "m.npz", scores=scores, queries=["p", "q"], recordings=["a", "b"])
    found, queries, recordings = read_score_matrix(tmp_path / "m.npz")
    assert (found.tolist(), queries, recordings) == (scores.tolist(), ["p", "q"], ["a", "b"])
    path = lines(
        tmp_path / "m.jsonl",
        {"recording": "a", "query": "p", "score": 3.5},
        {"recording": "b", "query": "q", "probability": 0.5},
    )
    found, queries, recordings = read_score_matrix(path)
    assert found.tolist() == [[3.5, -np.inf], [-np.inf, 0.5]]
    np.savez(tmp_path / "m.npz", scores=scores, queries=["p"], recordings=["a", "b"])
    with pytest.raises(FormatError, match=r"expected scores of shape \(1, 2\).*found shape \(2, 2\)"):
        read_score_matrix(tmp_path / "m.npz")
    np.savez(tmp_path / "m.npz", scores=scores * np.nan, queries=["p", "q"], recordings=["a", "b"])
    with pytest.raises(FormatError, match="expected a number for every score, found 4 NaN"):
        read_score_matrix(tmp_path / "m.npz")
