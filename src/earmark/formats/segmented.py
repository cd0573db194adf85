"""``segmented.tsv``: one row a file. The path; start and end of each speech segment; the ratio of speech.

Tab-separated, seconds to the millisecond, the ratio in [0, 1] of the file's length. A file without speech
has its path and 0. A path with a tab, a newline or a quote is quoted as spreadsheets and `csv` do it.
Only speech has room here: labels of the class ``speech`` or ``said``, or without any.
"""

from __future__ import annotations

import csv
import io

from earmark.formats.labels import Label
from earmark.formats.parsing import broken, parse_span, recording_paths
from earmark.records import Recording
from earmark.timeline import merge_spans

SPEECH = ("speech", "said", "")


def dumps(labels: list[Label], recordings: list[Recording], format: str) -> str:
    """A recording whose length is not given counts as ending with its last label."""
    lengths = {each.path: each.duration_seconds for each in recordings}
    out = io.StringIO()
    writer = csv.writer(out, delimiter="\t", lineterminator="\n")
    for path in recording_paths(labels, recordings):
        of_path = [label for label in labels if label.recording == path]
        spans = merge_spans(label.span for label in of_path if label.kind in SPEECH)
        length = lengths.get(path) or max((label.span.end for label in of_path), default=0.0)
        spoken = sum(span.duration for span in spans)
        ratio = min(1.0, spoken / length) if length > 0 else 0.0
        times = [f"{seconds:.3f}" for span in spans for seconds in (span.start, span.end)]
        writer.writerow([path, *times, f"{ratio:.4f}" if ratio > 0 else "0"])
    return out.getvalue()


def loads(text: str, name: str, format: str) -> list[Label]:
    """The speech of all rows; files without any leave no label."""
    labels = []
    reader = csv.reader(io.StringIO(text, newline=""), delimiter="\t")
    for row in reader:
        if not row:
            continue
        if len(row) % 2:
            raise broken(name, reader.line_num, "a path, pairs of times and a ratio", f"{len(row)} columns")
        for start, end in zip(row[1:-1:2], row[2:-1:2], strict=True):
            span = parse_span(name, reader.line_num, start, end)
            labels.append(Label(span, kind="speech", recording=row[0]))
    return labels
