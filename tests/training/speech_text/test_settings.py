from __future__ import annotations

from pathlib import Path

import pytest

from earmark.errors import FormatError
from earmark.training.speech_text.settings import read_settings


def write(folder: Path, text: str) -> Path:
    path = folder / "config.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_paths_are_those_beside_the_config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_SETS", str(tmp_path / "sets"))
    path = write(
        tmp_path,
        "manifests: ['${MY_SETS}/a', b]\nencoder: 'wav2vec2:${MY_SETS}/w'\ntemperature: 1\n"
        "sentences: [{file: said.txt, language: fa}]\n",
    )
    settings = read_settings(path, max_steps=3)
    assert settings.manifests == (str(tmp_path / "sets" / "a"), str(tmp_path / "b"))
    assert settings.encoder == f"wav2vec2:{tmp_path / 'sets' / 'w'}"
    assert settings.sentences[0].file == str(tmp_path / "said.txt") and settings.sentences[0].language == "fa"
    assert (settings.max_steps, settings.temperature) == (3, 1.0)


def test_the_config_that_ships_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    import earmark.training

    path = Path(earmark.training.__file__).parent / "configs" / "speech-text.yaml"
    settings = read_settings(path)
    assert settings.encoder == "moonshine" and settings.leave_out and settings.sentences


WRONG = [
    ("", "expected `manifests:` or `sentences:`, found neither. Name what is to be learnt from."),
    ("[1]", "expected settings as `name: value`, found list. See the model's page."),
    ("manifests: [a]\nepochs: 3", "found 'epochs'. Check the spelling."),
    ("manifests: [a]\nbatch: many", "expected batch as int, found 'many'. Correct it in the config."),
    ("manifests: a", "expected manifests as a list of paths, found 'a'. Correct it in the config."),
    ("manifests: [a]\nloss: triplet", "found loss must be one of infonce, ntxent, got 'triplet'."),
    ("manifests: [a]\ndim: 30", "found dim must be a multiple of heads and width even, got 30, 8, 256."),
    ("manifests: [a]\nbatch: 1", "found batch must be at least 2, max_steps, check_steps and neighbours at least 1."),
    ("manifests: [a]\ntemperature: 0", "found temperature must lie in (0, 1], got 0.0."),
    ("sentences: {file: a}", "expected sentences as a list of `{file: …, language: …}`, found {'file': 'a'}."),
    ("sentences: [{path: a}]", "found 'path'. Check the spelling."),
    ("manifests: [", "expected YAML, found "),
]


@pytest.mark.parametrize(("text", "message"), WRONG)
def test_what_cannot_be_meant_is_said(tmp_path: Path, text: str, message: str) -> None:
    path = write(tmp_path, text)
    with pytest.raises(FormatError) as caught:
        read_settings(path)
    assert str(caught.value).startswith(f"{path}: ") and message in str(caught.value)


def test_a_config_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FormatError) as caught:
        read_settings(tmp_path / "none.yaml")
    assert str(caught.value) == f"{tmp_path / 'none.yaml'}: expected a config, found no such file. Check the path."
