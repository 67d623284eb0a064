"""Read many phantoms as `pneumoscope diagnose --out` does: memory, speed, and three kills.

    python bench/many_images.py --count 20000 [--drawn N] [--work DIR]

Draws the phantoms (PNG, 1,024 x 1,024), times the network alone and the reading in one process,
then runs the command twice: once to its end, once killed with SIGKILL on the way and started again.
Linux only, as memory is read from /proc. Run it alone: a second job on the same cores makes every
time meaningless; seconds of processor time hold better.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import cv2
import numpy as np
import onnxruntime

from pneumoscope.bundles import DEFAULT_BUNDLE, find_bundle
from pneumoscope.documents import dump, to_document
from pneumoscope.imaging import read_radiograph, to_input
from pneumoscope.inference import available_cores
from pneumoscope.synthetic import make_phantoms
from pneumoscope.workflow import Reader

BATCHES = (1, 4, 16)
SAMPLE = 64  # images of the measurements beside the command


def draw(folder: Path, count: int, drawn: int) -> list[Path]:
    """Draw phantoms; beyond `drawn` the same ones again, under other names."""
    paths = make_phantoms(folder, min(count, drawn), dicom=False)
    for index in range(drawn, count):
        path = folder / f"again-{index:06d}.png"
        os.link(paths[index % drawn], path)
        paths.append(path)
    return paths


def network_alone(paths: list[Path]) -> float:
    """Best images per second of the bundle's graph alone, on all cores, over sizes of batches."""
    bundle = find_bundle()
    spec = bundle.description.input.spec()
    images = np.stack([to_input(read_radiograph(path).pixels, spec) for path in paths])
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = available_cores()
    session = onnxruntime.InferenceSession(
        bundle.graph, options, providers=["CPUExecutionProvider"]
    )
    session.run(None, {"images": images[:4]})
    best = 0.0
    for size in BATCHES:
        began, busy = time.perf_counter(), time.process_time()
        for start in range(0, len(images), size):
            session.run(None, {"images": images[start : start + size]})
        rate = len(images) / (time.perf_counter() - began)
        busy = (time.process_time() - busy) / len(images)
        print(f"network alone, batches of {size:2}: {rate:6.1f} images/s, {busy:.3f} s of a core")
        best = max(best, rate)
    return best


def reading_alone(paths: list[Path]) -> float:
    """Images per second of one process and one thread from file to JSON."""
    cv2.setNumThreads(1)
    reader = Reader(find_bundle(), threads=1)
    dump(to_document(reader.diagnose(read_radiograph(paths[0]))))
    began, busy = time.perf_counter(), time.process_time()
    for path in paths:
        dump(to_document(reader.diagnose(read_radiograph(path), now=datetime.now(UTC))))
    rate = len(paths) / (time.perf_counter() - began)
    busy = (time.process_time() - busy) / len(paths)
    print(f"one process, file to JSON:    {rate:6.1f} images/s, {busy:.3f} s of a core")
    return rate


@dataclass
class Watch:
    """A run of the command, looked at while it goes."""

    folder: Path
    out: Path
    samples: list[tuple[float, int, int]] = field(default_factory=list)  # seconds, rows, bytes

    def run(self, kill_at: int | None = None) -> bool:
        """Run the command, and kill it where the journal has this many rows; True at its end."""
        command = [sys.executable, "-m", "pneumoscope", "-q", "diagnose", str(self.folder)]
        run = subprocess.Popen([*command, "--out", str(self.out)], stdout=subprocess.DEVNULL)
        journal = Path(f"{self.out}.part")
        while run.poll() is None:
            # The first line is the header.
            rows = max(journal.read_bytes().count(b"\n") - 1, 0) if journal.exists() else 0
            if kill_at is not None and rows >= kill_at:
                run.send_signal(signal.SIGKILL)
                run.wait()
                print(f"killed with {rows:,} rows")
                return False
            self.samples.append((time.perf_counter(), rows, _memory(run.pid)))
            time.sleep(max(0.5, rows / 2000))  # counting lines takes time, too
        if run.returncode:
            raise SystemExit(f"the command ended with {run.returncode}")
        return True


def _memory(pid: int) -> int:
    """Resident bytes of a process and its children."""
    total = 0
    for each in [pid, *_children(pid)]:
        try:
            pages = int(Path(f"/proc/{each}/statm").read_text().split()[1])
        except (OSError, IndexError):  # it has just ended
            continue
        total += pages * resource.getpagesize()
    return total


def _children(pid: int) -> list[int]:
    try:
        tasks = list(Path(f"/proc/{pid}/task").glob("*/children"))
        return [int(child) for task in tasks for child in task.read_text().split()]
    except OSError:
        return []


def to_the_end(watch: Watch, count: int, network: float, alone: float) -> None:
    """Run once: speed beside the others', memory by quarter."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.perf_counter()
    watch.run()
    took = time.perf_counter() - began
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    busy = (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) / count
    first, *_, last = [sample for sample in watch.samples if 0 < sample[1] < count]
    rate = (last[1] - first[1]) / (last[0] - first[0])
    cores = available_cores()
    print(f"the command, {cores} workers:       {rate:6.1f} images/s, {busy:.3f} s of a core")
    print(f"  {took:,.0f} s in all, with the start and the writing of the file")
    print(f"  {rate / network:.0%} of the network alone in its best batches")
    print(f"  {rate / (cores * alone):.0%} of one process alone, times {cores} cores")
    medians = []
    for quarter in range(4):
        ends = count * quarter / 4, count * (quarter + 1) / 4
        held = [size for _, rows, size in watch.samples if ends[0] < rows <= ends[1]]
        medians.append(statistics.median(held))
    told = ", ".join(f"{size / 2**20:,.0f}" for size in medians)
    print(
        f"  memory by quarter, MiB: {told}; last against second {medians[3] / medians[1] - 1:+.1%}"
    )


def killed(watch: Watch, count: int, kills: int) -> None:
    """Run with kills on the way; then every image must have one row."""
    for number in range(kills):
        if watch.run(kill_at=count * (number + 1) // (kills + 1)):
            raise SystemExit("it ended before it was killed: give more images")
    watch.run()
    with watch.out.open("rb") as rows:
        files = Counter(json.loads(line)["file"] for line in rows)
    twice = sum(number > 1 for number in files.values())
    print(f"killed {kills} times: {sum(files.values()):,} rows, {twice} images twice, ", end="")
    print(f"{count - len(files)} left out")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=20_000)
    parser.add_argument("--drawn", type=int, help="distinct phantoms; by default all")
    parser.add_argument("--kills", type=int, default=3)
    parser.add_argument("--work", type=Path, help="where the phantoms go, a third of a MB each")
    options = parser.parse_args()
    sys.stdout.reconfigure(line_buffering=True)
    with tempfile.TemporaryDirectory(dir=options.work) as place:
        folder = Path(place) / "phantoms"
        paths = draw(folder, options.count, options.drawn or options.count)
        size = sum(path.stat().st_size for path in paths) / len(paths) / 2**20
        print(f"{len(paths):,} phantoms of {size:.2f} MiB, bundle {DEFAULT_BUNDLE}")
        print(f"{platform.machine()}, {available_cores()} cores, load {os.getloadavg()[0]:.1f}")
        network, alone = network_alone(paths[:SAMPLE]), reading_alone(paths[:SAMPLE])
        to_the_end(Watch(folder, Path(place) / "a.jsonl"), options.count, network, alone)
        killed(Watch(folder, Path(place) / "b.jsonl"), options.count, options.kills)


if __name__ == "__main__":
    main()
