"""Transcripts beside the media: found by name, read instead of listening, told apart by their content.

Beside ``talk.mp4`` these are its transcripts, and ``fa`` may be any language code (a file without one is
told by its script):

    talk.json   talk.fa.json      a recogniser's JSON (see `transcripts`); other JSON is passed over
    talk.vtt    talk.mp4.vtt      subtitles; also .srt and .ass
    talk.txt    talk.fa.txt       text without times
    inside talk.mp4               a track of subtitles in the language of the sound

The first that can be read is taken, in this order; one that cannot is passed over with a note. A transcript's
stored name carries a digest of its bytes, so that an edited one is read again and nothing else is.
"""

from __future__ import annotations

import hashlib
import os
import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from earmark.errors import EarmarkError, MediaError
from earmark.indexing.encoding import decode_text
from earmark.indexing.transcripts import Cue, cues_of_json, cues_of_subtitles, segments_of, sentences
from earmark.language.script import language_of
from earmark.media.probe import inspect
from earmark.media.subtitles import SUBTITLED_EXTENSIONS, SubtitleTrack, read_subtitles, subtitle_tracks
from earmark.records import Recording, Segment

__all__ = ["Candidate", "Sidecar", "find_sidecars", "passed_over", "read_sidecar", "sidecar_segments"]

KINDS = ("json", "vtt", "srt", "ass", "txt")
"""Extensions, the one that knows most first: JSON has the times of words, text has none at all."""
READER_VERSION = 1
"""Part of every stored name: raised when transcripts come to be read differently."""
MOST_BYTES = 256 << 20
MOST_LETTERS_PER_SECOND = 40.0
"""Text with more than this for its recording is about something else: nobody speaks twice as fast as an auctioneer."""
SETTLED_NS = 2_000_000_000
"""A folder's listing is remembered once it has not changed for this long; before, its time stamp may repeat."""

_FLAGS = {"auto", "cc", "default", "sdh", "transcript", "whisper"}
_CODE = re.compile(r"([a-z]{2,3})(?:[-_][a-z0-9]{2,8})*", re.IGNORECASE)
_SHORT = {
    "ara": "ar", "bul": "bg", "ces": "cs", "chi": "zh", "cze": "cs", "dan": "da", "deu": "de", "dut": "nl", "ell": "el",
    "eng": "en", "fas": "fa", "fin": "fi", "fra": "fr", "fre": "fr", "ger": "de", "gre": "el", "heb": "he", "hin": "hi",
    "hun": "hu", "ita": "it", "jpn": "ja", "kor": "ko", "kur": "ku", "nld": "nl", "nor": "no", "per": "fa", "pol": "pl",
    "por": "pt", "pus": "ps", "ron": "ro", "rum": "ro", "rus": "ru", "spa": "es", "srp": "sr", "swe": "sv", "tur": "tr",
    "ukr": "uk", "urd": "ur", "vie": "vi", "zho": "zh",
}  # fmt: skip
"""ISO 639-2, as containers tag their streams -> ISO 639-1."""


def _ignore(line: str) -> None:
    pass


@dataclass(frozen=True, slots=True)
class Candidate:
    """A transcript that is there, not read yet; `track` is its number where it lies inside the media.

    `name` is what it is stored under: ``sidecar@`` and a digest of its content and of how it is read.
    """

    path: Path
    kind: str
    language: str
    name: str
    track: int | None = None


@dataclass(frozen=True, slots=True)
class Sidecar:
    """A transcript as read. `segments` have times; a text without any has `lines` instead, to be placed by ear.

    `language` is an ISO 639-1 code, empty where neither the name nor the content tells it.
    """

    path: Path
    name: str
    language: str
    segments: list[Segment] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)

    @property
    def timed(self) -> bool:
        return not self.lines


def sidecar_segments(
    recording: Recording, language: str | None = None, note: Callable[[str], None] = _ignore
) -> Sidecar | None:
    """The transcript of a recording: the first candidate that can be read; None where there is none.

    Args:
        language: only transcripts of this language, or of none that they name, are taken.
        note: called with one line for everything that was odd or passed over.
    """
    for candidate in find_sidecars(recording, language):
        sidecar = read_sidecar(candidate, recording, note)
        if sidecar is not None:
            return sidecar
    return None


def find_sidecars(recording: Recording, language: str | None = None, aligner: str = "") -> list[Candidate]:
    """The transcripts of a recording, the one to take first.

    Args:
        aligner: the engine that will place their words, which makes the result another one.
    """
    media = Path(recording.path)
    tagged = [(path, kind, tag) for path, kind, tag in _beside(media) if not (language and tag and tag != language)]
    if language or len({tag for _, _, tag in tagged if tag}) > 1:
        spoken = language or _audio_language(recording)
        tagged.sort(key=lambda item: (KINDS.index(item[1]), item[2] != spoken, item[2], item[0].name))
    candidates = []
    for path, kind, tag in tagged:
        try:
            if path.stat().st_size > MOST_BYTES:
                continue
            content = path.read_bytes()
        except OSError:
            continue  # gone since it was listed, or not ours to read
        known = language or tag
        candidates.append(Candidate(path, kind, known, _name(kind, known, aligner, content)))
    for track in _inside(recording, language):
        known = language or _iso(track.language)
        name = _name("track", known, aligner, f"{recording.id} {track.index}".encode())
        candidates.append(Candidate(media, "track", known, name, track.index))
    return candidates


