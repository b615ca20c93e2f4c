"""One process of the training benchmark: steps of one implementation, timed when told to start.

A step: forward, backward and Adam on a batch of sequences of random pixels, a recurrent stack and
one logit in each step, mean cross-entropy. In bfloat16 each implementation runs as its own manual
says: the core's ``precision``, Keras' policy mixed_bfloat16, PyTorch's autocast.
"""

from collections.abc import Callable
from functools import partial
from typing import Literal

import numpy as np
import tyro
from timed import timed, use_threads
from tyro.conf import Positional

Precision = Literal["float32", "bfloat16"]
Step = Callable[[], float]  # trains once and gives the loss


def scanline_step(
    cell: str, units: int, layers: int, x: np.ndarray, threads: int, precision: Precision
) -> Step:
    """A compiled step on this project's layers."""
    import keras

    from scanline.models.stack import RecurrentStack

    use_threads(threads)
    stack = RecurrentStack(
        cell, units, layers, core="native", input_gradient=False, precision=precision
    )
    stack.build(x.shape)
    head = keras.layers.Dense(1)
    head.build((*x.shape[:2], units))

    def logits(x):
        return stack.logits(x, stack.zero_states(len(x)), head, training=True)[0]

    return compiled(logits, stack.trainable_variables + head.trainable_variables, x)


def keras_step(
    cell: str, units: int, layers: int, x: np.ndarray, threads: int, precision: Precision
) -> Step:
    """A compiled step on Keras' own layers, with the report's cells."""
    import keras

    use_threads(threads)
    policy = "mixed_bfloat16" if precision == "bfloat16" else "float32"
    layer = keras.layers.LSTM
    if cell == "gru":
        layer = partial(keras.layers.GRU, reset_after=False)
    model = keras.Sequential(
        [layer(units, return_sequences=True, dtype=policy) for _ in range(layers)]
    )
    model.add(keras.layers.Dense(1, dtype="float32"))
    model.build(x.shape)
    return compiled(lambda x: model(x, training=True)[..., 0], model.trainable_variables, x)


def compiled(logits: Callable, variables: list, x: np.ndarray) -> Step:
    """A step of TensorFlow on ``logits`` [B, T] of inputs ``x`` [B, T, 1]."""
    import keras
    import tensorflow as tf

    optimizer = keras.optimizers.Adam(1e-3)
    optimizer.build(variables)
    x = tf.constant(x)

    @tf.function
    def step():
        with tf.GradientTape() as tape:
            nats = tf.nn.sigmoid_cross_entropy_with_logits(x[..., 0], logits(x))
            loss = tf.reduce_mean(nats)
        optimizer.apply(tape.gradient(loss, variables), variables)
        return loss

    return lambda: float(step())


def torch_step(
    cell: str, units: int, layers: int, x: np.ndarray, threads: int, precision: Precision
) -> Step:
    """A step on torch.nn.GRU or LSTM."""
    import torch

    torch.set_num_threads(threads)
    stack = {"gru": torch.nn.GRU, "lstm": torch.nn.LSTM}[cell](1, units, layers, batch_first=True)
    head = torch.nn.Linear(units, 1)
    optimizer = torch.optim.Adam([*stack.parameters(), *head.parameters()], 1e-3)
    x = torch.from_numpy(x)

    def step():
        optimizer.zero_grad()
        with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bfloat16"):
            logits = head(stack(x)[0])
        loss = torch.nn.functional.binary_cross_entropy_with_logits(logits.float(), x)
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


STEPS = {"scanline": scanline_step, "keras": keras_step, "torch": torch_step}


def main(
    implementation: Positional[Literal[*STEPS]],
    *,
    cell: Literal["gru", "lstm"] = "gru",
    units: int = 32,
    layers: int = 1,
    precision: Precision = "float32",
    batch: int = 256,
    steps: int = 784,
    threads: int = 1,
    seconds: float = 4,
) -> None:
    """Prints "ready", waits for a line, then prints images/s and peak MiB."""
    x = np.random.default_rng(0).integers(0, 2, (batch, steps, 1)).astype(np.float32)
    step = STEPS[implementation](cell, units, layers, x, threads, precision)
    timed(step, batch, seconds, least=2)


if __name__ == "__main__":
    tyro.cli(main, prog="train_step.py", description=__doc__)
