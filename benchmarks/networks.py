"""Measures what the exact kernel of a network costs, beside PyTorch and its packages; `cargo xtask bench nets` calls it.

Asked for: tr G, |G|_F, lambda_max, Tr(Sigma G) and mu, exactly, for all outputs, in float32. Everything runs on one core,
every measurement in a process of its own; seconds are processor time, after a first call on four samples. A ratio is
formed within a round. The largest error of each quantity is taken against jostle in float64.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from statistics import median

import machine
import numpy as np

PEERS = Path(__file__).with_name("peers") / "network_kernels.py"
QUANTITIES = ["trace_G", "frobenius_G", "lambda_max_G", "trace_noise_G", "trace_noise_G_centred", "alignment"]

# Name: what it is, the network, its samples, and the routes that can run it.
WORKLOADS = {
    "mlp": (
        "MLP 3072-512-512-10, ReLU, 1,000 images",
        "mlp",
        1000,
        ["jostle", "torch-structured", "vivit"],
    ),
    "cnn": (
        "CNN 3-32-64-64, average pooling, linear 10, 500 images",
        "cnn",
        500,
        ["jostle", "torch-structured", "torch-func"],
    ),
}
ROUTES = {
    "jostle": "jostle, layer by layer",
    "torch-structured": "the same by hand in PyTorch",
    "vivit": "ViViT 1.0.0, gram_mat",
    "torch-func": "torch.func, vmap over jacrev",
}
NOT_RUN = {
    "mlp": "torch.func and BackPACK, which would hold 63 GB of gradients and more",
    "cnn": "ViViT, which needs more than 11 GB, and BackPACK, which takes longer than torch.func",
}


def images(n, rng):
    """Smooth Gaussian images (n x 3 x 32 x 32), standardised."""
    noise = rng.standard_normal((n, 3, 32, 32))
    frequency = np.fft.fftfreq(32)
    damping = 1.0 / (1.0 + (8 * np.hypot(frequency[:, None], frequency[None, :])) ** 2)
    smooth = np.fft.ifft2(np.fft.fft2(noise) * damping).real
    return (smooth - smooth.mean()) / smooth.std()


def parameters(kind, rng):
    """What PyTorch's modules start from: uniform within one over the root of the terms of a unit."""
    mlp, cnn = [(512, 3072), (512, 512), (10, 512)], [(32, 27), (64, 288), (64, 576), (10, 64)]
    parts = []
    for outputs, terms in mlp if kind == "mlp" else cnn:
        bound = terms**-0.5
        parts += [rng.uniform(-bound, bound, outputs * terms), rng.uniform(-bound, bound, outputs)]
    return np.concatenate(parts)


def write(folder, kind, n):
    """The folder of a workload, as the worker and the peers read it."""
    folder.mkdir(parents=True, exist_ok=True)
    arrays = {
        "theta": parameters(kind, np.random.default_rng(3)),
        "inputs": images(n, np.random.default_rng(1)),
        "targets": np.eye(10)[np.random.default_rng(2).integers(10, size=n)],
    }
    for name, values in arrays.items():
        # Numbers that float32 has too, so that all precisions measure the same point.
        np.ascontiguousarray(values, "<f4").astype("<f8").tofile(folder / f"{name}.f64")
    (folder / "workload.json").write_text(json.dumps({"network": kind, "samples": n, "outputs": 10}))


class Runner:
    """Measures on one core, one process a measurement."""

    def __init__(self, worker, core):
        self.worker, self.core = worker, core

    def run(self, route, what, folder, precision="f32"):
        """The answer of one process, or what went wrong."""
        if route == "jostle":
            words = [self.worker, what, folder, precision]
        else:
            name = {"f32": "float32", "f64": "float64"}[precision]
            words = [sys.executable, PEERS, route if what == "kernel" else what, folder, name]
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "RAYON_NUM_THREADS": "1"}
        pin = None if self.core is None else lambda: os.sched_setaffinity(0, {self.core})
        done = subprocess.run(words, capture_output=True, text=True, env=environment, preexec_fn=pin)
        if done.returncode != 0:
            return {"error": (done.stderr.strip().splitlines() or [f"code {done.returncode}"])[-1]}
        return json.loads(done.stdout.strip().splitlines()[-1])


def needed(answer):
    """An answer without which there is nothing to compare."""
    if "error" in answer:
        raise SystemExit(answer["error"])
    return answer


