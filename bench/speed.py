"""How fast and how large: listening as multiples of real time, memory at one and at ten hours, start-up.

    python bench/speed.py AUDIO [--hours 1 10]

AUDIO (any speech recording) is repeated into MP3 files of the lengths given. Each figure is a whole process
of its own, as a user would start it: wall-clock time of the process, peak memory of it and its children.
Run it on an idle machine; ratios from one run are worth more than the absolute figures.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

EARMARK = [sys.executable, "-m", "earmark"]


def measured(command: list[str]) -> tuple[float, float]:
    """Wall-clock seconds of a process, and the peak resident memory (MB) of it and the children it waited for."""
    began = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if os.waitstatus_to_exitcode(status) != 0:
        raise SystemExit(f"failed: {' '.join(command)}")
    return time.perf_counter() - began, usage.ru_maxrss / 1024


def repeat_to(source: Path, target: Path, hours: float) -> None:
    """`source` over and over, encoded as MP3 of 64 kbit/s, mono."""
    import av

    from earmark.media.decode import decode
    from earmark.settings import SAMPLE_RATE

    audio = np.concatenate([block.mono() for block in decode(source)])
    with av.open(str(target), "w") as container:
        stream = container.add_stream("mp3", rate=SAMPLE_RATE, layout="mono", bit_rate=64_000)
        for _ in range(max(1, round(hours * 3600 * SAMPLE_RATE / audio.size))):
            frame = av.AudioFrame.from_ndarray(
                (np.clip(audio, -1, 1) * 32767).astype(np.int16)[None, :], format="s16", layout="mono"
            )
            frame.sample_rate = SAMPLE_RATE
            for packet in stream.encode(frame):
                container.mux(packet)
        for packet in stream.encode(None):
            container.mux(packet)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("audio", type=Path)
    parser.add_argument("--hours", type=float, nargs="+", default=[1.0, 10.0])
    parser.add_argument("--skip-words", action="store_true", help="leave out the runs with a recogniser")
    arguments = parser.parse_args()
    print(f"machine: {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    for name, command in (("earmark --help", ["--help"]), ("earmark find --help", ["find", "--help"])):
        times = [measured([*EARMARK, *command])[0] for _ in range(7)]
        print(f"{name:34} median {statistics.median(times):.2f} s")
    with tempfile.TemporaryDirectory() as folder:
        for hours in arguments.hours:
            media = Path(folder) / f"{hours:g}h.mp3"
            repeat_to(arguments.audio, media, hours)
            for name, options in (
                ("activity only", ["--no-words", "--no-sounds"]),
                ("activity and sounds", ["--no-words"]),
                ("activity, sounds and words", []),
            ):
                if not options and arguments.skip_words:
                    continue
                library = Path(folder) / f"library-{hours:g}-{len(options)}"
                seconds, memory = measured([*EARMARK, "index", str(media), "--library", str(library), *options])
                print(f"index {hours:g} h, {name:27} {hours * 3600 / seconds:7.0f} × real time   peak {memory:5.0f} MB")
                if options == ["--no-words"]:
                    asked = [*EARMARK, "find", "heard: a dog barking", "--library", str(library)]
                    times = [measured(asked)[0] for _ in range(5)]
                    print(f"find a sound in {hours:g} h, whole process  median {statistics.median(times):.2f} s")
            if not arguments.skip_words:
                asked = [*EARMARK, "find", "the season of darkness", "--library", str(library)]
                times = [measured(asked)[0] for _ in range(5)]
                print(f"find in {hours:g} h, whole process         median {statistics.median(times):.2f} s")


if __name__ == "__main__":
    main()
