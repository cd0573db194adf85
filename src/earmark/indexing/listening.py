"""One recording, listened to from where the last run stopped to its end."""

from __future__ import annotations

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

import numpy as np

from earmark.engines import registry
from earmark.engines.activity import ActivityEngine
from earmark.engines.aligner import Aligner
from earmark.engines.recogniser import Recogniser
from earmark.engines.sound import SoundEngine
from earmark.engines.speech_text import SpeechTextEngine
from earmark.errors import EngineError
from earmark.indexing.ears import Ear, Harvest
from earmark.indexing.placing import PAD_SECONDS, CueEar, PlainEar, ReadyEar, is_placed
from earmark.indexing.sidecars import Sidecar, find_sidecars, passed_over, read_sidecar
from earmark.indexing.sounds import SoundEar, store_clips
from earmark.indexing.speech import SpeechEar, SpeechEngines
from earmark.indexing.speech_rows import SpeechRows, stored_speech
from earmark.library import Hearing, Library
from earmark.media.decode import DecodeReport, decode
from earmark.media.prefetch import prefetch
from earmark.progress import Progress
from earmark.records import Recording
from earmark.settings import SAMPLE_RATE, IndexSettings

__all__ = ["Listener", "Outcome", "Plan"]

SILENCE = 1e-3
"""A recording whose mix never gets louder than this (-60 dBFS) is looked at channel by channel."""
PROBED_SECONDS = 60.0
"""So much of it."""


