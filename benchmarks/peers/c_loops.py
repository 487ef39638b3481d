"""Plain C through ctypes: `cc -O3 -march=native -ffast-math` on `peer.c`."""

import ctypes
import functools
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import numpy as np
from protocol import NotOffered, serve

ALGORITHMS = ["gd", "sgd", "label-sgd", "label-gd", "isotropic"]
FLAGS = ["-O3", "-march=native", "-ffast-math", "-shared", "-fPIC"]


def compiler():
    for name in [os.environ.get("CC"), "gcc", "clang", "cc"]:
        if name and shutil.which(name):
            return name
    raise RuntimeError("no C compiler: set CC, or install gcc or clang")


@functools.cache
def library(real):
    """`peer.c` compiled for float or double, and loaded."""
    source = Path(__file__).with_name("peer.c")
    with tempfile.TemporaryDirectory() as folder:
        built = Path(folder) / f"peer_{real}.so"
        subprocess.run([compiler(), *FLAGS, f"-DREAL={real}", source, "-o", built, "-lm"], check=True)
        return ctypes.CDLL(str(built))


def prepare(task):
    if task.algorithm not in ALGORITHMS:
        raise NotOffered(f"no {task.algorithm} here")
    name, real = {"f64": ("double", ctypes.c_double), "f32": ("float", ctypes.c_float)}[task.precision]
    run = library(name).run
    x, y = task.read()
    w = np.empty((task.replicas, task.d), task.dtype)
    pointer = lambda array: array.ctypes.data_as(ctypes.c_void_p)
    seed = 0

    def trajectory(steps):
        nonlocal seed
        seed += task.replicas
        w.fill(1)
        run(
            ALGORITHMS.index(task.algorithm), pointer(w), pointer(x), pointer(y), task.replicas, task.n, task.d,
            real(task.learning_rate), real(task.delta), ctypes.c_long(steps), ctypes.c_uint64(seed),
        )
        return w

    return trajectory


def version():
    try:
        shown = subprocess.run([compiler(), "--version"], capture_output=True, text=True, check=True)
        return shown.stdout.splitlines()[0] + " " + " ".join(FLAGS[:3])
    except (RuntimeError, subprocess.CalledProcessError) as error:
        return str(error)


if __name__ == "__main__":
    serve(prepare, {"C": version()})
