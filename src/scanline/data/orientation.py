"""Eight ways to read an image: by rows or by columns, from one of its four corners.

A next-pixel model reads in one of them. Within it, and within all that samples or infers with it,
pixel t is the one that is read t-th. Files, pictures and holes are in raster order: they are turned
where they go in, and what is said of them is turned back where it comes out.
"""

from typing import Literal, get_args

import numpy as np

from scanline.data.order import RASTER

Way = Literal[
    "raster",  # by rows, from the top left
    "rows-top-right",
    "rows-bottom-left",
    "rows-bottom-right",
    "columns-top-left",
    "columns-top-right",
    "columns-bottom-left",
    "columns-bottom-right",
]
WAYS = get_args(Way)


class Orientation:
    """The way in which images of ``rows`` x ``columns`` pixels are read.

    ``shape`` has the rows and columns of a turned image: swapped ones where it is read by columns.
    ``order`` [T] gives for each step the flat index of the pixel that it reads, and ``steps`` [T]
    for each pixel the step that reads it. Raises ValueError for an unknown ``way``.
    """

    def __init__(self, way: str, rows: int, columns: int):
        if way not in WAYS:
            raise ValueError(f"orientation is {way!r}; allowed: {', '.join(WAYS)}")
        grid = np.arange(rows * columns).reshape(rows, columns)
        grid = grid[::-1] if "bottom" in way else grid
        grid = grid[:, ::-1] if "right" in way else grid
        grid = grid.T if "columns" in way else grid
        self.way, self.shape = way, grid.shape
        self.order = grid.ravel()
        self.steps = np.argsort(self.order)

    @property
    def is_raster(self) -> bool:
        """Whether nothing is turned."""
        return self.way == RASTER

    def turned(self, pixels: np.ndarray) -> np.ndarray:
        """Pixels [..., T] in the order of reading."""
        return pixels if self.is_raster else pixels[..., self.order]

    def turned_back(self, pixels: np.ndarray) -> np.ndarray:
        """Pixels [..., T], given in the order of reading, in raster order."""
        return pixels if self.is_raster else pixels[..., self.steps]

    def turned_hole(self, hidden: np.ndarray) -> np.ndarray:
        """Of ``hidden`` [..., k], flat indices, the steps that read them, ascending: [..., k]."""
        return hidden if self.is_raster else np.sort(self.steps[hidden], axis=-1)

    def values_back(self, values: np.ndarray, hidden: np.ndarray) -> np.ndarray:
        """Of ``hidden`` [..., k] pixels the values, given in the order of reading, in their own.

        ``values`` [..., k] may have more axes before the last: [N, S, k] for hidden [N, k].
        """
        if self.is_raster:
            return values
        places = np.argsort(np.argsort(self.steps[hidden], axis=-1), axis=-1)
        axes = (1,) * (values.ndim - hidden.ndim)
        places = places.reshape(*hidden.shape[:-1], *axes, hidden.shape[-1])
        return np.take_along_axis(values, places, axis=-1)
