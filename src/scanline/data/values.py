"""What the numbers of images mean: their full scale, whether ink is bright or dark, and its share.

The scale is told by the largest value of all images together. Values that stay far below a scale
are more likely of another one (16 levels, 12 bits) than so dark; then it has to be stated.
"""

import sys
from collections.abc import Sequence
from typing import Literal

import numpy as np

Ink = Literal["light", "dark"]
SCALES = (1, 255, 65535)  # that are recognised
UNCLEAR = ((1, 32, 16), (255, 2**14, 4095))  # largest values between two, and a scale for example
LEAST_INK, MOST_INK = 0.005, 0.995  # of a data set, as a share of what all full pixels would be


def full_scale(
    images: Sequence[np.ndarray], scale: float | None = None, what: str = "the images"
) -> float:
    """The value of a full pixel: the ``scale`` that is stated, or 1, 255 or 65,535 by the values.

    The arrays of ``images`` are judged together. Raises ValueError, which names ``what``, for
    values that are no numbers from 0 to it, and where the scale cannot be told.
    """
    for array in images:
        if array.dtype.kind not in "buif":
            raise ValueError(f"the values of {what} are of type {array.dtype}; allowed: numbers")
        if not np.isfinite(array).all():
            raise ValueError(f"the values of {what} are not all finite; allowed: no NaN, no inf")
    low = min(float(array.min()) for array in images)
    high = max(float(array.max()) for array in images)
    told = f"the values of {what} go from {low:g} to {high:g}"
    if scale is not None:
        if low < 0 or high > scale:
            raise ValueError(
                f"{told} and scale is {scale:g}; allowed: 0 to scale, the value of a full pixel"
            )
        return scale
    if low < 0 or high > SCALES[-1]:
        raise ValueError(f"{told}; allowed: 0 to 1, 0 to 255, or 0 to 65,535")
    for full, clear, example in UNCLEAR:
        if full < high < clear:
            raise ValueError(
                f"{told}, and no scale that is known (1, 255, 65535); say what a full pixel is "
                f"(scale: {example}, say, in config.yaml), or bring them to 0 to 255"
            )
    return next(full for full in SCALES if high <= full)


def with_bright_ink(images: np.ndarray, full: float, ink: Ink = "light") -> np.ndarray:
    """The images with ink bright: values from 0 to ``full``, as they are or turned round."""
    if ink == "light":
        return images
    whole = np.min_scalar_type(int(full)) if full == int(full) else np.dtype(np.float64)
    wide = np.result_type(images.dtype, whole)  # which holds both the values and full
    return np.subtract(wide.type(full), images, dtype=wide)


def grey_levels(images: np.ndarray, full: float) -> np.ndarray:
    """The images, of values from 0 to ``full``, in 256 levels: uint8."""
    if images.dtype == np.uint8 and full == 255:
        return images
    return np.rint(images * (255 / full)).astype(np.uint8)


def check_ink(share: float, largest: float, what: str, ink: Ink = "light") -> None:
    """Raises ValueError where images have hardly any ink, or hardly any paper; warns beyond half.

    ``share`` is the mean of their pixels, from 0 (paper) to 1 (ink). These were made of images
    whose ``largest`` value it is, and whose ink was said to be ``ink``.
    """
    told = f"{what}: {100 * share:.2f} % ink"
    if not LEAST_INK <= share <= MOST_INK:
        raise ValueError(
            f"{told}; allowed: {100 * LEAST_INK} to {100 * MOST_INK} %. The largest value is "
            f"{largest:g}: set threshold, scale (the value of a full pixel), or ink (light or dark)"
        )
    if share > 0.5:
        other = "light" if ink == "dark" else "dark"
        print(f"{told}, more than half; is the ink {other}? Then set ink: {other}", file=sys.stderr)


def check_not_blank(pixels: np.ndarray, largest: float, what: str) -> None:
    """Raises ValueError where all pixels are alike, paper or ink; ``largest`` as ``check_ink``."""
    if pixels.min() < pixels.max():
        return
    told = "every pixel is ink" if pixels.any() else "no pixel is ink"
    raise ValueError(
        f"{what}: {told}, and the largest value is {largest:g}; set ink to the other one (light or "
        f"dark), or bring the values to 0 to 255"
    )
