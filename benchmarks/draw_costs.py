"""Draws costs against the size of an experiment, both on logarithmic axes."""

from statistics import median

import cost_table
import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt


def costs(results, folder):
    """Writes `costs.svg` and `costs.png`: time above, memory below, one column for each thing that grows."""
    axes = results["axes"]
    figure, panels = plt.subplots(2, len(axes) + 1, figsize=(3.1 * (len(axes) + 1), 5.6), layout="constrained")
    for k, (axis, points) in enumerate(axes.items()):
        label = "time of all steps" if axis == "steps" else "time of a step of all replicas"
        columns = [("seconds", 1, f"{label} (s)"), ("memory", 2**-20, "memory (MiB)")]
        for panel, (key, scale, name) in zip(panels[:, k], columns):
            shown = [(p["value"], p[key] * scale) for p in points if p[key]]
            draw(panel, *zip(*shown) if shown else ([], []))
            slope = cost_table.slope(points, key)
            panel.set_title(f"slope {cost_table.slope_text(slope)}", fontsize=9, loc="right")
            panel.set_ylabel(name, fontsize=9)
            panel.set_xlabel(cost_table.LABELS[axis])
    for panel in panels[1][1:-1]:
        panel.sharey(panels[1][0])
    walls = {int(count): median(values) for count, values in results["threads"].items()}
    panel = panels[0][-1]
    draw(panel, list(walls), list(walls.values()))
    panel.plot(list(walls), [walls[1] / count for count in walls], color="#999999", linestyle="--", linewidth=1)
    panel.set_xticks(list(walls), [str(count) for count in walls])
    panel.minorticks_off()
    panel.set_xlabel("threads (dashed: ideal)")
    panel.set_ylabel("wall clock (s)", fontsize=9)
    panels[1][-1].set_axis_off()
    for suffix in ("svg", "png"):
        figure.savefig(folder / f"costs.{suffix}", dpi=130)
    plt.close(figure)


def draw(panel, x, y):
    panel.loglog(x, y, marker="o", markersize=4, color="#0072b2")
    panel.grid(which="major", color="#dddddd", linewidth=0.6)
    panel.set_axisbelow(True)
    if y and max(y) < 10 * min(y):
        # A flat curve is not blown up to fill the panel.
        middle = (max(y) * min(y)) ** 0.5
        panel.set_ylim(middle / 10, middle * 10)
    for side in ("top", "right"):
        panel.spines[side].set_visible(False)
