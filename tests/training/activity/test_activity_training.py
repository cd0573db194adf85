from __future__ import annotations

import json
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from earmark.engines.activity.classes import Classes
from earmark.engines.activity.silero import Silero
from earmark.errors import EngineError, FormatError, MediaError, UsageError
from earmark.training.activity.corpus import Clip, Corpus, activity_spans, read_corpus
from earmark.training.activity.music import STYLES, compose, render
from earmark.training.activity.scenes import STEP_SAMPLES, SceneMaker

torch = pytest.importorskip("torch")
pytest.importorskip("onnx")

RATE = 16_000


def tones(seconds: float, hz: float) -> NDArray[np.float32]:
    time = np.arange(int(seconds * RATE)) / RATE
    return (0.2 * np.sin(2 * np.pi * hz * time) + 0.1 * np.sin(4 * np.pi * hz * time)).astype(np.float32)


def hiss(seconds: float, seed: int) -> NDArray[np.float32]:
    return (np.random.default_rng(seed).standard_normal(int(seconds * RATE)) * 0.1).astype(np.float32)


@pytest.fixture
def musan(tmp_path: Path, write_media: Callable[..., Path], sound: type) -> Path:
    """Music and noise as MUSAN lays them out, one of them by its name alone."""
    top = tmp_path / "musan"
    (top / "music" / "some label").mkdir(parents=True)
    (top / "noise").mkdir()
    for number in range(6):
        write_media(top / "music" / "some label" / f"m{number}.wav", sound(tones(4, 200 * (number + 1))[None]))
        write_media(top / "noise" / f"n{number}.wav", sound(hiss(4, number)[None]))
    write_media(top / "noise-by-name.flac", sound(hiss(3, 9)[None]))
    (top / "LICENSE").write_text("not audio")
    return top


def test_a_corpus_is_read_once_and_kept(musan: Path, tmp_path: Path) -> None:
    work = tmp_path / "work"
    corpus = read_corpus([musan], work)
    assert corpus.kinds == ("music", "noise")
    assert len(corpus.clips) == 13
    assert sum(clip.kind == "noise" for clip in corpus.clips) == 7
    first = corpus.clips[0]
    assert first.name == "music/some label/m0.wav"
    np.testing.assert_allclose(corpus.audio(first), tones(4, 200), atol=1e-4)
    assert first.heard == ((0.0, 4.0),)
    assert first.level_db == pytest.approx(10 * np.log10(0.2**2 / 2 + 0.1**2 / 2), abs=0.1)
    stamp = (work / "corpus.i16").stat().st_mtime_ns
    assert read_corpus([musan], work).clips == corpus.clips
    assert (work / "corpus.i16").stat().st_mtime_ns == stamp
    (musan / "music" / "some label" / "m0.wav").unlink()
    assert len(read_corpus([musan], work).clips) == 12


def test_a_table_says_what_is_heard(musan: Path, tmp_path: Path, write_media: Callable[..., Path], sound: type) -> None:
    own = tmp_path / "own"
    own.mkdir()
    write_media(own / "a.wav", sound(tones(6, 300)[None]))
    (own / "manifest.csv").write_text(
        "file,start,end,label,caption\na.wav,0,2,music,a tune\na.wav,3,6,violin,a violin\na.wav,2,3,laugh,laughter\n"
        "a.wav,2,3,,\n../own/a.wav,0,1,dog,a dog\n"
    )
    corpus = read_corpus([own, musan], tmp_path / "work")
    mine = [clip for clip in corpus.clips if clip.name == "a.wav"]
    assert [(clip.kind, clip.seconds) for clip in mine] == [("music", 2.0), ("music", 3.0), ("noise", 1.0)]
    assert len({clip.held_out for clip in mine}) == 1  # one recording is on one side
    assert len(corpus.clips) == 13 + 3


def test_recordings_are_either_learnt_from_or_held_out(musan: Path, tmp_path: Path) -> None:
    clips = tuple(Clip(f"music/{n}.wav", "music", n, n + 1, ((0, 1),), -20.0) for n in range(400))
    corpus = Corpus(clips, np.zeros(401, np.int16))
    learnt, held = corpus.part(held_out=False), corpus.part(held_out=True)
    assert {clip.name for clip in learnt.clips}.isdisjoint(clip.name for clip in held.clips)
    assert len(learnt.clips) + len(held.clips) == 400
    assert 30 <= len(held.clips) <= 75  # one in eight
    lonely = Corpus(clips[:1], np.zeros(2, np.int16))
    assert lonely.part(held_out=True).clips == lonely.part(held_out=False).clips == clips[:1]


