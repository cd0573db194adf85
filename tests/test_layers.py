"""Imports point down only: the folder is the architecture, and this test is its building inspector."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import earmark

ROOT = Path(earmark.__file__).parent

JOBS = {
    "finding",
    "indexing",
    "segmenting",
    "transcribing",
    "captioning",
    "separating",
    "components",
    "collecting",
    "training",
    "evaluation",
}
LAYERS: list[set[str]] = [
    {"cli", "web"},
    JOBS,
    {"query", "engines", "language", "library", "formats", "scenes"},
    {"media"},
    {"records"},
    {"timeline", "settings", "errors", "progress"},
]
"""From the doors down to the words. Within one level, a room knows only itself."""

READS = {("sound", "text"), ("speech_text", "text"), ("separator", "sound")}
"""Engines that read texts the way those of another job do."""
ENGINE_JOBS = {"activity", "recogniser", "aligner", "spotter", "sound", "separator", "speech_text", "text"}


def level_of(room: str) -> int:
    for level, rooms in enumerate(LAYERS):
        if room in rooms:
            return level
    raise AssertionError(f"{room!r} has no place in LAYERS: give it one, or move its code to a room that has")


def imports_of(path: Path) -> set[tuple[str, ...]]:
    """Every ``earmark.…`` module a file imports, also inside functions, as parts after ``earmark``."""
    found: set[tuple[str, ...]] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute in this house"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        else:
            continue
        found.update(tuple(name.split(".")[1:]) for name in names if name.split(".")[0] == "earmark")
    return found


def sources() -> list[Path]:
    return sorted(
        path for path in ROOT.rglob("*.py") if path.parent != ROOT or path.stem not in {"__init__", "__main__"}
    )


@pytest.mark.parametrize("path", sources(), ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_point_down(path: Path) -> None:
    room = path.relative_to(ROOT).parts[0].removesuffix(".py")
    for parts in imports_of(path):
        target = parts[0] if parts else ""
        if target in {"", "__version__"} or target == room:
            continue
        assert level_of(target) > level_of(room), f"{path.relative_to(ROOT)} imports earmark.{'.'.join(parts)}"


@pytest.mark.parametrize("path", sorted((ROOT / "engines").rglob("*.py")), ids=lambda path: path.stem)
def test_engines_of_different_jobs_do_not_know_each_other(path: Path) -> None:
    job = path.relative_to(ROOT / "engines").parts[0]
    for parts in imports_of(path):
        if parts[:1] == ("engines",) and len(parts) > 1 and parts[1] in ENGINE_JOBS and job in ENGINE_JOBS:
            assert parts[1] == job or (job, parts[1]) in READS, f"{path} imports {'.'.join(parts)}"


def test_every_file_has_one_subject() -> None:
    long = {str(path.relative_to(ROOT)): n for path in sources() if (n := len(path.read_text().splitlines())) > 500}
    assert not long, f"past 500 lines, look for the second subject: {long}"
