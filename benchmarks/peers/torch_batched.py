"""PyTorch, batched over replicas, with the gradient written out: eager, or with `torch.compile`."""

import sys

import torch
from protocol import NotOffered, serve


def step_of(task):
    """The step from `w` (replicas x d) to the next, or None."""
    x, y = map(torch.from_numpy, task.read())
    x_transposed = x.T.contiguous()
    n, d, replicas, rate, delta = task.n, task.d, task.replicas, task.learning_rate, task.delta
    dtype = x.dtype

    def weights(w):
        return ((w * w) @ x_transposed - y) / n

    def gd(w):
        return w - rate * w * (weights(w) @ x)

    def sgd(w):
        i = torch.randint(n, (replicas,))
        rows = x[i]
        residual = (w * w * rows).sum(1) - y[i]
        return w - (rate * residual)[:, None] * rows * w

    def label_sgd(w):
        i = torch.randint(n, (replicas,))
        signs = torch.randint(2, (replicas,)).to(dtype) * 2 - 1
        rows = x[i]
        residual = (w * w * rows).sum(1) - y[i] - delta * signs
        return w - (rate * residual)[:, None] * rows * w

    def label_gd(w):
        i = torch.randint(n, (replicas, 1))
        c = weights(w).scatter_add(1, i, -delta * torch.randn(replicas, 1, dtype=dtype))
        return w - rate * w * (c @ x)

    def isotropic(w):
        noise = torch.randn(replicas, d, dtype=dtype)
        return w - rate * (w * (weights(w) @ x) + delta * noise)

    steps = {"gd": gd, "sgd": sgd, "label-sgd": label_sgd, "label-gd": label_gd, "isotropic": isotropic}
    return steps.get(task.algorithm)


def prepare(task, compiled):
    torch.manual_seed(0)
    step = step_of(task)
    if step is None:
        raise NotOffered(f"no {task.algorithm} here")
    dtype = {"f64": torch.float64, "f32": torch.float32}[task.precision]
    start = torch.ones(task.replicas, task.d, dtype=dtype)
    if compiled:
        # Every configuration is compiled for its own shapes; what was compiled before counts as a recompilation.
        torch.compiler.reset()
        step = torch.compile(step, dynamic=False)
        with torch.no_grad():
            step(step(start))

    @torch.no_grad()
    def trajectory(steps):
        w = start.clone()
        for _ in range(steps):
            w = step(w)
        return w.numpy()

    return trajectory


if __name__ == "__main__":
    torch.set_num_threads(1)
    compiled = sys.argv[1:] == ["compiled"]
    serve(lambda task: prepare(task, compiled), {"torch": torch.__version__})
