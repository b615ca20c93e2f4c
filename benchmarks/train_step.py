"""One process of the training benchmark: steps of one implementation, timed when told to start.

A step: forward, backward and Adam on a batch of sequences of pixels, a recurrent stack and one
logit a step, mean cross-entropy. Two more, on this project's layers, tell what is around them:
``core`` is forward and backward alone; ``fit`` the training loop of the study, its validation too.
"""

import argparse
from collections.abc import Callable
from contextlib import suppress

import numpy as np
from timed import rounds, timed, use_threads

IMPLEMENTATIONS = ("scanline", "keras", "torch", "blas", "core", "fit")


def scanline_step(
    cell: str, units: int, layers: int, x: np.ndarray, threads: int, peer: bool
) -> Callable[[], float]:
    """A compiled step on this project's layers, or on Keras' own where ``peer``."""
    import keras
    import tensorflow as tf

    from scanline.models.recurrent import RecurrentStack

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
    stack = RecurrentStack(cell, units, layers, implementation="native", input_gradient=False)
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
    from scanline.training.fit import Recipe, fit
    from scanline.training.objectives import PREDICT

    use_threads(threads)
    batch, size = x.shape[0], x.shape[1]
    side = int(size**0.5)
    pixels = np.resize(x[..., 0].astype(np.uint8), (11 * batch, size))
    images = PixelSet(
        pixels, np.zeros(len(pixels), np.uint8), {"rows": side, "columns": side, "split": "train"}
    )
    model = Predictor(cell, units, layers, images.description)
    recipe = Recipe(10**6, batch, 1e-3, 0, "constant", 0.0, seed=0)
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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("implementation", choices=IMPLEMENTATIONS)
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
    elif given.implementation == "fit":
        fit_loop(*sizes, given.seconds)
    elif given.implementation == "core":
        timed(core_step(*sizes), given.batch, given.seconds, least=2)
    elif given.implementation == "torch":
        timed(torch_step(*sizes), given.batch, given.seconds, least=2)
    else:
        step = scanline_step(*sizes, peer=given.implementation == "keras")
        timed(step, given.batch, given.seconds, least=2)


if __name__ == "__main__":
    main()
