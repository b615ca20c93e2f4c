"""One process of the training benchmark: steps of one implementation, timed when told to start.

A step: forward, backward and Adam on a batch of sequences of 784 pixels, a recurrent stack and one
logit a step, mean cross-entropy. Prints "ready", waits for a line, prints images/s and peak MiB.
"""

import argparse
import resource
import sys
import time
from collections.abc import Callable

import numpy as np

STEPS = 784


def scanline_step(cell: str, units: int, layers: int, batch: int, peer: bool) -> Callable[[], None]:
    """A compiled step on this project's layers, or on Keras' own where ``peer``."""
    import keras
    import tensorflow as tf

    from scanline.recurrent import RecurrentStack

    stack = RecurrentStack(
        cell, units, layers, implementation="keras" if peer else "native", input_gradient=False
    )
    stack.build((None, STEPS, 1))
    logit = keras.layers.Dense(1)
    logit.build((None, STEPS, units))
    optimizer = keras.optimizers.Adam(1e-3)
    variables = stack.trainable_variables + logit.trainable_variables
    optimizer.build(variables)
    x = tf.constant(pixels(batch)[..., None])

    @tf.function
    def step():
        with tf.GradientTape() as tape:
            logits = logit(stack(x, training=True))
            loss = tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(x, logits))
        optimizer.apply(tape.gradient(loss, variables), variables)
        return loss

    return lambda: float(step())


def torch_step(cell: str, units: int, layers: int, batch: int, threads: int) -> Callable[[], None]:
    """A step on torch.nn.GRU or LSTM."""
    import torch

    torch.set_num_threads(threads)
    stack = {"gru": torch.nn.GRU, "lstm": torch.nn.LSTM}[cell](1, units, layers, batch_first=True)
    logit = torch.nn.Linear(units, 1)
    optimizer = torch.optim.Adam([*stack.parameters(), *logit.parameters()], 1e-3)
    x = torch.from_numpy(pixels(batch)[..., None])

    def step():
        optimizer.zero_grad()
        logits = logit(stack(x)[0])
        loss = torch.nn.functional.binary_cross_entropy_with_logits(logits, x)
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


def matrix_products() -> Callable[[], None]:
    """A product of large matrices, whose rate bounds any implementation (see bench.py)."""
    a, b = (np.ones((1024, 1024), np.float32) for _ in range(2))
    return lambda: a @ b


def pixels(batch: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 2, (batch, STEPS)).astype(np.float32)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("implementation", choices=["scanline", "keras", "torch", "blas"])
    parser.add_argument("--cell", default="gru")
    parser.add_argument("--units", type=int, default=32)
    parser.add_argument("--layers", type=int, default=1)
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=4)
    given = parser.parse_args()
    sizes = (given.cell, given.units, given.layers, given.batch)
    if given.implementation == "blas":
        step, batch = matrix_products(), 1
    elif given.implementation == "torch":
        step, batch = torch_step(*sizes, given.threads), given.batch
    else:
        step, batch = scanline_step(*sizes, given.implementation == "keras"), given.batch
    step()
    step()
    print("ready", flush=True)
    sys.stdin.readline()
    begin, done = time.perf_counter(), 0
    while (now := time.perf_counter()) - begin < given.seconds or done < 2:
        step()
        done += 1
    peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(batch * done / (now - begin), peak_mib)


if __name__ == "__main__":
    main()
