"""The commands, from files to table and JSON; the example of the documentation; pictures; scenes."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from earmark.cli.evaluate import app
from earmark.errors import EarmarkError, FormatError, UsageError
from earmark.evaluation.inputs import read_references
from earmark.evaluation.scene_files import write_scenes
from earmark.evaluation.score_files import write_curves
from earmark.scenes.builder import SceneSettings
from earmark.scenes.clips import Clip
from earmark.timeline import ScoreCurve

DOCUMENT = Path(__file__).parents[2] / "docs" / "evaluate.md"


def run(*arguments: object) -> str:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.fixture
def example(tmp_path: Path) -> Path:
    """The files the documentation shows, as files."""
    blocks = re.findall(r"```json (\S+)\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)
    assert [name for name, _ in blocks] == ["truth.jsonl", "answers.jsonl"]
    for name, text in blocks:
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def test_the_documented_example_prints_its_figures(example: Path) -> None:
    printed = run("grounding", example / "truth.jsonl", example / "answers.jsonl")
    first = printed.splitlines()[1].split()
    assert first[:2] == ["R1@0.5", "1.000"]
    assert "absent accuracy" in printed
    lines = run("grounding", example / "truth.jsonl", example / "answers.jsonl", "--json").splitlines()
    figures = {row["metric"]: row for row in map(json.loads, lines)}
    assert figures["absent accuracy"]["value"] == 1.0
    assert figures["count accuracy"]["value"] == 1.0
    assert figures["R1@0.7"]["count"] == 2
    assert figures["R1@0.5"]["chance"] < 1.0


def test_every_task_and_figure_is_documented(example: Path) -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    for command in app.registered_commands:
        assert command.callback is not None
        name = command.name or command.callback.__name__
        assert f"`{name}`" in text or f"evaluate {name}" in text, name


def test_detection_reads_curves_and_draws_them(example: Path) -> None:
    pytest.importorskip("matplotlib")
    truth = read_references(example / "truth.jsonl")
    curves = {}
    for pair, spans in truth.spans.items():
        times = (np.arange(600) + 0.5) * 0.1
        values = np.full(600, 0.05, np.float32)
        for span in spans:
            values[(times >= span.start) & (times < span.end)] = 0.9
        curves[pair] = ScoreCurve(values, 0.1)
    write_curves(example / "curves.npz", curves)
    picture = example / "det.png"
    printed = run("detection", example / "truth.jsonl", example / "curves.npz", "--plot", picture, "--bootstrap", 20)
    assert re.search(r"^PSDS1 +1\.000", printed, re.MULTILINE)
    assert picture.read_bytes()[:4] == b"\x89PNG"
    with pytest.raises(UsageError) as caught:
        run("detection", example / "truth.jsonl", example / "curves.npz", "--plot", example / "det.doc")
    assert str(caught.value) == (
        f"{example / 'det.doc'}: expected a picture name ending in .png, .pdf, .svg, found .doc. Try --plot curves.png."
    )
    grounding = example / "grounding.svg"
    run("grounding", example / "truth.jsonl", example / "answers.jsonl", "--plot", grounding)
    assert b"<svg" in grounding.read_bytes()
    flat = {pair: ScoreCurve(curve.values * 0 + 1, 0.1) for pair, curve in curves.items()}
    write_curves(example / "flat.npz", flat)
    printed = run("detection", example / "truth.jsonl", example / "flat.npz", "--min-max", "--json")
    figures = {row["metric"]: row["value"] for row in map(json.loads, printed.splitlines())}
    assert figures["frame recall"] == 0.0  # a flat curve is 0 everywhere, not 0/0


def test_retrieval_spoken_terms_and_segmentation_run(example: Path) -> None:
    names = [f"{i}.wav" for i in range(8)]
    rows = [{"recording": name, "query": f"caption {name}"} for name in names]
    (example / "pairs.jsonl").write_text("\n".join(map(json.dumps, rows)))
    np.savez(example / "m.npz", scores=np.eye(8), queries=[f"caption {n}" for n in names], recordings=names)
    assert re.search(r"^a2c R@1 +1\.000 +0\.125", run("retrieval", example / "pairs.jsonl", example / "m.npz"), re.M)
    printed = run("spoken-terms", example / "truth.jsonl", example / "answers.jsonl")
    assert re.search(r"^ATWV +1\.000", printed, re.M)
    printed = run("segmentation", example / "truth.jsonl", example / "answers.jsonl")
    assert re.search(r"^all: F1 +0\.\d+", printed, re.M)


def test_broken_lines_stop_or_are_left_out_and_listed(example: Path) -> None:
    answers = example / "answers.jsonl"
    answers.write_text(answers.read_text() + '{"recording": "street.wav"}\n')
    with pytest.raises(FormatError, match=r"answers.jsonl:5: expected a text in 'query', found no such field"):
        run("grounding", example / "truth.jsonl", answers)
    command = ["grounding", str(example / "truth.jsonl"), str(answers), "--skip-broken"]
    result = CliRunner().invoke(app, command, catch_exceptions=False)
    assert result.exit_code == 0
    assert "left out 1:" in result.stderr
    assert "answers.jsonl:5" in result.stderr
    assert "R1@0.5" in result.stdout


@pytest.mark.parametrize("task", ["grounding", "detection", "retrieval", "segmentation"])
def test_transcripts_only_is_no_reference_for_queries(tmp_path: Path, task: str) -> None:
    path = tmp_path / "truth.jsonl"
    path.write_text('{"recording": "a.wav", "text": "hello"}\n')
    with pytest.raises(FormatError) as caught:
        run(task, path, path)
    assert str(caught.value) == (
        f"{path}: expected lines with a query, found transcripts only. "
        "Transcripts are measured by `earmark evaluate spoken-terms`."
    )
    assert re.search(r"^WER +0\.000", run("spoken-terms", path, path), re.M)


def tones(clip: Clip) -> np.ndarray:  # type: ignore[type-arg]
    """A second of a tone of the label's own, between silences."""
    pitch = 200.0 * (1 + int(clip.label))
    samples = np.zeros(32_000, np.float32)
    samples[8_000:24_000] = 0.5 * np.sin(2 * np.pi * pitch * np.arange(16_000) / 16_000)
    return samples


