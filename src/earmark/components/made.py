"""What an interrupted run had completed, so that the next one goes on after it."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

from earmark.components.parts import Component, ComponentSettings, Part, Present
from earmark.engines import registry
from earmark.records import Recording
from earmark.timeline import Span

__all__ = ["Made", "key_of"]


class Made:
    """The components that are complete, by a key of all that they depend on; kept in a file until the run is over."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._known: dict[str, Component] = {}
        with suppress(OSError, ValueError, KeyError, TypeError):
            for line in path.read_text(encoding="utf-8").splitlines():
                row = json.loads(line)
                parts = tuple(Part(**{**part, "span": Span(**part["span"])}) for part in row["component"].pop("parts"))
                self._known[row["key"]] = Component(**row["component"], parts=parts)

    def get(self, key: str, folder: Path) -> Component | None:
        component = self._known.get(key)
        gone = component is not None and component.file and not (folder / component.file).is_file()
        return None if gone else component

    def add(self, key: str, component: Component) -> None:
        line = json.dumps({"key": key, "component": asdict(component)}, ensure_ascii=False)
        with self._lock, suppress(OSError), self._path.open("a", encoding="utf-8") as file:
            file.write(line + "\n")

    def files(self) -> list[str]:
        """Names of the files of all components that are complete, whatever they depend on."""
        return [component.file for component in self._known.values() if component.file]

    def forget(self) -> None:
        with suppress(OSError):
            self._path.unlink()


def key_of(
    recording: Recording,
    places: Sequence[Present],
    vocabulary: Sequence[str],
    engine: str,
    ears: str,
    settings: ComponentSettings,
) -> str:
    all_of_it = [
        recording.id,
        [asdict(place) for place in places],
        list(vocabulary),
        registry.stored_name("separator", engine),
        registry.stored_name("sound", ears),
        asdict(settings),
    ]
    return hashlib.blake2b(json.dumps(all_of_it).encode(), digest_size=12).hexdigest()
