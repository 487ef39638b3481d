"""Draws the ratios: one panel for each size and precision, a dot for each peer, and the range of its rounds."""

from statistics import median

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import table
from programs import PEERS

# One colour and one mark each, told apart without colours too.
STYLES = dict(zip(PEERS, ["s", "o", "^", "D", "v", "<", "P"]))
COLOURS = dict(zip(PEERS, ["#555555", "#0072b2", "#e69f00", "#009e73", "#d55e00", "#cc79a7", "#000000"]))


def ratios(results, folder):
    """Writes `ratios.svg` and `ratios.png`."""
    rows = [row for row in results["rows"] if table.rate(row, "jostle")]
    if not rows:
        return
    sizes = list(dict.fromkeys(map(table.size_of, rows)))
    precisions = list(dict.fromkeys(row["precision"] for row in rows))
    shown = max(len({row["algorithm"] for row in rows}), 3)
    figure, panels = plt.subplots(
        len(sizes), len(precisions), squeeze=False, sharex=True,
        figsize=(6.2 * len(precisions), (0.48 * shown + 0.9) * len(sizes) + 0.9), layout="constrained",
    )
    for size, line in zip(sizes, panels):
        for precision, panel in zip(precisions, line):
            chosen = [row for row in rows if (table.size_of(row), row["precision"]) == (size, precision)]
            draw_panel(panel, chosen)
            panel.set_title(f"{table.words(size)}, {precision}", fontsize=10, loc="left")
    for panel in panels[-1]:
        panel.set_xlabel("times as many replica-steps per second as the peer")
    handles = {}
    for panel in panels.flat:
        handles.update({label: handle for handle, label in zip(*panel.get_legend_handles_labels())})
    ordered = [name for name in PEERS if name in handles]
    marks, columns = [handles[name] for name in ordered], 4 * len(precisions)
    figure.legend(marks, ordered, loc="outside lower center", ncols=columns, fontsize=9)
    for suffix in ("svg", "png"):
        figure.savefig(folder / f"ratios.{suffix}", dpi=150)
    plt.close(figure)


def draw_panel(panel, rows):
    peers = [name for name in PEERS if any(name in row["programs"] for row in rows)]
    for k, row in enumerate(rows):
        for slot, peer in enumerate(peers):
            values = table.ratios(row, peer)
            if not values:
                continue
            middle = median(values)
            height = k + (slot - (len(peers) - 1) / 2) * 0.1
            panel.errorbar(
                middle, height, xerr=[[middle - min(values)], [max(values) - middle]], label=peer,
                marker=STYLES[peer], color=COLOURS[peer], markersize=5, linewidth=1.5, capsize=0,
            )
    panel.axvline(1, color="#999999", linewidth=1)
    panel.set_xscale("log")
    panel.xaxis.set_major_formatter(matplotlib.ticker.FuncFormatter(lambda value, _: f"{value:,g}"))
    panel.set_yticks(range(len(rows)), [row["algorithm"] for row in rows])
    panel.set_ylim(len(rows) - 0.4, -0.6)
    panel.grid(axis="x", color="#dddddd", linewidth=0.6)
    panel.set_axisbelow(True)
    for side in ("top", "right"):
        panel.spines[side].set_visible(False)
