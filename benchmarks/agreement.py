"""Whether the programs compute the same thing: a comparison of speeds is void where they do not."""

import math

import numpy as np
from configurations import DELTA, data

PATH_STEPS = 200
LAW_STEPS = 300
# Relative to the largest parameter.
TOLERANCE = {"f64": 1e-9, "f32": 1e-3}
STANDARD_ERRORS = 5.0


def gradient_descent(size, steps):
    """The parameters (d) after so many steps from 1, in float64, as the formula says."""
    x, y = data(size)
    w = np.ones(size.d)
    for _ in range(steps):
        w -= size.learning_rate * w * (((x @ (w * w) - y) / size.n) @ x)
    return w


def path_fault(reference, state, precision):
    """What is wrong with a program's gradient descent, or None."""
    for which in ("first", "last"):
        distance = float(np.abs(np.subtract(state[which], reference)).max() / np.abs(reference).max())
        if not distance <= TOLERANCE[precision]:
            return f"gradient descent is {distance:.1e} off after {PATH_STEPS} steps ({which} replica)"
    return None


def law_fault(reference, l1):
    """What is wrong with the law of the l1 norms of a program's replicas beside those of another, or None.

    Means may differ by 5 standard errors. So may logarithms of standard deviations, which for normal numbers have the
    standard error 1/sqrt(2 (R - 1)).
    """
    reference, l1 = np.asarray(reference), np.asarray(l1)
    if not np.isfinite(l1).all():
        return f"{int((~np.isfinite(l1)).sum())} of {len(l1)} replicas diverged within {LAW_STEPS} steps"
    spread = [values.std(ddof=1) for values in (reference, l1)]
    error = math.hypot(*(s / math.sqrt(len(values)) for s, values in zip(spread, (reference, l1))))
    difference = abs(l1.mean() - reference.mean())
    if difference > STANDARD_ERRORS * error:
        return f"mean l1 norm {l1.mean():.5g}, not {reference.mean():.5g}: {difference / error:.1f} standard errors"
    error = math.hypot(*(1 / math.sqrt(2 * (len(values) - 1)) for values in (reference, l1)))
    if abs(math.log(spread[1] / spread[0])) > STANDARD_ERRORS * error:
        return f"standard deviation of the l1 norm {spread[1]:.3g}, not {spread[0]:.3g}"
    return None


def settings(size, algorithm, precision, replicas, path):
    """The request that prepares a configuration."""
    return {
        "algorithm": algorithm,
        "precision": precision,
        "n": size.n,
        "d": size.d,
        "replicas": replicas,
        "learning_rate": size.learning_rate,
        "delta": DELTA,
        "data": str(path),
    }