def passed_over(taken: Candidate, candidates: Sequence[Candidate]) -> list[str]:
    """Notes on transcripts in other languages that lie beside the one taken and are not read."""
    others = {each.language: each for each in candidates if each.language and each.language != taken.language}
    taken_name = taken.path.name
    return [
        f"{taken_name} was taken; {'a subtitle track' if other.track is not None else other.path.name} is in another "
        f"language and was not read. To take it: --language {language}"
        for language, other in sorted(others.items())
    ]


def read_sidecar(candidate: Candidate, recording: Recording, note: Callable[[str], None] = _ignore) -> Sidecar | None:
    """What a candidate holds; None, mostly with a note that says why, where that is no transcript of this recording."""
    try:
        return _read(candidate, recording, note)
    except EarmarkError as exc:
        note(f"passed over: {exc}")
    except OSError as exc:
        note(f"passed over: {candidate.path}: {exc.strerror or exc}")
    return None


def _read(candidate: Candidate, recording: Recording, note: Callable[[str], None]) -> Sidecar | None:
    path, language = candidate.path, candidate.language

    def told(line: str) -> None:
        note(f"{path.name}: {line}")

    if candidate.track is not None:
        cues = [Cue(span.start, span.end, text) for span, text in read_subtitles(path, candidate.track)]
    else:
        text = decode_text(path.read_bytes(), path, language)
        if candidate.kind == "txt":
            return _plain(candidate, recording, text, told)
        if candidate.kind == "json":
            found = cues_of_json(text, str(path))
            if found is None:
                return None
            cues, named = found
            language = language or _iso(named)
        else:
            cues = cues_of_subtitles(text, str(path), candidate.kind)
    language = language or language_of(" ".join(cue.text for cue in cues[:500]))
    segments = segments_of(cues, recording.span, language, candidate.name, told)
    if not segments:
        told("passed over: no words inside the recording")
        return None
    return Sidecar(path, candidate.name, language, segments)


def _plain(candidate: Candidate, recording: Recording, text: str, told: Callable[[str], None]) -> Sidecar | None:
    lines = sentences(text)
    letters = sum(map(len, lines))
    if not letters:
        told("passed over: no words in it")
        return None
    if letters > MOST_LETTERS_PER_SECOND * recording.duration_seconds + 100:
        told(f"passed over: {letters} letters are too many for {recording.duration_seconds:.0f} s of sound")
        return None
    language = candidate.language or language_of(text[:100_000])
    return Sidecar(candidate.path, candidate.name, language, lines=lines)


def _beside(media: Path) -> Iterator[tuple[Path, str, str]]:
    """Path, kind and language of the files that are transcripts of `media` by their names, in the order of `KINDS`."""
    found = []
    for name in _names(media.parent):
        root, extension = os.path.splitext(name)
        kind = extension[1:].lower()
        if kind not in KINDS:
            continue
        rest = next((root[len(own) :] for own in (media.name, media.stem) if root.startswith(own)), None)
        tag = None if rest is None else _language_in(rest)
        if tag is not None:
            found.append((KINDS.index(kind), bool(tag), tag, name, kind))
    for _, _, tag, name, kind in sorted(found):
        yield media.parent / name, kind, tag


def _language_in(rest: str) -> str | None:
    """The language in what stands between a media's name and the extension; None if that names another file."""
    language = ""
    if rest and not rest.startswith("."):
        return None
    for part in rest[1:].split(".") if rest else ():
        code = _CODE.fullmatch(part)
        if part.lower() in _FLAGS:
            continue
        iso = _iso(part)
        if code is None or not iso or language:
            return None
        language = iso
    return language


def _iso(tag: str) -> str:
    """The ISO 639-1 code of a tag (``eng``, ``en-US``, ``fa``); empty for a tag that has none."""
    code = _CODE.fullmatch(tag)
    short = code[1].lower() if code else ""
    return _SHORT.get(short, short if len(short) == 2 else "")


def _names(folder: Path) -> Sequence[str]:
    try:
        changed = os.stat(folder).st_mtime_ns
        if time.time_ns() - changed > SETTLED_NS:
            return _remembered(str(folder), changed)
        return _listed(str(folder))
    except OSError:
        return ()


@lru_cache(maxsize=16)
def _remembered(folder: str, changed: int) -> Sequence[str]:
    return _listed(folder)


def _listed(folder: str) -> Sequence[str]:
    suffixes = tuple(f".{kind}" for kind in KINDS)
    return tuple(name for name in os.listdir(folder) if name.lower().endswith(suffixes))


def _inside(recording: Recording, language: str | None) -> list[SubtitleTrack]:
    """The tracks of subtitles in the language of the sound, the one that says so first; a translation is not taken."""
    try:
        tracks = subtitle_tracks(recording.path, recording.audio_stream)
    except MediaError:
        return []
    wanted = [
        track
        for track in tracks
        if not track.forced
        and (not (spoken := language or _iso(track.audio_language)) or _iso(track.language) in ("", spoken))
    ]
    return sorted(wanted, key=lambda track: (not track.language, track.index))


def _audio_language(recording: Recording) -> str:
    if Path(recording.path).suffix.lower() not in SUBTITLED_EXTENSIONS:
        return ""
    try:
        return _iso(inspect(recording.path, recording.audio_stream).audio_streams[recording.audio_stream].language)
    except MediaError:
        return ""


def _name(kind: str, language: str, aligner: str, content: bytes) -> str:
    digest = hashlib.blake2b(digest_size=6)
    for part in (f"{READER_VERSION} {kind} {language} {aligner}".encode(), content):
        digest.update(part + b"\0")
    return f"sidecar@{digest.hexdigest()}"
