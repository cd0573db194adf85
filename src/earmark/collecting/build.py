"""From recordings to a data set: chunks, what is said in them, a manifest and a report.

Each recording is worked on by itself and its result kept in ``.parts``, under a hash of everything it
depends on; the manifest is put together from the parts at the end. A run that is killed loses the
recordings it was at (of a recogniser's work, the last batch), and the finished manifest is the same
bytes however often that happened.
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from earmark.collecting.assembly import DataSet, LeftOut, Part, assemble
from earmark.collecting.cutting import Heard, chunks_of_lines, listen, silence_chunks
from earmark.collecting.layouts import beside, read_source
from earmark.collecting.lock import locked
from earmark.collecting.recordings import Entry
from earmark.collecting.texts import Said, Transcriber, keywords_of
from earmark.engines import registry
from earmark.engines.activity import ActivityEngine
from earmark.errors import EarmarkError, FormatError, MediaError
from earmark.formats.manifest import write_manifest
from earmark.media.files import atomic_write
from earmark.media.probe import inspect, probe
from earmark.progress import Progress, ignore
from earmark.records import Recording
from earmark.settings import ChunkSettings
from earmark.timeline import Span, clip_spans

__all__ = ["BuildSettings", "DataSet", "LeftOut", "build"]

PARTS = ".parts"
NOTE_NAME = "dataset.json"
FORMAT_VERSION = 1
"""Part of every part's hash; raised when what a part holds, or how it comes about, changes."""


@dataclass(frozen=True)
class BuildSettings:
    """What a chunk is, and what is written beside it."""

    language: str = ""
    """Code of the recordings' language; empty takes what the source or the script of the text says."""
    recogniser: str | None = "moonshine"
    """Engine that hears the words where the source gives none; none leaves them out."""
    activity: str = "silero"
    """Engine that hears where somebody speaks."""
    chunks: ChunkSettings = ChunkSettings()
    """How recordings are cut."""
    whole_seconds: float = 40.0
    """A recording with text, but no times for it, stays in one piece up to this long."""
    keep_silent: bool = False
    """Keep chunks in which nobody speaks."""
    keywords: int = 8
    """Keywords of a chunk, at most."""
    split_by: Literal["speaker", "recording"] = "speaker"
    """What is never on two sides: a voice, where speakers are known, or only a recording."""
    seed: int = 0
    """Decides which recordings are for training and which for testing."""


def build(
    source: Path,
    folder: Path,
    settings: BuildSettings | None = None,
    *,
    workers: int | None = None,
    force: bool = False,
    on_progress: Progress = ignore,
) -> DataSet:
    """Makes a data set of the recordings of `source` in `folder`: manifest, report and settings.

    Args:
        source: anything `read_source` knows.
        workers: recordings at a time; None means one a core.
        force: also where `folder` holds a data set of another source.
        on_progress: called with the seconds listened to, of all there are.

    Raises:
        MediaError: if there is no media; a recording that cannot be read is in `DataSet.failed`.
        FormatError: if a list does not parse, or the data set cannot be written.
        EngineError: if an engine is unknown or missing.
    """
    settings = BuildSettings() if settings is None else settings
    layout, entries = read_source(source, exclude=[folder])
    if not entries:
        raise MediaError(source, expected="at least one recording", found="an empty list", hint="Collect some first.")
    with locked(folder):
        _refuse_foreign(folder, source, force)
        run = _Run(folder, settings, _durations(entries), on_progress)
        result = DataSet(folder, layout)
        parts = run.work(entries, workers or os.cpu_count() or 1, result)
        assemble([part for _, part in parts], settings.seed, settings.split_by == "speaker", result)
        _write(result, settings, source, folder)
        run.forget_unused(parts)
    return result


