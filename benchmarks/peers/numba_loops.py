"""Numba: loops over one replica after the other, compiled with fastmath."""

import numba
import numpy as np
from numba import njit
from protocol import NotOffered, serve


@njit(fastmath=True, inline="always")
def residual(w, x, y):
    total = -y
    for k in range(w.shape[0]):
        total += w[k] * w[k] * x[k]
    return total


@njit(fastmath=True, inline="always")
def shrink(w, c, x):
    for k in range(w.shape[0]):
        w[k] -= c * x[k] * w[k]


@njit(fastmath=True, inline="always")
def set_weights(w, x, y, scale, c):
    for i in range(x.shape[0]):
        c[i] = residual(w, x[i], y[i]) * scale


@njit(fastmath=True, inline="always")
def pull(x, c, g):
    g[:] = 0
    for i in range(x.shape[0]):
        for k in range(x.shape[1]):
            g[k] += c[i] * x[i, k]


@njit(fastmath=True)
def gd(all_w, x, y, rate, delta, steps):
    scale = rate / y.dtype.type(x.shape[0])
    for r in range(all_w.shape[0]):
        w, c, g = all_w[r], np.empty_like(y), np.empty_like(all_w[r])
        for _ in range(steps):
            set_weights(w, x, y, scale, c)
            pull(x, c, g)
            for k in range(w.shape[0]):
                w[k] -= g[k] * w[k]


@njit(fastmath=True)
def sgd(all_w, x, y, rate, delta, steps):
    for r in range(all_w.shape[0]):
        w = all_w[r]
        for _ in range(steps):
            i = np.random.randint(x.shape[0])
            shrink(w, rate * residual(w, x[i], y[i]), x[i])


@njit(fastmath=True)
def label_sgd(all_w, x, y, rate, delta, steps):
    for r in range(all_w.shape[0]):
        w = all_w[r]
        for _ in range(steps):
            i = np.random.randint(x.shape[0])
            noise = delta if np.random.randint(2) == 1 else -delta
            shrink(w, rate * (residual(w, x[i], y[i]) - noise), x[i])


@njit(fastmath=True)
def label_gd(all_w, x, y, rate, delta, steps):
    scale = rate / y.dtype.type(x.shape[0])
    for r in range(all_w.shape[0]):
        w, c, g = all_w[r], np.empty_like(y), np.empty_like(all_w[r])
        for _ in range(steps):
            set_weights(w, x, y, scale, c)
            c[np.random.randint(x.shape[0])] -= rate * delta * y.dtype.type(np.random.standard_normal())
            pull(x, c, g)
            for k in range(w.shape[0]):
                w[k] -= g[k] * w[k]


@njit(fastmath=True)
def isotropic(all_w, x, y, rate, delta, steps):
    scale = rate / y.dtype.type(x.shape[0])
    for r in range(all_w.shape[0]):
        w, c, g = all_w[r], np.empty_like(y), np.empty_like(all_w[r])
        for _ in range(steps):
            set_weights(w, x, y, scale, c)
            pull(x, c, g)
            for k in range(w.shape[0]):
                w[k] -= g[k] * w[k] + rate * delta * y.dtype.type(np.random.standard_normal())


KERNELS = {"gd": gd, "sgd": sgd, "label-sgd": label_sgd, "label-gd": label_gd, "isotropic": isotropic}


def prepare(task):
    if task.algorithm not in KERNELS:
        raise NotOffered(f"no {task.algorithm} here")
    kernel = KERNELS[task.algorithm]
    x, y = task.read()
    rate, delta = task.dtype(task.learning_rate), task.dtype(task.delta)
    w = np.empty((task.replicas, task.d), task.dtype)

    def trajectory(steps):
        w.fill(1)
        kernel(w, x, y, rate, delta, steps)
        return w

    return trajectory


if __name__ == "__main__":
    serve(prepare, {"numba": numba.__version__, "numpy": np.__version__})