def test_pauses_and_silence_are_not_the_class() -> None:
    silero = Silero()
    parts = [
        np.zeros(RATE, np.float32),
        hiss(1, 0),
        np.zeros(RATE // 5, np.float32),
        hiss(1, 1),
        np.zeros(RATE, np.float32),
    ]
    spans = activity_spans(np.concatenate(parts), "noise", silero)
    assert [(round(s.start, 2), round(s.end, 2)) for s in spans] == [(1.0, 3.2)]  # the pause of 0.2 s is bridged
    assert activity_spans(np.zeros(RATE, np.float32), "noise", silero) == []
    assert activity_spans(np.zeros(0, np.float32), "music", silero) == []
    assert activity_spans(hiss(2, 0), "speech", silero) == []  # Silero hears nobody


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (
            {"speech": 0, "noise": 1},
            "{top}/speech: expected recordings of this class, found no audio in the folder. "
            "Put audio files into it, or remove the folder.",
        ),
        (
            {"noise": 2},
            "{top}: expected recordings of at least two classes, found only noise. "
            "Lay them out as speech/, music/ and noise/, or begin their names with the class.",
        ),
        (
            {"birds": 1},
            "{top}: expected recordings of at least two classes, found folders and names of no class. "
            "Lay them out as speech/, music/ and noise/, or begin their names with the class.",
        ),
    ],
)
def test_folders_that_teach_nothing(
    made: dict[str, int], message: str, tmp_path: Path, write_media: Callable[..., Path], sound: type
) -> None:
    top = tmp_path / "corpus"
    for name, count in made.items():
        (top / name).mkdir(parents=True)
        for number in range(count):
            write_media(top / name / f"{number}.wav", sound(hiss(1, number)[None]))
    with pytest.raises(MediaError) as caught:
        read_corpus([top], tmp_path / "work")
    assert str(caught.value) == message.format(top=top)


def test_a_class_of_silent_files_is_refused_and_broken_ones_are_told(
    musan: Path, tmp_path: Path, write_media: Callable[..., Path], sound: type
) -> None:
    (musan / "noise" / "broken.wav").write_bytes(b"nothing like audio")
    corpus = read_corpus([musan], tmp_path / "work")
    assert len(corpus.skipped) == 1
    assert "broken.wav: expected" in corpus.skipped[0]
    (musan / "speech").mkdir()
    write_media(musan / "speech" / "mute.wav", sound(np.zeros((1, RATE), np.float32)))
    with pytest.raises(MediaError) as caught:
        read_corpus([musan], tmp_path / "work")
    assert str(caught.value) == (
        f"{musan}: expected recordings with audible speech, found none among 1 files. Check the files of this class."
    )


def test_scenes_tell_the_truth_about_themselves(musan: Path, tmp_path: Path) -> None:
    corpus = read_corpus([musan], tmp_path / "work")
    maker = SceneMaker(corpus, ("music", "noise"), 6.0)
    scenes = [maker.make(np.random.default_rng(seed)) for seed in range(40)]
    again = maker.make(np.random.default_rng(3))
    np.testing.assert_array_equal(again.samples, scenes[3].samples)
    quiet = loud = 0
    for scene in scenes:
        assert scene.samples.shape == (6 * RATE,)
        assert scene.samples.dtype == np.float32
        assert np.abs(scene.samples).max() <= 1.0
        assert scene.truth.shape == scene.weight.shape == (150, 2)
        frames = np.sqrt(np.mean(scene.samples.reshape(-1, STEP_SAMPLES) ** 2, axis=1))
        sure = (scene.weight == 1).all(axis=1)
        none = sure & (scene.truth.sum(axis=1) == 0)
        some = sure & (scene.truth.sum(axis=1) > 0)
        quiet, loud = quiet + int(none.sum()), loud + int(some.sum())
        if none.any() and some.any():
            assert np.median(frames[none]) < 0.2 * np.median(frames[some])
    assert quiet > 300
    assert loud > 1000


