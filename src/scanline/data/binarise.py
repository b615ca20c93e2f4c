"""From grey images to binary pixels: a threshold, or one Bernoulli draw a pixel."""

from pathlib import Path
from typing import Literal

import numpy as np

from scanline.data.idx import read_idx
from scanline.data.pixels import POLARITY, PixelSet
from scanline.files import sha256_of

Method = Literal["threshold", "bernoulli"]
TRAINING_FILES, TEST_FILES = 0, 1  # streams of the Bernoulli draw


def binarise_files(
    training: tuple[Path, Path],
    test: tuple[Path, Path],
    *,
    data: str,
    source: str,
    method: Method,
    threshold: float | None,
    seed: int | None,
    validation_images: int,
) -> dict[str, PixelSet]:
    """The sets "train", "validation" and "test" from two pairs of (images, labels) idx files.

    The first ``validation_images`` of the training files are the validation set. The method
    "threshold" needs ``threshold``, "bernoulli" needs ``seed``.
    """
    grey, labels = zip(*(_read_pair(*files) for files in (training, test)), strict=True)
    rows, columns = grey[0].shape[1:]
    if grey[1].shape[1:] != (rows, columns):
        raise ValueError(
            f"{training[0]} has images of {rows} x {columns} and {test[0]} of "
            f"{' x '.join(map(str, grey[1].shape[1:]))}; both must be of one size"
        )
    if not 0 < validation_images < len(grey[0]):
        raise ValueError(
            f"validation_images is {validation_images}; {training[0]} has {len(grey[0])} images, "
            f"so allowed: 1 to {len(grey[0]) - 1}"
        )
    if method == "threshold":
        if threshold is None:
            raise ValueError("method is threshold and no threshold is given; give one, 0 to 1")
        drawn = [at_threshold(images, threshold) for images in grey]
    else:
        if seed is None:
            raise ValueError("method is bernoulli and no seed is given; give one, 0 or above")
        drawn = [
            bernoulli_draw(images, seed, stream)
            for images, stream in zip(grey, (TRAINING_FILES, TEST_FILES), strict=True)
        ]
    description = {
        "data": data,
        "source": source,
        "binarise": method,
        "threshold": threshold if method == "threshold" else None,
        "seed": seed if method == "bernoulli" else None,
        "polarity": POLARITY,
        "rows": rows,
        "columns": columns,
        "sha256": {path.name: sha256_of(path) for path in (*training, *test)},
    }
    flat = [images.reshape(len(images), rows * columns) for images in drawn]
    parts = {
        "train": (flat[0][validation_images:], labels[0][validation_images:]),
        "validation": (flat[0][:validation_images], labels[0][:validation_images]),
        "test": (flat[1], labels[1]),
    }
    return {name: PixelSet(*part, description | {"split": name}) for name, part in parts.items()}


def at_threshold(intensities: np.ndarray, threshold: float) -> np.ndarray:
    """uint8 pixels: 1 where intensity / 255 > ``threshold``, for uint8 ``intensities``."""
    if not 0 <= threshold <= 1:
        raise ValueError(f"threshold is {threshold}; allowed: 0 to 1 (a fraction of full scale)")
    ink = (np.arange(256) / 255 > threshold).astype(np.uint8)
    return ink[intensities]


def bernoulli_draw(intensities: np.ndarray, seed: int, stream: int = 0) -> np.ndarray:
    """uint8 pixels, each 1 with probability intensity / 255, for uint8 ``intensities`` [N, ...].

    The draw of an image depends on ``seed``, ``stream`` and the image's place alone, not on how
    many follow it. A uniform integer in 0..254 lies below the intensity with exactly that
    probability.
    """
    if seed < 0:
        raise ValueError(f"seed is {seed}; allowed: 0 and above")
    generator = np.random.Generator(np.random.Philox(np.random.SeedSequence((seed, stream))))
    uniform = generator.integers(0, 255, intensities.shape, dtype=np.uint8)
    return (uniform < intensities).astype(np.uint8)


def _read_pair(images_file: Path, labels_file: Path) -> tuple[np.ndarray, np.ndarray]:
    images, labels = read_idx(images_file, 3), read_idx(labels_file, 1)
    if len(images) != len(labels):
        raise ValueError(
            f"{images_file} holds {len(images)} images and {labels_file} {len(labels)} labels; "
            f"each image needs one label"
        )
    return images, labels


def binarised_as(pixels: dict, intensities: np.ndarray) -> np.ndarray:
    """uint8 pixels made of uint8 ``intensities`` as those that a model's ``pixels`` describe."""
    if pixels["binarise"] == "threshold":
        ink = at_threshold(intensities, pixels["threshold"])
    else:
        ink = bernoulli_draw(intensities, pixels["seed"])
    return ink if pixels["polarity"] == POLARITY else 1 - ink
