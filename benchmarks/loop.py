"""One process of the loop benchmark: the study's training loop, or its scoring, on MNIST's digits.

It runs with the scanline that it finds, so that an earlier checkout is measured in the same run.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import fields
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Literal

import numpy as np
import tyro
from timed import rounds, timed, use_threads
from tyro.conf import Positional
from work import SIDE

BATCHES = 5  # of an epoch, and an eleventh as many images to validate, as in the study
TEST_IMAGES = 10_000
THRESHOLD = 0.1  # the report's


def either(now: str, before: str) -> ModuleType:
    """A module of scanline by its name, or by the one that it had when the package was flat."""
    try:
        return import_module(f"scanline.{now}")
    except ModuleNotFoundError:
        return import_module(f"scanline.{before}")


def digits(path: Path, count: int):
    """The first images of an idx file as a PixelSet; their labels are all 0."""
    grey = np.fromfile(path, np.uint8, count * SIDE**2, offset=16)  # past the header
    pixels = (grey / 255 > THRESHOLD).astype(np.uint8).reshape(count, SIDE**2)
    description = {"rows": SIDE, "columns": SIDE, "split": path.name}
    return either("data.pixels", "pixels").PixelSet(pixels, np.zeros(count, np.uint8), description)


def epochs(predictor: Callable, data: Path, batch: int, precision: str, seconds: float) -> None:
    """Whole epochs of ``fit``, in the settings of config.yaml."""
    training = BATCHES * batch
    images = digits(data / "train-images-idx3-ubyte", training + training // 11)
    train, held_out = (
        type(images)(images.pixels[part], images.labels[part], images.description)
        for part in (slice(training), slice(training, None))
    )
    settings = dict(
        epochs=10**6,
        batch_size=batch,
        learning_rate=0.01,
        warmup_steps=500,
        decay="cosine",
        clip_norm=1.0,
        ema_momentum=0.0,
        dropout=0.0,
        gate_bias="zeros",
        train_images=0,
        precision=precision,
        selection="validation",
        seed=1,
    )
    recipe = either("training.recipe", "training").Recipe
    known = {field.name for field in fields(recipe)}
    recipe = recipe(**{name: value for name, value in settings.items() if name in known})
    objective = either("training.objectives", "objectives").PREDICT
    measured = rounds(training, seconds, least=1)
    with suppress(StopIteration):  # of the rounds, when they have taken long enough
        either("training.fit", "training").fit(
            predictor(images.description),
            objective,
            train,
            held_out,
            recipe,
            label="benchmark",
            log_epoch=lambda *_: next(measured),
        )


def scoring(predictor: Callable, data: Path, seconds: float) -> None:
    """All test images' likelihoods."""
    images = digits(data / "t10k-images-idx3-ubyte", TEST_IMAGES)
    objective = either("training.objectives", "objectives").PREDICT
    score = objective.scorer(predictor(images.description))
    timed(lambda: score(images), TEST_IMAGES, seconds, least=1)


def main(
    work: Positional[Literal["loop", "scoring"]],
    *,
    data: Path,
    cell: Literal["gru", "lstm"] = "gru",
    units: int = 32,
    layers: int = 1,
    inputs: Literal["previous", "context"] = "previous",
    precision: Literal["float32", "bfloat16"] = "float32",
    batch: int = 256,
    threads: int = 1,
    seconds: float = 4,
) -> None:
    """Prints "ready", waits for a line, then prints images/s and peak MiB.

    Args:
        work: epochs of the training loop, or scores of all test images
        data: folder of MNIST's idx files
        cell: of the model
        units: of the model
        layers: of the model
        inputs: of the model
        precision: of the training
        batch: images in each step
        threads: of the process
        seconds: for how long, at least
    """
    use_threads(threads)
    predictor = either("models.predictor", "predictor").Predictor

    def model(pixels: dict):
        return predictor(cell, units, layers, pixels, inputs)

    if work == "scoring":
        scoring(model, data, seconds)
    else:
        epochs(model, data, batch, precision, seconds)


if __name__ == "__main__":
    tyro.cli(main, prog="loop.py", description=__doc__)
