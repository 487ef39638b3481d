"""Exact tr G, |G|_F, lambda_max, Tr(Sigma G) and mu of a network in PyTorch, by the routes that a user would find, and the
time of a training step. One process measures one route:

    python network_kernels.py ROUTE|training|product WORKLOAD_FOLDER float32|float64

The folder holds workload.json (network, samples, outputs) and the arrays theta, inputs (n x d) and targets (n x c) as raw
float64. Printed is one JSON line: seconds of processor time, the quantities, and how much memory came on top.
"""

import json
import resource
import sys
import time
from pathlib import Path

import numpy as np
import torch
from scipy.sparse.linalg import LinearOperator, eigsh
from torch import nn

torch.set_num_threads(1)


def network(kind, outputs):
    """The networks of crates/jostle-nets with their default widths."""
    if kind == "mlp":
        return nn.Sequential(
            nn.Linear(3072, 512), nn.ReLU(), nn.Linear(512, 512), nn.ReLU(), nn.Linear(512, outputs)
        )
    layers, channels = [], 3
    for k, width in enumerate((32, 64, 64)):
        pool = nn.AvgPool2d(2) if k < 2 else nn.AdaptiveAvgPool2d(1)
        layers += [nn.Conv2d(channels, width, 3, padding=1), nn.ReLU(), pool]
        channels = width
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(channels, outputs))


def load(folder, dtype):
    """The module with its parameters, the inputs and the targets."""
    shape = json.loads((folder / "workload.json").read_text())
    read = lambda name: torch.from_numpy(np.fromfile(folder / f"{name}.f64")).to(dtype)
    n, outputs = shape["samples"], shape["outputs"]
    module = network(shape["network"], outputs).to(dtype)
    nn.utils.vector_to_parameters(read("theta"), module.parameters())
    inputs = read("inputs").reshape(n, -1)
    inputs = inputs if shape["network"] == "mlp" else inputs.reshape(n, 3, 32, 32)
    return module, inputs, read("targets").reshape(n, outputs)


def quantities(kernel, residuals):
    """What follows from K (nc x nc, outputs of a sample side by side) and the residuals (n x c)."""
    n, c = residuals.shape
    square = kernel.reshape(n, c, n, c)
    pulled = torch.einsum("iajb,jb->iaj", square, residuals).reshape(n * c, n)
    # Summed row by row in float64: one float32 sum loses 3e-4.
    squares = sum(float(row.double().square().sum()) for row in kernel.split(256))
    noise = float(pulled.double().square().sum()) / n**2
    mean = pulled.double().mean(dim=1)
    frobenius = squares**0.5 / n
    matrix = kernel.numpy()
    product = LinearOperator(matrix.shape, lambda v: matrix @ v.astype(matrix.dtype), dtype=matrix.dtype)
    largest = eigsh(product, k=1, return_eigenvectors=False, v0=np.ones(n * c, matrix.dtype), tol=1e-6)
    loss = float(residuals.double().square().sum()) / (2 * n)
    return {
        "trace_G": float(kernel.diagonal().double().sum()) / n,
        "frobenius_G": frobenius,
        "lambda_max_G": float(largest[0]) / n,
        "trace_noise_G": noise,
        "trace_noise_G_centred": noise - float(mean.square().sum()) / n,
        "alignment": noise / (2 * loss * frobenius**2),
    }


def torch_func(module, inputs, targets):
    """The official tutorial: vmap over jacrev, then a contraction for every parameter."""
    params = {name: p.detach() for name, p in module.named_parameters()}
    single = lambda params, x: torch.func.functional_call(module, params, (x.unsqueeze(0),)).squeeze(0)
    jacobians = torch.func.vmap(torch.func.jacrev(single), (None, 0))(params, inputs)
    kernel = 0
    for name in list(jacobians):
        rows = jacobians.pop(name).flatten(2).flatten(0, 1)
        kernel = kernel + rows @ rows.T
    with torch.no_grad():
        residuals = module(inputs) - targets
    return kernel, residuals


def vivit(module, inputs, targets):
    """ViViT's Gram matrix: the square loss's Hessian is the identity when it is the sum of squares / 2."""
    import backpack
    from vivit.extensions.secondorder.vivit import ViViTGGNExact

    module, loss = backpack.extend(module), backpack.extend(nn.MSELoss(reduction="sum"))
    outputs = module(inputs)
    kernel = 0
    with backpack.backpack(ViViTGGNExact()):
        loss(outputs, targets).backward()
    for parameter in module.parameters():
        kernel = kernel + parameter.vivit_ggn_exact["gram_mat"]()
    n, c = targets.shape
    # (c, n, c, n) of sqrt(2) J; in place where it is large.
    kernel = kernel.permute(1, 0, 3, 2).reshape(n * c, n * c).detach().div_(2)
    return kernel, (outputs - targets).detach()


def structured(module, inputs, targets):
    """Our own in PyTorch: both triangles of blocks once, inner products layer by layer, and the structure of the head."""
    return _structured(list(module), inputs, targets)


