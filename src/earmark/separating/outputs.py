"""The files separating writes: whether they can be, and what their formats change, asked before long work."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from earmark.errors import FormatError, UsageError
from earmark.media.clips import CLIP_EXTENSIONS, write_waveforms
from earmark.media.decode import decode
from earmark.media.files import check_free
from earmark.records import Recording
from earmark.timeline import Waveform

__all__ = ["LOSSLESS", "check", "check_formats", "named"]

LOSSLESS = (".wav", ".flac")
"""What is read back from these is what was written, so the residual can be taken from it."""
TRIAL_SECONDS = 0.1
FLAC_CHANNELS = 8


def check(path: str | Path, target: Path, residual: Path | None = None, force: bool = False) -> None:
    """Whether these files can be written at all, by their names.

    Raises:
        UsageError: if a name is of no known format, or two of the three files are one.
        FormatError: if a name is taken.
    """
    asked = [("--output", target)] + ([] if residual is None else [("--residual", residual)])
    taken = {os.path.realpath(path): "the recording itself"}
    for option, name in asked:
        if name.suffix.lower() not in CLIP_EXTENSIONS:
            raise UsageError(
                name,
                expected="an audio format by its extension",
                found=repr(name.suffix) if name.suffix else "none",
                hint=f"Use one of {', '.join(CLIP_EXTENSIONS)}.",
            )
        real = os.path.realpath(name)
        if real in taken:
            raise UsageError(option, expected="a file of its own", found=taken[real], hint="Choose another name.")
        taken[real] = "the file of --output"
        check_free(name, force=force)


def check_formats(recording: Recording, names: Sequence[Path]) -> list[str]:
    """Whether the formats can hold what the recording is, tried with a tenth of a second of silence in each.

    Returns:
        Notes for the user: which files will have another rate.

    Raises:
        UsageError: if a format holds fewer channels.
        FormatError: if a file cannot be written.
        MediaError: if the recording cannot be read.
    """
    first = _first_block(recording.path, recording.audio_stream)
    if first is None:
        return []
    rate, channels = first.sample_rate, first.num_channels
    rates: dict[int, list[str]] = {}
    for name in names:
        kept = _tried(name, rate, channels)
        if kept.num_channels != channels:
            raise UsageError(
                name,
                expected=f"a format that holds {channels} channels, as the recording has",
                found=f"{name.suffix}, which does not",
                hint="Use .wav or .flac." if channels <= FLAC_CHANNELS else "Use .wav.",
            )
        if kept.sample_rate != rate:
            rates.setdefault(kept.sample_rate, []).append(str(name))
    return [
        f"{' and '.join(files)}: written at {other:,} Hz, for the format cannot keep the recording's {rate:,} Hz; "
        ".wav and .flac can"
        for other, files in rates.items()
    ]


def _tried(name: Path, rate: int, channels: int) -> Waveform:
    """What comes back of silence written in the format of a name, into a hidden neighbour that does not stay."""
    silence = Waveform(np.zeros((channels, max(1, round(TRIAL_SECONDS * rate))), np.float32), rate)
    final = Path(os.path.realpath(name))
    if final.suffix.lower() == ".wav":
        return silence
    trial = final.with_name(f".{final.stem[:60]}.{secrets.token_hex(4)}.trial{final.suffix}")
    try:
        with named(name, trial):
            write_waveforms(trial, silence)
            return _first_block(trial) or silence
    finally:
        trial.unlink(missing_ok=True)


def _first_block(path: str | Path, audio_stream: int = 0) -> Waveform | None:
    blocks = decode(path, sample_rate=None, channels=None, audio_stream=audio_stream, block_seconds=TRIAL_SECONDS)
    return next(blocks, None)


@contextmanager
def named(name: Path, place: Path) -> Iterator[Path]:
    """What goes wrong while writing to `place` is told of `name`, which the user knows."""
    try:
        yield place
    except FormatError as exc:
        if exc.subject != str(place):
            raise
        raise FormatError(name, expected=exc.expected, found=exc.found, hint=exc.hint) from exc
