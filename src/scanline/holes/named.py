"""Holes by name: which pixels a named hole hides of each image.

``run-28`` is the run of 28 pixels from the cut on, as in completion. ``4x4`` is the rectangle of 4
rows and 4 columns in the middle of the image; the patches of in-painting, named alike, lie
elsewhere in each image (``holes.hiding.draw_patches``). Numbers below 1 are shares of the image:
``run-0.1`` of all pixels, ``0.3x0.5`` of its rows and columns. PARTS are halves and quadrants.
``random-half`` hides half of the pixels and ``random-0.8`` that share, drawn anew for each image;
``anywhere-10x14`` is such a rectangle at a place drawn anew for each image. All other holes are the
same in every image.
"""

import re
from collections.abc import Callable, Sequence

import numpy as np

from scanline.holes.sets import as_hole

NUMBER = r"\d+|0\.\d+"
RECTANGLE = re.compile(rf"({NUMBER})x({NUMBER})")
PARTS: dict[str, Callable[[np.ndarray, int, int], np.ndarray]] = {  # of places, by their middle
    "upper-half": lambda places, row, column: places[:row],
    "lower-half": lambda places, row, column: places[row:],
    "left-half": lambda places, row, column: places[:, :column],
    "right-half": lambda places, row, column: places[:, column:],
    "upper-right": lambda places, row, column: places[:row, column:],
    "all-but-lower-left": lambda places, row, column: np.setdiff1d(places, places[row:, :column]),
}
ALLOWED = (
    f"run-28, 4x4, 0.3x0.5, random-0.8, anywhere-10x14 (any such numbers), random-half, "
    f"{', '.join(PARTS)}"
)


def hidden_sets(
    hole: str, rows: int, columns: int, *, images: int, cut: int, seed: int
) -> np.ndarray:
    """The pixels that ``hole`` hides: int32 [images, k], flat indices, ascending."""
    size = rows * columns
    places = np.arange(size).reshape(rows, columns)
    generator = np.random.Generator(np.random.Philox(seed))
    if share := re.fullmatch(r"random-(half|0\.\d+)", hole):
        count = size // 2 if share[1] == "half" else _pixels(share[1], size)
        drawn: Sequence = [generator.permutation(size)[:count] for _ in range(images)]
        return np.stack([as_hole(each, size) for each in drawn])
    if sides := re.fullmatch(f"anywhere-({RECTANGLE.pattern})", hole):
        high, wide = patch = sides_of(sides[1], rows, columns)
        corners = generator.integers(
            (rows - high + 1, columns - wide + 1), size=(images, 2)
        ).tolist()
        return np.stack(
            [hidden_patch(row, column, patch, rows, columns) for row, column in corners]
        )
    if hole in PARTS:
        hidden = as_hole(PARTS[hole](places, rows // 2, columns // 2), size)
    elif run := re.fullmatch(rf"run-({NUMBER})", hole):
        hidden = hidden_run(cut, _pixels(run[1], size), size)
    elif RECTANGLE.fullmatch(hole):
        high, wide = sides_of(hole, rows, columns)
        top, left = (rows - high) // 2, (columns - wide) // 2
        hidden = as_hole(places[top : top + high, left : left + wide], size)
    else:
        raise ValueError(f"a hole is {hole!r}; allowed: {ALLOWED}")
    return np.tile(hidden, (images, 1))


def _pixels(number: str, of: int) -> int:
    """A number of pixels, or a share ``of`` so many, at least one."""
    share = float(number)
    return max(1, round(share * of)) if 0 < share < 1 else int(share)


def hidden_run(cut: int, length: int, n_pixels: int) -> np.ndarray:
    """Flat indices of ``length`` pixels from ``cut`` on; ValueError where not all are there."""
    if not 0 <= cut < n_pixels:
        raise ValueError(f"cut is {cut}, outside the image; allowed: 0 to {n_pixels - 1}")
    if not 1 <= length <= n_pixels - cut:
        raise ValueError(
            f"a hidden run is {length} pixels; from cut {cut} on the image has {n_pixels - cut} "
            f"left, so allowed: 1 to {n_pixels - cut}"
        )
    return as_hole(np.arange(cut, cut + length), n_pixels)


def hidden_patch(
    row: int, column: int, sides: tuple[int, int], rows: int, columns: int
) -> np.ndarray:
    """Flat indices of the patch of so many rows and columns whose upper left pixel is given."""
    high, wide = sides
    if min(sides) < 1 or not (0 <= row <= rows - high and 0 <= column <= columns - wide):
        raise ValueError(
            f"a patch of {high} x {wide} at row {row}, column {column} does not lie inside "
            f"the image of {rows} x {columns}"
        )
    flat = (row + np.arange(high))[:, None] * columns + column + np.arange(wide)
    return as_hole(flat, rows * columns)


def sides_of(hole: str, rows: int, columns: int) -> tuple[int, int]:
    """How many rows and columns a hole named like 2x2 or 0.1x0.2 hides of an image.

    Raises ValueError for another name, and where it does not lie inside the image.
    """
    if not (sides := RECTANGLE.fullmatch(hole)):
        raise ValueError(f"a hole is {hole!r}; allowed: rectangles, as 1x1, 2x2 or 0.1x0.2")
    high, wide = _pixels(sides[1], rows), _pixels(sides[2], columns)
    if not (1 <= high <= rows and 1 <= wide <= columns):
        raise ValueError(
            f"a hole of {high} x {wide} does not lie inside the image of {rows} x {columns}"
        )
    return high, wide


def inpainted_file(hole: str) -> str:
    """The assignment's name for the images whose patches of such a size are filled."""
    return f"optimal_inpaintings_{'1pixel' if hole == '1x1' else f'{hole}pixel'}_patch.npy"
