"""Images as a caller gives them: in which shape, and binary or grey.

Images of which every value is 0 or 1, or True or False, are binary. Grey ones are whole numbers up
to 255, or fractions from 0 to 1, and are made binary as the model's own images were. The decision
is for all images of a call together.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike

from scanline.data.binarise import binarised_as

# Whole numbers below this are more likely of another scale (16 levels, class numbers) than so dark.
DIM = 32


def as_pixels(images: ArrayLike, pixels: Mapping, what: str = "images") -> np.ndarray:
    """``images`` as uint8 pixels in {0, 1}: [N, T], or [T] of a single one.

    ``images`` are [N, rows, columns] or [N, T], or a single one without N, of the size that a
    model's ``pixels`` describe. A grey pixel of a model of Bernoulli draws is drawn with the
    model's seed: by the image's place in the call, the same in every call. Raises ValueError, which
    names ``what``, for other shapes, and for values of which it is not clear what they are.
    """
    values = np.asarray(images)
    rows, columns = pixels["rows"], pixels["columns"]
    size = rows * columns
    if values.shape[-2:] == (rows, columns) and values.ndim in (2, 3):
        values = values.reshape(*values.shape[:-2], size)
    if values.shape[-1:] != (size,) or values.ndim > 2 or not values.size:
        raise ValueError(
            f"{what} has shape {values.shape}; allowed: [N, {rows}, {columns}] or [N, {size}], or "
            f"one image without N"
        )
    if values.dtype == bool or (_is_number(values) and np.isin(values, (0, 1)).all()):
        return values.astype(np.uint8)
    grey = _intensities(values, what)
    return binarised_as(dict(pixels), grey.reshape(-1, size)).reshape(grey.shape)


def _intensities(values: np.ndarray, what: str) -> np.ndarray:
    """Grey ``values`` as uint8, 255 for full scale."""
    way_out = (
        "allowed: 0 and 1 (binary), whole numbers up to 255 (grey), or fractions from 0 to 1 (grey)"
    )
    if not _is_number(values) or not np.isfinite(values).all():
        held = "NaN or infinite" if _is_number(values) else f"of type {values.dtype}"
        raise ValueError(f"{what} has values that are {held}; {way_out}")
    low, high = values.min(), values.max()
    given = f"{what} has values from {low:g} to {high:g}"
    whole = (values == np.rint(values)).all()
    if low < 0 or high > 255 or not (whole or high <= 1):
        mixed = "" if whole or high > 255 or low < 0 else ", not all of them whole"
        raise ValueError(f"{given}{mixed}; {way_out}")
    if whole and high < DIM:
        raise ValueError(
            f"{given}: neither binary nor plainly grey, where 255 is full scale; make them 0 and 1 "
            f"yourself, or scale them up to 255"
        )
    return np.rint(values if whole else values * 255).astype(np.uint8)


def _is_number(values: np.ndarray) -> bool:
    return np.issubdtype(values.dtype, np.integer) or np.issubdtype(values.dtype, np.floating)
