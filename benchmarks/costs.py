"""Measures what `jostle run` costs as experiments grow; `cargo xtask bench costs` calls it.

Time and memory against dimension, samples, replicas, steps and threads; what recording adds; and how long a start
takes. Processor time is that of the whole command, less that of an experiment of one step.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import cost_table
import machine

EXPERIMENT = """
name = "cost"
[problem]
kind = "sparse-regression"
samples = {n}
dim = {d}
sparsity = 5
seed = 1
[model]
kind = "quadratic"
init = 1.0
[dynamics]
kind = "gradient-descent"
steps = {steps}
learning_rate = 1e-4
{stopping}
[[noise]]
kind = "label"
std = 0.1
[observe]
at = {{ log = {records} }}
[ensemble]
replicas = {R}
"""
BASE = {"d": 100, "n": 40, "R": 64, "steps": 5_000, "records": 2}
AXES = {
    "d": [10, 30, 100, 300, 1_000, 3_000, 10_000],
    "n": [10, 30, 100, 300, 1_000],
    "R": [1, 4, 16, 64, 256, 1_024, 4_096, 16_384],
    "steps": [1_000, 3_000, 10_000, 30_000, 100_000],
}
# Multiply-adds of a measurement along d, n and R, whose steps are chosen by it: a second or two.
WORK = 5e9
RECORDING = {"d": 100, "n": 40, "R": 16, "steps": 300_000}
RECORDING_PAIRS = 9
STARTS = 30
TINY = {"d": 10, "n": 5, "R": 1, "steps": 10, "records": 2}


class Runner:
    """Runs experiments with the command, each in a folder that is gone afterwards."""

    def __init__(self, command, scratch):
        self.command, self.scratch = command, scratch
        # Every step is to be taken; a version that could stop early is told not to.
        self.stopping = ""
        with tempfile.TemporaryDirectory(dir=scratch) as folder:
            text = EXPERIMENT.format(**TINY, stopping="tolerance = 0.0")
            (Path(folder) / "cost.toml").write_text(text)
            check = subprocess.run([command, "check", "cost.toml"], cwd=folder, capture_output=True)
            if check.returncode == 0:
                self.stopping = "tolerance = 0.0"

    def run(self, threads=1, **settings):
        """Wall and processor seconds, and the greatest resident memory in bytes (None where it cannot be seen)."""
        with tempfile.TemporaryDirectory(dir=self.scratch) as folder:
            text = EXPERIMENT.format(**(BASE | settings), stopping=self.stopping)
            (Path(folder) / "cost.toml").write_text(text)
            words = [self.command, "run", "--quiet", "--threads", str(threads), "--out", "run", "cost.toml"]
            before, started = processor_time(), time.perf_counter()
            process = subprocess.Popen(words, cwd=folder)
            memory = watch(process)
            wall, cpu = time.perf_counter() - started, processor_time() - before
            if process.returncode != 0:
                raise SystemExit(f"jostle run ended with code {process.returncode}")
        return {"wall": wall, "cpu": cpu, "memory": memory}


def processor_time():
    """Processor seconds of all processes that have been waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def watch(process):
    """Waits for a process, and reads its greatest resident memory from the system until it ends."""
    status, greatest = f"/proc/{process.pid}/status", None
    while process.poll() is None:
        try:
            with open(status) as lines:
                for line in lines:
                    if line.startswith("VmHWM"):
                        greatest = int(line.split()[1]) * 1024
        except OSError:
            pass
        time.sleep(0.001)
    return greatest


def main():
    parser = argparse.ArgumentParser(prog="cargo xtask bench costs", description=__doc__.split("\n")[0])
    parser.add_argument("--out", type=Path, help="folder of the results (default: target/benchmarks/costs-DATE-TIME)")
    parser.add_argument("--worker", type=Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--scratch", type=Path, required=True, help=argparse.SUPPRESS)
    options = parser.parse_args()
    out = options.out or options.scratch / time.strftime("costs-%Y-%m-%d-%H%M%S")
    for folder in (out, options.scratch):
        folder.mkdir(parents=True, exist_ok=True)
    runner = Runner(options.worker.resolve(), options.scratch)
    results = {
        "when": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        "machine": machine.describe(None),
        "start": starts(runner),
        "axes": {axis: grow(runner, axis, values) for axis, values in AXES.items()},
        "threads": threads(runner),
        "recording": recording(runner),
    }
    results["machine"]["load_after"] = os.getloadavg()
    (out / "costs.json").write_text(json.dumps(results, indent=1) + "\n")
    (out / "costs.md").write_text(cost_table.markdown(results))
    print("\n" + cost_table.markdown(results))
    # Drawing is loaded last: it would be in memory while others are measured.
    import draw_costs

    draw_costs.costs(results, out)
    print(f"Results: {out}")


def say(text):
    print(text, file=sys.stderr, flush=True)


def starts(runner):
    """Wall seconds of a tiny experiment, again and again."""
    say("start-up")
    return [run["wall"] for run in (waited(runner.command, runner.scratch, runner.stopping) for _ in range(STARTS))]


def waited(command, scratch, stopping):
    """A tiny run without anything that watches it; `--threads` is left out, as one would."""
    with tempfile.TemporaryDirectory(dir=scratch) as folder:
        (Path(folder) / "cost.toml").write_text(EXPERIMENT.format(**TINY, stopping=stopping))
        started = time.perf_counter()
        subprocess.run([command, "run", "--quiet", "--out", "run", "cost.toml"], cwd=folder, check=True)
        return {"wall": time.perf_counter() - started}


def grow(runner, axis, values):
    """Processor seconds of a step of all replicas, and memory, for every value of one setting."""
    points = []
    for value in values:
        say(f"{axis} = {value}")
        settings = BASE | {axis: value}
        if axis != "steps":
            work = 2 * settings["n"] * settings["d"] * settings["R"]
            settings["steps"] = max(30, int(WORK / work))
        empty = runner.run(**settings | {"steps": 1})
        whole = runner.run(**settings)
        seconds = max(whole["cpu"] - empty["cpu"], 1e-3)
        time_shown = seconds if axis == "steps" else seconds / settings["steps"]
        points.append({"value": value, "steps": settings["steps"], "seconds": time_shown, "memory": whole["memory"]})
    return points


def threads(runner):
    """Wall seconds of the same experiment for 1, 2, 4, ... threads, three interleaved rounds."""
    counts = [2**k for k in range(10) if 2**k <= (os.cpu_count() or 1)]
    walls = {count: [] for count in counts}
    for k in range(3):
        for count in counts:
            say(f"{count} threads, round {k + 1}")
            walls[count].append(runner.run(threads=count, R=256, steps=10_000)["wall"])
    return {str(count): values for count, values in walls.items()}


def recording(runner):
    """Processor seconds with 2 recorded points and with about 200, in interleaved pairs of alternating order."""
    pairs = []
    for k in range(RECORDING_PAIRS):
        say(f"recording, pair {k + 1} of {RECORDING_PAIRS}")
        order = (2, 200) if k % 2 == 0 else (200, 2)
        seconds = {count: runner.run(**RECORDING, records=count)["cpu"] for count in order}
        pairs.append([seconds[2], seconds[200]])
    return {"settings": RECORDING, "pairs": pairs}


if __name__ == "__main__":
    main()
