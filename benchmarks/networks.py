"""Draft."""
import json, sys
from pathlib import Path
import numpy as np

def images(n, rng):
    """Smooth Gaussian images, standardised."""
    noise = rng.standard_normal((n, 3, 32, 32))
    frequency = np.fft.fftfreq(32)
    damping = 1.0 / (1.0 + (8 * np.hypot(frequency[:, None], frequency[None, :])) ** 2)
    smooth = np.fft.ifft2(np.fft.fft2(noise) * damping).real
    return (smooth - smooth.mean()) / smooth.std()

def theta(kind, rng):
    shapes = [(512, 3072), (512, 512), (10, 512)] if kind == "mlp" else [(32, 27), (64, 288), (64, 576), (10, 64)]
    parts = []
    for outputs, terms in shapes:
        bound = terms ** -0.5
        parts += [rng.uniform(-bound, bound, outputs * terms), rng.uniform(-bound, bound, outputs)]
    return np.concatenate(parts)

def write(folder, kind, n):
    folder.mkdir(parents=True, exist_ok=True)
    targets = np.eye(10)[np.random.default_rng(2).integers(10, size=n)]
    for name, values in [("theta", theta(kind, np.random.default_rng(3))), ("inputs", images(n, np.random.default_rng(1))), ("targets", targets)]:
        # Numbers that float32 has too, so that all precisions measure the same point.
        np.ascontiguousarray(values, "<f4").astype("<f8").tofile(folder / f"{name}.f64")
    (folder / "workload.json").write_text(json.dumps({"network": kind, "samples": n, "outputs": 10}))
