"""JAX on the processor: the step of one replica, `vmap` over replicas, `scan` over steps, compiled by XLA."""

import jax
import jax.numpy as jnp
from protocol import NotOffered, serve

jax.config.update("jax_enable_x64", True)


def chunk(task):
    """Steps of one compiled scan: long enough that calling it costs nothing beside it."""
    return 100 if task.d <= 1000 else 20


def prepare(task):
    x, y = map(jnp.asarray, task.read())
    n, dtype, algorithm = task.n, task.dtype, task.algorithm
    rate, delta = dtype(task.learning_rate), dtype(task.delta)
    if algorithm not in ("gd", "sgd", "label-sgd", "label-gd", "isotropic"):
        raise NotOffered(f"no {algorithm} here")

    def step(w, key):
        if algorithm in ("sgd", "label-sgd"):
            for_sample, for_label = jax.random.split(key)
            i = jax.random.randint(for_sample, (), 0, n)
            residual = (w * w) @ x[i] - y[i]
            if algorithm == "label-sgd":
                residual = residual - delta * jax.random.rademacher(for_label, (), dtype)
            return w - rate * residual * x[i] * w
        c = (x @ (w * w) - y) / dtype(n)
        if algorithm == "label-gd":
            for_sample, for_label = jax.random.split(key)
            i = jax.random.randint(for_sample, (), 0, n)
            c = c.at[i].add(-delta * jax.random.normal(for_label, (), dtype))
        gradient = w * (c @ x)
        if algorithm == "isotropic":
            gradient = gradient + delta * jax.random.normal(key, (task.d,), dtype)
        return w - rate * gradient

    steps_at_once = chunk(task)
    every_replica = jax.vmap(lambda w, key, t: step(w, jax.random.fold_in(key, t)), in_axes=(0, 0, None))

    @jax.jit
    def scan(w, keys, first):
        body = lambda w, t: (every_replica(w, keys, t), None)
        return jax.lax.scan(body, w, first + jnp.arange(steps_at_once))[0]

    keys = jax.random.split(jax.random.key(0), task.replicas)
    start = jnp.ones((task.replicas, task.d), dtype)

    def trajectory(steps):
        w = start
        for first in range(0, steps, steps_at_once):
            w = scan(w, keys, first)
        return w.block_until_ready()

    return trajectory


if __name__ == "__main__":
    serve(prepare, {"jax": jax.__version__}, chunk)
