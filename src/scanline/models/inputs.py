"""What a step of the recurrence reads: the pixels already seen, and the place in the image.

``previous``: the pixel before (the report's). ``context``: also the seen pixels within ``radius``
rows and columns of the one to be predicted, and its row and column. Either way the inputs of step t
hold nothing of pixel t or later.
"""

import itertools
from typing import get_args

import numpy as np
import tensorflow as tf

from scanline.models.architecture import Inputs, PredictorArchitecture
from scanline.models.reading import Reading

KINDS = get_args(Inputs)


class PixelInputs:
    """Inputs of each step of images of ``rows`` x ``columns`` pixels in raster order.

    Raises ValueError for an unknown ``kind``, or a ``radius`` below 1.
    """

    def __init__(
        self, kind: str, rows: int, columns: int, radius: int = PredictorArchitecture.radius
    ):
        if kind not in KINDS:
            raise ValueError(f"inputs is {kind!r}; allowed: {', '.join(KINDS)}")
        if radius < 1:
            raise ValueError(f"radius is {radius}; allowed: 1 and above (pixels)")
        self.kind, self.radius = kind, radius
        self.size = rows * columns
        if kind == "previous":
            self._sources = np.arange(self.size, dtype=np.int32)[:, None]
            self._places, self._place_rows = np.zeros((self.size, 0), np.int32), 0
        else:
            self._sources = neighbour_indices(rows, columns, radius)
            self._places, self._place_rows = row_and_column(rows, columns), rows + columns

    @property
    def width(self) -> int:
        """Numbers that a step reads."""
        return self._sources.shape[1] + self._place_rows

    @property
    def reach(self) -> int:
        """How many pixels before a step's own it may read: the last so many, and no others."""
        step = np.arange(self.size)[:, None]
        return int(np.max(np.where(self._sources > 0, step - self._sources, 0))) + 1

    @property
    def tables(self) -> tuple[np.ndarray, np.ndarray]:
        """What the steps read, as numbers.

        int32 [T, K] indices into the shifted pixels, whose index 0 is the start token, and uint8
        [T, P] one-hot places.
        """
        places = np.zeros((self.size, self._place_rows), np.uint8)
        np.put_along_axis(places, self._places, 1, axis=1)
        return self._sources, places

    def between(self, pixels: tf.Tensor, start, stop) -> Reading:
        """pixels [B, T] -> what steps ``start`` to ``stop`` read.

        ``start`` and ``stop`` are integers or scalar tensors.
        """
        # Index 0 of the shifted pixels is the start token, 0, which also stands for what lies
        # outside the image.
        return self._reading(tf.pad(tf.cast(pixels, tf.uint8), [[0, 0], [1, 0]]), start, stop)

    def at(self, seen: tf.Tensor, t) -> Reading:
        """``seen`` uint8 [T + 1, B] -> what step ``t`` reads; a step of a long loop.

        ``seen`` holds the start token and then the pixels, one row for each step: of them the first
        t + 1 are read, and each lies in one piece.
        """
        return self._reading(seen, t, t + 1, by_source=True)

    def _reading(self, seen: tf.Tensor, start, stop, by_source: bool = False) -> Reading:
        sources, places = (
            tf.constant(table)[start:stop] for table in (self._sources, self._places)
        )
        return Reading(seen, sources, places, self._place_rows, by_source)


def neighbourhood(radius: int) -> list[tuple[int, int]]:
    """(rows, columns) to the pixels before one, at most ``radius`` away in each; in raster order.

    Without the pixel before it, which is an input of its own.
    """
    window = itertools.product(range(-radius, 1), range(-radius, radius + 1))
    return [offset for offset in window if offset < (0, -1)]


def neighbour_indices(rows: int, columns: int, radius: int) -> np.ndarray:
    """For each step, where its inputs lie in the shifted pixels: int32 [T, 1 + neighbours].

    0 is the start token; pixel i of the image has index i + 1. The first input is the pixel before
    in raster order, across the end of a row too; a neighbour outside the image is the start token.
    """
    row, column = np.divmod(np.arange(rows * columns), columns)
    indices = [np.arange(rows * columns)]
    for down, right in neighbourhood(radius):
        r, c = row + down, column + right
        inside = (r >= 0) & (c >= 0) & (c < columns)
        indices.append(np.where(inside, r * columns + c + 1, 0))
    return np.stack(indices, axis=1).astype(np.int32)


def row_and_column(rows: int, columns: int) -> np.ndarray:
    """Of each step: its row, and ``rows`` + its column; int32 [T, 2]."""
    row, column = np.divmod(np.arange(rows * columns), columns)
    return np.stack([row, rows + column], axis=1).astype(np.int32)
