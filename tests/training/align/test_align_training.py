"""Training: convergence on planted sounds, going on from a checkpoint, configs, the command and its pictures."""

from __future__ import annotations

import dataclasses
import json
import wave
from pathlib import Path

import numpy as np
import pytest
import typer
from numpy.typing import NDArray
from typer.testing import CliRunner

torch = pytest.importorskip("torch")
pytest.importorskip("h5py")
pytest.importorskip("yaml")

from earmark.cli.evaluate import app as evaluate_app  # noqa: E402
from earmark.cli.plot import app as plot_app  # noqa: E402
from earmark.cli.train_align import register  # noqa: E402
from earmark.errors import EarmarkError, EngineError, FormatError, UsageError  # noqa: E402
from earmark.evaluation.detection import detection_scores, min_max  # noqa: E402
from earmark.evaluation.inputs import References  # noqa: E402
from earmark.evaluation.retrieval import retrieval_scores  # noqa: E402
from earmark.timeline import ScoreCurve, Span  # noqa: E402
from earmark.training.align.dataset import Caption, Phrase, Split  # noqa: E402
from earmark.training.align.features import BANDS, HOP_SECONDS  # noqa: E402
from earmark.training.align.loop import load_checkpoint, train_alignment  # noqa: E402
from earmark.training.align.scoring import alignment_map, phrase_curves, retrieval_matrix  # noqa: E402
from earmark.training.align.search import read_choices  # noqa: E402
from earmark.training.align.settings import AlignSettings, read_settings  # noqa: E402
from earmark.training.align.words import WordVectors  # noqa: E402

SOUNDS = ("dog", "bell", "rain", "horn", "wind")
FRAMES, LENGTH = 80, 8


