"""A data set as WebDataset shards: tar files of chunks, each as its audio, its text and its row.

    <id>.flac    mono at 16 kHz
    <id>.txt     the transcript
    <id>.json    the row of the manifest

They are read by `webdataset`, by `datasets` (``load_dataset("webdataset", …)``) and by any tar program.
Member times and owners are left at zero, so equal data sets give equal shards.

Source: https://github.com/webdataset/webdataset (the format).
"""

from __future__ import annotations

import io
import json
import tarfile
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from earmark.collecting.lock import locked
from earmark.formats.manifest import Chunk
from earmark.media.clips import write_waveforms
from earmark.media.decode import decode
from earmark.media.files import atomic_path
from earmark.progress import Progress, ignore

__all__ = ["write_shards"]


def write_shards(
    chunks: Sequence[Chunk],
    folder: Path,
    *,
    shard_bytes: int = 500_000_000,
    force: bool = False,
    on_progress: Progress = ignore,
) -> list[Path]:
    """Writes ``<split>-000000.tar`` and so on into `folder`, each of about `shard_bytes`.

    Raises:
        MediaError: if a recording cannot be read any more.
        FormatError: if a shard is there already and `force` is not set, or cannot be written.
    """
    written: list[Path] = []
    done = 0.0
    total = sum(chunk.span.duration for chunk in chunks)
    with locked(folder), tempfile.TemporaryDirectory() as scratch:
        for split in dict.fromkeys(chunk.split or "train" for chunk in chunks):
            waiting = [chunk for chunk in chunks if (chunk.split or "train") == split]
            number = 0
            while waiting:
                path = folder / f"{split}-{number:06d}.tar"
                with atomic_path(path, force=force) as temporary, tarfile.open(temporary, "w") as shard:
                    while waiting and (shard.offset == 0 or shard.offset < shard_bytes):
                        chunk = waiting.pop(0)
                        for name, content in _members(chunk, Path(scratch)):
                            member = tarfile.TarInfo(name)
                            member.size = len(content)
                            shard.addfile(member, io.BytesIO(content))
                        done += chunk.span.duration
                        on_progress("shards", done, total)
                written.append(path)
                number += 1
    return written


def _members(chunk: Chunk, scratch: Path) -> list[tuple[str, bytes]]:
    audio = scratch / "chunk.flac"
    write_waveforms(audio, decode(chunk.path, start_seconds=chunk.start, end_seconds=chunk.end), force=True)
    row = json.dumps(asdict(chunk), ensure_ascii=False)
    return [
        (f"{chunk.id}.flac", audio.read_bytes()),
        (f"{chunk.id}.json", row.encode("utf-8", "replace")),
        (f"{chunk.id}.txt", chunk.transcript.encode("utf-8", "replace")),
    ]
