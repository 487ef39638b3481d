"""From rates to ratios, and ratios in a table."""

import math
from statistics import median


def ratios(row, peer):
    """jostle's rate over a peer's, round by round; empty where one of them has none."""
    ours, theirs = (row["programs"].get(name, {}) for name in ("jostle", peer))
    if "error" in ours or "error" in theirs:
        return []
    return [a / b for a, b in zip(ours.get("rates", []), theirs.get("rates", []))]


def rate(row, name):
    """The median rate of a program, or None."""
    entry = row["programs"].get(name, {})
    return median(entry["rates"]) if entry.get("rates") and "error" not in entry else None


def best_peer(row):
    """The peer with the highest median rate, or None."""
    rates = {name: rate(row, name) for name in row["programs"] if name != "jostle"}
    rates = {name: value for name, value in rates.items() if value}
    return max(rates, key=rates.get) if rates else None


def share_of_peak(row):
    """The share of the processor's multiply-adds that jostle's own make up, round by round."""
    ours = row["programs"]["jostle"].get("rates", [])
    return [a * row["flops"] / peak for a, peak in zip(ours, row["peak"])]


def share_of_bandwidth(row):
    """The share of the reading bandwidth that jostle needs for X; empty where replicas share what is read."""
    if row["bytes_read"] is None:
        return []
    ours = row["programs"]["jostle"].get("rates", [])
    return [a * row["bytes_read"] / bandwidth for a, bandwidth in zip(ours, row["bandwidth"])]


def spread(values, digits=2):
    """`median (min to max)` in so many significant digits."""
    if not values:
        return "-"
    return f"{short(median(values), digits)} ({short(min(values), digits)} to {short(max(values), digits)})"


def percent(values):
    return "-" if not values else f"{100 * median(values):.0f} %"


def short(value, digits=2):
    """A positive number in so many significant digits, with thousands set apart."""
    rounded = float(f"{value:.{digits}g}")
    decimals = max(0, digits - 1 - math.floor(math.log10(rounded)))
    return f"{rounded:,.{decimals}f}"


def rate_text(value):
    """A rate, in millions or thousands a second."""
    if value is None:
        return "-"
    for unit, factor in (("M", 1e6), ("k", 1e3)):
        if value >= factor:
            return f"{short(value / factor, 3)} {unit}/s"
    return f"{short(value, 3)} /s"


def start(row):
    """What a trajectory of all of jostle's replicas costs beside its steps."""
    values = row["programs"]["jostle"].get("start")
    return f"{short(1e3 * median(values))} ms" if values else "-"


def cell(row, peer):
    """What a table says about a peer."""
    entry = row["programs"].get(peer, {})
    if "not_offered" in entry:
        return "n/a"
    if "error" in entry:
        return "failed"
    return spread(ratios(row, peer))


def size_of(row):
    return (row["d"], row["n"], row["replicas"])


def words(size):
    d, n, replicas = size
    return f"d = {d:,}, n = {n}, R = {replicas:,}"


def line(row):
    """One line about a configuration, printed while the measurement goes on."""
    best = best_peer(row)
    head = f"{words(size_of(row)):32} {row['precision']} {row['algorithm']:21}"
    ours = row["programs"]["jostle"]
    if "error" in ours:
        return f"{head} jostle: {ours['error']}"
    against = f"{spread(ratios(row, best))} x {best}" if best else "no peer"
    failed = [f"{name}: {entry['error']}" for name, entry in row["programs"].items() if "error" in entry]
    text = f"{head} {rate_text(rate(row, 'jostle')):>10}  {against}, {percent(share_of_peak(row))} of peak"
    return "\n".join([text, *(f"    {failure}" for failure in failed)])


def markdown(results):
    """All tables, with what one has to know to read them."""
    host, rows = results["machine"], results["rows"]
    load = lambda values: ", ".join(f"{value:.2f}" for value in values)
    text = [
        "# jostle against its peers, and against the machine\n",
        f"`{' '.join(shown_command(results['command']))}`, {results['when']}, {results['minutes']:.0f} minutes.\n",
        f"* {host['processor']}, {host['cores']} cores, pinned to core {host['pinned_to']}; {host['system']}",
        f"* load before: {load(host['load_before'])}; after: {load(host.get('load_after', []))}",
        "* " + "; ".join(version_text(name, parts) for name, parts in results["versions"].items()),
        f"* ratios: jostle's replica-steps per second of processor time over the peer's; median (least to greatest) "
        f"of {results['options']['pairs']} interleaved rounds of about {results['options']['budget']} s; what a "
        "trajectory costs before its first step is taken off, and shown for jostle as start",
        "* share of peak: floating-point operations of the formula over the measured peak of fused multiply-adds; "
        "share of bandwidth: bytes of X over the measured reading bandwidth for a buffer as large as X",
        "* `released` runs one replica at a time; n/a: the peer does not have the algorithm\n",
    ]
    for size in dict.fromkeys(map(size_of, rows)):
        for precision in dict.fromkeys(row["precision"] for row in rows):
            chosen = [row for row in rows if (size_of(row), row["precision"]) == (size, precision)]
            if chosen:
                text += [f"## {words(size)}, {precision}\n", *comparison(chosen), ""]
    text += failures(results) + bandwidth_table(host)
    return "\n".join(text) + "\n"


def comparison(rows):
    peers = list(dict.fromkeys(name for row in rows for name in row["programs"] if name != "jostle"))
    heads = ["algorithm", "jostle", "best peer", "against the best", *peers, "of peak", "of bandwidth", "start"]
    yield "| " + " | ".join(heads) + " |"
    yield "|---" * len(heads) + "|"
    for row in rows:
        best = best_peer(row)
        parts = [row["algorithm"], rate_text(rate(row, "jostle")), best or "-"]
        parts += [f"**{spread(ratios(row, best))}**" if best and ratios(row, best) else "-"]
        parts += [cell(row, peer) for peer in peers]
        parts += [percent(share_of_peak(row)), percent(share_of_bandwidth(row)), start(row)]
        yield "| " + " | ".join(parts) + " |"


def failures(results):
    """Everything that did not work, and every disagreement."""
    lines = []
    for row in results["rows"]:
        for name, entry in row["programs"].items():
            if "error" in entry:
                where = f"{name}, {row['precision']}, {row['algorithm']}, {words(size_of(row))}"
                lines.append(f"* {where}: {entry['error']}")
    for check in results["law"]:
        if check["fault"]:
            lines.append(f"* law: {check['program']}, {check['precision']}, {check['algorithm']}: {check['fault']}")
    compared = f"Laws of the noisy algorithms: {len(results['law'])} compared with jostle's."
    return ["## What failed or disagreed\n", compared, "", *(lines or ["Nothing."]), ""]


def bandwidth_table(host):
    lines = ["## Reading bandwidth of one core\n", "| buffer | GB/s |", "|---|---|"]
    for size, value in host["bandwidth"].items():
        lines.append(f"| {int(size) // 1024:,} KiB | {value / 1e9:.0f} |")
    return lines


def shown_command(words):
    """The command without what `cargo xtask` adds to it."""
    hidden = {"--worker", "--scratch"}
    return [word for k, word in enumerate(words) if word not in hidden and (k == 0 or words[k - 1] not in hidden)]


def version_text(name, parts):
    return f"{name}: " + ", ".join(f"{part} {version}" for part, version in parts.items())
