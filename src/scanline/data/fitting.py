"""A photo or drawing of one figure, made as MNIST's own digits were made.

The paper's brightness, with its shadows, is a morphological closing: it fills what is dark and
narrow. What is left is ink or noise, told apart by Otsu's threshold (1979,
doi:10.1109/TSMC.1979.4310076); ink is what has contrast and an edge. The figure is cropped, its
longer side scaled to 20 of 28 pixels, and its centre of mass put in the middle (LeCun et al. 1998,
doi:10.1109/5.726791).
"""

from typing import Literal

import numpy as np
from PIL import Image
from scipy import ndimage
from skimage.filters import threshold_otsu

FIGURE = 20 / 28  # of an image's shorter side that the figure's longer one takes
LARGEST_SIDE = 1024  # of the picture in which the figure is looked for
GRAIN = 1 / 300  # of the picture's shorter side; what is as small is noise
NARROW = 1 / 2  # of it; a stroke is narrower
EDGE = 1 / 100  # of it; the edge of ink lies within
DARKEST_PAPER = 128  # of 255; beneath it the difference to ink counts as on such paper
LEAST_CONTRAST = 32  # grey values of 255 between paper and ink
LEAST_SIGNAL = 8  # contrast / noise; where all is noise it is 3.9
FAR_SMOOTHER = 2  # how many times smoother a paper is that is one beyond doubt
LEAST_EDGE = 1 / 2  # of the contrast

Ink = Literal["auto", "light", "dark"]


def fitted(grey: np.ndarray, rows: int, columns: int, ink: Ink = "auto") -> np.ndarray:
    """The figure of ``grey`` uint8 [H, W] as an image uint8 [rows, columns], ink bright.

    By ``ink`` auto the paper is what is the smoother of the two. Raises ValueError where there is
    no figure: nothing stands out from the paper, or only noise or a shadow.
    """
    if grey.min() == grey.max():
        raise ValueError(f"every pixel is {grey.flat[0]}: no ink is there")
    values = _smooth(grey)
    sides = {"dark": values, "light": 255 - values}
    readings = [_figure(sides[side]) for side in sides if ink in ("auto", side)]
    readings.sort(key=lambda each: float(each[0].std()))  # the smoother paper first
    for paper, figure in readings:
        if paper.std() > FAR_SMOOTHER * readings[0][0].std():
            break
        if not isinstance(figure, str):
            scaled = _scaled(figure, rows, columns)
            if not scaled.any():
                raise ValueError(f"no ink is left when scaled to {rows} x {columns}: only specks")
            return _placed(scaled, rows, columns)
    raise ValueError(f"no ink is there: {readings[0][1]}")


def _smooth(grey: np.ndarray) -> np.ndarray:
    """The picture without most of its noise, and not larger than needed: float32."""
    image = Image.fromarray(grey)
    small = image.reduce(max(1, -(-max(grey.shape) // LARGEST_SIDE)))
    values = np.asarray(small, np.float32)
    return ndimage.gaussian_filter(values, GRAIN * min(values.shape), mode="nearest")


def _figure(values: np.ndarray) -> tuple[np.ndarray, np.ndarray | str]:
    """The paper's brightness everywhere, and the ink, 0 to 1, cropped, or why there is none."""
    side = max(3, round(NARROW * min(values.shape)))
    around = np.pad(values, side, "edge")  # the paper goes on
    paper = ndimage.grey_closing(around, (side, side))[side:-side, side:-side]
    darkness = (paper - values) / np.maximum(paper, DARKEST_PAPER)
    if darkness.min() == darkness.max():
        return paper, "nothing stands out from the paper"
    is_ink = darkness > threshold_otsu(darkness)
    rest, contrast, noise = _levels(darkness, is_ink)
    _, grey_contrast, _ = _levels(paper - values, is_ink)
    if grey_contrast < LEAST_CONTRAST or contrast < LEAST_SIGNAL * noise:
        return paper, (
            f"what stands out differs by {grey_contrast:.0f} of 255 from the paper; needed is a "
            f"contrast of {LEAST_CONTRAST}, and of {LEAST_SIGNAL} times the noise"
        )
    reach = max(1, round(EDGE * min(values.shape)))
    outline = is_ink & ~ndimage.binary_erosion(is_ink)
    edge = np.median(ndimage.morphological_gradient(darkness, 2 * reach + 1)[outline])
    if edge < LEAST_EDGE * contrast:
        return paper, "what stands out from the paper has no edge, as a shadow has none"
    bright = np.clip((darkness - rest) / contrast, 0, 1)
    bright[bright < 0.25] = 0  # the rest of shadows, and the grain of the paper
    down, right = np.nonzero(is_ink)
    return paper, bright[down.min() : down.max() + 1, right.min() : right.max() + 1]


def _levels(darkness: np.ndarray, is_ink: np.ndarray) -> tuple[float, float, float]:
    """The paper's level, how far that of ink is from it, and the noise, a standard deviation."""
    paper = float(np.median(darkness[~is_ink]))
    contrast = float(np.percentile(darkness[is_ink], 90)) - paper
    return paper, contrast, 1.4826 * float(np.median(np.abs(darkness[~is_ink] - paper)))


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