class _Run:
    def __init__(self, folder: Path, settings: BuildSettings, total: float, on_progress: Progress) -> None:
        self.settings = settings
        self.parts_folder = folder / PARTS
        self.parts_folder.mkdir(exist_ok=True)
        self._total = total
        self._done = 0.0
        self._tell = on_progress
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._activity: ActivityEngine | None = None
        self._transcriber: Transcriber | None = None

    def work(self, entries: Sequence[Entry], workers: int, result: DataSet) -> list[tuple[str, Part]]:
        """The part of every entry that can be read, in the order of the entries, under its name."""
        found: dict[int, tuple[str, Part]] = {}
        under_way: dict[Future[tuple[str, Part, bool]], int] = {}
        waiting = iter(enumerate(entries))
        pool = ThreadPoolExecutor(workers, thread_name_prefix="building")
        try:
            while True:
                while len(under_way) < 2 * workers and (following := next(waiting, None)) is not None:
                    under_way[pool.submit(self._part, following[1])] = following[0]
                if not under_way:
                    break
                done, _ = wait(under_way, return_when=FIRST_COMPLETED)
                for job in done:
                    number = under_way.pop(job)
                    try:
                        name, part, fresh = job.result()
                    except _Unreadable as exc:
                        result.failed.append((entries[number].path, exc.error))
                    else:
                        found[number] = (name, part)
                        result.worked_on += fresh
        finally:
            self._stopped.set()
            pool.shutdown(wait=True, cancel_futures=True)
        result.failed.sort(key=lambda each: str(each[0]))
        return [found[number] for number in sorted(found)]

    def forget_unused(self, parts: Sequence[tuple[str, Part]]) -> None:
        used = {f"{name}.json" for name, _ in parts}
        for path in self.parts_folder.iterdir():
            if path.name not in used:
                path.unlink(missing_ok=True)

    def _part(self, entry: Entry) -> tuple[str, Part, bool]:
        try:
            entry = beside(entry)
            stat = entry.path.stat() if entry.path.exists() else None
            if stat is None:
                inspect(entry.path)  # says in words what is wrong
            assert stat is not None
        except (MediaError, FormatError) as exc:
            raise _Unreadable(exc) from exc
        name = self._name(entry, stat)
        path = self.parts_folder / f"{name}.json"
        known = _read_part(path, entry)
        if known is not None:
            self._advance(known.duration)
            return name, known, False
        part = self._listen(entry, path.with_suffix(".texts"))
        row = {
            "recording": part.recording,
            "duration": part.duration,
            "rows": part.rows,
            "left_out": part.left_out,
            "note": part.note,
        }
        with atomic_write(path, force=True) as file:
            json.dump(row, file, ensure_ascii=False)
        path.with_suffix(".texts").unlink(missing_ok=True)
        return name, part, True

    def _name(self, entry: Entry, stat: os.stat_result) -> str:
        """A hash of everything the part depends on."""
        settings = {name: value for name, value in asdict(self.settings).items() if name not in ("seed", "split_by")}
        said = [entry.text, [(span.start, span.end, text) for span, text in entry.lines]]
        known = [str(entry.path.absolute()), stat.st_size, stat.st_mtime_ns, entry.language, entry.label, said]
        text = json.dumps([FORMAT_VERSION, settings, known], sort_keys=True)
        return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()

    def _listen(self, entry: Entry, texts: Path) -> Part:
        settings = self.settings
        left_out: list[tuple[str, int, float]] = []
        lines: list[tuple[Span, str, str]]  # span, text, where the text is from
        try:
            recording = probe(entry.path)
            whole = bool(entry.text) and recording.duration_seconds <= settings.whole_seconds
            given = whole or bool(entry.lines)
            heard = listen(recording, None if given else self._speech(), self._progress)
        except MediaError as exc:
            raise _Unreadable(exc) from exc
        duration = heard.span.duration
        if entry.lines:
            cut = chunks_of_lines(entry.lines, heard.span, settings.chunks)
            lines = [(span, text, "given") for span, text in cut]
            outside = [span for span, _ in entry.lines if not span.overlap(heard.span)]
            if outside:
                left_out.append(("lines beyond the end of their recording", len(outside), 0.0))
            reason = "audio without a line of text"
        elif whole:
            lines = [(heard.span, entry.text, "given")] if duration else []
            reason = "silence"
        else:
            if entry.text:
                left_out.append((f"texts without times of recordings over {settings.whole_seconds:g} s", 1, 0.0))
            spans = silence_chunks(heard, settings.chunks)
            kept = spans
            if not settings.keep_silent and not entry.label:
                kept = [span for span in spans if clip_spans(heard.speech, span)]
                silent = sum(span.duration for span in spans) - sum(span.duration for span in kept)
                if len(kept) < len(spans):
                    left_out.append(("chunks in which nobody speaks", len(spans) - len(kept), silent))
                    duration -= silent
            lines, missing = self._transcribe(recording, entry, kept, heard, texts)
            left_out += missing
            reason = "silence"
        rest = duration - sum(span.duration for span, _, _ in lines)
        if rest > 0.001:
            left_out.append((reason, 0, rest))
        rows = [self._row(entry, span, text, source) for span, text, source in lines]
        return Part(entry, recording.id, heard.span.duration, rows, left_out, heard.note)

    def _row(self, entry: Entry, span: Span, text: str, source: str) -> dict[str, Any]:
        from earmark.language import language_of

        language = self.settings.language or entry.language or language_of(text)
        most = self.settings.keywords
        return {
            "start": round(span.start, 3),
            "end": round(span.end, 3),
            "transcript": text,
            "language": language,
            "keywords": list(keywords_of(text, language, most)) if most else [],
            "source": source if text else "",
        }

    def _transcribe(
        self, recording: Recording, entry: Entry, spans: Sequence[Span], heard: Heard, journal: Path
    ) -> tuple[list[tuple[Span, str, str]], list[tuple[str, int, float]]]:
        """The text of each chunk, and which text is not there, and why.

        Chunks that an interrupted run got to are read from the journal.
        """
        language = self.settings.language or entry.language
        bare = [(span, "", "") for span in spans]
        if self.settings.recogniser is None or not heard.speech or not spans:
            return bare, []
        recogniser = self._recogniser()
        if language and not recogniser.knows(language):
            reason = f"transcripts in {language!r}, which {recogniser.name} does not know: put text beside the media"
            return bare, [(reason, len(spans), 0.0)]
        said = _read_journal(journal)
        missing = [span for span in spans if _key(span) not in said]
        with open(journal, "a", encoding="utf-8") as file:
            for number, each in recogniser.transcribe(recording, missing, heard.speech, language):
                said[_key(missing[number])] = each
                file.write(json.dumps([_key(missing[number]), each.text, each.dropped]) + "\n")
                file.flush()
                if self._stopped.is_set():
                    raise InterruptedError
        lines = [(span, said[_key(span)].text, recogniser.name) for span in spans]
        dropped = sum(said[_key(span)].dropped for span in spans)
        return lines, [("pieces of recognised text that nobody spoke", dropped, 0.0)] if dropped else []

    def _speech(self) -> ActivityEngine:
        with self._lock:
            if self._activity is None:
                self._activity = registry.load("activity", self.settings.activity)
            return self._activity

    def _recogniser(self) -> Transcriber:
        with self._lock:
            if self._transcriber is None:
                self._transcriber = Transcriber(self.settings.recogniser or "")
            return self._transcriber

    def _progress(self, stage: str, completed: float, total: float) -> None:
        if self._stopped.is_set():
            raise InterruptedError
        self._advance(completed)

    def _advance(self, seconds: float) -> None:
        with self._lock:
            self._done += seconds
            self._tell("data set", self._done, max(self._total, self._done))


