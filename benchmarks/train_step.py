"""One process of the training benchmark: steps of one implementation, timed when told to start.

A step: forward, backward and Adam on a batch of sequences of pixels, a recurrent stack and one
logit a step, mean cross-entropy. Two more, on this project's layers, tell what is around them:
``core`` is forward and backward alone; ``fit`` the training loop of the study, its validation too.
"""

from collections.abc import Callable
from contextlib import suppress
from typing import Literal

import numpy as np
import tyro
from timed import rounds, timed, use_threads
from tyro.conf import Positional

Implementation = Literal["scanline", "keras", "torch", "blas", "core", "fit"]


def scanline_step(
    cell: str, units: int, layers: int, x: np.ndarray, threads: int, peer: bool
) -> Callable[[], float]:
    """A compiled step on this project's layers, or on Keras' own where ``peer``."""
    import keras
    import tensorflow as tf

    from scanline.models.recurrent import RecurrentStack

    use_threads(threads)
    stack = RecurrentStack(
        cell, units, layers, core="keras" if peer else "native", input_gradient=False
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
            logits, _ = stack.logits(x, stack.zero_states(len(x)), logit, training=True)
            loss = tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(x[..., 0], logits))
        optimizer.apply(tape.gradient(loss, variables), variables)
        return loss

    return lambda: float(step())


def core_step(
    cell: str, units: int, layers: int, x: np.ndarray, threads: int
) -> Callable[[], float]:
    """Forward and backward of this project's layers with their logit, and nothing else."""
    import keras
    import tensorflow as tf

    from scanline.models.recurrent import RecurrentStack

    use_threads(threads)
    stack = RecurrentStack(cell, units, layers, core="native", input_gradient=False)
    stack.build(x.shape)
    logit = keras.layers.Dense(1)
    logit.build((*x.shape[:2], units))
    x, slope = tf.constant(x), tf.fill(x.shape[:2], 1e-6)

    @tf.function
    def step():
        with tf.GradientTape() as tape:
            logits, _ = stack.logits(x, stack.zero_states(len(x)), logit, training=True)
        # The lowest layer's gradient needs all others.
        return tape.gradient(logits, stack.trainable_variables, output_gradients=slope)[0][0, 0]

    return lambda: float(step())


def fit_loop(
    cell: str, units: int, layers: int, x: np.ndarray, threads: int, seconds: float
) -> None:
    """Epochs of ``scanline.training.fit``: 11 batches, and one more of images to validate.

    The study's share of validation (5,000 images beside 55,000), in shorter epochs.
    """
    from scanline.data.pixels import PixelSet
    from scanline.models.predictor import Predictor
    from scanline.training.fit import fit
    from scanline.training.objectives import PREDICT
    from scanline.training.recipe import Recipe

    use_threads(threads)
    batch, size = x.shape[0], x.shape[1]
    side = int(size**0.5)
    pixels = np.resize(x[..., 0].astype(np.uint8), (11 * batch, size))
    images = PixelSet(
        pixels, np.zeros(len(pixels), np.uint8), {"rows": side, "columns": side, "split": "train"}
    )
    model = Predictor(cell, units, layers, images.description)
    recipe = Recipe(
        epochs=10**6,
        batch_size=batch,
        learning_rate=1e-3,
        warmup_steps=0,
        decay="constant",
        clip_norm=0.0,
        gate_bias="zeros",
        train_images=0,
        selection="validation",
        precision="float32",
        seed=0,
    )
    measured = rounds(len(pixels), seconds, least=1)
    with suppress(StopIteration):  # of the rounds, when they have taken long enough
        fit(
            model,
            PREDICT,
            images,
            images.first(batch),
            recipe,
            label="benchmark",
            log_epoch=lambda *_: next(measured),
        )


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


def main(
    implementation: Positional[Implementation],
    *,
    cell: Literal["gru", "lstm"] = "gru",
    units: int = 32,
    layers: int = 1,
    batch: int = 256,
    steps: int = 784,
    threads: int = 1,
    seconds: float = 4,
) -> None:
    """Prints "ready", waits for a line, then prints images/s and peak MiB."""
    x = np.random.default_rng(0).integers(0, 2, (batch, steps, 1)).astype(np.float32)
    sizes = (cell, units, layers, x, threads)
    match implementation:
        case "blas":
            timed(matrix_products(), 1, seconds, least=2)
        case "fit":
            fit_loop(*sizes, seconds)
        case "core":
            timed(core_step(*sizes), batch, seconds, least=2)
        case "torch":
            timed(torch_step(*sizes), batch, seconds, least=2)
        case "scanline" | "keras":
            step = scanline_step(*sizes, peer=implementation == "keras")
            timed(step, batch, seconds, least=2)


if __name__ == "__main__":
    tyro.cli(main, prog="train_step.py", description=__doc__)