@torch.no_grad()
def _structured(layers, inputs, targets):
    affine = [k for k, layer in enumerate(layers) if isinstance(layer, (nn.Linear, nn.Conv2d))]
    seen, value, slopes = {}, inputs, {}
    for k, layer in enumerate(layers):
        seen[k] = value
        value = layer(value)
        if isinstance(layer, nn.ReLU):
            slopes[k] = (value > 0).to(value.dtype)
    n, c = targets.shape
    head = layers[affine[-1]].weight
    kernel = torch.zeros(n * c, n * c, dtype=inputs.dtype)
    square = kernel.view(n, c, n, c)
    ones = lambda a: torch.cat([a, torch.ones_like(a[:, :1])], 1)
    last = ones(seen[affine[-1]])
    gram = last @ last.T
    for a in range(c):
        square[:, a, :, a] += gram
    # Of every output with respect to what comes into the last layer.
    arriving = head.expand(n, c, head.shape[1])
    for position, k in reversed(list(enumerate(affine[:-1]))):
        layer, is_head = layers[k], position == len(affine) - 2
        # Back through everything between this layer and the next.
        for between in range(affine[position + 1] - 1, k, -1):
            if isinstance(layers[between], nn.ReLU):
                arriving = arriving * slopes[between].unsqueeze(1)
            elif isinstance(layers[between], nn.AvgPool2d):
                arriving = arriving.repeat_interleave(2, -1).repeat_interleave(2, -2) / 4
            elif isinstance(layers[between], nn.AdaptiveAvgPool2d):
                shape = seen[between].shape[-2:]
                arriving = (arriving / (shape[0] * shape[1]))[..., None, None].expand(*arriving.shape[:3], *shape)
            elif isinstance(layers[between], nn.Flatten):
                pass
        if isinstance(layer, nn.Linear):
            both = ones(seen[k])
            gram = both @ both.T
            if is_head:
                slope = slopes[k + 1]
                for a in range(c):
                    for b in range(a, c):
                        block = ((slope * (head[a] * head[b])) @ slope.T) * gram
                        square[:, a, :, b] += block
                        if a != b:
                            square[:, b, :, a] += block
            else:
                _add_symmetric(kernel, arriving.flatten(0, 1), gram, c)
            arriving = arriving @ layer.weight
        else:
            patches = nn.functional.unfold(seen[k], 3, padding=1)
            patches = torch.cat([patches, torch.ones_like(patches[:, :1])], 1)
            if is_head:
                slope = slopes[k + 1].flatten(2) / slopes[k + 1][0, 0].numel()
                rows = torch.einsum("nop,nqp->onq", slope, patches)
                grams = rows @ rows.transpose(1, 2)
                weights = torch.einsum("ak,bk->abk", head, head).flatten(0, 1)
                blocks = (weights @ grams.flatten(1)).view(c, c, n, n)
                square += blocks.permute(2, 0, 3, 1)
            else:
                rows = torch.einsum("nkop,nqp->nkoq", arriving.flatten(3), patches).flatten(2).flatten(0, 1)
                _add_symmetric(kernel, rows, None, c)
                del rows
            if position > 0:
                back = nn.functional.conv_transpose2d(arriving.flatten(0, 1), layer.weight, padding=1)
                arriving = back.view(n, c, *back.shape[1:])
    return kernel, value - targets


def _add_symmetric(kernel, rows, gram, c):
    """Adds rows rows' (times a product of the samples), by ten blocks of rows on and below the diagonal."""
    step = max(len(rows) // 10 // c, 1) * c
    for i in range(0, len(rows), step):
        for j in range(0, i + 1, step):
            block = rows[i : i + step] @ rows[j : j + step].T
            if gram is not None:
                factor = gram[i // c : (i + step) // c, j // c : (j + step) // c]
                block = (block.view(factor.shape[0], c, factor.shape[1], c) * factor[:, None, :, None]).view_as(block)
            kernel[i : i + step, j : j + step] += block
            if i != j:
                kernel[j : j + step, i : i + step] += block.T


def training(module, inputs, targets):
    """Seconds of one step of stochastic gradient descent with a batch of 64."""
    optimiser = torch.optim.SGD(module.parameters(), 0.01)
    inputs, targets = inputs[:64], targets[:64]

    def step():
        optimiser.zero_grad()
        ((module(inputs) - targets) ** 2).sum().div(128).backward()
        optimiser.step()

    [step() for _ in range(3)]
    times = []
    for _ in range(7):
        start = time.process_time()
        step()
        times.append(time.process_time() - start)
    return {"seconds": sorted(times)[3]}


def product():
    """Floating-point operations a second of a large product in float32."""
    a, b = torch.randn(2048, 2048), torch.randn(2048, 2048)
    times = []
    for _ in range(7):
        start = time.process_time()
        a @ b
        times.append(time.process_time() - start)
    return {"flops_per_second": 2 * 2048**3 / sorted(times)[3]}


ROUTES = {"torch-func": torch_func, "vivit": vivit, "torch-structured": structured}


def main():
    route, folder, precision = sys.argv[1], Path(sys.argv[2]), getattr(torch, sys.argv[3])
    if route == "product":
        print(json.dumps(product()))
        return
    module, inputs, targets = load(folder, precision)
    if route == "training":
        print(json.dumps(training(module, inputs, targets)))
        return
    # The first call of everything, on a few samples.
    quantities(*ROUTES[route](load(folder, precision)[0], inputs[:4], targets[:4]))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.process_time()
    found = quantities(*ROUTES[route](module, inputs, targets))
    seconds = time.process_time() - start
    extra = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    print(json.dumps({"seconds": seconds, "extra_megabytes": extra / 1024, **found}))


if __name__ == "__main__":
    main()
