"""Encoders of others, made small and at random in the test, saved and loaded as real ones are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from earmark.engines.speech_text.frames import load_frames
from earmark.engines.speech_text.pretrained import BertTexts
from earmark.errors import EngineError

transformers = pytest.importorskip("transformers")
torch = pytest.importorskip("torch")


@pytest.fixture(scope="module")
def wav2vec2(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    config = transformers.Wav2Vec2Config(
        hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16, conv_dim=(8, 8),
        conv_stride=(20, 16), conv_kernel=(20, 16), num_feat_extract_layers=2, num_conv_pos_embeddings=4,
        num_conv_pos_embedding_groups=2,
    )  # fmt: skip
    folder = tmp_path_factory.mktemp("wav2vec2")
    transformers.Wav2Vec2Model(config).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bert")
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "voice", "speaks"]
    (folder / "vocab.txt").write_text("\n".join(words), encoding="utf-8")
    transformers.BertTokenizer(str(folder / "vocab.txt")).save_pretrained(folder)
    torch.manual_seed(0)
    config = transformers.BertConfig(
        vocab_size=len(words), hidden_size=12, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16
    )
    transformers.BertModel(config).save_pretrained(folder)
    return folder


def test_wav2vec2_by_folder(wav2vec2: Path) -> None:
    encoder = load_frames(f"wav2vec2:{wav2vec2}")
    frames = encoder.frames(np.random.default_rng(0).standard_normal(16_000).astype(np.float32))
    assert (encoder.dim, encoder.step_seconds) == (16, 0.04)
    assert abs(len(frames) - 25) <= 1 and frames.shape[1] == 16 and np.isfinite(frames).all()


def test_loudness_does_not_matter_to_wav2vec2(wav2vec2: Path) -> None:
    encoder = load_frames(f"wav2vec2:{wav2vec2}")
    samples = np.random.default_rng(0).standard_normal(16_000).astype(np.float32)
    assert np.allclose(encoder.frames(samples), encoder.frames(0.1 * samples), atol=1e-3)


def test_bert_by_folder(bert: Path) -> None:
    reader = BertTexts(str(bert))
    alone = reader.embed(["a voice"])
    together = reader.embed(["a voice speaks a voice speaks", "a voice"])
    assert alone.shape == (1, 12)
    assert np.allclose(alone[0], together[1], atol=1e-5), "padding changes nothing"


def test_a_folder_without_a_model(tmp_path: Path) -> None:
    with pytest.raises(EngineError) as caught:
        load_frames(f"wav2vec2:{tmp_path}")
    assert str(caught.value).startswith(f"wav2vec2:{tmp_path}: expected a folder with a Wav2Vec2Model, found ")
    assert str(caught.value).endswith("Check the path, or save one there with save_pretrained.")