def planted(count: int, seed: int) -> tuple[Split, dict[str, NDArray[np.float32]]]:
    """Clips of noise with two sounds, each a pattern of bands that lasts 8 frames of 80."""
    rng = np.random.default_rng(seed)
    patterns = np.random.default_rng(0).choice([0.0, 3.0], (len(SOUNDS), BANDS), p=[0.7, 0.3])
    features, captions, phrases = {}, [], []
    for number in range(count):
        clip = f"{seed}-{number}.wav"
        found = 0.5 * rng.standard_normal((FRAMES, BANDS))
        chosen = rng.permutation(len(SOUNDS))[:2]
        words = tuple(sorted(SOUNDS[i] for i in chosen))
        for half, i in enumerate(rng.permutation(chosen)):
            first = int(half * FRAMES // 2 + rng.integers(0, FRAMES // 2 - LENGTH))
            found[first : first + LENGTH] += patterns[i]
            span = Span(first * HOP_SECONDS, (first + LENGTH) * HOP_SECONDS)
            phrases.append(Phrase(clip, SOUNDS[i], (SOUNDS[i],), (span,)))
        features[clip] = found.astype(np.float32)
        captions.append(Caption(clip, " and ".join(words), words))
    return Split({clip: Path(clip) for clip in features}, tuple(captions), tuple(phrases)), features


def vectors() -> WordVectors:
    matrix = np.random.default_rng(1).standard_normal((len(SOUNDS), 32)).astype(np.float32)
    return WordVectors({word: i for i, word in enumerate(SOUNDS)}, matrix)


SETTINGS = AlignSettings(reduction="mtsq", epochs=16, batch_size=16, width=16, dropout=0.0, learning_rate=0.01)


def test_captions_alone_teach_where_the_sounds_are(tmp_path: Path) -> None:
    """Frame F1 at least three times the random baseline of the paper, and half of the clips first of 30."""
    train, features = planted(96, 1)
    test, held = planted(60, 2)
    features |= held
    model = train_alignment({"train": train}, features, vectors(), SETTINGS, tmp_path)
    curves = phrase_curves(model, test.phrases, held, vectors())
    truth = References({(p.clip, p.text): p.spans for p in test.phrases}, {}, {})
    found = {pair: min_max(curve) for pair, curve in curves.items()}
    rng = np.random.default_rng(0)
    noise = {pair: ScoreCurve(rng.random(FRAMES).astype(np.float32), HOP_SECONDS) for pair in curves}
    name = "frame F1, best threshold"
    ours, random = (
        next(s.value for s in detection_scores(truth, c, repeats=0) if s.name == name) for c in (found, noise)
    )
    assert ours is not None and random is not None
    assert ours > 3 * random
    captions = list({caption.text: caption for caption in test.captions}.values())
    scores = retrieval_matrix(model, captions, test.clips, held, vectors(), SETTINGS.reduction)
    pairs = References({(c.clip, c.text): () for c in test.captions}, {}, {})
    lines = retrieval_scores(pairs, scores, [c.text for c in captions], test.clips, repeats=0)
    first = next(line.value for line in lines if line.name == "R@1 of 30")
    assert first is not None and first >= 0.5


def quick(**changes: object) -> AlignSettings:
    return dataclasses.replace(SETTINGS, **{"epochs": 2, "width": 4, **changes})  # type: ignore[arg-type]


def test_a_run_goes_on_where_it_stopped(tmp_path: Path) -> None:
    """Two epochs and two more are the same weights as four."""
    split, features = planted(12, 1)
    splits = {"train": split, "val": split}
    whole = train_alignment(splits, features, vectors(), quick(epochs=4), tmp_path / "whole")
    train_alignment(splits, features, vectors(), quick(epochs=2), tmp_path / "parts")
    again = train_alignment(splits, features, vectors(), quick(epochs=4), tmp_path / "parts", resume=True)
    for left, right in zip(whole.audio.parameters(), again.audio.parameters(), strict=True):
        assert torch.equal(left, right)
    losses = [json.loads(line) for line in (tmp_path / "parts" / "losses.jsonl").read_text().splitlines()]
    assert [row["number"] for row in losses] == [1, 2, 3, 4]


def test_a_checkpoint_carries_its_words_and_settings(tmp_path: Path) -> None:
    split, features = planted(6, 1)
    told: list[int] = []
    train_alignment(
        {"train": split}, features, vectors(), quick(), tmp_path, on_epoch=lambda epoch: told.append(epoch.number)
    )
    assert told == [1, 2]
    model, words, settings = load_checkpoint(tmp_path / "best.pt")
    assert settings == quick()
    assert list(words.rows) == list(SOUNDS)
    found = alignment_map(model, features["1-0.wav"], words.ids(["dog", "rain"]))
    assert found.shape == (FRAMES, 2)
    assert found.min() >= 0 and found.max() <= 1.0001
    broken = tmp_path / "cut.pt"
    broken.write_bytes((tmp_path / "best.pt").read_bytes()[:500])
    with pytest.raises(FormatError) as caught:
        load_checkpoint(broken)
    assert str(caught.value) == (
        f"{broken}: expected a checkpoint of the alignment model, found another kind of file, or one that was "
        "cut off. Pass the best.pt that `earmark train align` wrote."
    )
    with pytest.raises(FormatError, match="expected a checkpoint, found no such file. Train one with"):
        load_checkpoint(tmp_path / "none.pt")


def test_one_clip_cannot_be_learnt(tmp_path: Path) -> None:
    split, features = planted(1, 1)
    with pytest.raises(UsageError) as caught:
        train_alignment({"train": split}, features, vectors(), quick(), tmp_path)
    assert str(caught.value) == (
        "train: expected captions of at least two clips, found 1. A clip is learnt by telling it from others."
    )


def test_training_ends_on_a_plateau(tmp_path: Path) -> None:
    split, features = planted(6, 1)
    settings = quick(epochs=9, grace_epochs=3, plateau_epochs=2, plateau_deviation=1e9)
    train_alignment({"train": split}, features, vectors(), settings, tmp_path)
    assert len((tmp_path / "losses.jsonl").read_text().splitlines()) == 3


def test_the_papers_config_is_the_default() -> None:
    import earmark.training.align.settings as module

    path = Path(module.__file__).with_name("paper.yaml")
    read = read_settings(path, data="", words="")
    assert read == AlignSettings()


CONFIG_BROKEN = [
    ("margins: 1", "expected a setting out of data, words, "),
    ("margin: wide", "expected margin as float, found 'wide'. The paper's value is 1.0."),
    ("epochs: 1.5", "expected epochs as int, found 1.5. The paper's value is 100."),
    ("reduction: max", "found reduction must be one of stsq, mqst, mtsq, got 'max'."),
    ("width: 6", "found width must be a multiple of 4, got 6."),
    ("batch_size: 0", "found batch_size and epochs must be at least 1, got 0 and 100."),
    ("- 1", "expected settings as `name: value`, found list."),
    ("a: [", "expected YAML, found "),
]


@pytest.mark.parametrize(("text", "message"), CONFIG_BROKEN, ids=range(len(CONFIG_BROKEN)))
def test_a_broken_config_is_named(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "align.yaml"
    path.write_text(text)
    with pytest.raises(FormatError) as caught:
        read_settings(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert message in str(caught.value)


def test_a_config_fills_in_variables_and_takes_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOUNDS", "/somewhere")
    path = tmp_path / "align.yaml"
    path.write_text("data: $SOUNDS/clips.csv\nmargin: 2\nsearch: {margin: [1.0, 2.0]}\n")
    settings = read_settings(path, epochs=3)
    assert (settings.data, settings.margin, settings.epochs) == ("/somewhere/clips.csv", 2.0, 3)
    assert read_choices(path) == {"margin": [1.0, 2.0]}
    path.write_text("search: {margins: [1.0]}\n")
    with pytest.raises(FormatError, match="expected in `search` settings with lists of values, found margins"):
        read_choices(path)
    path.write_text("margin: 1\n")
    with pytest.raises(FormatError, match="expected `search` with a list of values per setting, found none"):
        read_choices(path)
    with pytest.raises(FormatError, match="expected a config, found no such file"):
        read_settings(tmp_path / "none.yaml")


def sounds_on_disk(folder: Path) -> Path:
    """Six half-second clips, a CSV with their times, and vectors of the words."""
    rng = np.random.default_rng(0)
    lines = ["file,caption,split,phrase,start,end"]
    for i in range(6):
        low = i % 2 == 0
        tone = np.sin(2 * np.pi * (200 if low else 3000) * np.arange(4000) / 16000)
        samples = np.concatenate([np.zeros(2000), 0.5 * tone, np.zeros(2000)]) + 0.001 * rng.standard_normal(8000)
        with wave.open(str(folder / f"{i}.wav"), "wb") as file:
            file.setparams((1, 2, 16000, 0, "NONE", ""))
            file.writeframes((samples * 32767).astype("<i2").tobytes())
        word = "hum" if low else "beep"
        lines.append(f"{i}.wav,a {word},{'test' if i > 3 else 'train'},{word},0.125,0.375")
    (folder / "clips.csv").write_text("\n".join([*lines, "gone.wav,a hum,train,,,"]) + "\n")
    (folder / "words.txt").write_text("3 2\na 1.0 1.0\nhum 1.0 0.0\nbeep 0.0 1.0\n")
    config = folder / "align.yaml"
    config.write_text(f"data: {folder}/clips.csv\nwords: {folder}/words.txt\nwidth: 4\nepochs: 1\nbatch_size: 2\n")
    return config


def test_the_commands_train_measure_and_draw(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    config = sounds_on_disk(tmp_path)
    train = typer.Typer()
    train.callback()(lambda: None)
    register(train)
    run = CliRunner()
    command = ["align", str(config), "-o", str(tmp_path / "run")]
    with pytest.raises(EarmarkError, match=r"clips.csv:8: expected the audio file gone.wav beside the table"):
        run.invoke(train, command, catch_exceptions=False)
    result = run.invoke(train, [*command, "--skip-broken"], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    assert result.stdout.strip() == str(tmp_path / "run" / "best.pt")
    assert "left out 1:" in result.stderr
    assert "epoch 1: loss" in result.stderr
    with pytest.raises(UsageError) as caught:
        run.invoke(train, [*command, "--skip-broken"], catch_exceptions=False)
    assert str(caught.value) == (
        f"{tmp_path / 'run'}: expected a folder without a run, found last.pt. "
        "Go on from it with --resume, or name another folder."
    )
    checkpoint, picture = str(tmp_path / "run" / "best.pt"), tmp_path / "clip.png"
    data = str(tmp_path / "clips.csv")
    result = run.invoke(
        evaluate_app, ["alignment", checkpoint, data, "--json", "--skip-broken"], catch_exceptions=False
    )
    assert result.exit_code == 0, result.output
    tasks = {json.loads(line)["task"] for line in result.stdout.splitlines()}
    assert tasks == {
        "alignment: retrieval",
        "alignment: phrases, mean over words",
        "alignment: phrases, mean over words, min-max",
        "alignment: phrases, max over words",
        "alignment: phrases, max over words, min-max",
        "alignment: phrases, random, min-max",
    }
    with pytest.raises(UsageError, match="expected one of train, test, found 'val'"):
        run.invoke(
            evaluate_app, ["alignment", checkpoint, data, "--split", "val", "--skip-broken"], catch_exceptions=False
        )
    arguments = ["alignment", checkpoint, str(tmp_path / "4.wav")]
    result = run.invoke(
        plot_app, [*arguments, "a hum", "--reference", "0.125-0.375", "-o", str(picture)], catch_exceptions=False
    )
    assert result.exit_code == 0, result.output
    assert picture.read_bytes()[:4] == b"\x89PNG"
    with pytest.raises(UsageError, match="expected at least one word the model has a vector for, found none"):
        run.invoke(plot_app, [*arguments, "xyzzy", "-o", str(picture)], catch_exceptions=False)
    with pytest.raises(UsageError, match="expected two times in seconds as START-END, found 'soon'"):
        run.invoke(plot_app, [*arguments, "a hum", "--reference", "soon", "-o", str(picture)], catch_exceptions=False)


def test_a_search_names_the_extra_it_needs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    from earmark.training.align.search import search_settings

    monkeypatch.setitem(sys.modules, "ray", None)
    config = sounds_on_disk(tmp_path)
    with pytest.raises(EngineError) as caught:
        search_settings(config, tmp_path / "run", 2)
    assert str(caught.value) == (
        "--search: expected Ray Tune, found no such package. Install it with `pip install 'earmark[train,cluster]'`."
    )
