"""Weights that are pulled by name, once, when asked: what there is, where it lies, and how it gets there.

Nothing is ever fetched unasked: an engine whose weights are missing says which command pulls them. Weights lie in
``$EARMARK_MODELS``, else where the system keeps application data. A pull writes into ``NAME.part`` and renames it
when every file is there and its checksum right; a pull that was stopped goes on where it was.

The checksums are those their publishers show for the large files. The small text files beside Whisper's weights
are pinned by the revision in their address. AudioSep's are those that projects which use it record.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from earmark.errors import EngineError, UsageError
from earmark.progress import Progress, ignore

__all__ = ["MODELS", "Model", "RemoteFile", "is_pulled", "model_folder", "models_folder", "pull"]

BLOCK_BYTES = 1 << 20
TIMEOUT_SECONDS = 60


@dataclass(frozen=True)
class RemoteFile:
    """One file of a model: its name in the model's folder, its address, and its SHA-256 where it is known."""

    name: str
    address: str
    sha256: str = ""


@dataclass(frozen=True)
class Model:
    """Weights for one engine.

    Attributes:
        use: how to ask for it on the command line: ``--recogniser whisper:small``.
        about: one line for people.
        size_bytes: what is fetched, about.
        files: a single ``.zip`` is unpacked, its top folder left out.
    """

    use: str
    about: str
    licence: str
    size_bytes: int
    files: tuple[RemoteFile, ...]

    @property
    def sha256(self) -> str:
        """Of the largest file."""
        return next((file.sha256 for file in self.files if file.sha256), "")


def _whisper(size: str, repository: str, revision: str, megabytes: int, sha256: str, about: str) -> Model:
    address = f"https://huggingface.co/{repository}/resolve/{revision}/"
    large = size.startswith("large") or size == "turbo"  # 128 bands, and a vocabulary of another format
    names = ["config.json", "tokenizer.json", "vocabulary.json" if large else "vocabulary.txt"]
    names += ["preprocessor_config.json"] if large else []
    files = (RemoteFile("model.bin", address + "model.bin", sha256), *(RemoteFile(n, address + n) for n in names))
    return Model(f"--recogniser whisper:{size}", about, "MIT", megabytes * 1_000_000, files)


def _vosk(name: str, language: str, megabytes: int, sha256: str, about: str) -> Model:
    file = RemoteFile(f"{name}.zip", f"https://alphacephei.com/vosk/models/{name}.zip", sha256)
    return Model(f"--recogniser vosk:{language}", about, "Apache-2.0", megabytes * 1_000_000, (file,))


AUDIOSEP = "https://huggingface.co/spaces/Audio-AGI/AudioSep/resolve/5638854dccfaea5c5fa4f634c00fe74fbb119244/"
ROBERTA = "https://huggingface.co/FacebookAI/roberta-base/resolve/e2da8e2f811d1448a5b465c236feacd80ffbac7b/"

MODELS = {
    "whisper-tiny": _whisper(
        "tiny", "Systran/faster-whisper-tiny", "d90ca5fe260221311c53c58e660288d3deb8d356", 78,
        "dcb76c6586fc06cbdac6dd21f14cfd129cc4cdd9dce19bf4ffa62e59cbe6e6d1",
        "99 languages, quick and rough",
    ),
    "whisper-small": _whisper(
        "small", "Systran/faster-whisper-small", "536b0662742c02347bc0e980a01041f333bce120", 486,
        "3e305921506d8872816023e4c273e75d2419fb89b24da97b4fe7bce14170d671",
        "99 languages, good English, fair Persian",
    ),
    "whisper-medium": _whisper(
        "medium", "Systran/faster-whisper-medium", "08e178d48790749d25932bbc082711ddcfdfbc4f", 1_531,
        "9b45e1009dcc4ab601eff815b61d80e60ce3fd8c74c1a14f4a282258286b51ae",
        "99 languages, slow without a GPU",
    ),
    "whisper-turbo": _whisper(
        "turbo", "dropbox-dash/faster-whisper-large-v3-turbo", "0a363e9161cbc7ed1431c9597a8ceaf0c4f78fcf", 1_621,
        "e76620f83d5f5b69efd3d87e3dc180c1bd21df9fbebacfd4335e5e1efcc018da",
        "99 languages, nearly as good as large-v3, several times as fast",
    ),
    "whisper-large-v3": _whisper(
        "large-v3", "Systran/faster-whisper-large-v3", "edaa852ec7e145841d8ffdb056a99866b5f0a478", 3_090,
        "69f74147e3334731bc3a76048724833325d2ec74642fb52620eda87352e3d4f1",
        "99 languages, the best, wants a GPU",
    ),
    "vosk-small-fa": _vosk(
        "vosk-model-small-fa-0.42", "fa", 53,
        "977cb5faa538f3a835ccfd35f5f6d8284b5c450b89c700b9bd4736b66536ad46",
        "Persian, small and quick",
    ),
    "vosk-small-en": _vosk(
        "vosk-model-small-en-us-0.15", "en", 41,
        "30f26242c4eb449f948e42cb302dd7a686cb29a3423a8367f99ff41780942498",
        "English, small and quick",
    ),
    "audiosep": Model(
        "--engine audiosep", "pulls described sounds out of a mixture, slow without a GPU", "MIT", 1_266_000_000,
        (
            RemoteFile(
                "audiosep_base_4M_steps.ckpt", AUDIOSEP + "checkpoint/audiosep_base_4M_steps.ckpt",
                "f8cda01bfd0ebd141eef45d41db7a3ada23a56568465840d3cff04b8010ce82c",
            ),
            RemoteFile(
                "tokenizer.json", ROBERTA + "tokenizer.json",
                "847bbeab6174d66a88898f729d52fa8d355fafe1bea101cf960dd404581df70e",
            ),
        ),
    ),
}  # fmt: skip
"""Name -> what it is. Sizes are what their pages say, in bytes."""


