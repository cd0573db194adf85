"""One sound pulled out of a recording: its stretches one by one, heard again, and written if they stay it."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np

from earmark.components.again import Ears
from earmark.components.laying import on_silence
from earmark.components.parts import Component, ComponentSettings, Part, Present, Separated
from earmark.engines.separator import Separator
from earmark.engines.separator.masking import masked
from earmark.media.decode import decode
from earmark.media.holes import write_sparse_wav
from earmark.records import Recording
from earmark.timeline import Span, Waveform, clip_spans, merge_spans

__all__ = ["Worker"]

EDGE_SECONDS = 0.2
"""Of the mixture, masked on both sides and dropped, so that every sample kept is in as many frames as any other."""


class Stopped(Exception):
    """Another component failed, or the user pressed Ctrl-C."""


class Worker:
    """Separates components of one recording; used by several threads at once."""

    def __init__(
        self, recording: Recording, separator: Separator, ears: Ears, settings: ComponentSettings, force: bool
    ) -> None:
        self._recording = recording
        self._separator = separator
        self._ears = ears
        self._settings = settings
        self._force = force
        self._stopping = threading.Event()

    def stop(self) -> None:
        self._stopping.set()

    def component(self, places: Sequence[Present], path: Path) -> Component:
        """Separates one sound and writes what stays; no file where nothing does."""
        sound, name = places[0].sound, places[0].name
        parts: list[Part] = []
        pieces = self._pieces(places, parts)
        first = next(pieces, None)
        if first is None:
            return Component(sound, name, "", tuple(parts))
        blocks = on_silence(itertools.chain([first], pieces), self._recording.span, self._settings.fade_seconds)
        write_sparse_wav(path, blocks, force=self._force)
        return Component(sound, name, path.name, tuple(parts))

    def _pieces(self, places: Sequence[Present], parts: list[Part]) -> Iterator[Waveform]:
        """The separated stretches that are kept, by onset, each longer by half a fade on both sides; what is thought
        of every place is added to `parts`."""
        s = self._settings
        spans = merge_spans((place.span.widen(s.pad_seconds) for place in places), 2 * s.fade_seconds)
        for span in clip_spans(spans, self._recording.span):
            inside = sorted((p for p in places if p.span.overlap(span) > 0), key=lambda p: p.span)
            if not inside:
                continue
            heard = Span(inside[0].span.start, max(p.span.end for p in inside))
            place = replace(inside[0], span=heard, probability=max(p.probability for p in inside))
            cuts = _cuts(span, s.piece_seconds)
            middle = cuts[len(cuts) // 2]
            judged = self._separated(middle, place.sound)
            if judged is None:
                continue
            parts.append(self._ears.judge(judged, middle, place))
            for cut in cuts if parts[-1].kept else ():
                separated = judged if cut == middle else self._separated(cut, place.sound)
                if separated is not None:
                    yield separated.target.cut(cut.widen(s.fade_seconds / 2))

    def _separated(self, span: Span, sound: str) -> Separated | None:
        """A stretch, heard with what is around it; None where the recording holds no audio."""
        if self._stopping.is_set():
            raise Stopped
        s, engine, ears = self._settings, self._separator, self._ears.sample_rate
        wide = span.widen(max(s.context_seconds, engine.context_seconds))
        mixture = self._decoded(span.widen(s.fade_seconds + EDGE_SECONDS), None, None)
        mono = self._decoded(wide, engine.sample_rate, 1)
        heard = mono if engine.sample_rate == ears else self._decoded(span.widen(s.context_seconds), ears, 1)
        if mixture is None or mono is None or heard is None:
            return None
        heard = heard.cut(span.widen(s.context_seconds))
        mask = engine.mask(mono.samples[0], sound)

        def target(of: Waveform) -> Waveform:
            samples = masked(mask, engine, of.samples, of.sample_rate, of.start_seconds - mono.start_seconds)
            # neither the target nor what it leaves of the mixture goes beyond full scale
            samples = np.clip(samples, np.maximum(-1.0, of.samples - 1.0), np.minimum(1.0, of.samples + 1.0))
            return Waveform(samples.astype(np.float32, copy=False), of.sample_rate, of.start_seconds)

        return Separated(target(mixture), target(heard), heard)

    def _decoded(self, span: Span, sample_rate: int | None, channels: Literal[1] | None) -> Waveform | None:
        blocks = list(
            decode(
                self._recording.path,
                sample_rate=sample_rate,
                channels=channels,
                audio_stream=self._recording.audio_stream,
                start_seconds=span.start,
                end_seconds=span.end,
            )
        )
        if not blocks:
            return None
        samples = np.concatenate([block.samples for block in blocks], axis=1)
        return Waveform(samples, blocks[0].sample_rate, blocks[0].start_seconds)


def _cuts(span: Span, piece_seconds: float) -> list[Span]:
    """A span in equal pieces no longer than `piece_seconds`."""
    count = max(1, -(-span.duration // piece_seconds))
    edges = np.linspace(span.start, span.end, int(count) + 1).tolist()
    return [Span(a, b) for a, b in itertools.pairwise(edges)]
