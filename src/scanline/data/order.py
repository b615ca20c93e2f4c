"""The order in which a classifier reads the pixels of an image: raster, or a fixed random one.

Pixels are kept, shifted and shown in raster order, whatever the order: only the model permutes.
"""

from collections.abc import Mapping
from typing import Literal

import numpy as np

Order = Literal["raster", "permuted"]
RASTER: Order = "raster"  # of descriptions that name no order
PERMUTATION_SEED = 92916  # by which many published results on permuted MNIST were drawn, too


def order_of(pixels: Mapping) -> Order:
    """The order in which pixels are read that are described so, or by a data set's config."""
    return pixels.get("order", RASTER)


def reading_order(order: Order, size: int) -> np.ndarray:
    """For each step, the flat index of the pixel that it reads: int64 [T], T = ``size``.

    The permutation is the same for all images and splits. NumPy keeps the numbers of its older
    generator for ever, hence that one.
    """
    if order == RASTER:
        return np.arange(size)
    return np.random.RandomState(PERMUTATION_SEED).permutation(size)