def models_folder() -> Path:
    """Where pulled weights lie: ``$EARMARK_MODELS``, else the place for application data."""
    chosen = os.environ.get("EARMARK_MODELS")
    if chosen:
        return Path(chosen).expanduser()
    from platformdirs import user_data_path

    return user_data_path("earmark") / "models"


def is_pulled(name: str) -> bool:
    return (models_folder() / name).is_dir()


def model_folder(name: str) -> Path:
    """The folder of pulled weights.

    Raises:
        EngineError: if they were not pulled; names the command that does it.
    """
    folder = models_folder() / name
    if not folder.is_dir():
        raise EngineError(
            name, expected=f"its weights in {folder}", found="none there", hint=f"Run: earmark models pull {name}"
        )
    return folder


def pull(name: str, on_progress: Progress = ignore) -> Path:
    """Fetches weights, or what is missing of them, and returns their folder. Weights that are there stay.

    Raises:
        EngineError: if there are no weights of that name, they cannot be fetched or stored, or a checksum is wrong.
    """
    if name not in MODELS:
        raise UsageError(
            name,
            expected=f"one of {', '.join(MODELS)}",
            found="an unknown name",
            hint="Run: earmark models list",
        )
    final = models_folder() / name
    if final.is_dir():
        return final
    model = MODELS[name]
    part = final.with_name(f"{name}.part")
    try:
        part.mkdir(parents=True, exist_ok=True)
        done = 0
        for file in model.files:

            def told(count: int, before: int = done) -> None:
                on_progress(name, min(before + count, model.size_bytes), model.size_bytes)

            done += _fetch(name, file, part / file.name, told)
        if len(model.files) == 1 and model.files[0].name.endswith(".zip"):
            _unpack(part / model.files[0].name, part)
        about = {"name": name, "licence": model.licence, "files": {f.address: f.sha256 for f in model.files}}
        (part / "earmark.json").write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")
        part.rename(final)
    except OSError as exc:
        raise EngineError(
            name,
            expected=f"a folder that can be written ({final.parent})",
            found=exc.strerror or str(exc),
            hint="Free some room, or set EARMARK_MODELS to another folder.",
        ) from exc
    on_progress(name, model.size_bytes, model.size_bytes)
    return final


def _fetch(name: str, file: RemoteFile, target: Path, on_bytes: Callable[[int], None]) -> int:
    """One file, gone on with where it was, checked, and only then under its own name. Returns its size."""
    if target.exists():
        return target.stat().st_size
    partial = target.with_name(f"{target.name}.part")
    _download(name, file, partial, on_bytes)
    if file.sha256:
        found = _sha256(partial)
        if found != file.sha256:
            partial.unlink()
            raise EngineError(
                name,
                expected=f"{file.name} with SHA-256 {file.sha256}",
                found=found,
                hint="It was discarded; pull it again. If this repeats, what lies at the address was changed.",
            )
    os.replace(partial, target)
    return target.stat().st_size


def _download(name: str, file: RemoteFile, partial: Path, on_bytes: Callable[[int], None]) -> None:
    have = partial.stat().st_size if partial.exists() else 0
    request = urllib.request.Request(file.address, headers={"User-Agent": "earmark"})
    if have:
        request.add_header("Range", f"bytes={have}-")
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as response:
            resumed = response.status == 206
            have = have if resumed else 0
            length = response.headers.get("Content-Length")
            expected = None if length is None else have + int(length)
            with open(partial, "ab" if resumed else "wb") as out:
                while block := response.read(BLOCK_BYTES):
                    out.write(block)
                    have += len(block)
                    on_bytes(have)
    except urllib.error.HTTPError as exc:
        if exc.code == 416:  # all of it was there already
            return
        raise _unreachable(name, file, f"HTTP {exc.code} {exc.reason}") from exc
    except (urllib.error.URLError, TimeoutError, ConnectionError) as exc:
        raise _unreachable(name, file, str(getattr(exc, "reason", exc))) from exc
    if expected is not None and have < expected:
        raise _unreachable(name, file, f"the connection closed after {have} of {expected} bytes")


def _unreachable(name: str, file: RemoteFile, found: str) -> EngineError:
    return EngineError(
        name,
        expected=f"an answer from {file.address}",
        found=found,
        hint="Check the connection and pull again; it goes on where it stopped.",
    )


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()


def _unpack(archive: Path, folder: Path) -> None:
    """The files of a ZIP archive without its top folder; nothing can land outside `folder`."""
    try:
        with zipfile.ZipFile(archive) as packed:
            for entry in packed.infolist():
                parts = PurePosixPath(entry.filename).parts[1:]
                if entry.is_dir() or not parts or ".." in parts or any("\\" in part or ":" in part for part in parts):
                    continue
                target = folder.joinpath(*parts)
                target.parent.mkdir(parents=True, exist_ok=True)
                with packed.open(entry) as source, open(target, "wb") as out:
                    shutil.copyfileobj(source, out, BLOCK_BYTES)
    except zipfile.BadZipFile as exc:
        archive.unlink(missing_ok=True)
        raise EngineError(
            archive.name, expected="a ZIP archive", found=str(exc), hint="It was discarded; pull it again."
        ) from exc
    archive.unlink()
