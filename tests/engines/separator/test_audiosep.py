"""AudioSep without its published file: a checkpoint of that layout is made here, name by name, and must fit strictly.

``audiosep_layout.txt`` is the layout as the publisher's code gives it, written apart from the network in ``src``.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from numpy.typing import NDArray

from earmark.engines.models import MODELS
from earmark.engines.registry import load
from earmark.engines.separator.audiosep import AudioSep
from earmark.engines.separator.audiosep.checkpoint import CHECKPOINT, read_weights
from earmark.errors import EngineError, QueryError

torch: Any = pytest.importorskip("torch", reason="the extra `audiosep` brings it")
pytest.importorskip("transformers", reason="the extra `audiosep` brings it")

LAYOUT = Path(__file__).parent / "audiosep_layout.txt"
State = dict[str, Any]


def layout() -> dict[str, tuple[int, ...]]:
    rows = [line.split() for line in LAYOUT.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    return {name: () if shape == "scalar" else tuple(map(int, shape.split("x"))) for name, shape in rows}


def random_state(seed: int = 0) -> State:
    """Random weights in the published layout. The text side and the Fourier kernels, most of the file, are one number
    each, laid out to their shape: they cost nothing to store."""
    generator = torch.Generator().manual_seed(seed)
    state: State = {}
    for name, shape in layout().items():
        if name.endswith(("num_batches_tracked", "position_ids")):
            state[name] = torch.zeros((), dtype=torch.int64).expand(shape)
        elif name.startswith("query_encoder.") or "stft." in name:
            state[name] = torch.rand((), generator=generator).mul(0.01).expand(shape)
        elif name.endswith("running_var") or (".bn" in name and name.endswith(".weight")):
            state[name] = torch.rand(shape, generator=generator) + 0.5
        else:
            fan = int(np.prod(shape[1:])) if len(shape) > 1 else 1
            state[name] = torch.randn(shape, generator=generator) / np.sqrt(max(1, fan)) * (1.0 if fan > 1 else 0.1)
    state["query_encoder.model.audio_branch.bn0.weight"] = torch.ones(64)  # of what is not used, there is plenty
    state["query_encoder.model.logit_scale_a"] = torch.ones(())
    return state


def write_tokenizer(path: Path) -> None:
    """Bytes, as RoBERTa reads them, without its merges."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors

    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {"<s>": 0, "<pad>": 1, "</s>": 2, "<unk>": 3, **{c: 4 + n for n, c in enumerate(letters)}}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0), add_prefix_space=False)
    tokenizer.save(str(path))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("models") / "audiosep"
    made.mkdir()
    # as Lightning writes them: the weights, and the training's own state beside them
    stored = {"state_dict": random_state(), "epoch": 1, "optimizer_states": [{"state": {0: torch.zeros(3)}}]}
    torch.save(stored, made / CHECKPOINT)
    write_tokenizer(made / "tokenizer.json")
    return made


@pytest.fixture(scope="module")
def engine(folder: Path) -> AudioSep:
    made = load("separator", f"audiosep:{folder}")
    assert isinstance(made, AudioSep)
    return made


def changed(folder: Path, target: Path, change: Callable[[State], object]) -> Path:
    """A folder whose checkpoint is that of `folder`, changed."""
    stored = torch.load(folder / CHECKPOINT, weights_only=True, mmap=True)
    change(stored["state_dict"])
    small = {name: value.flatten()[0].clone().expand(value.shape) for name, value in stored["state_dict"].items()}
    torch.save({"state_dict": small}, target / CHECKPOINT)
    write_tokenizer(target / "tokenizer.json")
    return target


# --- the layout ---


def test_the_layout_is_the_published_one(engine: AudioSep) -> None:
    separator = {name for name in layout() if name.startswith("ss_model.")}
    assert len(separator) == 332 and len(layout()) == 332 + 200 + 4
    # what the paper gives for the network without its text side: 26.45 million parameters
    trained = [n for n in separator if not n.endswith(("running_mean", "running_var", "num_batches_tracked"))]
    assert sum(int(np.prod(layout()[n])) for n in trained if "stft." not in n) == 26_447_941


