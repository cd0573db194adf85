"""WAV files with holes: what other readers find in them, and what they take on the disk."""

from __future__ import annotations

import os
import wave
from pathlib import Path

import numpy as np
import pytest

from earmark.errors import FormatError
from earmark.media import holes
from earmark.media.decode import decode
from earmark.media.holes import write_sparse_wav
from earmark.timeline import Waveform


def block(seconds: float, channels: int = 2, loud: bool = False, rate: int = 8_000) -> Waveform:
    samples = np.zeros((channels, round(seconds * rate)), np.float32)
    if loud:
        samples[:] = np.random.default_rng(1).uniform(-0.5, 0.5, samples.shape)
    return Waveform(samples, rate)


@pytest.mark.parametrize("order", ["SLS", "LSL", "S", "L", "SSL", "LSS"])
@pytest.mark.parametrize("channels", [1, 2, 6])
def test_it_reads_back_as_what_was_written(order: str, channels: int, tmp_path: Path) -> None:
    blocks = [block(1.0, channels, loud=letter == "L") for letter in order]
    written = write_sparse_wav(tmp_path / "out.wav", blocks)
    expected = np.concatenate([each.samples for each in blocks], axis=1)
    assert written == expected.shape[1]
    with wave.open(str(tmp_path / "out.wav")) as file:  # another reader than the one of the house
        assert (file.getnchannels(), file.getframerate(), file.getnframes()) == (channels, 8_000, written)
        pcm = np.frombuffer(file.readframes(written), "<i2").reshape(-1, channels).T / 32768
    assert np.abs(pcm - expected).max() <= 0.5 / 32768 + 1e-9
    found = np.concatenate([b.samples for b in decode(tmp_path / "out.wav", sample_rate=None, channels=None)], axis=1)
    assert np.array_equal(found, pcm.astype(np.float32))


def test_silence_takes_no_room_where_the_disk_can_do_that(tmp_path: Path) -> None:
    with (tmp_path / "probe").open("wb") as file:
        file.truncate(10_000_000)
    if os.stat(tmp_path / "probe").st_blocks * 512 > 5_000_000:
        pytest.skip("this file system stores every zero")
    write_sparse_wav(tmp_path / "out.wav", [block(0.1, loud=True), *[block(60.0) for _ in range(10)]])
    stat = os.stat(tmp_path / "out.wav")
    assert stat.st_size == 44 + 2 * 2 * 8_000 * 600 + 2 * 2 * 800
    assert stat.st_blocks * 512 < stat.st_size / 20


def test_full_scale_does_not_wrap(tmp_path: Path) -> None:
    samples = np.array([[1.0, -1.0, 1.5, -1.5]], np.float32)
    write_sparse_wav(tmp_path / "out.wav", [Waveform(samples, 8_000)])
    with wave.open(str(tmp_path / "out.wav")) as file:
        assert np.frombuffer(file.readframes(4), "<i2").tolist() == [32767, -32768, 32767, -32768]


def test_longer_than_a_wav_file_can_be_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(holes, "MOST_BYTES", 2 * 2 * 8_000 * 3600)
    with pytest.raises(FormatError) as caught:
        write_sparse_wav(tmp_path / "out.wav", (block(600.0) for _ in range(7)))
    assert str(caught.value) == (
        f"{tmp_path}/out.wav: expected less than 4 GB, the most a WAV file holds, found more, after 1.2 hours. "
        "Cut the recording into parts."
    )
    assert list(tmp_path.iterdir()) == []


def test_nothing_and_blocks_of_two_kinds_are_bugs(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="at least one waveform"):
        write_sparse_wav(tmp_path / "out.wav", [])
    with pytest.raises(ValueError, match="then Waveform"):
        write_sparse_wav(tmp_path / "out.wav", [block(0.1), block(0.1, channels=1)])
    assert list(tmp_path.iterdir()) == []


def test_a_taken_name_is_kept(tmp_path: Path) -> None:
    (tmp_path / "out.wav").write_bytes(b"mine")
    with pytest.raises(FormatError, match="a file that is already there"):
        write_sparse_wav(tmp_path / "out.wav", [block(0.1)])
    assert (tmp_path / "out.wav").read_bytes() == b"mine"
    write_sparse_wav(tmp_path / "out.wav", [block(0.1)], force=True)
    assert (tmp_path / "out.wav").stat().st_size == 44 + 3200
