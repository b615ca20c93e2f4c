"""Holes of all kinds and sizes, drawn at random: what a look-ahead is trained on."""

import numpy as np


def random_holes(
    generator: np.random.Generator, images: int, rows: int, columns: int
) -> np.ndarray:
    """A hole for each image: bool [images, rows * columns], True where a pixel is hidden.

    Each hides at least one pixel. They are rectangles (twice as often as each of the others), one
    to four quadrants, halves, all rows from the first to a drawn one, runs in raster order, and
    single pixels of a drawn share.
    """
    hidden = np.zeros((images, rows, columns), bool)
    kinds = generator.integers(0, 7, images)
    for hole, kind in zip(hidden, kinds, strict=True):
        if kind < 2:  # rectangles
            high, wide = (generator.integers(1, side, endpoint=True) for side in hole.shape)
            top = generator.integers(0, rows - high, endpoint=True)
            left = generator.integers(0, columns - wide, endpoint=True)
            hole[top : top + high, left : left + wide] = True
        elif kind == 2:
            halves = np.vsplit(hole, [rows // 2])
            quadrants = [part for half in halves for part in np.hsplit(half, [columns // 2])]
            for chosen in generator.permutation(4)[: generator.integers(1, 4, endpoint=True)]:
                quadrants[chosen][...] = True
        elif kind == 3:
            halves = [*np.vsplit(hole, [rows // 2]), *np.hsplit(hole, [columns // 2])]
            halves[generator.integers(4)][...] = True
        elif kind == 4:
            hole[: generator.integers(1, rows, endpoint=True)] = True
        elif kind == 5:
            length = generator.integers(1, hole.size, endpoint=True)
            cut = generator.integers(0, hole.size - length, endpoint=True)
            hole.reshape(-1)[cut : cut + length] = True
        else:
            hole[...] = generator.random(hole.shape) < generator.uniform(0.1, 0.95)
    flat = hidden.reshape(images, -1)
    empty = ~flat.any(axis=1)  # a part of one row or column, or of few single pixels
    flat[empty, generator.integers(0, flat.shape[1], images)[empty]] = True
    return flat
