"""What a step of the recurrence reads: already seen pixels, and where in the image it stands.

``previous``: the pixel before (the report's). ``context``: also the seen pixels within ``radius``
rows and columns of the one to be predicted, and its row and column. Either way the inputs of step t
hold nothing of pixel t or later.
"""

import itertools

import numpy as np
import tensorflow as tf

KINDS = ("previous", "context")
RADIUS = 6  # rows and columns; the best on validation of those tried (docs/experiments.md)


class PixelInputs:
    """Inputs of each step of images of ``rows`` x ``columns`` pixels in raster order.

    Raises ValueError for an unknown ``kind``, or a ``radius`` below 1.
    """

    def __init__(self, kind: str, rows: int, columns: int, radius: int = RADIUS):
        if kind not in KINDS:
            raise ValueError(f"inputs is {kind!r}; allowed: {', '.join(KINDS)}")
        if radius < 1:
            raise ValueError(f"radius is {radius}; allowed: 1 and above (pixels)")
        self.kind, self.radius = kind, radius
        self.size = rows * columns
        self._sources = neighbour_indices(rows, columns, radius)
        self._places = one_hot_places(rows, columns)

    @property
    def width(self) -> int:
        """Numbers that a step reads."""
        if self.kind == "previous":
            return 1
        return self._sources.shape[1] + self._places.shape[1]

    @property
    def reach(self) -> int:
        """How many pixels before a step's own it may read: the last so many, and no others."""
        step = np.arange(self.size)[:, None]
        sources = step if self.kind == "previous" else self._sources
        return int(np.max(np.where(sources > 0, step - sources, 0))) + 1

    def between(self, pixels: tf.Tensor, start, stop) -> tf.Tensor:
        """pixels [B, T] -> the inputs of steps ``start`` to ``stop``, float32 [B, stop - start, D].

        ``start`` and ``stop`` are integers or scalar tensors.
        """
        # Index 0 of the shifted pixels is the start token, 0, which also stands for what lies
        # outside the image.
        shifted = tf.pad(pixels, [[0, 0], [1, 0]])
        if self.kind == "previous":
            return tf.cast(shifted, tf.float32)[:, start:stop, None]
        seen = tf.gather(shifted, tf.constant(self._sources)[start:stop], axis=1)
        places = tf.constant(self._places)[start:stop]
        shape = [tf.shape(pixels)[0], tf.shape(places)[0], self._places.shape[1]]
        return tf.concat([tf.cast(seen, tf.float32), tf.broadcast_to(places, shape)], axis=2)

    def at(self, seen: tf.Tensor, t) -> tf.Tensor:
        """``seen`` [T + 1, B] -> the inputs of step ``t`` [B, D], float32; a step of a long loop.

        ``seen`` holds the start token and then the pixels, a row a step: of them the first t + 1
        are read, and each lies in one piece.
        """
        if self.kind == "previous":
            return tf.cast(seen[t], tf.float32)[:, None]
        rows = tf.gather(seen, tf.constant(self._sources)[t])
        pixels = tf.cast(tf.stack(tf.unstack(rows, self._sources.shape[1]), axis=1), tf.float32)
        place = tf.constant(self._places)[t]
        shape = [tf.shape(seen)[1], self._places.shape[1]]
        return tf.concat([pixels, tf.broadcast_to(place, shape)], axis=1)


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


def one_hot_places(rows: int, columns: int) -> np.ndarray:
    """Row and column of each step, one-hot: float32 [T, rows + columns]."""
    row, column = np.divmod(np.arange(rows * columns), columns)
    return np.concatenate([np.eye(rows)[row], np.eye(columns)[column]], axis=1).astype(np.float32)