@dataclass
class Outcome:
    """What listening to one recording came to: notes for the user, and text that was dropped as never spoken."""

    notes: list[str] = field(default_factory=list)
    dropped: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Plan:
    """What one recording is listened to for.

    Attributes:
        jobs: job -> the name its results are stored under, for this recording.
        unheard: those of them that have not listened to all of it yet.
        sidecar: the transcript its words come from, where they are not recognised and are still to be placed.
        notes: what was odd about its transcripts.
    """

    jobs: dict[str, str]
    unheard: list[str]
    sidecar: Sidecar | None = None
    notes: tuple[str, ...] = ()


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
        jobs = {"activity": registry.stored_name("activity", settings.activity)}
        if settings.recogniser is not None:
            given = [settings.language] if settings.language else []
            words = (settings.aligner, asdict(settings.utterances), *given)
            jobs["words"] = registry.stored_name("recogniser", settings.recogniser, *words)
        if settings.sound is not None:
            jobs["sounds"] = registry.stored_name("sound", settings.sound)
        if settings.speech is not None:
            jobs["speech"] = stored_speech(settings.speech)
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

    @cached_property
    def _speech(self) -> SpeechRows:
        engine: SpeechTextEngine = registry.load("speech_text", self._settings.speech or "")
        return SpeechRows(engine)

    def plan(self, recording: Recording) -> Plan:
        """What is still to be heard of a recording. A transcript whose words are stored is not read again."""
        jobs, notes = dict(self.jobs), list[str]()
        sidecar = None
        if "words" in jobs:
            jobs["words"], sidecar = self._words(recording, notes)
        unheard = [job for job, name in jobs.items() if not self._is_heard(recording, job, name)]
        return Plan(jobs, unheard, sidecar, tuple(notes))

    def _words(self, recording: Recording, notes: list[str]) -> tuple[str, Sidecar | None]:
        """The name the words are stored under, and the transcript they come from if it has to be read for them."""
        settings = self._settings
        if settings.sidecars:
            candidates = find_sidecars(recording, settings.language, settings.aligner)
            for candidate in candidates:
                if self._is_heard(recording, "words", candidate.name):
                    return candidate.name, None
                sidecar = read_sidecar(candidate, recording, notes.append)
                if sidecar is not None:
                    notes.extend(passed_over(candidate, candidates))
                    return candidate.name, sidecar
        if settings.keep_words:
            for hearing in self._library.hearings_of(recording.id, "words"):
                engine = hearing.engine.split("@")[0]
                if hearing.complete and engine not in (registry.plain_name(settings.recogniser or ""), "sidecar"):
                    return hearing.engine, None
        return self.jobs["words"], None

    def _is_heard(self, recording: Recording, job: str, name: str) -> bool:
        hearing = self._library.hearing(recording.id, job, name)
        return hearing is not None and hearing.complete

    def listen(self, recording: Recording, plan: Plan, on_progress: Progress) -> Outcome:
        """Listens to what has not been heard yet, storing as it goes.

        Interrupted (Ctrl-C), it stores what is complete and lets the interruption pass on.

        Raises:
            MediaError: if nothing can be decoded; what was heard before stays.
            LibraryError: if what was heard cannot be stored.
        """
        outcome = Outcome(notes=list(plan.notes))
        begin, ears = self._open_ears(recording, plan)
        end = recording.span.end
        report = DecodeReport()
        if begin is None:  # the transcript knows all that is asked for
            self._store(recording, ears, outcome, complete_at=end)
            return outcome
        last_commit = time.monotonic()
        loudest = 0.0
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
                    loudest = max(loudest, float(np.abs(block.samples).max(initial=0.0)))
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
        note = str(report)
        if loudest < SILENCE and cancels_out(recording):
            note = "; ".join(filter(None, [note, "its channels cancel each other out: their mix is silent"]))
        if note:
            outcome.notes.append(note)
        self._store(recording, ears, outcome, complete_at=end, note=note)
        on_progress(recording.path, recording.duration_seconds, recording.duration_seconds)
        return outcome

    def _open_ears(self, recording: Recording, plan: Plan) -> tuple[float | None, list[Ear]]:
        """The ears this recording still needs, each begun where its job stopped, and the earliest of these places.

        None for the place where no ear needs the sound.
        """
        start = recording.start_seconds
        places = {job: self._library.resume(recording.id, job, plan.jobs[job], start) for job in plan.unheard}
        ears: list[Ear] = []
        begins: list[float] = []
        if plan.sidecar is not None:
            place = self._open_transcript(recording, plan, plan.sidecar, places, ears)
            if place is not None:
                begins.append(place)
        if "activity" in places or "words" in places:
            words = "words" in places
            step = self._activity.step_seconds
            place = min(places[job] for job in ("activity", "words") if job in places)
            place = start + math.floor((place - start) / step + 1e-6) * step
            ears.append(self._speech_ear(recording, plan, place, words))
            begins.append(place)
        if "sounds" in places:
            sound = SoundEar(self._sound, plan.jobs["sounds"], self._pool, self._workers, places["sounds"], start)
            ears.append(sound)
            begins.append(sound.begin)
        if "speech" in places:
            speech = SoundEar(
                self._speech, plan.jobs["speech"], self._pool, self._workers, places["speech"], start, "speech"
            )
            ears.append(speech)
            begins.append(speech.begin)
        return min(begins, default=None), ears

    def _speech_ear(self, recording: Recording, plan: Plan, place: float, words: bool) -> SpeechEar:
        language = self._settings.language
        if words and language is not None and not knows(self._recogniser, language):
            raise unknown_language(self._recogniser, language)
        engines = SpeechEngines(
            self._activity,
            plan.jobs["activity"],
            self._recogniser if words else None,
            self._aligner if words else None,
            plan.jobs.get("words", ""),
            language,
        )
        settings = self._settings.utterances
        return SpeechEar(
            recording.id, engines, settings, self._pool, self._workers, place, recording.start_seconds
        )  # fmt: skip

    def _open_transcript(
        self, recording: Recording, plan: Plan, sidecar: Sidecar, places: dict[str, float], ears: list[Ear]
    ) -> float | None:
        """Adds the ear for a transcript, takes the jobs it does out of `places`, and says from where it listens."""
        place, start = places.pop("words"), recording.start_seconds
        name = plan.jobs["words"]
        can_align = sidecar.language in self._aligner.languages
        if not sidecar.timed:
            words = can_align and knows(self._recogniser, sidecar.language)
            speech = self._speech_ear(recording, plan, start, words)
            keep = places.pop("activity", None) is not None
            utterances = self._settings.utterances
            ears.append(PlainEar(recording, speech, sidecar.lines, sidecar.language, name, utterances, keep))
            return start
        if not can_align or is_placed(sidecar.segments):
            ears.append(ReadyEar(recording, sidecar.segments, name, place))
            return None
        ears.append(CueEar(recording, sidecar.segments, self._aligner, name, self._pool, self._workers, place))
        return max(start, place - 2 * PAD_SECONDS)

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
            if complete and harvest.job == "sounds":
                store_clips(self._library, recording, self._sound, harvest.engine)
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
            "words": ("recogniser", "aligner", "utterances", "language", "sidecars"),
            "sounds": ("sound",),
            "speech": ("speech",),
        }
        return json.dumps({name: settings[name] for name in relevant[job]})


def cancels_out(recording: Recording) -> bool:
    """Whether a recording whose mix is silent has channels that are not: stereo with one side turned over."""
    start = recording.start_seconds
    blocks = decode(
        recording.path,
        channels=None,
        audio_stream=recording.audio_stream,
        start_seconds=start,
        end_seconds=start + PROBED_SECONDS,
    )
    return any(float(np.abs(block.samples).max(initial=0.0)) >= 10 * SILENCE for block in blocks)


def knows(recogniser: Recogniser, language: str) -> bool:
    return recogniser.languages is None or language in recogniser.languages


def unknown_language(recogniser: Recogniser, language: str) -> EngineError:
    if language == "fa":
        hint = "Run: earmark models pull vosk-small-fa, and add --recogniser vosk; or put a transcript beside the file."
    else:
        hint = "Run: earmark models pull whisper-small, then add --recogniser whisper:small."
    known = ", ".join(sorted(recogniser.languages or ()))
    return EngineError(
        recogniser.name, expected=f"a language it knows ({known})", found=f"the language {language!r}", hint=hint
    )