def test_scenes_come_again_from_their_seed(tmp_path: Path) -> None:
    clips = [Clip(Path(f"{i}.wav"), str(i)) for i in range(6)]
    settings = SceneSettings(seconds=10.0, events=2, distractors=0)
    folders = []
    for name, seed in (("one", 1), ("again", 1), ("other", 2)):
        path = write_scenes(tmp_path / name, clips, count=2, seed=seed, absent=3, settings=settings, load=tones)
        folders.append(path.parent)
    first, again, other = ((folder / "scene-0001.flac").read_bytes() for folder in folders)
    assert first == again != other
    truth = read_references(folders[0] / "truth.jsonl")
    assert truth.recordings == ["scene-0001.flac", "scene-0002.flac"]
    assert truth.durations["scene-0001.flac"] == 10.0
    present = [spans for spans in truth.spans.values() if spans]
    assert len(present) == 4
    assert all(0.8 < span.duration < 1.3 for spans in present for span in spans)
    assert len(truth.spans) - len(present) == 6
    with pytest.raises(FormatError):  # kept unless told
        write_scenes(folders[0], clips, count=2, seed=1, settings=settings, load=tones)
    with pytest.raises(EarmarkError) as caught:
        write_scenes(tmp_path / "few", clips[:2], count=1, seed=1, settings=settings, load=tones)
    assert str(caught.value) == (
        "--events: expected clips of more than 2 labels, so that something can be absent, found 2: 0, 1. "
        "Ask for fewer sounds a scene with --events, or add clips."
    )
