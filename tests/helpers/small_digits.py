"""Small data that many tests share: generated images of 4 x 4, as idx files and as pixel sets."""

import io
from pathlib import Path

import numpy as np
from PIL import Image

from scanline.data.binarise import Method, PixelSettings, Redraw, binarise_files
from scanline.data.idx import write_idx
from scanline.data.order import Order
from scanline.data.pixels import PixelSet, save_pixels
from scanline.data.published import MNIST_FILES

SIDE = 4
TRAINING_IMAGES, VALIDATION_IMAGES, TEST_IMAGES = 40, 8, 24


def grey_digits(count: int, side: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Grey images [count, side, side] and labels [count]: a vertical stroke, specks, weak noise.

    The label tells the stroke's column, so that there is something to learn. Labels come in an
    order of the seed's, and a tenth of all pixels are specks of ink: so the images of two seeds
    differ, binary ones too, and a split that is taken for another is seen.
    """
    generator = np.random.default_rng(seed)
    labels = generator.permutation(np.arange(count) % 10).astype(np.uint8)
    images = generator.integers(0, 20, (count, side, side)).astype(np.uint8)
    images[generator.random(images.shape) < 0.1] = 200
    images[np.arange(count), :, labels % side] = generator.integers(120, 256, (count, side))
    return images, labels


def png(image: np.ndarray) -> bytes:
    """An image as a picture's file."""
    content = io.BytesIO()
    Image.fromarray(image).save(content, format="PNG")
    return content.getvalue()


def write_digits(folder: Path, training: int, test: int, side: int) -> None:
    """Writes the four idx files of a generated data set to ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    for prefix, count, seed in (("train", training, 1), ("t10k", test, 2)):
        images, labels = grey_digits(count, side, seed)
        write_idx(folder / f"{prefix}-images-idx3-ubyte", images)
        write_idx(folder / f"{prefix}-labels-idx1-ubyte", labels)


def binarised(
    folder: Path,
    data: str = "tiny",
    source: str = "generated",
    validation_images: int = VALIDATION_IMAGES,
    method: Method = "threshold",
    threshold: float = 0.1,
    seed: int = 0,
    redraw: Redraw | None = None,
    order: Order = "raster",
) -> dict[str, PixelSet]:
    """The sets train, validation and test of a folder's four idx files."""
    settings = PixelSettings(
        data=data,
        source=source,
        method=method,
        threshold=threshold,
        seed=seed,
        redraw=redraw,
        order=order,
        validation_images=validation_images,
    )
    return binarise_files([folder / name for name in MNIST_FILES], settings)


def save_sets(folder: Path, sets: dict[str, PixelSet]) -> None:
    """Writes train.npz, validation.npz and test.npz, as src/binarise.py does."""
    for name, each in sets.items():
        save_pixels(folder / f"{name}.npz", each)
