"""Whisper, on a tiny model with random weights, made here and converted as real ones are. It speaks gibberish."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from earmark.engines.recogniser.whisper import Whisper
from earmark.engines.registry import load
from earmark.errors import EngineError
from earmark.timeline import Waveform

LANGUAGES = 99
TEXT_TOKENS = 50_257


def make_weights(folder: Path) -> Path:
    """A Whisper of one layer and 16 channels with the real vocabulary's layout, as CTranslate2 weights."""
    converters = pytest.importorskip("ctranslate2.converters")
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers", reason="the group `test` brings it")
    from faster_whisper.tokenizer import _LANGUAGE_CODES
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

    vocabulary = {letter: number for number, letter in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))}
    for number in range(len(vocabulary), TEXT_TOKENS - 1):
        vocabulary[f"Ġw{number}"] = number
    vocabulary[""] = TEXT_TOKENS - 1  # its presence is how CTranslate2 knows a multilingual model
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    codes = [f"<|{code}|>" for code in _LANGUAGE_CODES[:LANGUAGES]]
    tasks = "translate transcribe startoflm startofprev nospeech notimestamps".split()
    times = [f"<|{step * 0.02:.2f}|>" for step in range(1501)]
    special = ["<|endoftext|>", "<|startoftranscript|>", *codes, *(f"<|{task}|>" for task in tasks), *times]
    tokenizer.add_special_tokens([AddedToken(token, special=True) for token in special])
    source = folder / "source"
    source.mkdir()
    torch.manual_seed(0)
    config = transformers.WhisperConfig(
        vocab_size=tokenizer.get_vocab_size(), d_model=16, encoder_layers=1, decoder_layers=1,
        encoder_attention_heads=2, decoder_attention_heads=2, encoder_ffn_dim=16, decoder_ffn_dim=16,
    )  # fmt: skip
    transformers.WhisperForConditionalGeneration(config).save_pretrained(source)
    tokenizer.save(str(source / "tokenizer.json"))
    kind = {"tokenizer_class": "PreTrainedTokenizerFast", "eos_token": "<|endoftext|>", "unk_token": "<|endoftext|>"}
    (source / "tokenizer_config.json").write_text(json.dumps(kind))
    target = folder / "weights"
    converters.TransformersConverter(str(source), copy_files=["tokenizer.json"]).convert(str(target))
    settings = json.loads((target / "config.json").read_text())
    first = tokenizer.token_to_id(codes[0])
    settings |= {"lang_ids": list(range(first, first + LANGUAGES)), "alignment_heads": [[0, 0]]}
    (target / "config.json").write_text(json.dumps(settings))
    return target


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return make_weights(tmp_path_factory.mktemp("whisper"))


@pytest.fixture(scope="module")
def engine(weights: Path) -> Whisper:
    return Whisper(str(weights), temperatures=[0.0])


@pytest.fixture(scope="module")
def noise() -> Waveform:
    return Waveform(np.random.default_rng(0).normal(0, 0.1, (1, 8_000)).astype(np.float32), 16_000, 100.0)


def test_words_lie_on_the_clock_of_the_media(engine: Whisper, noise: Waveform) -> None:
    (heard,) = engine.transcribe([noise], "fa")
    assert heard.language == "fa" and engine.languages is None and engine.gives_word_times
    assert heard.words and heard.text == " ".join(word.text for word in heard.words)
    assert 1 <= heard.num_tokens <= 16 + 6 and heard.mean_logprob < -1
    for word in heard.words:
        assert word.span is not None and 100.0 <= word.span.start <= word.span.end <= 100.5
        assert type(word.span.start) is float and 0.0 <= word.probability <= 1.0
    assert heard.no_speech_probability is not None and 0.0 <= heard.no_speech_probability <= 1.0


def test_it_finds_out_the_language_by_itself(engine: Whisper, noise: Waveform) -> None:
    assert engine.transcribe([noise])[0].language in engine._known


def test_nothing_gives_nothing(engine: Whisper) -> None:
    for length in (0, 16_000):
        (heard,) = engine.transcribe([Waveform(np.zeros((1, length), np.float32), 16_000)], "en")
        assert (heard.text, heard.words, heard.num_tokens, heard.language) == ("", (), 0, "en")


def test_mistakes_of_the_caller(engine: Whisper) -> None:
    with pytest.raises(ValueError, match="hears 16000 Hz, got 8000"):
        engine.transcribe([Waveform(np.ones((1, 8_000), np.float32), 8_000)])
    with pytest.raises(ValueError, match=r"at most 30\.0 s at once, got 31\.0"):
        engine.transcribe([Waveform(np.ones((1, 31 * 16_000), np.float32), 16_000)])
    with pytest.raises(EngineError) as caught:
        engine.transcribe([], "xx")
    assert str(caught.value) == (
        "whisper: expected a language it knows, found the language 'xx'. Give its two-letter code, or leave it out."
    )


def test_missing_weights_name_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EARMARK_MODELS", str(tmp_path))
    with pytest.raises(EngineError) as caught:
        load("recogniser", "whisper:turbo")
    assert str(caught.value) == (
        f"whisper-turbo: expected its weights in {tmp_path}/whisper-turbo, found none there. "
        "Run: earmark models pull whisper-turbo"
    )


def test_weights_without_a_tokenizer_are_refused_before_anything_is_fetched(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "model.bin").touch()
    with pytest.raises(EngineError) as caught:
        Whisper(str(folder))
    assert str(caught.value) == (
        f"whisper:{folder}: expected Whisper weights for CTranslate2 in {folder}, "
        "found no config.json, no tokenizer.json. Run: earmark models pull whisper-small"
    )


def test_broken_weights_are_one_line(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    for name in ("model.bin", "config.json", "tokenizer.json"):
        (folder / name).write_text("{}")
    with pytest.raises(EngineError, match=f"Delete {folder} and pull it again"):
        Whisper(str(folder))