class _Unreadable(Exception):
    """One recording cannot be read; the others can."""

    def __init__(self, error: EarmarkError) -> None:
        super().__init__(error)
        self.error = error


def _key(span: Span) -> str:
    return f"{span.start:.3f}-{span.end:.3f}"


def _read_part(path: Path, entry: Entry) -> Part | None:
    try:
        row = json.loads(path.read_text(encoding="utf-8"))
        left_out = [(str(reason), int(count), float(seconds)) for reason, count, seconds in row["left_out"]]
        return Part(entry, row["recording"], float(row["duration"]), row["rows"], left_out, row["note"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _read_journal(path: Path) -> dict[str, Said]:
    """What is said in the chunks that an interrupted run got to."""
    said: dict[str, Said] = {}
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return said
    for line in lines:
        try:
            key, text, dropped = json.loads(line)
            said[str(key)] = Said(str(text), int(dropped))
        except (ValueError, TypeError):  # the line a killed run was writing
            continue
    return said


def _durations(entries: Sequence[Entry]) -> float:
    """Seconds in all, for the progress; a recording that cannot be read counts nothing."""
    total = 0.0
    for entry in entries:
        if entry.duration_seconds:
            total += entry.duration_seconds
            continue
        try:
            total += inspect(entry.path).audio_streams[0].duration_seconds
        except MediaError:
            pass
    return total


def _refuse_foreign(folder: Path, source: Path, force: bool) -> None:
    path = folder / NOTE_NAME
    if force or not path.exists():
        return
    try:
        before = json.loads(path.read_text(encoding="utf-8"))["source"]
    except (OSError, ValueError, KeyError, TypeError):
        before = "something unknown"
    if before != str(source.absolute()):
        raise FormatError(
            folder,
            expected="a free folder, or the data set of the same source",
            found=f"one made of {before}",
            hint="Choose another folder, or pass --force to replace it.",
        )


def _write(result: DataSet, settings: BuildSettings, source: Path, folder: Path) -> None:
    from earmark import __version__
    from earmark.collecting.report import report_page

    write_manifest(folder, result.chunks)
    with atomic_write(folder / "report.html", force=True) as file:
        file.write(report_page(result, source.name or str(source)))
    note = {"source": str(source.absolute()), "settings": asdict(settings), "earmark": __version__}
    with atomic_write(folder / NOTE_NAME, force=True) as file:
        file.write(json.dumps(note, indent=1, ensure_ascii=False) + "\n")