def test_what_is_pulled_is_what_is_read() -> None:
    model = MODELS["audiosep"]
    assert [file.name for file in model.files] == [CHECKPOINT, "tokenizer.json"]
    assert all(len(file.sha256) == 64 for file in model.files)
    assert model.licence == "MIT" and 1.2e9 < model.size_bytes < 1.3e9


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (
            lambda state: state.pop("ss_model.base.bn0.weight"),
            "1 missing (ss_model.base.bn0.weight)",
        ),
        (
            lambda state: state.update({"ss_model.base.bn9.weight": torch.ones(1)}),
            "1 unknown (ss_model.base.bn9.weight)",
        ),
        (
            lambda state: state.update({"ss_model.base.after_conv.bias": torch.ones(4)}),
            "1 of another shape (ss_model.base.after_conv.bias (4,), not (3,))",
        ),
        (
            lambda state: [state.pop(name) for name in list(state) if name.startswith("ss_model.film.")],
            "76 missing (ss_model.film.encoder_block1->conv_block1->beta1.weight, "
            "ss_model.film.encoder_block1->conv_block1->beta1.bias, …)",
        ),
    ],
)
def test_weights_that_do_not_fit_are_named(
    folder: Path, tmp_path: Path, change: Callable[[State], object], found: str
) -> None:
    other = changed(folder, tmp_path, change)
    with pytest.raises(EngineError) as caught:
        AudioSep(str(other))
    assert str(caught.value) == (
        f"{other / CHECKPOINT}: expected the 332 weights of AudioSep's separator, found {found}. "
        "Only the published audiosep_base_4M_steps.ckpt is known: earmark models pull audiosep"
    )


def test_a_text_side_that_does_not_fit_is_named(folder: Path, tmp_path: Path) -> None:
    name = "query_encoder.model.text_projection.2.weight"
    other = changed(folder, tmp_path, lambda state: state.update({name: torch.ones(512, 768)}))
    with pytest.raises(EngineError) as caught:
        AudioSep(str(other))
    assert f"found 1 of another shape ({name} (512, 768), not (512, 512))" in str(caught.value)


def test_buffers_old_and_new_transformers_disagree_about_do_not_matter(folder: Path, tmp_path: Path) -> None:
    name = "query_encoder.model.text_branch.embeddings."
    without = changed(folder, tmp_path, lambda state: state.pop(name + "position_ids"))
    AudioSep(str(without))


# --- files that are something else ---


def test_missing_weights_name_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EARMARK_MODELS", str(tmp_path))
    with pytest.raises(EngineError) as caught:
        load("separator", "audiosep")
    assert str(caught.value) == (
        f"audiosep: expected its weights in {tmp_path}/audiosep, found none there. Run: earmark models pull audiosep"
    )


