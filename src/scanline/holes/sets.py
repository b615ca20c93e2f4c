"""Sets of hidden pixels: checked, filled, read.

A hidden pixel is named by its flat index in raster order, row * columns + column.
"""

from collections.abc import Sequence

import numpy as np

MAX_ENUMERATED = 16  # hidden pixels, each of which doubles the number of completions


def as_hole(places: Sequence[int] | np.ndarray, n_pixels: int) -> np.ndarray:
    """The flat indices of one image's hidden pixels, in any order, as int32 [k], ascending.

    They may be all ``n_pixels``: then nothing is observed, and completions are samples. Raises
    ValueError where they are none, outside the image, or where one is named twice.
    """
    hidden = np.sort(np.asarray(places, np.int64).reshape(-1))
    if hidden.size == 0:
        raise ValueError("hidden is empty: no pixel is hidden, so there is nothing to infer")
    check_hidden(hidden[None], (1, n_pixels))
    return hidden.astype(np.int32)


def at_the_end(hidden: np.ndarray, n_pixels: int) -> bool:
    """Whether ``hidden`` [N, k], ascending, are the last of the ``n_pixels`` in all images."""
    return bool((hidden[:, 0] == n_pixels - hidden.shape[1]).all())


def check_hidden(hidden: np.ndarray, shape: tuple[int, ...]) -> None:
    """Raises ValueError unless ``hidden`` [N, k] are ascending places in images of ``shape``."""
    if len(shape) != 2 or hidden.ndim != 2 or len(hidden) != shape[0]:
        raise ValueError(
            f"hidden has shape {hidden.shape} and pixels {tuple(shape)}; "
            f"allowed: [N, k] flat indices for pixels [N, T]"
        )
    outside = hidden[(hidden < 0) | (hidden >= shape[1])]
    if outside.size:
        raise ValueError(
            f"hidden has the pixel {outside[0]}, outside the image; allowed: 0 to {shape[1] - 1}"
        )
    unordered = (np.diff(hidden, axis=1) <= 0).any(axis=1)
    if unordered.any():
        image = int(np.argmax(unordered))
        raise ValueError(
            f"hidden of image {image} is {hidden[image].tolist()}; "
            f"allowed: flat indices in ascending order, none of them twice"
        )


def filled(pixels: np.ndarray, hidden: np.ndarray, values: np.ndarray) -> np.ndarray:
    """A copy of ``pixels`` [N, T] with ``values`` [N, k] in the ``hidden`` [N, k] places."""
    images = pixels.copy()
    np.put_along_axis(images, hidden, values.astype(images.dtype), axis=1)
    return images


def values_at(pixels: np.ndarray, hidden: np.ndarray) -> np.ndarray:
    """What ``pixels`` [N, T] hold in the ``hidden`` [N, k] places: [N, k]."""
    return np.take_along_axis(pixels, hidden, axis=1)
