"""Images as a caller gives them: in which shape, and binary or grey.

Images of which every value is 0 or 1, or True or False, are binary. Grey ones are made pixels as
the model's own images were: binary, or levels of grey. The decision is for all images of a call
together.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike

from scanline.data.binarise import made_alike
from scanline.data.pixels import is_grey
from scanline.data.values import Ink, check_not_blank, full_scale, with_bright_ink


def as_pixels(
    images: ArrayLike, pixels: Mapping, what: str = "images", ink: Ink = "light"
) -> np.ndarray:
    """``images`` as uint8 pixels, as a PixelSet of the model's has them: [N, T], or [T] of one.

    ``images`` are [N, rows, columns] or [N, T], or a single one without N, of the size that a
    model's ``pixels`` describe. A grey pixel of a model of Bernoulli draws is drawn with the
    model's seed: by the image's place in the call, the same in every call. Raises ValueError, which
    names ``what``, for other shapes, for values of which it is not clear what they are
    (``data.values``), and for grey ones of which no pixel becomes ink, or every one.
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
    full = full_scale([values], what=what)
    bright = with_bright_ink(values, full, ink)
    binary = np.isin(bright, (0, 1)).all()
    if binary and not is_grey(pixels):
        return bright.astype(np.uint8)
    made = made_alike(pixels, bright.reshape(-1, size), full).reshape(bright.shape)
    if not binary:
        check_not_blank(made, float(values.max()), what)
    return made
