"""One recording, listened to from where the last run stopped to its end."""

from __future__ import annotations

import hashlib
import json
import math
import os
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path

from earmark.engines import registry
from earmark.engines.activity import ActivityEngine
from earmark.engines.aligner import Aligner
from earmark.engines.recogniser import Recogniser
from earmark.engines.sound import SoundEngine
from earmark.indexing.ears import Ear, Harvest
from earmark.indexing.sounds import SoundEar
from earmark.indexing.speech import SpeechEar, SpeechEngines
from earmark.library import Hearing, Library
from earmark.media.decode import DecodeReport, decode
from earmark.media.prefetch import prefetch
from earmark.progress import Progress
from earmark.records import Recording
from earmark.settings import SAMPLE_RATE, IndexSettings

__all__ = ["Listener", "Outcome"]


@dataclass
class Outcome:
    """What listening to one recording came to: notes for the user, and text that was dropped as never spoken."""

    notes: list[str] = field(default_factory=list)
    dropped: list[str] = field(default_factory=list)


class Listener:
    """Listens with the engines of `settings`, each loaded when first needed, and writes into one library."""

    def __init__(self, library: Library, settings: IndexSettings, pool: ThreadPoolExecutor) -> None:
        self._library = library
        self._settings = settings
        self._pool = pool
        self._workers = settings.workers or os.cpu_count() or 1
        self.jobs = self._jobs()

    def _jobs(self) -> dict[str, str]:
        """Job -> the name its results are stored under: the engine, and a digest of what it was set to."""
        settings = self._settings
        jobs = {"activity": stored_name(settings.activity)}
        if settings.recogniser is not None:
            jobs["words"] = stored_name(settings.recogniser, settings.aligner, asdict(settings.utterances))
        if settings.sound is not None:
            jobs["sounds"] = stored_name(settings.sound)
        return jobs

    @cached_property
    def _activity(self) -> ActivityEngine:
        engine: ActivityEngine = registry.load("activity", self._settings.activity)
        return engine

    @cached_property
    def _recogniser(self) -> Recogniser:
        engine: Recogniser = registry.load("recogniser", self._settings.recogniser or "")
        return engine

    @cached_property
    def _aligner(self) -> Aligner:
        engine: Aligner = registry.load("aligner", self._settings.aligner)
        return engine

    @cached_property
    def _sound(self) -> SoundEngine:
        engine: SoundEngine = registry.load("sound", self._settings.sound or "")
        return engine

    def unheard(self, recording_id: str) -> list[str]:
        """The jobs that have not listened to all of a recording yet."""
        found = {job: self._library.hearing(recording_id, job, name) for job, name in self.jobs.items()}
        return [job for job, hearing in found.items() if hearing is None or not hearing.complete]

    def listen(self, recording: Recording, on_progress: Progress) -> Outcome:
        """Listens to what has not been heard yet, storing as it goes.

        Interrupted (Ctrl-C), it stores what is complete and lets the interruption pass on.

        Raises:
            MediaError: if nothing can be decoded; what was heard before stays.
            LibraryError: if what was heard cannot be stored.
        """
        outcome = Outcome()
        begin, ears = self._open_ears(recording)
        end = recording.span.end
        report = DecodeReport()
        last_commit = time.monotonic()
        blocks = prefetch(
            decode(
                Path(recording.path),
                sample_rate=SAMPLE_RATE,
                audio_stream=recording.audio_stream,
                start_seconds=begin,
                report=report,
            )
        )
        try:
            with closing(blocks):
                for block in blocks:
                    for ear in ears:
                        ear.feed(block)
                    on_progress(recording.path, block.span.end - recording.start_seconds, recording.duration_seconds)
                    end = max(begin, block.span.end)
                    if time.monotonic() - last_commit >= self._settings.commit_seconds:
                        self._store(recording, ears, outcome)
                        last_commit = time.monotonic()
                for ear in ears:
                    ear.finish()
        except KeyboardInterrupt:
            self._store(recording, ears, outcome)
            raise
        note = oddities(report)
        if note:
            outcome.notes.append(note)
        self._store(recording, ears, outcome, complete_at=end, note=note)
        on_progress(recording.path, recording.duration_seconds, recording.duration_seconds)
        return outcome

    def _open_ears(self, recording: Recording) -> tuple[float, list[Ear]]:
        """The ears this recording still needs, each begun where its job stopped, and the earliest of these places."""
        unheard = self.unheard(recording.id)
        start = recording.start_seconds
        places = {job: self._library.resume(recording.id, job, self.jobs[job], start) for job in unheard}
        ears: list[Ear] = []
        begins: list[float] = []
        if "activity" in places or "words" in places:
            words = "words" in places
            step = self._activity.step_seconds
            place = min(places[job] for job in ("activity", "words") if job in places)
            place = start + math.floor((place - start) / step + 1e-6) * step
            engines = SpeechEngines(
                self._activity,
                self.jobs["activity"],
                self._recogniser if words else None,
                self._aligner if words else None,
                self.jobs.get("words", ""),
            )
            settings = self._settings.utterances
            ears.append(
                SpeechEar(recording.id, engines, settings, self._pool, self._workers, place, start)
            )  # fmt: skip
            begins.append(place)
        if "sounds" in places:
            sound = SoundEar(self._sound, self.jobs["sounds"], self._pool, self._workers, places["sounds"], start)
            ears.append(sound)
            begins.append(sound.begin)
        return min(begins, default=start), ears

    def _store(
        self,
        recording: Recording,
        ears: Sequence[Ear],
        outcome: Outcome,
        complete_at: float | None = None,
        note: str = "",
    ) -> None:
        """Tracks, then passages, then positions: see `library.store` for why this order is safe."""
        harvests = [harvest for ear in ears for harvest in ear.harvest()]
        hearings = []
        for harvest in harvests:
            self._store_track(recording, harvest)
            outcome.dropped.extend(harvest.dropped)
            complete = complete_at is not None
            position = max(harvest.position, complete_at) if complete_at is not None else harvest.position
            hearings.append(
                Hearing(
                    recording.id,
                    harvest.job,
                    harvest.engine,
                    self._described(harvest.job),
                    position,
                    complete,
                    note,
                )
            )
        self._library.commit([p for harvest in harvests for p in harvest.passages], hearings)

    def _store_track(self, recording: Recording, harvest: Harvest) -> None:
        track = harvest.track
        if track is None or not track.rows.shape[0]:
            return
        self._library.append_track(recording.id, harvest.job, harvest.engine, track.header, track.rows, track.first_row)

    def _described(self, job: str) -> str:
        settings = asdict(self._settings)
        relevant = {
            "activity": ("activity",),
            "words": ("recogniser", "aligner", "utterances"),
            "sounds": ("sound",),
        }
        return json.dumps({name: settings[name] for name in relevant[job]})


def oddities(report: DecodeReport) -> str:
    """What the user should know of how a file decoded; empty where all went well."""
    remarks = []
    if report.truncated:
        end = "" if report.expected_seconds is None else f" of {report.expected_seconds:.1f} s"
        remarks.append(f"cut off after {report.decoded_seconds:.1f} s{end}; what could be read is kept")
    if report.broken_packets:
        remarks.append(f"{report.broken_packets} broken packets were skipped")
    return "; ".join(remarks)


def stored_name(engine: str, *settings: object) -> str:
    """``engine@digest``: what an engine's results are stored under, so that other settings are heard anew."""
    digest = hashlib.blake2b(json.dumps(settings, sort_keys=True).encode(), digest_size=4).hexdigest()
    return f"{engine}@{digest}"
