"""The name of a recording: a hash of the file's bytes and of the audio stream heard in it.

A file that was moved or renamed keeps it, a file that changed in any byte gets another. All bytes are
read, for two recordings of one device can share their first megabytes; at 1 GB/s that costs a hundredth
of decoding them.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from earmark.errors import MediaError

__all__ = ["identity"]

BLOCK_BYTES = 1 << 20


def identity(path: str | Path, audio_stream: int = 0) -> str:
    """32 hexadecimal digits: BLAKE2b of the content; streams after the first get names of their own.

    Raises:
        MediaError: if the file cannot be read.
    """
    digest = hashlib.blake2b(digest_size=16, key=str(audio_stream).encode() if audio_stream else b"")
    buffer = bytearray(BLOCK_BYTES)
    view = memoryview(buffer)
    try:
        with open(path, "rb", buffering=0) as file:
            while count := file.readinto(buffer):
                digest.update(view[:count])
    except OSError as exc:
        raise MediaError(
            path,
            expected="a readable file",
            found=f"an error of the system ({exc.strerror})",
            hint="Check the path, its permissions and the disk.",
        ) from exc
    return digest.hexdigest()
