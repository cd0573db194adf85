"""From tones to towers, in seconds: each pitch is a word."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from earmark.engines.speech_text.contrastive import ContrastiveEngine  # noqa: E402
from earmark.engines.speech_text.frames import load_frames  # noqa: E402
from earmark.errors import EngineError, FormatError, UsageError  # noqa: E402
from earmark.media.decode import decode  # noqa: E402
from earmark.training.speech_text.batches import Batches, embed_speech  # noqa: E402
from earmark.training.speech_text.export import calibrated  # noqa: E402
from earmark.training.speech_text.features import store_frames  # noqa: E402
from earmark.training.speech_text.job import run  # noqa: E402
from earmark.training.speech_text.loop import hits_of_six  # noqa: E402
from earmark.training.speech_text.model import AudioTower  # noqa: E402
from earmark.training.speech_text.settings import SpeechTextSettings  # noqa: E402
from earmark.training.speech_text.sources import read_sources  # noqa: E402


def settings(tones: Path, **changes: Any) -> SpeechTextSettings:
    plain: dict[str, Any] = dict(
        name="tones", manifests=(str(tones),), encoder="logmel", dim=16, width=16, heads=2, batch=12, neighbours=3,
        max_steps=40, check_steps=20, learning_rate=0.01, joined=0.2,
    )  # fmt: skip
    return SpeechTextSettings(**plain | changes)


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def test_pitches_are_learnt_and_the_engine_hears_what_training_heard(tones: Path, tmp_path: Path) -> None:
    checks: list[Any] = []
    weights = run(settings(tones), tmp_path / "run", on_check=checks.append)
    assert [check.step for check in checks] == [20, 40]
    assert checks[-1].loss < 0.7 * checks[0].loss
    engine = ContrastiveEngine(weights)
    assert engine.name == "tones" and engine.dim == 16
    names = {"red": 300.0, "green": 700.0, "blue": 1500.0, "grey": 3000.0}
    seconds = np.arange(16_000) / 16_000
    speech = np.stack(
        [engine.embed_speech((0.3 * np.sin(2 * np.pi * hz * seconds)).astype(np.float32)) for hz in names.values()]
    )
    found = (engine.embed_text(list(names)) @ speech.T).argmax(axis=1)
    assert (found == np.arange(4)).sum() >= 3, "four pitches by their names, none heard alone in training"
    card = json.loads((weights / "model.json").read_text(encoding="utf-8"))
    assert card["utterances"] == {"train": 20, "validation": 4} and card["steps"] == 40
    assert (tmp_path / "run" / "losses.png").stat().st_size > 1000
    assert len((tmp_path / "run" / "log.jsonl").read_text(encoding="utf-8").splitlines()) == 2


def test_a_run_that_was_stopped_ends_where_it_would_have(tones: Path, tmp_path: Path) -> None:
    def stop(check: Any) -> None:
        if check.step == 6:
            raise KeyboardInterrupt

    few = settings(tones, max_steps=12, check_steps=6)
    run(few, tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        run(few, tmp_path / "parts", on_check=stop)
    run(few, tmp_path / "parts", resume=True)
    for name in ("audio.onnx", "text.onnx"):
        whole, parts = (tmp_path / each / "weights" / name for each in ("whole", "parts"))
        assert whole.read_bytes() == parts.read_bytes()


def test_nt_xent_and_a_recurrent_tower_learn_too(tones: Path, tmp_path: Path) -> None:
    checks: list[Any] = []
    run(settings(tones, loss="ntxent", max_steps=20, check_steps=10), tmp_path / "run", on_check=checks.append)
    assert checks[-1].loss < checks[0].loss


def test_a_run_is_not_overwritten_and_none_is_not_resumed(tones: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    with pytest.raises(UsageError) as caught:
        run(settings(tones), out, resume=True)
    assert str(caught.value) == f"{out}: expected a checkpoint to go on from, found none. Start without --resume."
    out.mkdir()
    (out / "checkpoint.pt").write_bytes(b"")
    with pytest.raises(UsageError) as caught:
        run(settings(tones), out)
    assert str(caught.value) == (
        f"{out}: expected a folder without a checkpoint, found checkpoint.pt. Pass --resume, or another folder."
    )
    with pytest.raises(FormatError) as broken:
        run(settings(tones), out, resume=True)
    assert str(broken.value) == (
        f"{out / 'checkpoint.pt'}: expected a checkpoint of this model, found that of another, or a file that was cut "
        "off. Start anew in another folder, or with the config it was made with."
    )


def test_an_unknown_reader(tones: Path, tmp_path: Path) -> None:
    with pytest.raises(EngineError) as caught:
        run(settings(tones, text_encoder="letters"), tmp_path / "run")
    assert str(caught.value).startswith(
        "letters: expected a reader of text: words or bert:FOLDER, found an unknown name."
    )


def test_frames_are_made_once_and_a_cut_off_cache_goes_on(tones: Path, tmp_path: Path) -> None:
    utterances = read_sources(settings(tones))
    encoder, cache = load_frames("logmel"), tmp_path / "cache"
    made = store_frames(cache, utterances, encoder, seed=0)
    one = utterances[5]
    assert one.span is not None
    samples = next(iter(decode(one.path, start_seconds=one.span.start, end_seconds=one.span.end))).mono()
    assert np.allclose(made.of(one.id), encoder.frames(samples), atol=2e-3)
    before = (cache / "frames.f16").read_bytes()
    index = cache / "index.jsonl"
    index.write_bytes(index.read_bytes()[:-20])  # killed while it wrote the last line
    again = store_frames(cache, utterances, encoder, seed=0)
    assert (cache / "frames.f16").read_bytes() == before
    assert all(np.array_equal(again.of(each.id), made.of(each.id)) for each in utterances)


def test_frames_of_another_encoder_are_refused(tones: Path, tmp_path: Path) -> None:
    utterances = read_sources(settings(tones))[:2]
    store_frames(tmp_path, utterances, load_frames("logmel"), seed=0)
    with pytest.raises(UsageError) as caught:
        store_frames(tmp_path, utterances, load_frames("moonshine"), seed=0)
    assert str(caught.value) == (
        f"{tmp_path}: expected frames of moonshine, found those of logmel. Name another `cache:` in the config."
    )


def test_a_recording_that_cannot_be_read_is_left_out(tones: Path, tmp_path: Path) -> None:
    (tones / "r2.wav").write_bytes(b"nothing")
    broken: list[Any] = []
    weights = run(settings(tones, max_steps=2), tmp_path / "run", on_broken=broken.append)
    assert len(broken) == 4 and all("r2.wav" in str(error) for error in broken)
    assert json.loads((weights / "model.json").read_text(encoding="utf-8"))["utterances"]["train"] == 16


def test_batches_hold_neighbours_and_know_who_is_no_impostor(tones: Path, tmp_path: Path) -> None:
    config = settings(tones, joined=1.0, keywords=0.0)
    utterances = read_sources(config)
    frames = store_frames(tmp_path, utterances, load_frames("logmel"), seed=0)
    batch = Batches(utterances, frames, config).draw()
    assert len(batch.texts) == 12 and batch.alike.diagonal().all() and (batch.alike == batch.alike.T).all()
    joined = [text for text in batch.texts if len(text.split()) == 4]
    assert len(joined) > 6, "all but the last of a recording go on into the next"
    for row, text in enumerate(batch.texts):
        for other, its in enumerate(batch.texts):
            if text == its:
                assert batch.alike[row, other]


@pytest.mark.parametrize("recurrent", [False, True])
def test_padding_changes_nothing(recurrent: bool) -> None:
    torch.manual_seed(0)
    tower = AudioTower(8, 16, 8, 2, recurrent).eval()
    generator = np.random.default_rng(0)
    speech = [generator.standard_normal((n, 8)).astype(np.float16) for n in (40, 9, 23)]
    with torch.no_grad():
        together = embed_speech(tower, speech)
        alone = torch.cat([tower(torch.from_numpy(one.astype(np.float32))[None]) for one in speech])
    assert torch.allclose(together, alone, atol=1e-5)


def test_hits_of_six_by_drawing() -> None:
    generator = np.random.default_rng(0)
    scores = generator.random((30, 30)) + 0.3 * np.eye(30)
    alike = np.eye(30, dtype=bool)
    drawn = [
        scores[row, row] > scores[row, generator.choice([at for at in range(30) if at != row], 5, replace=False)].max()
        for row in range(30)
        for _ in range(400)
    ]
    assert hits_of_six(scores, alike) == pytest.approx(np.mean(drawn), abs=0.02)
    assert hits_of_six(np.eye(6), np.eye(6, dtype=bool)) == 1.0
    assert hits_of_six(np.zeros((6, 6)), np.eye(6, dtype=bool)) == 0.0, "ties lose"


def test_calibration_puts_even_chances_between_the_two_kinds() -> None:
    generator = np.random.default_rng(0)
    scores = generator.normal(0.1, 0.1, (60, 60))
    np.fill_diagonal(scores, generator.normal(0.5, 0.1, 60))
    slope, offset = calibrated(scores.astype(np.float32), np.eye(60, dtype=bool))
    assert -offset / slope == pytest.approx(0.3, abs=0.03) and slope > 10


def test_the_command(tones: Path, tmp_path: Path) -> None:
    from typer.testing import CliRunner

    from earmark.cli.app import app

    config = tmp_path / "tones.yaml"
    config.write_text(
        f"manifests: ['{tones}']\nencoder: logmel\ndim: 16\nwidth: 16\nheads: 2\nbatch: 8\nneighbours: 2\n"
        "max_steps: 50\ncheck_steps: 2\n",
        encoding="utf-8",
    )
    out = tmp_path / "run"
    told = CliRunner().invoke(app, ["train", "speech-text", str(config), "-o", str(out), "--steps", "2"])
    assert told.exit_code == 0, told.output
    assert told.stdout.strip() == str(out / "weights")
    assert "step 2: loss" in told.stderr and "(chance 0.167)" in told.stderr
    shutil.rmtree(out)
