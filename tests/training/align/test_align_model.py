"""The model: features against a slow transform, padding that changes nothing, scores by hand, impostors, loss."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("h5py")

from earmark.errors import FormatError  # noqa: E402
from earmark.training.align.features import (  # noqa: E402
    BANDS,
    FFT,
    FLOOR,
    HOP,
    WINDOW,
    FeatureStore,
    log_mel,
    mel_weights,
)
from earmark.training.align.model import (  # noqa: E402
    AlignModel,
    MaskedNorm,
    impostors,
    map_scores,
    maps,
    ranking_loss,
)


def model(seed: int = 0) -> AlignModel:
    torch.manual_seed(seed)
    vectors = np.random.default_rng(0).standard_normal((7, 12)).astype(np.float32)
    return AlignModel(vectors, width=8)


def clip(frames: int, seed: int = 0) -> np.ndarray:  # type: ignore[type-arg]
    return np.random.default_rng(seed).standard_normal((frames, BANDS)).astype(np.float32)


def test_features_agree_with_a_transform_written_out() -> None:
    rng = np.random.default_rng(0)
    samples = rng.standard_normal(4000).astype(np.float32)
    fast = log_mel(samples)
    assert fast.shape == (1 + 4000 // HOP, BANDS)
    for frame in (0, 3, len(fast) - 1):
        at = np.arange(WINDOW) + frame * HOP - WINDOW // 2
        piece = np.where((at >= 0) & (at < 4000), samples[np.clip(at, 0, 3999)], 0.0)
        piece = piece * np.array([0.5 - 0.5 * np.cos(2 * np.pi * i / WINDOW) for i in range(WINDOW)])
        turns = np.outer(np.arange(FFT // 2 + 1), np.arange(WINDOW)) / FFT
        power = np.abs((piece * np.exp(-2j * np.pi * turns)).sum(axis=1)) ** 2
        assert fast[frame] == pytest.approx(np.log(power @ mel_weights() + FLOOR), abs=1e-3)


def test_every_band_hears_and_a_tone_peaks_where_it_is() -> None:
    assert (mel_weights().sum(axis=0) > 0).all()
    tone = np.sin(2 * np.pi * 1000 * np.arange(8000) / 16000).astype(np.float32)
    band = int(log_mel(tone)[10].argmax())
    centre = float(np.fft.rfftfreq(FFT, 1 / 16000)[mel_weights()[:, band].argmax()])
    assert centre == pytest.approx(1000, abs=60)
    assert np.isfinite(log_mel(np.zeros(100, np.float32))).all()
    assert np.isfinite(log_mel(np.full(1000, np.nan, np.float32))).all()


def test_a_store_keeps_features_by_path(tmp_path: Path) -> None:
    with FeatureStore(tmp_path / "f.h5", "a") as store:
        store.put("train/audio/a b.wav", clip(9))
        store.put("test/audio/a b.wav", clip(5, 1))
        assert "train/audio/a b.wav" in store and "audio/a b.wav" not in store
        assert store["test/audio/a b.wav"] == pytest.approx(clip(5, 1), abs=2e-3)
    (tmp_path / "g.h5").write_bytes((tmp_path / "f.h5").read_bytes()[:100])
    with pytest.raises(FormatError) as caught:
        FeatureStore(tmp_path / "g.h5")
    assert str(caught.value) == (
        f"{tmp_path / 'g.h5'}: expected an HDF5 file of features, found one that does not open. "
        "Delete it: it is made again."
    )


@pytest.mark.parametrize("frames", [4, 37, 50, 101])
def test_a_clip_sounds_the_same_alone_and_among_longer_ones(frames: int) -> None:
    net = model().eval()
    with torch.no_grad():
        net.audio.norms[0].mean.fill_(0.7)  # statistics under which padding would not stay zero by chance
        net.audio.norms[2].mean.fill_(-0.4)
        alone, _ = net.embed_audio([clip(frames)])
        among, lengths = net.embed_audio([clip(150, 1), clip(frames), clip(64, 2)])
    assert lengths.tolist() == [150, frames, 64]
    assert among[1, :frames].numpy() == pytest.approx(alone[0].numpy(), abs=1e-5)
    assert (among[1, frames:] == 0).all()
    assert torch.linalg.norm(alone[0], dim=-1).numpy() == pytest.approx(np.ones(frames), abs=1e-4)


def test_statistics_are_of_the_frames_inside() -> None:
    norm, plain = MaskedNorm(3).train(), torch.nn.BatchNorm2d(3).train()
    x = torch.randn(2, 3, 10, 4)
    mask = torch.ones(2, 1, 10, 1)
    assert norm(x, mask).detach().numpy() == pytest.approx(plain(x).detach().numpy(), abs=1e-5)
    assert norm.variance.numpy() == pytest.approx(plain.running_var.numpy(), abs=1e-6)
    longer = torch.cat([x, torch.full((2, 3, 5, 4), 99.0)], dim=2)
    mask = torch.cat([mask, torch.zeros(2, 1, 5, 1)], dim=2)
    again = MaskedNorm(3).train()
    assert again(longer, mask)[:, :, :10].detach().numpy() == pytest.approx(plain(x).detach().numpy(), abs=1e-5)
    assert (again(longer, mask)[:, :, 10:] == 0).all()


def test_a_silent_clip_gives_no_nan_anywhere() -> None:
    net = model().train()
    audio = net.embed_audio([np.zeros((40, BANDS), np.float32), clip(40)])
    words = net.embed_words([[0], [1, 2]])
    loss = ranking_loss(audio, words, ["a", "b"], "mtsq", 1.0, torch.Generator())
    assert loss is not None
    loss.backward()
    assert all(torch.isfinite(p.grad).all() for p in net.audio.parameters() if p.grad is not None)


@pytest.mark.parametrize("reduction", ["stsq", "mqst", "mtsq"])
def test_scores_agree_with_their_definition_whatever_the_padding(reduction: str) -> None:
    rng = np.random.default_rng(1)
    frames, words = [5, 9, 7], [3, 1, 4]
    table = np.zeros((3, 9, 4), np.float32)
    expected = []
    for i, (t, q) in enumerate(zip(frames, words, strict=True)):
        table[i, :t, :q] = rng.random((t, q))
        found = table[i, :t, :q]
        by_name = {"stsq": found.mean(), "mqst": found.max(axis=1).mean(), "mtsq": found.max(axis=0).mean()}
        expected.append(by_name[reduction])
    scores = map_scores(torch.from_numpy(table), torch.tensor(frames), torch.tensor(words), reduction)  # type: ignore[arg-type]
    assert scores.tolist() == pytest.approx(expected, abs=1e-6)


def test_maps_are_clamped_cosines() -> None:
    audio = torch.tensor([[[1.0, 0.0], [-1.0, 0.0], [0.0, 0.0]]])
    words = torch.tensor([[[1.0, 0.0], [0.0, 1.0]]])
    assert maps(audio, words)[0].tolist() == [[1.0, 0.0], [0.0, 0.0], [0.0, 0.0]]


def test_impostors_are_of_other_clips_and_one_clip_has_none() -> None:
    generator = torch.Generator().manual_seed(0)
    clips = ["a", "a", "b", "c"]
    seen = set()
    for _ in range(50):
        anchors, audio, words = impostors(clips, generator)
        assert anchors == [0, 1, 2, 3]
        for anchor, other, caption in zip(anchors, audio, words, strict=True):
            assert clips[other] != clips[anchor] != clips[caption]
            seen.add((anchor, other))
    assert len(seen) == 2 + 2 + 3 + 3
    assert impostors(["a", "a"], generator) == ([], [], [])
    assert impostors(["a"], generator) == ([], [], [])


def test_the_loss_is_the_hinge_by_hand_and_none_for_one_clip() -> None:
    unit = torch.eye(2)
    audio = (unit[:, None, :].expand(2, 3, 2), torch.tensor([3, 3]))  # clip i sounds like word i
    words = (unit[:, None, :], torch.tensor([1, 1]))
    generator = torch.Generator()
    right = ranking_loss(audio, words, ["a", "b"], "stsq", 0.5, generator)
    wrong = ranking_loss(audio, (words[0].flip(0), words[1]), ["a", "b"], "stsq", 0.5, generator)
    assert right is not None and float(right) == 0.0  # 1 against 0, more than the margin
    assert wrong is not None and float(wrong) == pytest.approx(2 * 1.5)
    assert ranking_loss(audio, words, ["a", "a"], "stsq", 0.5, generator) is None


def test_an_odd_number_of_dimensions_is_padded() -> None:
    net = AlignModel(np.ones((3, 5), np.float32), width=4)
    assert net.embed_audio([clip(12)])[0].shape == (1, 12, 6)
    assert net.embed_words([[0, 2]])[0].shape == (1, 2, 6)
