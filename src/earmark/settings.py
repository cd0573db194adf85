"""One frozen dataclass per stage. Stored beside what it made, so that a change is seen and re-heard.

A measured default says where it was measured. The sentence below a field is also its help text.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["SAMPLE_RATE", "ChunkSettings", "FindSettings", "IndexSettings", "UtteranceSettings"]

SAMPLE_RATE = 16_000
"""Hz. Every engine of the house listens at this rate, mono."""


@dataclass(frozen=True)
class UtteranceSettings:
    """How speech is cut into the utterances a recogniser hears."""

    on: float = 0.5
    """Speech starts above this probability."""
    off: float = 0.35
    """Speech goes on while the probability stays above this one."""
    min_silence_seconds: float = 0.4
    """Shorter pauses do not end an utterance."""
    min_speech_seconds: float = 0.1
    """Shorter bursts are not speech."""
    max_seconds: float = 28.0
    """A longer utterance is cut at its deepest pause."""
    pad_seconds: float = 0.2
    """Audio kept on both sides of an utterance, so that no consonant is cut off."""


@dataclass(frozen=True)
class IndexSettings:
    """What listens, and how the work is spread."""

    activity: str = "silero"
    """Engine that hears where somebody speaks."""
    recogniser: str | None = "moonshine"
    """Engine that hears which words are said; none leaves the words out."""
    aligner: str = "sphinx"
    """Engine that places each word in time."""
    language: str | None = None
    """Language that is spoken; none lets the recogniser find out, if it can."""
    sidecars: bool = True
    """Transcripts beside the media, and subtitles inside, are read instead of recognising."""
    keep_words: bool = False
    """Words that another recogniser heard before count, and are not recognised again."""
    sound: str | None = "earmark"
    """Engine that hears sounds; none leaves them out."""
    speech: str | None = None
    """Engine that keeps what speech says as vectors, for `find --system contrastive`; none leaves them out."""
    utterances: UtteranceSettings = UtteranceSettings()
    """How speech is cut for the recogniser."""
    audio_stream: int = 0
    """Which audio stream of each file, counted from 0."""
    workers: int | None = None
    """Threads that listen; none means one a core."""
    commit_seconds: float = 15.0
    """What was heard is stored this often (wall-clock time); a power cut loses no more."""


@dataclass(frozen=True)
class FindSettings:
    """What counts as an answer."""

    limit: int = 10
    """Moments at most, the most probable ones."""
    min_probability: float = 0.5
    """Less probable moments are not answers."""
    nearest: int = 3
    """Where no words reach that, so many of the nearest are shown all the same, said to be uncertain."""
    nearest_probability: float = 0.05
    """But none less probable than this: of those at 0.1, one in ten is right."""
    language: str | None = None
    """Language of the query; none tells it by its script."""


@dataclass(frozen=True)
class ChunkSettings:
    """How a recording is cut into chunks at its silences."""

    least_seconds: float = 10.0
    """No chunk but the last is shorter."""
    greatest_seconds: float = 30.0
    """No chunk is longer; a stretch without a pause is cut at its quietest place."""
    min_pause_seconds: float = 0.3
    """Shorter silences are no place to cut."""
    pad_seconds: float = 0.2
    """Silence kept on both sides of a chunk."""


@dataclass(frozen=True)
class SegmentSettings:
    """How curves of speech, music and noise become segments."""

    classes: tuple[str, ...] = ("speech", "music", "noise")
    """Classes to tell."""
    on: float = 0.5
    """A segment starts above this probability."""
    off: float = 0.4
    """It goes on while the probability stays above this one."""
    min_gap_seconds: float = 0.3
    """Shorter gaps between two segments of a class become part of it."""
    min_run_seconds: float = 0.2
    """Segments that are shorter still are dropped."""
    audio_stream: int = 0
    """Which audio stream of each file, counted from 0."""


SEGMENT_PRESETS = {
    "default": SegmentSettings(),
    # the rules of older speech segmenters: short non-speech becomes speech, then short speech is dropped
    "bacs": SegmentSettings(on=0.5, off=0.5, min_gap_seconds=1.0, min_run_seconds=2.0),
}


@dataclass(frozen=True)
class CaptionSettings:
    """How captions are laid out, and which sounds get one.

    The rules of reading are those of Netflix's Timed Text Style Guide (42 characters, two lines, 20 characters a
    second, at most 7 s) and of the BBC's Subtitle Guidelines (no shorter than about 0.8 s; sounds only where nobody
    speaks, unless they matter).
    """

    line_characters: int = 42
    """Characters in a line, at most."""
    lines: int = 2
    """Lines at once, at most."""
    characters_per_second: float = 20.0
    """Nobody has to read faster; a caption stands longer instead, and the next one may come a little late."""
    min_seconds: float = 0.8
    """No caption stands shorter."""
    max_seconds: float = 7.0
    """None stands longer."""
    pause_seconds: float = 0.6
    """A pause in speech as long as this ends a caption."""
    most_late_seconds: float = 3.0
    """Speech too fast to read delays captions up to this much; beyond, staying with the voice counts more."""
    min_probability: float = 0.8
    """Less probable sounds get no caption; of 80 sounds asked for at once, many are half as likely and not there."""
    at_once: int = 2
    """Sounds at one time, at most; the least probable are left out."""
    merge_seconds: float = 1.0
    """A sound that comes back sooner is still the same one."""
    sounds_under_speech: bool = False
    """Sounds while somebody speaks get a caption too, above the words."""
    speech_probability: float = 0.5
    """The activity engine hears speech above this probability."""
    speech_share: float = 0.5
    """A sound with more of its time under speech than this lies under speech."""
    per_window_seconds: float | None = None
    """Length of the windows that get one caption each; none gives each sound its own time."""
    hop_seconds: float | None = None
    """From one window to the next; none takes the window's length."""
