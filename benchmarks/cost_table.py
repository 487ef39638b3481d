"""What costs grow like, as a table."""

import math
from statistics import median

from table import short

LABELS = {
    "d": "dimension d",
    "n": "samples n",
    "R": "replicas R",
    "steps": "steps",
}


def slope(points, key):
    """The least-squares slope of the logarithm over the upper half of the values; None without data."""
    pairs = [(math.log(p["value"]), math.log(p[key])) for p in points if p[key]]
    pairs = pairs[len(pairs) // 2 - 1 :] if len(pairs) > 3 else pairs
    if len(pairs) < 2:
        return None
    xs, ys = zip(*pairs)
    x, y = sum(xs) / len(xs), sum(ys) / len(ys)
    return sum((a - x) * (b - y) for a, b in pairs) / sum((a - x) ** 2 for a in xs)


def slope_text(value):
    # The zero keeps a slope of -0.001 from being shown as -0.00.
    return "-" if value is None else f"{round(value, 2) + 0.0:.2f}"


def seconds(value):
    """A time with its unit."""
    for unit, factor in (("s", 1), ("ms", 1e3), ("us", 1e6)):
        if value * factor >= 1:
            return f"{short(value * factor, 3)} {unit}"
    return f"{value * 1e9:.0f} ns"


def memory(value):
    return "-" if value is None else f"{value / 2**20:.0f} MiB"


def markdown(results):
    host = results["machine"]
    load = lambda values: ", ".join(f"{value:.2f}" for value in values)
    text = [
        "# What jostle costs as experiments grow\n",
        f"`cargo xtask bench costs`, {results['when']}, {host['processor']}, {host['cores']} cores, {host['system']}; "
        f"load before: {load(host['load_before'])}; after: {load(host['load_after'])}\n",
        "Label noise, full batches, float64, d = 100, n = 40, R = 64 but for what varies. Time is processor time, that "
        "of one step of all replicas; along `steps`, of all steps. Memory is the greatest resident memory of the "
        "command. A slope is that of the logarithms over the upper half of the range.\n",
        "| grows | from | to | time at first | at last | slope | memory at first | at last | slope |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for axis, points in results["axes"].items():
        first, last = points[0], points[-1]
        slopes = [slope(points, key) for key in ("seconds", "memory")]
        shown = [slope_text(value) for value in slopes]
        text.append(
            f"| {LABELS[axis]} | {first['value']:,} | {last['value']:,} | {seconds(first['seconds'])} "
            f"| {seconds(last['seconds'])} | {shown[0]} | {memory(first['memory'])} | {memory(last['memory'])} "
            f"| {shown[1]} |"
        )
    text += ["", *threads(results["threads"]), recording(results["recording"]), start(results["start"])]
    return "\n".join(text) + "\n"


def threads(walls):
    one = walls["1"]
    yield f"* 1 thread: {seconds(median(one))} of wall clock"
    for count, values in list(walls.items())[1:]:
        ratios = [a / b for a, b in zip(one, values)]
        yield (
            f"* {count} threads: {seconds(median(values))}, "
            f"{median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f}) times as fast as one"
        )


def recording(found):
    added = [100 * (many / few - 1) for few, many in found["pairs"]]
    few, many = map(min, zip(*found["pairs"]))
    setting = found["settings"]
    return (
        f"* recording about 200 points instead of 2 (R = {setting['R']}, {setting['steps']:,} steps) adds "
        f"{median(added):.1f} % ({min(added):.1f} % to {max(added):.1f} %, {len(added)} pairs); "
        f"the quickest run of each differs by {100 * (many / few - 1):.1f} %"
    )


def start(walls):
    return (
        f"* `jostle run` on a tiny experiment: {seconds(median(walls))} "
        f"({seconds(min(walls))} to {seconds(max(walls))}), median of {len(walls)}"
    )
