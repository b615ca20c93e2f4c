"""A photo or drawing of one figure, made as MNIST's own digits were made.

Paper and ink are told apart by Otsu's threshold (1979, doi:10.1109/TSMC.1979.4310076), the figure
is cropped, its longer side scaled to 20 of 28 pixels, and its centre of mass put in the middle
(LeCun et al. 1998, doi:10.1109/5.726791).
"""

from typing import Literal

import numpy as np
from PIL import Image
from skimage.filters import threshold_otsu

FIGURE = 20 / 28  # of an image's shorter side that the figure's longer one takes
LEAST_CONTRAST = 32  # grey values between paper and ink

Ink = Literal["auto", "light", "dark"]


def fitted(grey: np.ndarray, rows: int, columns: int, ink: Ink = "auto") -> np.ndarray:
    """The figure of ``grey`` uint8 [H, W] as an image uint8 [rows, columns], ink bright.

    By ``ink`` auto the paper is what most of the edge is. Raises ValueError where there is no
    figure: paper and ink are not told apart.
    """
    values = grey.astype(float)
    if values.min() == values.max():
        raise ValueError(f"every pixel is {grey.flat[0]}: no ink is there")
    level = threshold_otsu(grey)
    edge = np.concatenate([values[0], values[-1], values[:, 0], values[:, -1]])
    dark = np.median(edge) > level if ink == "auto" else ink == "dark"
    if dark:
        values, level = 255 - values, 255 - level - 1
    is_ink = values > level
    if is_ink.all() or not is_ink.any():
        raise ValueError("paper and ink cannot be told apart")
    paper, full = np.median(values[~is_ink]), np.percentile(values[is_ink], 90)
    if full - paper < LEAST_CONTRAST:
        raise ValueError(
            f"paper is {paper:.0f} and ink {full:.0f} of 255; a contrast of {LEAST_CONTRAST} is "
            f"needed"
        )
    bright = np.clip((values - paper) / (full - paper), 0, 1)
    bright[bright < 0.25] = 0  # shadows and grain of the paper
    down, right = np.nonzero(is_ink)
    figure = bright[down.min() : down.max() + 1, right.min() : right.max() + 1]
    return _placed(_scaled(figure, rows, columns), rows, columns)


def _scaled(figure: np.ndarray, rows: int, columns: int) -> np.ndarray:
    factor = FIGURE * min(rows, columns) / max(figure.shape)
    height, width = (max(1, round(factor * side)) for side in figure.shape)
    image = Image.fromarray((255 * figure).astype(np.uint8))
    return np.asarray(image.resize((width, height), Image.Resampling.BOX))


def _placed(figure: np.ndarray, rows: int, columns: int) -> np.ndarray:
    """The figure with its centre of mass in the middle, as far as it fits."""
    image = np.zeros((rows, columns), np.uint8)
    corner = []
    for axis, size in enumerate((rows, columns)):
        mass = figure.sum(axis=1 - axis, dtype=float)
        centre = (mass * np.arange(len(mass))).sum() / mass.sum()
        corner.append(int(np.clip(round((size - 1) / 2 - centre), 0, size - len(mass))))
    top, left = corner
    image[top : top + figure.shape[0], left : left + figure.shape[1]] = figure
    return image
