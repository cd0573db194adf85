"""The whole training, very small: a folder of tones, a few steps, weights an engine can load."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("scipy")
pytest.importorskip("onnx")

from earmark.engines.sound.builtin import BuiltinSound  # noqa: E402
from earmark.errors import MediaError, UsageError  # noqa: E402
from earmark.training.config import CollectionConfig  # noqa: E402
from earmark.training.mixing import Event  # noqa: E402
from earmark.training.run import learning_rate  # noqa: E402
from earmark.training.sound import train_sound  # noqa: E402
from earmark.training.sound_config import SoundConfig  # noqa: E402
from earmark.training.sound_corpus import _weights, choose_clips, prepare_corpus  # noqa: E402
from earmark.training.sound_model import SoundModel, SoundModelSettings, receptive_seconds  # noqa: E402
from earmark.training.sound_texts import phrases_of  # noqa: E402

PITCHES = {"a low hum": 150.0, "a whistle": 2500.0, "a buzzer": 600.0}


SMALL = SoundModelSettings(channels=(4, 4, 8, 8), width=16, dilations=(1, 2), dim=12)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Nine wave files of three pitches, and a CSV that says where in them the tone is."""
    import wave

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


def config_for(folder: Path, **changes: object) -> SoundConfig:
    plain = SoundConfig(
        data=str(folder), collections=(CollectionConfig(folder=".", backgrounds=True),), tones=False, batch=2,
        max_steps=6, warmup_steps=1, checkpoint_steps=2, channels=(4, 4, 8, 8), width=16, dim=12,
    )  # fmt: skip
    return replace(plain, **changes)  # type: ignore[arg-type]


def test_from_a_folder_to_an_engine(folder: Path, tmp_path: Path) -> None:
    stages = set()
    weights = train_sound(
        config_for(folder), tmp_path / "run", on_progress=lambda stage, done, total: stages.add(stage)
    )
    engine = BuiltinSound(weights)
    frames = engine.embed_audio(np.zeros(16_000, dtype=np.float32))
    assert frames.shape == (13, 12)
    assert "a whistle" in engine.vocabulary()
    assert stages == {"decode", "train"}
    assert (tmp_path / "run" / "losses.png").read_bytes().startswith(b"\x89PNG")
    assert json.loads((weights / "model.json").read_text())["steps"] == [6]


def test_an_interrupted_run_ends_where_an_uninterrupted_one_does(folder: Path, tmp_path: Path) -> None:
    train_sound(config_for(folder), tmp_path / "whole")
    # The rate follows the steps, so both halves are told of the whole: stop by hand after the fourth step.
    stopped = tmp_path / "stopped"

    class Stop(Exception):
        pass

    def stop(stage: str, done: float, total: float) -> None:
        if stage == "train" and done >= 4 / 6 - 1e-9:
            raise Stop

    with pytest.raises(Stop):
        train_sound(config_for(folder), stopped, on_progress=stop)
    train_sound(config_for(folder), stopped, resume=True)
    one, two = (torch.load(at / "checkpoint.pt", weights_only=True) for at in (tmp_path / "whole", stopped))
    assert one["step"] == two["step"] == 6
    for name, value in one["model"].items():
        torch.testing.assert_close(value, two["model"][name], rtol=1e-3, atol=1e-4)


def test_members_are_trained_together_or_one_by_one(folder: Path, tmp_path: Path) -> None:
    config = config_for(folder, members=2)
    together = train_sound(config, tmp_path / "together")
    assert train_sound(config, tmp_path / "apart", member=1) is None  # the first is still to come
    apart = train_sound(config, tmp_path / "apart", member=0)
    assert together is not None and apart is not None
    card = json.loads((apart / "model.json").read_text())
    assert card["steps"] == [6, 6] and card["seeds"] == [0, 1]
    noise = np.random.default_rng(0).standard_normal(48_000).astype(np.float32) * 0.1
    one, two = BuiltinSound(together), BuiltinSound(apart)
    assert one.members == 2
    np.testing.assert_allclose(one.embed_audio(noise), two.embed_audio(noise), atol=0.05)
    np.testing.assert_allclose(np.linalg.norm(one.embed_audio(noise), axis=1), 1.0, atol=1e-3)
    assert one.embed_clips(one.embed_audio(noise)).shape == (1, 12)
    with pytest.raises(UsageError, match="expected one of 1 to 2, found 3"):
        train_sound(config, tmp_path / "other", member=2)


