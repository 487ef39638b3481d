"""What is measured: sizes, algorithms, precisions, and the data that all programs read."""

from dataclasses import dataclass

import numpy as np

ALGORITHMS = ["gd", "sgd", "label-sgd", "label-gd", "isotropic", "mini-batch-difference"]
SINGLE_SAMPLE = {"sgd", "label-sgd"}
PRECISIONS = ["f64", "f32"]
DELTA = 0.1


@dataclass(frozen=True)
class Size:
    """Dimension, samples and replicas, written `d x n x R`."""

    d: int
    n: int
    replicas: int

    @classmethod
    def parse(cls, text):
        return cls(*map(int, text.split("x")))

    def __str__(self):
        return f"{self.d}x{self.n}x{self.replicas}"

    @property
    def words(self):
        return f"d = {self.d:,}, n = {self.n}, R = {self.replicas:,}"

    @property
    def learning_rate(self):
        """Stable from w = 1 for single samples too: their curvature there is about 2 d."""
        return 0.01 if self.d <= 1000 else 1e-4


SIZES = ["100x40x1", "100x40x64", "100x40x1024", "10000x200x16"]


def data(size):
    """`X` (n x d) with standard normal entries, and the labels of a truth of five ones."""
    x = np.random.default_rng(1).standard_normal((size.n, size.d))
    return x, x[:, :5].sum(1)


def write_data(size, folder):
    """The path of the data as raw little-endian float64: `X`, then `y`."""
    path = folder / f"data-{size.d}x{size.n}.f64"
    if not path.exists():
        x, y = data(size)
        np.concatenate([x.ravel(), y]).astype("<f8").tofile(path)
    return path


def flops(size, algorithm):
    """Floating-point operations of one replica's step, without its random numbers."""
    if algorithm in SINGLE_SAMPLE:
        return 6 * size.d
    return 4 * size.n * size.d + 3 * size.d


def bytes_read(size, algorithm, precision):
    """Bytes of X that one replica's step reads where no other replica can share them, else None."""
    return size.d * int(precision[1:]) // 8 if algorithm in SINGLE_SAMPLE else None