def test_a_missing_package_names_the_extra(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(EngineError) as caught:
        AudioSep(str(folder))
    assert str(caught.value) == (
        "audiosep: expected the packages torch and transformers, found transformers is not installed. "
        'Run: pip install "earmark[audiosep]"'
    )


class Runs:
    """Would write a file when unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return (Path.touch, (self.path,))


def test_nothing_in_a_checkpoint_is_run(tmp_path: Path) -> None:
    torch.save({"state_dict": {}, "hyper_parameters": Runs(tmp_path / "ran")}, tmp_path / CHECKPOINT)
    with pytest.raises(EngineError) as caught:
        read_weights(tmp_path / CHECKPOINT)
    assert str(caught.value).startswith(
        f"{tmp_path / CHECKPOINT}: expected AudioSep's checkpoint, tensors and nothing that runs, found "
    )
    assert str(caught.value).endswith(f". Delete {tmp_path} and run: earmark models pull audiosep")
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("content", "found"), [(b"", None), (b"PK\x03\x04 broken off", None), ({"model": {}}, "no state_dict in it")]
)
def test_other_files_are_one_line(tmp_path: Path, content: bytes | dict[str, Any], found: str | None) -> None:
    path = tmp_path / CHECKPOINT
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        torch.save(content, path)
    with pytest.raises(EngineError) as caught:
        read_weights(path)
    assert "\n" not in str(caught.value)
    assert caught.value.expected == "AudioSep's checkpoint, tensors and nothing that runs"
    assert found is None or caught.value.found == found


def test_a_checkpoint_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(EngineError) as caught:
        AudioSep(str(tmp_path))
    assert str(caught.value) == (
        f"{tmp_path / CHECKPOINT}: expected AudioSep's checkpoint, found no such file. "
        "Run: earmark models pull audiosep"
    )


def test_a_broken_tokenizer_is_one_line(folder: Path, tmp_path: Path) -> None:
    (tmp_path / CHECKPOINT).symlink_to(folder / CHECKPOINT)
    (tmp_path / "tokenizer.json").write_text("{}", encoding="utf-8")
    with pytest.raises(EngineError) as caught:
        AudioSep(str(tmp_path))
    assert str(caught.value).startswith(f"{tmp_path}/tokenizer.json: expected RoBERTa's tokenizer, found ")
    assert str(caught.value).endswith(". Run: earmark models pull audiosep")


# --- what it answers ---


def spectrum_by_matrix(samples: NDArray[np.float64]) -> NDArray[np.complex128]:
    """As the publisher transforms: frames times the Fourier matrix; shape ``(frames, 1025)``."""
    padded = np.pad(samples, 1024, mode="reflect")
    n = np.arange(2048)
    window = 0.5 - 0.5 * np.cos(2 * np.pi * n / 2048)
    matrix = np.exp(-2j * np.pi * np.outer(n, np.arange(1025)) / 2048) * window[:, None]
    return np.stack([padded[at : at + 2048] @ matrix for at in range(0, len(padded) - 2047, 320)])


def mask_by_hand(state: State, samples: NDArray[np.float32], phrase: Any) -> NDArray[np.complex128]:
    """The network again, from the weights' names alone, in double precision and without a module."""
    functional = torch.nn.functional
    weights = {name.removeprefix("ss_model."): value.double() for name, value in state.items() if "ss_model." in name}

    def norm(x: Any, name: str) -> Any:
        of = [weights[f"base.{name}.{part}"] for part in ("running_mean", "running_var", "weight", "bias")]
        return functional.batch_norm(x, *of)

    def activated(x: Any, name: str, beta: str) -> Any:
        shift = phrase.double() @ weights[f"film.{beta}.weight"].T + weights[f"film.{beta}.bias"]
        x = norm(x, name) + shift[:, :, None, None]
        return torch.where(x > 0, x, 0.01 * x)

    def residual(x: Any, *path: str) -> Any:
        dots, arrows = ".".join(path), "->".join(path)
        y = functional.conv2d(activated(x, dots + ".bn1", arrows + "->beta1"), weights[f"base.{dots}.conv1.weight"],
                              padding=1)  # fmt: skip
        y = functional.conv2d(activated(y, dots + ".bn2", arrows + "->beta2"), weights[f"base.{dots}.conv2.weight"],
                              padding=1)  # fmt: skip
        beside = f"base.{dots}.shortcut."
        if beside + "weight" in weights:
            x = functional.conv2d(x, weights[beside + "weight"], weights[beside + "bias"])
        return x + y

    spectrum = spectrum_by_matrix(samples.astype(np.float64))
    frames = len(spectrum)
    magnitude = torch.from_numpy(np.sqrt(np.maximum(np.abs(spectrum) ** 2, 1e-10)))[None, :, :, None]
    x = norm(magnitude.permute(0, 2, 1, 3), "bn0").permute(0, 3, 2, 1)  # (1, 1, frames, bins)
    x = functional.pad(x, (0, 0, 0, -(-frames // 32) * 32 - frames))[..., :1024]
    x = functional.conv2d(x, weights["base.pre_conv.weight"], weights["base.pre_conv.bias"])
    held = []
    for name, pool in [*((f"encoder_block{n}", 2) for n in range(1, 6)), ("encoder_block6", 1), ("conv_block7a", 0)]:
        whole = residual(x, name, "conv_block1")
        held.append(whole)
        x = functional.avg_pool2d(whole, (pool, 2)) if pool else whole
    held.pop()
    for name, pool in [("decoder_block1", 1), *((f"decoder_block{n}", 2) for n in range(2, 7))]:
        x = activated(x, name + ".bn1", name + "->beta1")
        x = functional.conv_transpose2d(x, weights[f"base.{name}.conv1.weight"], stride=(pool, 2))
        x = residual(torch.cat((x, held.pop()), 1), name, "conv_block2")
    x = functional.conv2d(x, weights["base.after_conv.weight"], weights["base.after_conv.bias"])
    gain, along, across = functional.pad(x, (0, 1))[0, :, :frames].numpy()
    turn = np.tanh(along) + 1j * np.tanh(across)
    return np.asarray(turn / np.maximum(np.abs(turn), 1e-10) / (1 + np.exp(-gain)))


def noise(seconds: float, seed: int = 1) -> NDArray[np.float32]:
    made = np.random.default_rng(seed).normal(0.0, 0.1, round(seconds * 32_000))
    return made.astype(np.float32)


def test_the_mask_is_that_of_the_published_sums(engine: AudioSep) -> None:
    samples = noise(0.32)
    phrase = engine._phrases.embed("a dog barking")
    by_hand = mask_by_hand(random_state(), samples, phrase)
    mask = engine.mask(samples, "a dog barking")
    assert mask.shape == by_hand.shape == (33, 1025) and mask.dtype == np.complex64
    assert np.abs(mask).std() > 0.01, "random weights should not give a flat mask"
    assert np.abs(mask - by_hand).max() < 2e-3
    assert np.all(mask[:, -1] == 0)


@pytest.mark.parametrize("count", [0, 1, 319, 320, 1_024, 2_047, 20_000])
def test_every_length_has_its_frames(engine: AudioSep, count: int) -> None:
    mask = engine.mask(noise(1.0)[:count], "rain")
    assert mask.shape == (count // 320 + 1, 1025)
    assert np.all(np.isfinite(mask)) and np.abs(mask).max() <= 1.0 + 1e-5


def test_samples_that_are_no_numbers_do_not_spread(engine: AudioSep) -> None:
    samples = noise(0.2)
    samples[100] = np.nan
    assert np.all(np.isfinite(engine.mask(samples, "rain")))


def test_a_long_call_is_cut_and_the_cuts_are_not_heard(engine: AudioSep, monkeypatch: pytest.MonkeyPatch) -> None:
    samples = noise(1.7)
    whole = engine.mask(samples, "rain")
    monkeypatch.setattr(AudioSep, "window_seconds", 0.64)
    monkeypatch.setattr(AudioSep, "context_seconds", 0.32)
    cut = engine.mask(samples, "rain")
    assert cut.shape == whole.shape
    level = np.sqrt(np.mean(np.abs(whole) ** 2))
    away = np.sqrt(np.mean(np.abs(cut - whole) ** 2)) / level
    assert away < 0.05


def test_the_phrase_steers(folder: Path) -> None:
    from earmark.engines.separator.audiosep.network import ResUNet

    network = ResUNet().eval()
    network.load_state_dict(read_weights(folder / CHECKPOINT)["separator"], strict=True)
    samples = torch.from_numpy(noise(0.4))[None]
    one, other = torch.eye(512)[:2]
    with torch.inference_mode():
        assert (network(samples, one[None]) - network(samples, other[None])).abs().max() > 0.01


def test_the_phrase_encoder_does_not_hear_padding(tmp_path: Path) -> None:
    """The publisher pads every phrase to 512 tokens and masks the padding; here there is none."""
    from transformers import RobertaConfig, RobertaModel

    from earmark.engines.separator.audiosep.phrases import PhraseEncoder

    torch.manual_seed(0)
    config = RobertaConfig(vocab_size=50_265, max_position_embeddings=514, type_vocab_size=1, layer_norm_eps=1e-5)
    reader = RobertaModel(config).eval()
    first, last = torch.nn.Linear(768, 512), torch.nn.Linear(512, 512)
    projection = torch.nn.Sequential(first, torch.nn.ReLU(), last)
    write_tokenizer(tmp_path / "tokenizer.json")
    weights = {"reader": reader.state_dict(), "projection": projection.state_dict()}
    encoder = PhraseEncoder(tmp_path, weights, tmp_path / CHECKPOINT, "cpu")
    ids = [0, *(encoder._tokenizer.encode(" dog").ids[1:-1]), 2]
    tokens = torch.tensor([ids + [1] * 24])
    with torch.inference_mode():
        pooled = reader(input_ids=tokens, attention_mask=(tokens != 1).long()).pooler_output
        padded = torch.nn.functional.normalize(projection(pooled), dim=-1)
    found = encoder._encode(" dog")
    assert found.shape == (1, 512) and float(found.norm()) == pytest.approx(1.0, abs=1e-5)
    assert torch.allclose(found, padded, atol=1e-5)
    assert not torch.allclose(encoder.embed("rain"), encoder.embed("a dog"), atol=1e-5)
    assert encoder.embed(" a  dog ") is encoder.embed("a dog")
    with pytest.raises(QueryError) as caught:
        encoder.embed("  ")
    assert str(caught.value) == ("“”: expected a sound in words, found an empty query. Describe it: “a baby crying”.")


@pytest.mark.parametrize("rate", [8_000, 16_000, 32_000, 44_100, 48_000])
def test_its_frames_lose_nothing_at_any_rate(rate: int) -> None:
    """Steps of 320 do not divide frames of 2,048: the windows still add up, as the mask is laid."""
    from earmark.engines.separator.masking import masked

    samples = np.random.default_rng(2).uniform(-0.5, 0.5, (2, rate)).astype(np.float32)
    everything = np.ones((101, 1025), np.complex64)
    kept = masked(everything, cast(Any, AudioSep), samples, rate)
    assert kept.shape == samples.shape
    assert np.abs(kept - samples).max() < 1e-5
