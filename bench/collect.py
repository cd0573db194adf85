"""How fast recordings become a data set, whether a kill costs anything, and how long a large feed takes.

    python bench/collect.py [--minutes 60] [--recordings 4] [--folder DIR] [--recogniser NAME] [--json]

The recordings are the reading in the wheel of the built-in recogniser, over and over, as MP3 (64 kbit/s, mono,
22,050 Hz): up to eight levels of it, each as often as it takes under titles of its own, so that no two have the same
bytes. They are made once and kept in `--folder`; ``--recordings 140 --minutes 30`` is 70 hours (2 GB). One run
is left alone; another is killed (SIGKILL) at a third of its recordings and started again, and both must end in the
same bytes.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path

RUN = """
import json, sys, time
from pathlib import Path
from earmark.collecting import BuildSettings, build
settings = BuildSettings(recogniser=sys.argv[3] or None, language="en", keywords=8 if sys.argv[3] else 0)
began = time.perf_counter()
made = build(Path(sys.argv[1]), Path(sys.argv[2]), settings)
seconds, cpu = time.perf_counter() - began, time.process_time()
print(json.dumps({"seconds": seconds, "cpu": cpu, "audio": made.audio_seconds, "chunks": len(made.chunks),
    "worked_on": made.worked_on}))
"""


LEVELS = 8


def make_recordings(folder: Path, count: int, minutes: float) -> None:
    """Writes what is missing: `LEVELS` recordings that are encoded, and copies of them with titles of their own."""
    from earmark.media.clips import write_waveforms
    from earmark.media.decode import decode
    from earmark.timeline import Waveform

    spec = find_spec("moonshine_voice")
    assert spec is not None and spec.origin is not None
    (reading,) = decode(Path(spec.origin).parent / "assets" / "two_cities.wav", sample_rate=22_050, block_seconds=99)
    folder.mkdir(parents=True, exist_ok=True)
    times = max(1, round(minutes * 60 / reading.span.duration))
    for number in range(count):
        path = folder / f"{number:03d}_{minutes:g}min.mp3"
        if not path.exists() and number < LEVELS:
            samples = reading.samples * (1 - 0.5 * number / LEVELS)
            write_waveforms(path, (Waveform(samples, 22_050) for _ in range(times)))
        elif not path.exists():
            titled(folder / f"{number % LEVELS:03d}_{minutes:g}min.mp3", path)


def titled(source: Path, target: Path) -> None:
    """The same sound, packet by packet, under the target's name as its title."""
    import av

    with av.open(str(source)) as read, av.open(str(target), "w") as write:
        write.metadata["title"] = target.stem
        stream = write.add_stream_from_template(read.streams.audio[0])
        for packet in read.demux(read.streams.audio[0]):
            if packet.dts is not None:
                packet.stream = stream
                write.mux(packet)


def run(source: Path, output: Path, recogniser: str) -> dict[str, float]:
    done = subprocess.run(
        [sys.executable, "-c", RUN, str(source), str(output), recogniser], capture_output=True, text=True, check=True
    )
    figures: dict[str, float] = json.loads(done.stdout)
    return figures


def killed_run(source: Path, output: Path, recogniser: str, count: int) -> int:
    """Kills a run when a third of the recordings are done; how many were."""
    process = subprocess.Popen([sys.executable, "-c", RUN, str(source), str(output), recogniser])
    parts = output / ".parts"
    while process.poll() is None and len(list(parts.glob("[!.]*.json"))) < max(1, count // 3):
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    return len(list(parts.glob("[!.]*.json")))


def feed_seconds(episodes: int) -> float:
    from earmark.collecting.feeds import parse_feed

    items = "".join(
        f"<item><title>Number {n}</title><guid>{n}</guid><pubDate>Mon, 01 Jan 2024 00:00:00 GMT</pubDate>"
        f"<description><![CDATA[<p>{'What it is about. ' * 20}</p>]]></description>"
        f"<enclosure url='https://example.org/{n}.mp3' type='audio/mpeg' length='1'/></item>"
        for n in range(episodes)
    )
    body = f"<rss version='2.0'><channel><title>A</title>{items}</channel></rss>".encode()
    began = time.process_time()
    assert len(parse_feed(body, "https://example.org/feed.xml").episodes) == episodes
    return time.process_time() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--recordings", type=int, default=4)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "earmark-bench-collect")
    parser.add_argument("--recogniser", default="")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    source = options.folder / f"{options.recordings}x{options.minutes:g}"
    make_recordings(source, options.recordings, options.minutes)
    whole, broken = options.folder / "whole", options.folder / "broken"
    for folder in (whole, broken):
        shutil.rmtree(folder, ignore_errors=True)
    figures = run(source, whole, options.recogniser)
    kept = killed_run(source, broken, options.recogniser, options.recordings)
    resumed = run(source, broken, options.recogniser)
    names = ("manifest.jsonl", "manifest.parquet", "report.html")
    same = all((whole / name).read_bytes() == (broken / name).read_bytes() for name in names)
    rows = [json.loads(line) for line in (broken / "manifest.jsonl").read_text(encoding="utf-8").splitlines()]
    result = {
        "audio_hours": figures["audio"] / 3_600,
        "times_real_time": figures["audio"] / figures["seconds"],
        "times_real_time_a_core": figures["audio"] / figures["cpu"],  # by processor time: holds on a busy machine
        "chunks": figures["chunks"],
        "peak_megabytes": resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024,
        "recordings_kept_by_the_kill": kept,
        "recordings_heard_after_it": resumed["worked_on"],
        "same_bytes_after_the_kill": same,
        "chunks_twice": len(rows) - len({row["id"] for row in rows}),
        "cpu_seconds_for_a_feed_of_5000": feed_seconds(5_000),
        "load_average": os.getloadavg()[0],
    }
    if options.json:
        print(json.dumps(result))
    else:
        for name, value in result.items():
            shown = f"{value:,.2f}" if isinstance(value, float) else str(value)
            print(f"{name.replace('_', ' '):32} {shown}")


if __name__ == "__main__":
    main()
