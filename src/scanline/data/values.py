"""What the numbers of images mean: their full scale, and whether ink is bright or dark."""

import sys
from typing import Literal

import numpy as np

Ink = Literal["light", "dark"]
SCALES = (1, 255, 65535)  # that are recognised
DIM = 32  # whole numbers below this are more likely of another scale than so dark
LEAST_INK, MOST_INK = 0.005, 0.995  # of all pixels


def intensities(
    images: np.ndarray, scale: float | None = None, ink: Ink = "light"
) -> tuple[np.ndarray, float]:
    """The images [N, rows, columns] with ink bright, as they are stored, and their full scale.

    Raises ValueError as ``full_scale`` does.
    """
    images = images.astype(np.uint8) if images.dtype == bool else images
    full = full_scale(images, scale)
    if ink == "light":
        return images, full
    return (np.array(full, images.dtype) - images).astype(images.dtype), full


def full_scale(images: np.ndarray, scale: float | None = None) -> float:
    """The value of a full pixel: the ``scale`` that is stated, or 1, 255 or 65,535 by the values.

    Raises ValueError for values that are no numbers from 0 to it, and where the scale cannot be
    told.
    """
    if not (np.issubdtype(images.dtype, np.number) and np.isfinite(images).all()):
        raise ValueError(f"the images have values of {images.dtype} that are no finite numbers")
    low, high = float(images.min()), float(images.max())
    told = f"the images have values from {low:g} to {high:g}"
    if low < 0 or high > SCALES[-1]:
        raise ValueError(f"{told}; allowed: 0 to 1, 0 to 255, or 0 to 65,535")
    if scale is not None:
        if high > scale:
            raise ValueError(f"{told} and scale is {scale:g}; allowed: {high:g} or above")
        return scale
    if 1 < high < DIM:
        raise ValueError(
            f"{told}: no scale that is known (1, 255, 65535); state the value of a full pixel as "
            f"scale (16, say)"
        )
    return next(full for full in SCALES if high <= full)


def check_ink(pixels: np.ndarray, images: np.ndarray, what: str) -> None:
    """Raises ValueError where hardly any pixel, or nearly every one, is ink; warns beyond half.

    ``pixels`` in {0, 1} were made of ``images``.
    """
    share = float(pixels.mean())
    told = f"{what}: {100 * share:.2f} % of the pixels are ink"
    if not LEAST_INK <= share <= MOST_INK:
        raise ValueError(
            f"{told}; allowed: {100 * LEAST_INK} to {100 * MOST_INK} %. The largest value is "
            f"{float(images.max()):g}: set threshold, scale (the value of a full pixel), or ink "
            f"(light or dark)"
        )
    if share > 0.5:
        print(f"{told}, more than half; is the ink dark? Then set ink: dark", file=sys.stderr)
