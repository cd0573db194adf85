"""A recording taken apart: every sound that was heard in it as a file of its own, if it still is that sound by itself.

    take_apart(recording, present, folder, separator) -> list[Component]

Which sounds are present was heard in one pass over the recording (`captioning` does it); here each of them is
separated only where it was heard, and what comes out is heard again by the same ears. A moment stays if they still
name it so. Each component is written while it is separated, at the recording's own rate, channels and length, silence
elsewhere; a long sound is judged by its middle, and memory does not grow with it.

An interrupted run leaves the components it completed, and the same call goes on after them until `forget`.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from earmark.components.again import Ears
from earmark.components.apart import Worker
from earmark.components.earlier import earlier_files, remove_earlier
from earmark.components.made import Made, key_of
from earmark.components.parts import Component, ComponentSettings, Part, Present
from earmark.engines import registry
from earmark.engines.separator import Separator
from earmark.errors import FormatError
from earmark.media.files import check_free
from earmark.progress import Progress, ignore
from earmark.records import Recording

__all__ = [
    "Component",
    "ComponentSettings",
    "Part",
    "Present",
    "earlier_files",
    "file_names",
    "forget",
    "remove_earlier",
    "take_apart",
]

STATE = ".components.jsonl"
"""What a run has completed, in the output folder, until `forget`."""


def take_apart(
    recording: Recording,
    present: Sequence[Present],
    folder: Path,
    separator: Separator,
    vocabulary: Sequence[str] = (),
    *,
    ears: str = "earmark",
    settings: ComponentSettings | None = None,
    workers: int | None = None,
    force: bool = False,
    on_progress: Progress = ignore,
) -> list[Component]:
    """Writes one WAV for each sound that is present and stays itself when separated.

    Args:
        present: what was heard where; places of one sound may touch.
        folder: where to; must exist.
        vocabulary: names a part is heard by again, beside those present.
        ears: the sound engine, by name: the one that heard what is present.
        workers: components separated at the same time; none means one a core.
        force: write over files of those names.

    Returns:
        One for every sound present, in the order given, those without a file too.

    Raises:
        FormatError: if a name is taken, or a file cannot be written. Completed components stay.
        QueryError: if an engine cannot read the name of a sound.
    """
    sounds = list(dict.fromkeys(each.sound for each in present))
    if not sounds:
        return []
    settings = ComponentSettings() if settings is None else settings
    files = file_names([next(p.name for p in present if p.sound == sound) for sound in sounds])
    made = Made(folder / STATE)
    jobs = []
    for sound, file in zip(sounds, files, strict=True):
        places = [each for each in present if each.sound == sound]
        key = key_of(recording, places, vocabulary, separator.name, ears, settings)
        path = folder / file
        if path.exists() and path.samefile(recording.path):
            raise FormatError(
                path, expected="another file than the recording itself", found="the recording",
                hint="Choose another folder with -o.",
            )  # fmt: skip
        if made.get(key, folder) is None:
            check_free(path, force=force)
        jobs.append((key, places, path))
    hearing = Ears(registry.load("sound", ears), [*dict.fromkeys([*vocabulary, *sounds])], settings)
    worker = Worker(recording, separator, hearing, settings, force)
    total = sum(place.span.duration for place in present)
    components: dict[str, Component] = {}

    def run(key: str, places: list[Present], path: Path) -> Component:
        component = made.get(key, folder)
        if component is None:
            component = worker.component(places, path)
            made.add(key, component)
        return component

    pool = ThreadPoolExecutor(workers or os.cpu_count() or 1, thread_name_prefix="separating")
    try:
        for future in as_completed([pool.submit(run, *job) for job in jobs]):
            component = future.result()
            components[component.sound] = component
            seconds = sum(place.span.duration for place in present if place.sound in components)
            on_progress(f"components of {recording.path}", seconds, total)
    finally:
        worker.stop()
        pool.shutdown(wait=True, cancel_futures=True)
    return [components[sound] for sound in sounds]


def forget(folder: Path) -> None:
    """To be called when all that belongs to a run is written: the next one begins anew."""
    Made(folder / STATE).forget()


def file_names(names: Sequence[str]) -> list[str]:
    """``a dog's bark`` becomes ``a_dog_s_bark.wav``; names that would be one file are numbered."""
    found: list[str] = []
    for name in names:
        safe = "_".join("".join(c if c.isalnum() else " " for c in name).split())
        stem = safe.encode("utf-8")[:100].decode("utf-8", "ignore") or "sound"
        taken = {each.lower() for each in found}
        number, file = 1, f"{stem}.wav"
        while file.lower() in taken:
            number += 1
            file = f"{stem}_{number}.wav"
        found.append(file)
    return found