def test_beginning_anew_over_a_checkpoint_and_resuming_without(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        train_sound(config_for(folder), tmp_path / "run", resume=True)
    assert str(caught.value) == (
        f"{tmp_path / 'run'}: expected a checkpoint to go on from, found none. Start without --resume."
    )
    train_sound(config_for(folder, max_steps=2), tmp_path / "run")
    with pytest.raises(UsageError, match="expected a folder without a checkpoint, found checkpoint.pt"):
        train_sound(config_for(folder), tmp_path / "run")


def test_clips_that_do_not_decode_are_skipped_and_all_of_them_an_error(folder: Path, tmp_path: Path) -> None:
    (folder / "0.wav").write_bytes(b"nothing")
    corpus = prepare_corpus(config_for(folder), tmp_path / "cache")
    assert len(corpus.mixer.events) == 8
    for path in folder.glob("*.wav"):
        path.write_bytes(b"nothing")
    with pytest.raises(MediaError, match="expected clips to train on"):
        prepare_corpus(config_for(folder), tmp_path / "other")


def test_the_cache_is_used_and_made_anew_for_other_clips(folder: Path, tmp_path: Path) -> None:
    prepare_corpus(config_for(folder), tmp_path / "cache")
    before = (tmp_path / "cache" / "mel.npy").stat().st_mtime_ns
    prepare_corpus(config_for(folder), tmp_path / "cache")
    assert (tmp_path / "cache" / "mel.npy").stat().st_mtime_ns == before
    table = folder / "mine.csv"
    table.write_text("\n".join(table.read_text().splitlines()[:-1]) + "\n")
    prepare_corpus(config_for(folder), tmp_path / "cache")
    assert (tmp_path / "cache" / "mel.npy").stat().st_mtime_ns != before


def test_what_is_held_out_by_list_is_not_trained_on(folder: Path, tmp_path: Path) -> None:
    names = tmp_path / "names.txt"
    names.write_text("# kept out\n3.wav\n4.wav\n")
    kept, out = choose_clips(config_for(folder, held_out_list=str(names)))
    assert {clip.path.name for clip in out.backgrounds} == {"3.wav", "4.wav"}
    assert len(kept) == 7


def test_weights_give_each_label_its_share() -> None:
    events = [Event(0, 0, 9, strict=True)] * 2 + [Event(0, 0, 9)] * 18 + [Event(1, 0, 9)] * 6
    weights = _weights(events, [2.0] * 20 + [1.0] * 6, 2)
    assert weights[:2].sum() == pytest.approx(2.0 * 0.65)
    assert weights[2:20].sum() == pytest.approx(2.0 * 0.35)
    assert weights[20:].sum() == pytest.approx(1.0)


def test_the_learning_rate_warms_up_stays_and_falls() -> None:
    config = SoundConfig(data="x", collections=(), learning_rate=1.0, warmup_steps=10, decay_share=0.5)
    assert learning_rate(config, 0, 0.0) == pytest.approx(0.1)
    assert learning_rate(config, 100, 0.5) == pytest.approx(1.0)
    assert learning_rate(config, 100, 0.75) == pytest.approx(0.505)
    assert learning_rate(config, 100, 1.0) == pytest.approx(0.01)


def test_a_frame_hears_no_farther_than_it_says() -> None:
    model = SoundModel(SMALL).eval()
    reach = round(receptive_seconds(SMALL.dilations) / 0.08)
    mel = torch.randn(1, 64, 400, generator=torch.Generator().manual_seed(0))
    other = mel.clone()
    other[:, :, 4 * (50 + reach + 1) :] += 3.0
    with torch.no_grad():
        difference = (model.audio(mel) - model.audio(other)).abs().amax(dim=(0, 2))
    assert float(difference[:50].max()) < 1e-5
    assert float(difference[50 + reach + 1 :].max()) > 1e-3


def test_captions_fall_into_phrases() -> None:
    found = phrases_of(["A dog barks as rain falls, and a man speaks.", "Rain", "rain falls"])
    assert found == ["a dog barks as rain falls, and a man speaks", "a dog barks", "rain falls", "a man speaks"]
