"""Collects the recordings of `debian_sounds.csv` from Debian's packages, for training and for measuring.

    python tools/debian_sounds.py FOLDER             # FOLDER/debian and FOLDER/debian-measure

Each package is fetched with `apt-get download` (gigabytes in all, `--jobs` at a time, deleted again), its sounds are
taken out as they are, and a manifest.csv as `earmark train sound` reads it names their labels and licences. Nothing is
installed. Run it on Debian 12; on another release packages and files may be named otherwise, and what is missing is
listed at the end.
"""

from __future__ import annotations

import argparse
import csv
import io
import subprocess
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

SOUNDS = (".wav", ".ogg", ".oga", ".mp3", ".flac")
FOLDERS = {"train": "debian", "measure": "debian-measure"}


@dataclass(frozen=True)
class Wanted:
    package: str
    files: str
    label: str
    licence: str
    use: str


@dataclass(frozen=True)
class Taken:
    wanted: Wanted
    file: str
    member: str


def read_table(path: Path) -> list[Wanted]:
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    return [Wanted(**row) for row in csv.DictReader(lines)]


def members(package: Path) -> Iterator[tuple[str, bytes]]:
    """Every sound of a .deb, and of the zip archives in it."""
    command = ["dpkg-deb", "--fsys-tarfile", str(package)]
    with (
        subprocess.Popen(command, stdout=subprocess.PIPE) as unpacking,
        tarfile.open(fileobj=unpacking.stdout, mode="r|") as archive,
    ):
        for entry in archive:
            wanted = entry.isfile() and entry.name.lower().endswith((*SOUNDS, ".zip"))
            file = archive.extractfile(entry) if wanted else None
            if file is None:
                continue
            if not entry.name.endswith(".zip"):
                yield entry.name, file.read()
                continue
            with zipfile.ZipFile(io.BytesIO(file.read())) as inner:
                for name in inner.namelist():
                    if name.lower().endswith(SOUNDS):
                        yield f"{entry.name}/{name}", inner.read(name)


def take(package: str, wanted: list[Wanted], folder: Path) -> list[Taken]:
    """The wanted sounds of one package, written under `folder`."""
    taken: list[Taken] = []
    with tempfile.TemporaryDirectory() as scratch:
        subprocess.run(["apt-get", "download", package], cwd=scratch, check=True, capture_output=True)
        for entry, data in members(next(Path(scratch).glob("*.deb"))):
            name = entry.lstrip("./")
            found = next((each for each in wanted if fnmatchcase("/" + name, each.files)), None)
            if found is None:
                continue
            file = Path(package) / found.label / "-".join(Path(name).parts[-2:]).replace(" ", "_")
            path = folder / FOLDERS[found.use] / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
            taken.append(Taken(found, file.as_posix(), name))
    return taken


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--jobs", type=int, default=4)
    options = parser.parse_args()
    table = read_table(Path(__file__).with_suffix(".csv"))
    packages = list(dict.fromkeys(each.package for each in table))

    def one(package: str) -> list[Taken]:
        try:
            taken = take(package, [each for each in table if each.package == package], options.folder)
        except subprocess.CalledProcessError as exc:
            print(f"{package}: {exc.stderr.decode(errors='replace').strip().splitlines()[-1]}")
            return []
        print(f"{package}: {len(taken)} sounds")
        return taken

    with ThreadPoolExecutor(options.jobs) as pool:
        taken = [each for of_package in pool.map(one, packages) for each in of_package]
    for use, name in FOLDERS.items():
        rows = sorted((each for each in taken if each.wanted.use == use), key=lambda each: each.file)
        if not rows:
            continue
        with (options.folder / name / "manifest.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["file", "label", "caption", "licence", "source"])
            for each in rows:
                caption = each.wanted.label.replace("_", " ")
                writer.writerow([each.file, each.wanted.label, caption, each.wanted.licence,
                                 f"{each.wanted.package}:{each.member}"])  # fmt: skip
        print(f"{name}: {len(rows)} sounds of {len({each.wanted.label for each in rows})} labels")
    found = {each.wanted for each in taken}
    for wanted in table:
        if wanted not in found:
            print(f"not found: {wanted.package} {wanted.files}")


if __name__ == "__main__":
    main()
