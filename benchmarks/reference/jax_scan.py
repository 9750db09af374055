"""Hand-written JAX on MNIST, an epoch as one compiled scan: the limit of a machine. Prints JSON."""

from __future__ import annotations

import json
import sys
import time

import jax
import jax.numpy as jnp
import numpy as np

RATE, BETA_1, BETA_2, EPSILON = 1e-3, 0.9, 0.999, 1e-7


def main(path: str, batch_size: int = 32, epochs: int = 4) -> None:
    with np.load(path) as arrays:
        inputs = jnp.array(arrays["x_train"].reshape(-1, 784).astype("float32") / 255)
        labels = jnp.array(arrays["y_train"].astype("int32"))
    first, second = jax.random.split(jax.random.PRNGKey(0))
    weights = {
        "kernel_1": jax.random.normal(first, (784, 128)) * 0.05,
        "bias_1": jnp.zeros(128),
        "kernel_2": jax.random.normal(second, (128, 10)) * 0.1,
        "bias_2": jnp.zeros(10),
    }

    def loss_of(w, x, y):
        hidden = jax.nn.relu(x @ w["kernel_1"] + w["bias_1"])
        scores = jax.nn.log_softmax(hidden @ w["kernel_2"] + w["bias_2"])
        return -jnp.take_along_axis(scores, y[:, None], axis=1).mean()

    def step(state, rows):
        w, mean, square, count = state
        loss, slope = jax.value_and_grad(loss_of)(w, inputs[rows], labels[rows])
        count += 1
        mean = jax.tree.map(lambda m, g: BETA_1 * m + (1 - BETA_1) * g, mean, slope)
        square = jax.tree.map(lambda v, g: BETA_2 * v + (1 - BETA_2) * g * g, square, slope)

        def moved(value, m, v):
            unbiased = m / (1 - BETA_1**count)
            return value - RATE * unbiased / (jnp.sqrt(v / (1 - BETA_2**count)) + EPSILON)

        return (jax.tree.map(moved, w, mean, square), mean, square, count), loss

    epoch = jax.jit(lambda state, order: jax.lax.scan(step, state, order))
    zeros = jax.tree.map(jnp.zeros_like, weights)
    state, seconds = (weights, zeros, zeros, jnp.float32(0)), []
    random = np.random.default_rng(0)
    for _ in range(epochs):
        begin = time.perf_counter()
        order = random.permutation(len(inputs))[: len(inputs) // batch_size * batch_size]
        state, losses = epoch(state, order.reshape(-1, batch_size))
        losses.block_until_ready()
        seconds.append(time.perf_counter() - begin)
    print(json.dumps({"epochs": seconds}))


if __name__ == "__main__":
    main(sys.argv[1])
