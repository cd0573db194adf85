"""WAV files whose silence takes no room on the disk.

A sound pulled out of an hour is silent for most of it. Where a block is nothing but zeros, the file skips ahead
instead of writing them: every program reads zeros there, and a file system that knows sparse files (all usual ones of
Linux, and APFS) stores nothing. On others, and when such a file is copied by a program that does not look, it takes
the room it would have taken anyway.
"""

from __future__ import annotations

import io
import itertools
import wave
from collections.abc import Iterable
from pathlib import Path
from typing import IO

import numpy as np

from earmark.errors import FormatError
from earmark.media.files import atomic_path
from earmark.timeline import Waveform

__all__ = ["write_sparse_wav"]

MOST_BYTES = (1 << 32) - 4096
"""The sizes in a WAV file are numbers of 32 bits."""


class _Skipping(io.RawIOBase):
    """Writes, but skips what is only zeros."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def write(self, data: object) -> int:
        block = bytes(data)  # type: ignore[call-overload]
        if len(block) > 512 and not block.strip(b"\0"):
            self._file.seek(len(block), io.SEEK_CUR)
        else:
            self._file.write(block)
        return len(block)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()


def write_sparse_wav(path: str | Path, blocks: Iterable[Waveform], *, force: bool = False) -> int:
    """Writes waveforms, one after the other, of one rate and number of channels, as 16-bit PCM.

    Returns:
        The number of samples, for each channel.

    Raises:
        FormatError: if the name is taken, the file cannot be written, or it would be longer than a WAV file can be.
        ValueError: if there is no waveform, or they differ in rate or channels.
    """
    blocks = iter(blocks)
    first = next(blocks, None)
    if first is None:
        raise ValueError("write_sparse_wav needs at least one waveform")
    rate, channels, count = first.sample_rate, first.num_channels, 0
    with atomic_path(path, force=force) as temporary, open(temporary, "wb") as raw:
        with wave.open(_Skipping(raw), "wb") as file:  # type: ignore[call-overload]
            file.setparams((channels, 2, rate, 0, "NONE", ""))
            for block in itertools.chain([first], blocks):
                if (block.num_channels, block.sample_rate) != (channels, rate):
                    raise ValueError(f"write_sparse_wav got {first!r}, then {block!r}")
                count += block.num_samples
                if count * channels * 2 > MOST_BYTES:
                    raise FormatError(
                        path,
                        expected="less than 4 GB, the most a WAV file holds",
                        found=f"more, after {count / rate / 3600:.1f} hours",
                        hint="Cut the recording into parts.",
                    )
                file.writeframes(_pcm(block))
        raw.truncate(raw.tell())
    return count


def _pcm(block: Waveform) -> bytes:
    """Interleaved 16-bit integers."""
    if not block.samples.any():
        return bytes(2 * block.samples.size)
    return np.clip(np.round(block.samples.T * 32768.0), -32768, 32767).astype("<i2").tobytes()
