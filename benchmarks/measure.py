"""Measures jostle against its peers and against the machine, interleaved; `cargo xtask bench` calls it.

Every program runs in a process of its own, and all of them on the same core. Each is given trajectories that take
about the same time; then, round after round, every program runs once. A ratio is formed within a round, so that what
slows the machine down for a while slows both sides. Rates are replica-steps per second of processor time, without what
a trajectory costs before its first step.
"""

import argparse
import json
import os
import sys
import time
from pathlib import Path

import agreement
import configurations
import draw
import machine
import table
from configurations import Size
from programs import ONE_REPLICA, PEERS, Failed, NotOffered, pin_to_one_core, start_all

# A trajectory is never longer: the regime is the same for quick and slow programs, and nothing has time to explode.
LONGEST_TRAJECTORY = 20_000
LAW_SIZE = Size(100, 40, 64)
# The released code's loop runs one replica after the other; this many are enough to find a wrong law.
LAW_REPLICAS_ONE_BY_ONE = 8
MACHINE_SECONDS = 0.03
QUICK = {"sizes": ["100x40x64"], "precisions": ["f64", "f32"], "algorithms": ["gd", "label-sgd", "isotropic"]}


def arguments():
    parser = argparse.ArgumentParser(prog="cargo xtask bench", description=__doc__.split("\n")[0])
    listed = lambda known: lambda text: checked(text.split(","), known)
    parser.add_argument("--quick", action="store_true", help="one size, three algorithms, three short rounds")
    parser.add_argument("--peers", type=listed(PEERS), default=list(PEERS), help="of: " + ",".join(PEERS))
    known = configurations.ALGORITHMS
    parser.add_argument("--algorithms", type=listed(known), help="of: " + ",".join(known))
    parser.add_argument("--sizes", type=lambda text: text.split(","), help="d x n x R, e.g. 100x40x64,10000x200x16")
    parser.add_argument("--precisions", type=listed(configurations.PRECISIONS), help="of: f64,f32")
    parser.add_argument("--pairs", type=int, help="rounds, each of which gives one ratio (default: 5)")
    parser.add_argument("--budget", type=float, help="seconds of one measurement (default: 0.3)")
    parser.add_argument("--out", type=Path, help="folder of the results (default: target/benchmarks/DATE-TIME)")
    parser.add_argument("--worker", type=Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--scratch", type=Path, required=True, help=argparse.SUPPRESS)
    options = parser.parse_args()
    try:
        options.sizes = options.sizes and [str(Size.parse(text)) for text in options.sizes]
    except (TypeError, ValueError):
        parser.error(f"--sizes: expected numbers like 100x40x64, not {','.join(options.sizes)}")
    standard = QUICK if options.quick else {
        "sizes": configurations.SIZES,
        "precisions": configurations.PRECISIONS,
        "algorithms": configurations.ALGORITHMS,
    }
    for name, value in standard.items():
        if getattr(options, name) is None:
            setattr(options, name, value)
    options.pairs = options.pairs or (3 if options.quick else 5)
    options.budget = options.budget or (0.1 if options.quick else 0.3)
    options.out = options.out or options.scratch / time.strftime("%Y-%m-%d-%H%M%S")
    return options


def checked(names, known):
    for name in names:
        if name not in known:
            raise argparse.ArgumentTypeError(f"{name!r} is not one of {', '.join(known)}")
    return names


def main():
    try:
        compare(arguments())
    except Failed as reason:
        # A peer that fails is a line in the table; without jostle there is no table.
        raise SystemExit(f"jostle failed: {reason}") from None


def compare(options):
    """Everything, from the start of the programs to the table and the picture."""
    options.out.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    core = pin_to_one_core()
    programs = start_all(options.worker, options.peers, options.scratch / "logs")
    try:
        results = {
            "command": ["cargo", "xtask", "bench", *sys.argv[1:]],
            "when": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
            "options": {"pairs": options.pairs, "budget": options.budget, "delta": configurations.DELTA},
            "machine": machine.describe(core),
            "versions": hello(programs),
        }
        print(machine.sentence(results["machine"]), flush=True)
        results["machine"]["bandwidth"] = machine.bandwidths(programs["jostle"])
        results["law"] = compare_laws(programs, options)
        results["rows"] = []
        first = time.monotonic()
        plan = [(Size.parse(s), p, a) for s in options.sizes for p in options.precisions for a in options.algorithms]
        for k, (size, precision, algorithm) in enumerate(plan):
            row = measure(programs, size, precision, algorithm, options)
            results["rows"].append(row)
            print(table.line(row), flush=True)
            left = (time.monotonic() - first) / (k + 1) * (len(plan) - k - 1)
            print(f"  {k + 1} of {len(plan)}, about {left / 60:.0f} min left", file=sys.stderr, flush=True)
            save(results, options.out, began)
    finally:
        for program in programs.values():
            program.stop()
    draw.ratios(results, options.out)
    print("\n" + table.markdown(results))
    print(f"Results: {options.out}")


def save(results, folder, began):
    """Everything so far, so that a run that is stopped has not been in vain."""
    results["machine"]["load_after"] = os.getloadavg()
    results["minutes"] = (time.monotonic() - began) / 60
    (folder / "results.json").write_text(json.dumps(results, indent=1) + "\n")
    (folder / "results.md").write_text(table.markdown(results))


def hello(programs):
    """The versions of everything, and the reason where a program does not start."""
    versions = {}
    for name, program in programs.items():
        try:
            answer = program.ask("hello")
            versions[name] = answer["versions"] | ({"level": answer["level"]} if "level" in answer else {})
        except Failed as reason:
            versions[name] = {"error": str(reason)}
            print(f"{name} does not start: {reason}", flush=True)
    return versions


def prepare(program, size, algorithm, precision, replicas, folder):
    path = configurations.write_data(size, folder)
    return program.ask("prepare", **agreement.settings(size, algorithm, precision, replicas, path))


def compare_laws(programs, options):
    """Whether the noisy algorithms of all programs follow one law: program, precision, algorithm, fault or None."""
    found = []
    for algorithm in options.algorithms:
        if algorithm == "gd":
            continue
        reference = None
        for precision in configurations.PRECISIONS:
            for name, program in programs.items():
                if precision not in options.precisions and name != "jostle":
                    continue
                try:
                    replicas = LAW_REPLICAS_ONE_BY_ONE if name in ONE_REPLICA else LAW_SIZE.replicas
                    prepare(program, LAW_SIZE, algorithm, precision, replicas, options.scratch)
                    program.ask("run", steps=agreement.LAW_STEPS, repeats=1)
                    l1 = program.ask("state")["l1"]
                except (Failed, NotOffered):
                    continue
                reference = reference or l1
                fault = agreement.law_fault(reference, l1)
                found.append({"program": name, "precision": precision, "algorithm": algorithm, "fault": fault})
                if fault:
                    print(f"{name}, {precision}, {algorithm}: {fault}", flush=True)
    faults = sum(check["fault"] is not None for check in found)
    print(f"law of the noisy algorithms: {len(found)} compared, {faults} differ", flush=True)
    return found


def measure(programs, size, precision, algorithm, options):
    """All rates of one configuration, round by round; none where jostle has none to compare with."""
    row = {
        "d": size.d,
        "n": size.n,
        "replicas": size.replicas,
        "precision": precision,
        "algorithm": algorithm,
        "flops": configurations.flops(size, algorithm),
        "bytes_read": configurations.bytes_read(size, algorithm, precision),
        "programs": {},
        "peak": [],
        "bandwidth": [],
    }
    ready = {}
    for name, program in programs.items():
        if "error" in row["programs"].get("jostle", {}):
            break
        entry = row["programs"][name] = {}
        try:
            started = time.monotonic()
            replicas = 1 if name in ONE_REPLICA else size.replicas
            entry.update(prepare(program, size, algorithm, precision, replicas, options.scratch))
            entry["prepare_seconds"] = time.monotonic() - started
            if algorithm == "gd":
                check_path(program, size, precision)
            ready[name] = calibrate(program, options.budget)
            entry.update(ready[name], rates=[], start=[])
        except (Failed, NotOffered) as reason:
            entry.clear()
            entry["not_offered" if isinstance(reason, NotOffered) else "error"] = str(reason)
    size_of_x = size.n * size.d * int(precision[1:]) // 8
    for _ in range(options.pairs if ready else 0):
        for name in list(ready):
            entry = row["programs"][name]
            try:
                rate, start = stepping(programs[name], **ready[name])
                entry["rates"].append(rate)
                entry["start"].append(start)
            except Failed as reason:
                entry["error"] = str(reason)
                del ready[name]
        limits = programs["jostle"]
        peak = limits.ask("peak", precision=precision, seconds=MACHINE_SECONDS)
        bandwidth = limits.ask("bandwidth", bytes=size_of_x, seconds=MACHINE_SECONDS)
        row["peak"].append(peak["flops_per_second"])
        row["bandwidth"].append(bandwidth["bytes_per_second"])
    return row


def check_path(program, size, precision):
    """Fails if gradient descent does not lead where the formula leads."""
    reference = agreement.gradient_descent(size, agreement.PATH_STEPS)
    program.ask("run", steps=agreement.PATH_STEPS, repeats=1)
    if fault := agreement.path_fault(reference, program.ask("state"), precision):
        raise Failed(fault)


def calibrate(program, budget):
    """Steps and repeats for which the steps of a program take about `budget` seconds of processor time."""
    start = program.ask("run", steps=1, repeats=1)
    steps, repeats = 2 * start["steps"], 1
    while True:
        answer = program.ask("run", steps=steps, repeats=repeats)
        seconds = answer["cpu"] - repeats * start["cpu"]
        if seconds > budget / 4 or answer["cpu"] > 10 * budget:
            break
        wanted = steps * repeats * min(50, budget / 2 / max(seconds, budget / 100))
        steps = min(LONGEST_TRAJECTORY, max(steps, round(wanted)))
        repeats = max(repeats, round(wanted / steps))
    wanted = steps * repeats * budget / max(seconds, budget / 4)
    steps = min(LONGEST_TRAJECTORY, max(2 * start["steps"], round(wanted)))
    return {"steps": steps, "repeats": max(1, round(wanted / steps))}


def stepping(program, steps, repeats):
    """The rate of a program's steps, and the seconds of a trajectory that are not steps: from a long trajectory and
    one as short as possible."""
    long, short = (program.ask("run", steps=count, repeats=repeats) for count in (steps, 1))
    seconds = long["cpu"] - short["cpu"]
    if seconds < 0.02 * long["cpu"]:
        raise Failed(f"{steps} steps take no longer than {short['steps']}")
    rate = (long["replica_steps"] - short["replica_steps"]) / seconds
    return rate, max(0.0, short["cpu"] / repeats - short["replica_steps"] / repeats / rate)


if __name__ == "__main__":
    main()
