"""The loop that the code released with *Shape Matters* runs, in our words: PyTorch, autograd, one replica.

The loss of a step is put together sample by sample in Python, as is the noise, which is a term of the loss where it
can be; autograd differentiates all of it, and the parameters are moved by hand. The released code also logs the errors
every 20 steps; that is left out here. It knows no batch of replicas: an ensemble is one run after another.
"""

import torch
from protocol import NotOffered, serve


def prepare(task):
    torch.manual_seed(0)
    x, y = map(torch.from_numpy, task.read())
    samples = list(zip(x, y))
    n, delta, algorithm = task.n, task.delta, task.algorithm
    if algorithm not in ("gd", "label-gd", "isotropic", "mini-batch-difference"):
        raise NotOffered("the released code has full batches only")

    def sample_loss(w, row, label):
        return 0.25 * (label - torch.dot(w * w, row)) ** 2

    def pick():
        return samples[int(torch.randint(n, ()))]

    def loss(w):
        total = 0
        for row, label in samples:
            total = total + sample_loss(w, row, label) / n
        if algorithm == "label-gd":
            row, label = pick()
            total = total + sample_loss(w, row, label + delta * torch.randn(()).item())
            total = total - sample_loss(w, row, label)
        elif algorithm == "mini-batch-difference":
            total = total + delta * sample_loss(w, *pick())
            total = total - delta * sample_loss(w, *pick())
        return total

    def one(steps):
        w = torch.ones(task.d, dtype=x.dtype, requires_grad=True)
        for _ in range(steps):
            if w.grad is not None:
                w.grad.zero_()
            loss(w).backward()
            gradient = w.grad
            if algorithm == "isotropic":
                gradient = gradient + delta * torch.randn(task.d, dtype=x.dtype)
            w.data -= task.learning_rate * gradient
        return w.detach()

    return lambda steps: torch.stack([one(steps) for _ in range(task.replicas)]).numpy()


if __name__ == "__main__":
    torch.set_num_threads(1)
    serve(prepare, {"torch": torch.__version__})
