"""Training the separator, very small: a folder of tones, a few steps, weights an engine can load."""

from __future__ import annotations

import json
import wave
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("onnx")
pytest.importorskip("matplotlib")

from earmark.engines.separator.builtin import BuiltinSeparator  # noqa: E402
from earmark.engines.separator.masking import masked  # noqa: E402
from earmark.engines.sound.builtin import WEIGHTS as TABLE  # noqa: E402
from earmark.engines.sound.pieces import WordPieces  # noqa: E402
from earmark.errors import FormatError, MediaError, UsageError  # noqa: E402
from earmark.training.config import CollectionConfig  # noqa: E402
from earmark.training.run import learning_rate  # noqa: E402
from earmark.training.separate.config import SeparateConfig, read_separate_config  # noqa: E402
from earmark.training.separate.corpus import prepare_corpus  # noqa: E402
from earmark.training.separate.loop import STEP, losses, separated, spectrum, train_separate  # noqa: E402
from earmark.training.separate.mixing import Drawn, Mixer, MixSettings  # noqa: E402
from earmark.training.separate.network import Masker, MaskerSettings  # noqa: E402

PITCHES = {"a low hum": 150.0, "a whistle": 2500.0, "a buzzer": 600.0}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Nine wave files of three pitches, and a CSV that says where in them the tone is."""
    rows = ["file,start,end,caption"]
    for number, (caption, hz) in enumerate(list(PITCHES.items()) * 3):
        samples = np.zeros(32_000)
        samples[8_000:24_000] = 0.4 * np.sin(2 * np.pi * hz * (1 + number / 50) * np.arange(16_000) / 16_000)
        with wave.open(str(tmp_path / f"{number}.wav"), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(16_000)
            file.writeframes((samples * 32767).astype("<i2").tobytes())
        rows.append(f"{number}.wav,0.5,1.5,{caption}")
    (tmp_path / "mine.csv").write_text("\n".join(rows) + "\n")
    return tmp_path


def config_for(folder: Path, **changes: object) -> SeparateConfig:
    plain = SeparateConfig(
        data=str(folder), collections=(CollectionConfig(folder=".", backgrounds=True),), tones=False, batch=4,
        max_steps=4, warmup_steps=1, checkpoint_steps=2, channels=(8, 8, 8), frames=32,
    )  # fmt: skip
    return replace(plain, **changes)  # type: ignore[arg-type]


def test_from_a_folder_to_an_engine(folder: Path, tmp_path: Path) -> None:
    stages = set()
    out = tmp_path / "run"
    weights = train_separate(config_for(folder), out, on_progress=lambda stage, *_: stages.add(stage))
    assert stages == {"decode", "train"}
    engine = BuiltinSeparator(weights)
    samples = (0.1 * np.random.default_rng(0).standard_normal(20_000)).astype(np.float32)
    mask = engine.mask(samples, "a whistle")
    assert mask.shape == (20_000 // STEP + 1, 513) and np.isfinite(mask).all()
    assert (out / "losses.png").read_bytes().startswith(b"\x89PNG")
    card = json.loads((weights / "model.json").read_text())
    assert card["steps"] == 4 and [entry["step"] for entry in card["log"]] == [2, 4]


def test_a_run_that_stopped_goes_on(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    train_separate(config_for(folder, max_steps=2), out)
    with pytest.raises(UsageError) as caught:
        train_separate(config_for(folder), out)
    assert str(caught.value) == (
        f"{out}: expected a folder without a checkpoint, found checkpoint.pt. Pass --resume, or another --out."
    )
    train_separate(config_for(folder), out, resume=True)
    kept = torch.load(out / "checkpoint.pt", weights_only=True)
    assert kept["step"] == 4 and [entry["step"] for entry in kept["log"]] == [2, 4]
    with pytest.raises(UsageError) as caught:
        train_separate(config_for(folder), tmp_path / "new", resume=True)
    assert str(caught.value) == (
        f"{tmp_path / 'new'}: expected a checkpoint to go on from, found none. Start without --resume."
    )


def test_a_checkpoint_of_other_sounds_is_refused(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    train_separate(config_for(folder, max_steps=1), out)
    table = folder / "mine.csv"
    table.write_text(table.read_text().replace("a buzzer", "a whistle"))
    with pytest.raises(FormatError, match="expected a checkpoint of the same collections, found 3 labels instead of 2"):
        train_separate(config_for(folder), out, resume=True)


def test_clips_that_cannot_be_read_are_told(folder: Path, tmp_path: Path) -> None:
    for path in folder.glob("*.wav"):
        path.write_bytes(b"nothing")
    with pytest.raises(MediaError, match="expected clips to train on"):
        prepare_corpus(config_for(folder), tmp_path / "cache")


def test_mixtures_are_their_parts_and_come_again_from_the_seed(folder: Path, tmp_path: Path) -> None:
    corpus = prepare_corpus(config_for(folder), tmp_path / "cache")
    table = WordPieces(TABLE)
    settings = MixSettings(8_192, third_share=0.0, background_share=0.0, absent=20)
    drawn = Mixer(corpus, table, 5, settings).draw(6)
    assert np.allclose(drawn.mixtures, drawn.targets.sum(axis=1), atol=1e-5)
    assert (np.square(drawn.targets).mean(axis=2) > 0).all()
    assert drawn.pieces.shape == (6, 2, table.dim) and drawn.absent.shape == (20, table.dim)
    again = Mixer(corpus, table, 5, settings).draw(6)
    assert np.array_equal(drawn.mixtures, again.mixtures)
    # Of three sounds two are in each mixture: what is away is far from both questions, what is not is one of them.
    nearest = np.einsum("bqd,nd->bqn", drawn.pieces, drawn.absent).max(axis=1)
    assert drawn.away.shape == nearest.shape and 0 < drawn.away.mean() < 1
    assert nearest[drawn.away == 1].max() < 0.9 < nearest[drawn.away == 0].min()


def test_losses_are_those_of_the_spectrum_itself() -> None:
    """The expanded square agrees with complex arithmetic done the plain way, question by question."""
    torch.manual_seed(0)
    model = Masker(MaskerSettings(channels=(8, 8, 8))).eval()
    generator = np.random.default_rng(0)
    targets = generator.standard_normal((1, 2, 8_192)).astype(np.float32)
    pieces, absent = generator.standard_normal((2, 1, 2, 192)).astype(np.float32)
    drawn = Drawn(targets.sum(axis=1), targets, pieces, absent[0], np.array([[1.0, 0.0]], np.float32))
    with torch.no_grad():
        found = losses(model, drawn, torch.device("cpu"))
    mixture, wanted = (spectrum(torch.from_numpy(x))[..., :32] for x in (drawn.mixtures, targets[0]))
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        mask = torch.sigmoid(model(mixture.abs()[:, :-1].expand(2, -1, -1), torch.from_numpy(pieces[0])).float())
        patches, _ = model.look(mixture.abs()[:, :-1])
        unlike = model.liken(patches, model.hear(torch.from_numpy(absent[0])))[0, 0].float()
    mask = torch.cat([mask, mask[:, -1:]], dim=1)
    energy = wanted.abs().square().sum((1, 2))
    lost = (wanted - mask * mixture).abs().square().sum((1, 2))
    plain = 10 * torch.log10((lost + 1e-3 * energy) / energy)
    assert float(found["snr"]) == pytest.approx(float(plain.mean()), abs=1e-2)
    shown = ((mask * mixture.abs() + 1e-4) ** 0.3 - (wanted.abs() + 1e-4) ** 0.3).abs().mean()
    assert float(found["magnitude"]) == pytest.approx(float(shown), abs=2e-2)
    loud = torch.nn.functional.avg_pool2d(mixture.abs().square()[:, :-1], 8)[0]
    weight = (loud + 1e-6) ** 0.3
    gone = (torch.log1p(torch.exp(unlike)) * weight / weight.mean()).mean()
    assert float(found["absent"]) == pytest.approx(float(gone), rel=1e-2)


def test_the_network_as_trained_and_as_shipped_are_one(folder: Path, tmp_path: Path) -> None:
    weights = train_separate(config_for(folder, max_steps=2), tmp_path / "run")
    engine = BuiltinSeparator(weights)
    kept = torch.load(tmp_path / "run" / "checkpoint.pt", weights_only=True)
    model = Masker(MaskerSettings(channels=(8, 8, 8))).eval()
    model.load_state_dict(kept["average"])
    # As loud all the time, for the engine follows the loudness and training does not.
    samples = np.sign(np.random.default_rng(0).standard_normal(32_000)).astype(np.float32)
    meaning = torch.from_numpy(engine._read("a whistle"))
    with torch.no_grad():
        trained = separated(model, torch.from_numpy(samples)[None], meaning)[0].numpy()
    shipped = masked(engine.mask(samples, "a whistle"), engine, samples[None], 16_000)[0]
    inner = slice(8_000, 24_000)
    assert np.sqrt(np.mean(np.square((trained - shipped)[inner]))) < 0.01 * np.sqrt(np.mean(np.square(trained[inner])))


def test_the_learning_rate_rises_and_falls() -> None:
    config = SeparateConfig(data="", collections=(), warmup_steps=10, decay_share=0.5, learning_rate=1.0)
    assert learning_rate(config, 0, 0.0) == pytest.approx(0.1)
    assert learning_rate(config, 10, 0.2) == learning_rate(config, 50, 0.5) == 1.0
    assert 0.4 < learning_rate(config, 99, 0.75) < 0.6
    assert learning_rate(config, 99, 1.0) == pytest.approx(0.01)


def test_the_shipped_config_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    from importlib.resources import files

    shipped = Path(str(files("earmark.training").joinpath("configs", "separate.yaml")))
    monkeypatch.delenv("EARMARK_DATA", raising=False)
    with pytest.raises(UsageError) as caught:
        read_separate_config(shipped)
    assert str(caught.value) == (
        f"{shipped}: expected the environment variable EARMARK_DATA, found nothing under that name. "
        "Set it to a folder: EARMARK_DATA=/path/to/data earmark train …"
    )
    monkeypatch.setenv("EARMARK_DATA", "/sounds")
    config = read_separate_config(shipped)
    assert config.data == "/sounds" and len(config.collections) > 5
    assert config.collections[0].held_out_folds == ("4",)
    assert Path(config.held_out_list).is_file()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("data: x\n", "{path}: expected `collections`, found nothing. See the shipped separate.yaml."),
        ("collections: [x]\n", "{path}: expected `data`, found nothing. See the shipped separate.yaml."),
        (
            "data: x\ncollections: [x]\nheld_out_list: gone.txt\n",
            "{folder}/gone.txt: expected a list of recordings, found no such file. "
            "Put it beside the config, or leave `held_out_list` out.",
        ),
    ],
)
def test_what_a_config_lacks_is_told(text: str, expected: str, tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    path.write_text(text)
    with pytest.raises(FormatError) as caught:
        read_separate_config(path)
    assert str(caught.value) == expected.format(path=path, folder=tmp_path)


def test_what_a_config_has_too_much_is_told(tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    path.write_text("data: x\ncollections: [x]\nminuets: 3\n")
    with pytest.raises(FormatError, match=r"c\.yaml: expected only average, .*, found minuets\. See the shipped"):
        read_separate_config(path)
    path.write_text("data: [\n")
    with pytest.raises(FormatError, match=r"c\.yaml, line 2: expected YAML"):
        read_separate_config(path)
    with pytest.raises(FormatError, match=r"gone\.yaml: expected a YAML file, found no such file"):
        read_separate_config(tmp_path / "gone.yaml")
