"""One process of the training benchmark: steps of one implementation, timed when told to start.

A step: forward, backward and Adam on a batch of sequences of pixels, a recurrent stack and one
logit a step, mean cross-entropy.
"""

import argparse
from collections.abc import Callable

import numpy as np
from timed import timed, use_threads


def scanline_step(
    cell: str, units: int, layers: int, x: np.ndarray, threads: int, peer: bool
) -> Callable[[], float]:
    """A compiled step on this project's layers, or on Keras' own where ``peer``."""
    import keras
    import tensorflow as tf

    from scanline.recurrent import RecurrentStack

    use_threads(threads)
    stack = RecurrentStack(
        cell, units, layers, implementation="keras" if peer else "native", input_gradient=False
    )
    stack.build(x.shape)
    logit = keras.layers.Dense(1)
    logit.build((*x.shape[:2], units))
    optimizer = keras.optimizers.Adam(1e-3)
    variables = stack.trainable_variables + logit.trainable_variables
    optimizer.build(variables)
    x = tf.constant(x)

    @tf.function
    def step():
        with tf.GradientTape() as tape:
            logits = logit(stack(x, training=True))
            loss = tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(x, logits))
        optimizer.apply(tape.gradient(loss, variables), variables)
        return loss

    return lambda: float(step())


def torch_step(
    cell: str, units: int, layers: int, x: np.ndarray, threads: int
) -> Callable[[], float]:
    """A step on torch.nn.GRU or LSTM."""
    import torch

    torch.set_num_threads(threads)
    stack = {"gru": torch.nn.GRU, "lstm": torch.nn.LSTM}[cell](1, units, layers, batch_first=True)
    logit = torch.nn.Linear(units, 1)
    optimizer = torch.optim.Adam([*stack.parameters(), *logit.parameters()], 1e-3)
    x = torch.from_numpy(x)

    def step():
        optimizer.zero_grad()
        logits = logit(stack(x)[0])
        loss = torch.nn.functional.binary_cross_entropy_with_logits(logits, x)
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


def matrix_products() -> Callable[[], np.ndarray]:
    """A product of large matrices, whose rate bounds any implementation (see bench.py)."""
    a, b = (np.ones((1024, 1024), np.float32) for _ in range(2))
    return lambda: a @ b


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("implementation", choices=["scanline", "keras", "torch", "blas"])
    parser.add_argument("--cell", default="gru")
    parser.add_argument("--units", type=int, default=32)
    parser.add_argument("--layers", type=int, default=1)
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument("--steps", type=int, default=784)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=4)
    given = parser.parse_args()
    shape = (given.batch, given.steps, 1)
    x = np.random.default_rng(0).integers(0, 2, shape).astype(np.float32)
    sizes = (given.cell, given.units, given.layers, x, given.threads)
    if given.implementation == "blas":
        timed(matrix_products(), 1, given.seconds, least=2)
    elif given.implementation == "torch":
        timed(torch_step(*sizes), given.batch, given.seconds, least=2)
    else:
        step = scanline_step(*sizes, peer=given.implementation == "keras")
        timed(step, given.batch, given.seconds, least=2)


if __name__ == "__main__":
    main()
