"""NumPy, batched over replicas: `w` is (replicas x d), and one step in Python moves all replicas."""

import numpy as np
from protocol import NotOffered, serve


def prepare(task):
    x, y = task.read()
    x_transposed = np.ascontiguousarray(x.T)
    n, dtype, replicas = task.n, task.dtype, task.replicas
    rate, delta = dtype(task.learning_rate), dtype(task.delta)
    rng = np.random.Generator(np.random.SFC64(0))
    each = np.arange(replicas)

    def weights(w):
        return ((w * w) @ x_transposed - y) / dtype(n)

    def gd(w):
        w -= rate * w * (weights(w) @ x)

    def sgd(w):
        i = rng.integers(n, size=replicas)
        rows = x[i]
        residual = np.einsum("rd,rd,rd->r", w, w, rows) - y[i]
        w -= (rate * residual)[:, None] * rows * w

    def label_sgd(w):
        i = rng.integers(n, size=replicas)
        signs = (2 * rng.integers(2, size=replicas) - 1).astype(dtype)
        rows = x[i]
        residual = np.einsum("rd,rd,rd->r", w, w, rows) - y[i] - delta * signs
        w -= (rate * residual)[:, None] * rows * w

    def label_gd(w):
        c = weights(w)
        c[each, rng.integers(n, size=replicas)] -= delta * rng.standard_normal(replicas, dtype)
        w -= rate * w * (c @ x)

    def isotropic(w):
        noise = rng.standard_normal((replicas, task.d), dtype)
        w -= rate * (w * (weights(w) @ x) + delta * noise)

    steps_of = {"gd": gd, "sgd": sgd, "label-sgd": label_sgd, "label-gd": label_gd, "isotropic": isotropic}
    if task.algorithm not in steps_of:
        raise NotOffered(f"no {task.algorithm} here")
    step = steps_of[task.algorithm]
    w = np.empty((replicas, task.d), dtype)

    def trajectory(steps):
        w.fill(1)
        for _ in range(steps):
            step(w)
        return w

    return trajectory


if __name__ == "__main__":
    serve(prepare, {"numpy": np.__version__})