def test_mfcc_are_the_cosine_transform_of_the_bands() -> None:
    from scipy.fft import dct

    from earmark.training.activity.models import cosines

    mel = np.random.default_rng(0).standard_normal((7, 64)).astype(np.float32)
    np.testing.assert_allclose(mel @ cosines().T, dct(mel, type=2, norm="ortho", axis=1)[:, :40], atol=1e-5)


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning")
@pytest.mark.parametrize(("model", "classes", "megabytes"), [("mlp", None, 0.1), ("temporal", ("music",), 1.0)])
def test_a_model_is_trained_exported_and_used_at_once(
    musan: Path, tmp_path: Path, model: str, classes: tuple[str, ...] | None, megabytes: float
) -> None:
    from earmark.training.activity.loop import ActivityTraining, train_activity

    out = tmp_path / "out" / "mine.onnx"
    settings = ActivityTraining(
        model=model, classes=classes, epochs=12 if model == "mlp" else 3, scenes=10, scene_seconds=4.0, batch_size=2,
        learning_rate=0.01,
    )  # fmt: skip
    outcome = train_activity([musan], out, settings)
    assert outcome.description.classes == (classes or ("music", "noise"))
    assert out.stat().st_size < megabytes * 1e6
    assert out.with_suffix(".png").read_bytes().startswith(b"\x89PNG")
    history = json.loads(out.with_suffix(".json").read_text())
    assert len(history["epochs"]) == len(outcome.epochs)
    assert outcome.epochs[-1].loss < outcome.epochs[0].loss
    engine = Classes(out)
    assert engine.classes == outcome.description.classes
    stream = engine.stream()
    heard = [stream.feed(np.concatenate([tones(4, 400) + 0.001 * hiss(4, 5), hiss(4, 77)])), stream.flush()]
    values = np.concatenate([part.values for part in heard])
    assert values.shape == (200, len(engine.classes))
    music = values[:, engine.classes.index("music")]
    assert music[20:80].mean() > music[120:180].mean() + 0.2
    with pytest.raises(FormatError) as caught:
        train_activity([musan], out, settings)
    assert str(caught.value) == (
        f"{out}: expected a free name, found a file that is already there. "
        "Choose another name, or pass --force to write over it."
    )
    with pytest.raises(UsageError) as absent:
        train_activity([musan], tmp_path / "x.onnx", ActivityTraining(classes=("speech",)))
    assert not (tmp_path / "x.corpus").exists(), "nothing is decoded for it"
    assert str(absent.value) == (
        f"speech: expected one of the classes in {musan}: music, noise, found none of that name. "
        "Leave it out, or add recordings of it."
    )


def test_the_network_counts_frames_in_pairs_and_looks_as_far_as_it_says() -> None:
    from earmark.training.activity.models import Temporal

    torch.manual_seed(0)
    network = Temporal(3, "logmel", 0).eval()
    mel, silero = torch.randn(1, 1200, 64), torch.randn(1, 1200)
    with torch.no_grad():
        before = network(mel, silero)
        mel[:, 600], silero[:, 600] = 5.0, 5.0
        changed = (network(mel, silero) - before).abs().amax(dim=(0, 2)) > 1e-7
    assert before.shape == (1, 600, 3)
    places = np.flatnonzero(changed.numpy())
    reach = 0.04 * max(300 - places.min(), places.max() - 300)
    assert 1.0 < reach <= network.context_seconds


@pytest.mark.parametrize("style", STYLES)
def test_composed_music_is_a_midi_file_whose_notes_end(style: str) -> None:
    data = compose(style, 8.0, np.random.default_rng(4))
    assert compose(style, 8.0, np.random.default_rng(4)) == data
    assert data[:4] == b"MThd"
    assert data[14:18] == b"MTrk"
    assert struct.unpack(">I", data[18:22])[0] == len(data) - 22
    sounding: dict[tuple[int, int], int] = {}
    at, ticks, notes = 22, 0, 0
    while at < len(data):
        delta = 0
        while True:
            delta, more = (delta << 7) | (data[at] & 0x7F), data[at] & 0x80
            at += 1
            if not more:
                break
        ticks += delta
        kind = data[at] & 0xF0
        if data[at] == 0xFF:
            at += 3 + data[at + 2]
        elif kind == 0xC0:
            at += 2
        else:
            key = (data[at] & 0x0F, data[at + 1])
            sounding[key] = sounding.get(key, 0) + (1 if kind == 0x90 else -1)
            notes += kind == 0x90
            at += 3
    assert notes > 5
    assert set(sounding.values()) == {0}


def test_a_missing_synthesiser_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EngineError) as caught:
        render(tmp_path, 0.1, 0, Path("/no/such.sf2"))
    assert str(caught.value) == (
        "fluidsynth: expected the program, and /no/such.sf2, found FileNotFoundError. "
        "Run: apt install fluidsynth fluid-soundfont-gm, or leave --render-music out."
    )
    assert list(tmp_path.iterdir()) == []


def test_the_command_refuses_what_it_does_not_know(tmp_path: Path) -> None:
    from earmark.cli.train_activity import activity

    with pytest.raises(UsageError) as caught:
        activity(tmp_path, model="resnet")
    assert str(caught.value) == "--model: expected one of temporal, mlp, found resnet. Use temporal."
    with pytest.raises(UsageError) as features:
        activity(tmp_path, features="raw")
    assert str(features.value) == "--features: expected one of logmel, mfcc, found raw. Use logmel."
    for given, found in (("foo", "foo"), ("music,foo", "foo"), (" , ", "none")):
        with pytest.raises(UsageError) as classes:
            activity([tmp_path], classes=given)
        assert str(classes.value) == (
            f"--classes: expected some of speech, music, noise, found {found}. Use one of them."
        )
    for name, found in (("m2.txt", "'.txt'"), ("m2", "no extension")):
        with pytest.raises(UsageError) as output:
            activity([tmp_path], tmp_path / name)
        assert str(output.value) == (
            f"{tmp_path / name}: expected the name of a model, .onnx, found {found}. Call it m2.onnx."
        )
    assert list(tmp_path.iterdir()) == []
