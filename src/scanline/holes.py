"""Holes by name: which pixels a named hole hides of each image.

``run-28`` is the run of 28 pixels from the cut on, as in completion; ``4x4`` a square in the middle
of the image; ``upper-half`` and ``left-half`` are what they say; ``random-half`` hides half of the
pixels, others in each image. All but the last are the same in every image.
"""

import re
from collections.abc import Sequence

import numpy as np

from scanline.hiding import Hidden, check_hidden, choose_images, hidden_patch, hidden_run
from scanline.pixels import PixelSet

HALVES = ("upper-half", "left-half", "random-half")
ALLOWED = f"run-28, 4x4 (any such numbers), {', '.join(HALVES)}"


def hide(pixel_set: PixelSet, hole: str, *, images: int, cut: int, seed: int) -> Hidden:
    """``images`` of the set with the ``hole`` in each, the same images for every hole.

    With fewer images they are the first of those that more would be. ``seed`` decides on the
    images, and with a random hole on the pixels; ``cut`` is where a run begins. Raises ValueError
    for a hole that has no such name or does not fit the images.
    """
    rows, columns = pixel_set.description["rows"], pixel_set.description["columns"]
    indices = choose_images(len(pixel_set.pixels), images, seed)
    return Hidden(indices, hidden_sets(hole, rows, columns, images=images, cut=cut, seed=seed))


def hidden_sets(
    hole: str, rows: int, columns: int, *, images: int, cut: int, seed: int
) -> np.ndarray:
    """The pixels that ``hole`` hides: int32 [images, k], flat indices, ascending."""
    size = rows * columns
    places = np.arange(size).reshape(rows, columns)
    if hole == "random-half":
        generator = np.random.Generator(np.random.Philox(seed))
        drawn: Sequence = [generator.permutation(size)[: size // 2] for _ in range(images)]
        return np.stack([check_hidden(each, size) for each in drawn])
    if hole == "upper-half":
        hidden = check_hidden(places[: rows // 2], size)
    elif hole == "left-half":
        hidden = check_hidden(places[:, : columns // 2], size)
    elif run := re.fullmatch(r"run-(\d+)", hole):
        hidden = hidden_run(cut, int(run[1]), size)
    elif (square := re.fullmatch(r"(\d+)x(\d+)", hole)) and square[1] == square[2]:
        side = int(square[1])
        hidden = hidden_patch((rows - side) // 2, (columns - side) // 2, side, rows, columns)
    else:
        raise ValueError(f"a hole is {hole!r}; allowed: {ALLOWED}")
    return np.tile(hidden, (images, 1))
