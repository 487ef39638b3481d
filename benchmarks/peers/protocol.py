"""What every peer shares: it reads one request a line and answers with one line, both JSON.

    hello                                       versions of what the peer is made of
    prepare  algorithm, precision, n, d, replicas, learning_rate, delta, data
                                                builds (and compiles) the stepping for these settings
    run      steps, repeats                     so many trajectories from w = 1; seconds and replica-steps
    state                                       where the last trajectory ended

A peer supplies `prepare(task)`, which returns a function from a number of steps to the parameters (replicas x d) at
the end of one trajectory of that length, started at 1 everywhere. Work that is not stepping belongs into `prepare`.
"""

import json
import os
import sys
import time
import traceback
from dataclasses import dataclass

import numpy as np


@dataclass
class Task:
    """One configuration. The loss is (1/4n) sum_i (f_i - y_i)^2 with f = X (w * w)."""

    algorithm: str
    precision: str
    n: int
    d: int
    replicas: int
    learning_rate: float
    delta: float
    data: str

    @property
    def dtype(self):
        """The NumPy type of the trajectories."""
        return {"f64": np.float64, "f32": np.float32}[self.precision]

    def read(self):
        """`X` (n x d, row major) and `y` (n) in the type of the trajectories."""
        raw = np.fromfile(self.data, "<f8")
        x, y = raw[: self.n * self.d].reshape(self.n, self.d), raw[self.n * self.d :]
        return np.ascontiguousarray(x, self.dtype), np.ascontiguousarray(y, self.dtype)


class NotOffered(Exception):
    """The peer has no such algorithm: a fact about it, not a failure."""


def serve(prepare, versions, chunk=lambda task: 1):
    """Answers requests until the driver closes the pipe.

    `versions` are shown by `hello`. Steps are rounded up to a multiple of `chunk(task)`.
    """
    # What libraries print must not end up between the answers.
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    peer = _Peer(prepare, versions, chunk)
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer = getattr(peer, request.pop("do"))(**request)
        except NotOffered as reason:
            answer = {"not_offered": str(reason)}
        except Exception as error:  # Whatever a library raises is the peer's answer; the driver reports it.
            traceback.print_exc()
            text = str(error).strip().splitlines()
            answer = {"error": f"{type(error).__name__}: {text[0] if text else 'no message'}"}
        print(json.dumps(answer), file=answers)


class _Peer:
    def __init__(self, prepare, versions, chunk):
        self.prepare_task, self.versions, self.chunk_of = prepare, versions, chunk
        self.stepping, self.replicas, self.chunk, self.end = None, 0, 1, None

    def hello(self):
        return {"versions": self.versions}

    def prepare(self, **settings):
        task = Task(**settings)
        self.stepping, self.end = None, None
        self.stepping = self.prepare_task(task)
        self.chunk = self.chunk_of(task)
        # The first trajectory compiles, and says how many replicas there are.
        self.end = np.asarray(self.stepping(self.chunk))
        self.replicas = len(self.end)
        return {"replicas": self.replicas}

    def run(self, steps, repeats):
        steps = -(-steps // self.chunk) * self.chunk
        wall, cpu = time.perf_counter(), time.process_time()
        for _ in range(repeats):
            end = self.stepping(steps)
        self.end = np.asarray(end)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        return {"wall": wall, "cpu": cpu, "steps": steps, "replica_steps": self.replicas * steps * repeats}

    def state(self):
        end = self.end.astype(np.float64)
        return {
            "first": end[0].tolist(),
            "last": end[-1].tolist(),
            "l1": (end * end).sum(1).tolist(),
        }
