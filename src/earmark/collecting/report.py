"""The page that shows what a data set holds and what it does not: one file, no script, nothing fetched."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from html import escape

from earmark.collecting.assembly import DataSet
from earmark.formats.manifest import Chunk

__all__ = ["report_page"]

STYLE = """
:root { color-scheme: light dark }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
h1 { font-size: 1.6rem } h2 { font-size: 1.15rem; margin-top: 2rem }
table { border-collapse: collapse; width: 100% }
th, td { text-align: start; padding: .25rem .75rem .25rem 0; border-bottom: 1px solid #8884; vertical-align: top }
td.n, th.n { text-align: end; font-variant-numeric: tabular-nums }
svg { width: 100%; height: auto } svg rect { fill: #3a7bd5 } svg text { fill: currentColor; font-size: 11px }
.note { color: #777 }
"""
MOST_ROWS = 200
"""Longer lists are cut; the manifest has all of them."""


def report_page(data: DataSet, name: str) -> str:
    """The page as HTML."""
    chunks = data.chunks
    seconds = sum(chunk.span.duration for chunk in chunks)
    words = sum(len(chunk.transcript.split()) for chunk in chunks)
    bare = sum(not chunk.transcript for chunk in chunks)
    parts = [
        f"<h1>{escape(_shown(name))}</h1>",
        f"<p>{len(chunks):,} chunks of {data.recordings:,} recordings: {_hours(seconds)} of the "
        f"{_hours(data.audio_seconds)} there are, {words:,} words.</p>",
    ]
    if bare:
        without = "1 chunk has" if bare == 1 else f"{bare:,} chunks have"
        parts.append(f'<p class="note">{without} no transcript.</p>')
    parts += [
        "<h2>Splits</h2>",
        _counts(chunks, "split", "Split"),
        "<h2>Languages</h2>",
        _counts(chunks, "language", "Language"),
        "<h2>Where the transcripts are from</h2>",
        _counts(chunks, "source", "Source"),
    ]
    if any(chunk.label for chunk in chunks):
        parts += ["<h2>Labels</h2>", _counts(chunks, "label", "Label")]
    parts += [
        "<h2>Length of the chunks</h2>",
        _histogram([chunk.span.duration for chunk in chunks]),
        "<h2>Keywords</h2>",
        _keywords(chunks),
        "<h2>Left out, and why</h2>",
        _table(
            ("Why", "How many", "Time"),
            [(each.reason, f"{each.count:,}" if each.count else "", _hours(each.seconds)) for each in data.left_out],
        )
        if data.left_out
        else "<p>Nothing.</p>",
    ]
    if data.failed:
        failed = [(path.name, str(error)) for path, error in data.failed]
        parts += ["<h2>Recordings that cannot be read</h2>", _table(("File", "Why"), failed)]
    if data.notes:
        notes = [(path.name, note) for path, note in data.notes]
        parts += ["<h2>Odd recordings</h2>", _table(("File", "What"), notes)]
    body = "\n".join(parts)
    return (
        f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta name="viewport" content="width=device-width">\n<title>{escape(_shown(name))}: data set</title>\n'
        f"<style>{STYLE}</style>\n</head>\n<body>\n{body}\n</body>\n</html>\n"
    )


def _counts(chunks: Sequence[Chunk], field: str, title: str) -> str:
    """Recordings, chunks, time and words for each value of a field, most time first."""
    rows: dict[str, list[Chunk]] = {}
    for chunk in chunks:
        rows.setdefault(getattr(chunk, field) or "–", []).append(chunk)
    ordered = sorted(rows.items(), key=lambda row: (-sum(chunk.span.duration for chunk in row[1]), row[0]))
    return _table(
        (title, "Recordings", "Chunks", "Time", "Words"),
        [
            (
                value,
                f"{len({chunk.recording for chunk in group}):,}",
                f"{len(group):,}",
                _hours(sum(chunk.span.duration for chunk in group)),
                f"{sum(len(chunk.transcript.split()) for chunk in group):,}",
            )
            for value, group in ordered
        ],
    )


def _histogram(lengths: Sequence[float]) -> str:
    """Bars of two seconds each."""
    if not lengths:
        return "<p>None.</p>"
    bins = Counter(int(length // 2) for length in lengths)
    last = max(bins)
    width, height, most = 600, 120, max(bins.values())
    step = width / (last + 1)
    bars = "".join(
        f'<rect x="{step * i + 1:.1f}" y="{height - height * bins[i] / most:.1f}" width="{max(1.0, step - 2):.1f}" '
        f'height="{height * bins[i] / most:.1f}"><title>{2 * i}–{2 * i + 2} s: {bins[i]:,}</title></rect>'
        for i in range(last + 1)
        if bins[i]
    )
    every = max(1, (last + 1) // 10)
    ticks = "".join(f'<text x="{step * i:.1f}" y="{height + 14}">{2 * i} s</text>' for i in range(0, last + 1, every))
    return f'<svg viewBox="0 0 {width} {height + 20}" role="img" aria-label="Chunks by length">{bars}{ticks}</svg>'


def _keywords(chunks: Sequence[Chunk]) -> str:
    counts = Counter(word for chunk in chunks for word in chunk.keywords)
    if not counts:
        return "<p>None.</p>"
    common = sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:60]
    return '<p dir="auto">' + " · ".join(f"<bdi>{escape(_shown(word))}</bdi>" for word, _ in common) + "</p>"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    rows = list(rows)
    numeric = {"Recordings", "Chunks", "Time", "Words", "How many"}
    kinds = [' class="n"' if title in numeric else "" for title in head]
    lines = [
        "<table>",
        "<tr>" + "".join(f"<th{kind}>{title}</th>" for title, kind in zip(head, kinds, strict=True)) + "</tr>",
    ]
    for row in rows[:MOST_ROWS]:
        cells = zip(row, kinds, strict=True)
        lines.append(
            "<tr>" + "".join(f'<td{kind} dir="auto">{escape(_shown(text))}</td>' for text, kind in cells) + "</tr>"
        )
    lines.append("</table>")
    if len(rows) > MOST_ROWS:
        lines.append(f'<p class="note">and {len(rows) - MOST_ROWS:,} more</p>')
    return "\n".join(lines)


def _hours(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}"


def _shown(text: str) -> str:
    return text.encode("utf-8", "replace").decode("utf-8")