def measure(runner, folder, rounds):
    """All workloads, round by round."""
    results = {}
    for name, (what, kind, n, routes) in WORKLOADS.items():
        write(folder / name, kind, n)
        say(f"{what}: the reference in float64")
        truth = needed(runner.run("jostle", "kernel", folder / name, "f64"))
        measured = {route: [] for route in routes}
        products = []
        for round_ in range(rounds):
            products.append(needed(runner.run("torch", "product", folder / name))["flops_per_second"])
            for route in routes:
                answer = runner.run(route, "kernel", folder / name)
                say(f"  round {round_ + 1}, {route}: {answer.get('error') or format(answer['seconds'], '.2f') + ' s'}")
                measured[route].append(answer)
        measured["jostle"] = [needed(answer) for answer in measured["jostle"]]
        results[name] = {"what": what, "truth": truth, "products": products, "measured": measured}
    steps = {"jostle": [], "torch": []}
    for _ in range(rounds):
        for route, times in steps.items():
            times.append(needed(runner.run(route, "training", folder / "cnn"))["seconds"])
    results["training"] = steps
    return results


def error(answer, truth):
    """The largest relative error of a quantity."""
    return max(abs(answer[name] / truth[name] - 1) for name in QUANTITIES)


def spread(values, form):
    """The median, with the least and the greatest."""
    return f"{format(median(values), form)} ({format(min(values), form)}-{format(max(values), form)})"


def markdown(results):
    """The tables."""
    lines = [machine.sentence(results["machine"]), ""]
    for name in WORKLOADS:
        part = results[name]
        head = ["route", "seconds", "times jostle's", "extra memory, MB", "error of the norm", "largest error"]
        lines += [f"**{part['what']}**", "", f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
        ours = part["measured"]["jostle"]
        for route, answers in part["measured"].items():
            failed = [answer["error"] for answer in answers if "error" in answer]
            if failed:
                lines.append(f"| {ROUTES[route]} | {failed[0]} | | | | |")
                continue
            ratios = [theirs["seconds"] / our["seconds"] for theirs, our in zip(answers, ours)]
            norm = abs(answers[0]["frobenius_G"] / part["truth"]["frobenius_G"] - 1)
            lines.append(
                f"| {ROUTES[route]} | {spread([a['seconds'] for a in answers], '.2f')} | {spread(ratios, '.2f')} "
                f"| {median(a['extra_megabytes'] for a in answers):.0f} | {norm:.0e} "
                f"| {error(answers[0], part['truth']):.0e} |"
            )
        flops = ours[0]["flops"]
        shares = [100 * flops / our["seconds"] / product for our, product in zip(ours, part["products"])]
        lines += [
            "",
            f"jostle takes {flops:.2e} floating-point operations, {spread(shares, '.0f')} % of the rate of "
            f"torch.mm (2048 x 2048 x 2048, float32), which is {median(part['products']) / 1e9:.0f} GFLOP/s. "
            f"Forecast of its memory: {ours[0]['forecast_megabytes']:.0f} MB. Not run: {NOT_RUN[name]}.",
            "",
        ]
    steps = results["training"]
    ratios = [torch / ours for torch, ours in zip(steps["torch"], steps["jostle"])]
    lines += [
        f"**One step of training the CNN, batch 64, float32**: jostle {1e3 * median(steps['jostle']):.0f} ms, PyTorch "
        f"{1e3 * median(steps['torch']):.0f} ms, ratio {spread(ratios, '.2f')}.",
    ]
    return "\n".join(lines) + "\n"


def say(text):
    print(text, file=sys.stderr, flush=True)


def main():
    parser = argparse.ArgumentParser(prog="cargo xtask bench nets", description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", type=Path, help="folder of the results (default: target/benchmarks/nets-DATE-TIME)")
    parser.add_argument("--worker", type=Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--scratch", type=Path, required=True, help=argparse.SUPPRESS)
    options = parser.parse_args()
    out = options.out or options.scratch / time.strftime("nets-%Y-%m-%d-%H%M%S")
    out.mkdir(parents=True, exist_ok=True)
    core = max(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None
    results = {"when": time.strftime("%Y-%m-%dT%H:%M:%S%z"), "machine": machine.describe(core)}
    results |= measure(Runner(options.worker.resolve(), core), options.scratch / "networks", options.rounds)
    results["machine"]["load_after"] = os.getloadavg()
    (out / "nets.json").write_text(json.dumps(results, indent=1) + "\n")
    (out / "nets.md").write_text(markdown(results))
    print("\n" + markdown(results))
    print(f"Results: {out}")


if __name__ == "__main__":
    main()
