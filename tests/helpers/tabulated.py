"""A whole joint distribution, tabulated: the oracle of everything that samples or infers."""

import itertools
from collections.abc import Callable
from functools import cache

import numpy as np

from scanline.holes.sets import filled
from scanline.models.look_ahead import LookAhead, hash_of_weights
from scanline.models.predictor import Predictor

ROWS, COLUMNS = 2, 4
SIZE = ROWS * COLUMNS
KINDS = [  # cell, layers, inputs, deep: both cells, stacks, both kinds of input
    ("gru", 1, "previous"),
    ("gru", 2, "context", True),
    ("lstm", 1, "context"),
    ("lstm", 2, "previous"),
]


# Under these models and images, with every second pixel hidden, weights come apart: six particles
# that draw are resampled at about half of the hidden pixels after the first, or at a fifth.
COMING_APART = [
    ({"seed": 1, "spread": 2.4}, [0, 0, 0, 0, 0, 1, 0, 0]),
    ({"cell": "lstm", "inputs": "context", "seed": 1, "spread": 3.6}, [0, 0, 0, 0, 0, 1, 0, 0]),
]
EVERY_SECOND = np.arange(0, SIZE, 2)


def tiny_predictor(
    cell: str = "gru",
    layers: int = 1,
    inputs: str = "previous",
    deep: bool = False,
    seed: int = 0,
    spread: float = 1.2,
):
    """A model of images of 2 x 4 pixels whose weights are large, so that pixels depend strongly.

    A ``deep`` one is a residual stack with a readout.
    """
    model = Predictor(
        cell=cell,
        units=5,
        layers=layers,
        pixels={"rows": ROWS, "columns": COLUMNS},
        inputs=inputs,
        residual=deep,
        readout_units=3 if deep else 0,
        seed=seed,
    )
    generator = np.random.default_rng(seed)
    model.set_weights([generator.normal(0, spread, w.shape) for w in model.get_weights()])
    return model


BY_HAND: dict[str, Callable[[np.ndarray], np.ndarray]] = {  # how an image [rows, columns] is turned
    "raster": np.asarray,
    "rows-top-right": np.fliplr,
    "rows-bottom-left": np.flipud,
    "rows-bottom-right": lambda image: np.rot90(image, 2),
    "columns-top-left": np.transpose,
    "columns-top-right": np.rot90,
    "columns-bottom-left": lambda image: np.rot90(image, -1),
    "columns-bottom-right": lambda image: np.rot90(image, 2).T,
}


LABELLED = {"rows": 2, "columns": 3, "classes": 3}


def labelled_predictor(
    cell: str = "gru",
    layers: int = 1,
    inputs: str = "previous",
    deep: bool = False,
    prior: tuple[float, ...] = (0.2, 0.5, 0.3),
    spread: float = 1.2,
) -> Predictor:
    """A model of images of 2 x 3 pixels and three classes, on which pixels depend strongly."""
    options: dict = dict(residual=True, readout_units=3) if deep else {}
    made = Predictor(cell, 5, layers, LABELLED, inputs, radius=1, prior=prior, **options)
    generator = np.random.default_rng(0)
    made.set_weights([generator.normal(0, spread, w.shape) for w in made.get_weights()])
    return made


def class_joint_table(model: Predictor) -> np.ndarray:
    """log p(class, image) of every image, float64 [K, 2**size] nats, from plain forward passes."""
    images = all_images(model.inputs_of.size)
    logits = [model(images, np.full(len(images), k)) for k in range(model.classes)]
    nats = np.logaddexp(0, (1 - 2.0 * images) * np.array(logits, np.float64)).sum(axis=2)
    return model.log_prior[:, None] - nats


@cache
def tiny_look_ahead(model: Predictor, seed: int = 0, spread: float = 1.0) -> LookAhead:
    """An untrained companion with large weights: it proposes much that the model does not.

    The same one for all tests of a model, since what is compiled for it takes seconds.
    """
    sizes = dict(meeting_units=8, row_units=3, features=4, radius=1)
    made = LookAhead(model.settings["units"], hash_of_weights(model), model.pixels, **sizes)
    generator = np.random.default_rng(seed)
    made.set_weights([generator.normal(0, spread, w.shape) for w in made.get_weights()])
    return made


def all_images(size: int = SIZE) -> np.ndarray:
    """Every binary image of ``size`` pixels: uint8 [2**size, size], first pixel varying slowest."""
    return np.array(list(itertools.product((0, 1), repeat=size)), np.uint8)


def log_joint_table(model: Predictor, size: int = SIZE) -> np.ndarray:
    """log p of every image, float64 [2**size], in nats, from the model's plain forward pass."""
    images = all_images(size)
    logits = model(images).numpy().astype(np.float64)
    return -np.logaddexp(0, (1 - 2.0 * images) * logits).sum(axis=1)


def conditional_table(
    table: np.ndarray, image: np.ndarray, hidden: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """All images that agree with ``image`` but at ``hidden``, and log p of each (joint, nats)."""
    images = all_images(len(image))
    observed = np.setdiff1d(np.arange(len(image)), hidden)
    agree = (images[:, observed] == image[observed]).all(axis=1)
    return images[agree], table[agree]


def random_sets(images: int, hidden: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Random pixels uint8 [images, SIZE], and of each image so many hidden places, ascending."""
    generator = np.random.default_rng(seed)
    pixels = generator.integers(0, 2, (images, SIZE)).astype(np.uint8)
    places = [np.sort(generator.choice(SIZE, hidden, replace=False)) for _ in pixels]
    return pixels, np.array(places).reshape(images, hidden)


def number_of(values: np.ndarray) -> np.ndarray:
    """Binary values [..., k] as numbers, the first digit the highest."""
    return values.astype(int) @ (1 << np.arange(values.shape[-1])[::-1])


def check_likelihoods(model, pixels: np.ndarray, hidden: np.ndarray, found) -> None:
    """Each completed image's likelihood is the tabulated one; ``found`` is of chains [N, C, k]."""
    chains = found.values.shape[1]
    images = filled(
        np.repeat(pixels, chains, axis=0),
        np.repeat(hidden, chains, axis=0),
        found.values.reshape(len(pixels) * chains, -1),
    )
    expected = log_joint_table(model)[number_of(images)]
    # float32 logits, a sum of 8 terms of a few nats each.
    np.testing.assert_allclose(found.log_likelihood.reshape(-1), expected, atol=1e-5)


def check_frequencies(values: np.ndarray, log_posterior: np.ndarray) -> None:
    """Each completion is as frequent among independent chains [N, C, k] as it is probable."""
    chains = values.shape[1]
    probability = np.exp(log_posterior)
    rows = number_of(values)
    count = np.stack([np.bincount(row, minlength=probability.shape[1]) for row in rows])
    # 5 standard errors of each count, and one for those too rare to be near normal.
    error = 5 * np.sqrt(chains * probability * (1 - probability)) + 1
    assert (np.abs(count - chains * probability) < error).all()
