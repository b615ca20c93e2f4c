"""Which pixels of which images are hidden, for completion (a run) and in-painting (a patch).

Hidden pixels are named by their flat indices in raster order, ascending: row * columns + column.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from scanline.files import save_arrays
from scanline.pixels import PixelSet


class Hidden(NamedTuple):
    """Chosen images and what is hidden of each."""

    indices: np.ndarray  # int64 [N], the images' places in their pixel set
    hidden: np.ndarray  # int32 [N, k], flat indices, ascending


def check_hidden(hidden: Sequence[int] | np.ndarray, n_pixels: int) -> np.ndarray:
    """The flat indices as int32, ascending.

    Raises ValueError where they are none, all of the ``n_pixels`` pixels, outside the image, or
    where one is named twice.
    """
    indices = np.sort(np.asarray(hidden, np.int64).reshape(-1))
    if indices.size == 0:
        raise ValueError("hidden is empty: no pixel is hidden, so there is nothing to infer")
    outside = indices[(indices < 0) | (indices >= n_pixels)]
    if outside.size:
        raise ValueError(
            f"hidden has the pixel {outside[0]}, outside the image; allowed: 0 to {n_pixels - 1}"
        )
    twice = indices[1:][np.diff(indices) == 0]
    if twice.size:
        raise ValueError(f"hidden names the pixel {twice[0]} twice; name each once")
    if indices.size == n_pixels:
        raise ValueError(
            f"hidden marks all {n_pixels} pixels: nothing is observed; leave at least one"
        )
    return indices.astype(np.int32)


def hidden_run(cut: int, length: int, n_pixels: int) -> np.ndarray:
    """Flat indices of ``length`` pixels from ``cut`` on; ValueError where not all are there."""
    if not 0 <= cut < n_pixels:
        raise ValueError(f"cut is {cut}, outside the image; allowed: 0 to {n_pixels - 1}")
    if not 1 <= length <= n_pixels - cut:
        raise ValueError(
            f"a hidden run is {length} pixels; from cut {cut} on the image has {n_pixels - cut} "
            f"left, so allowed: 1 to {n_pixels - cut}"
        )
    return check_hidden(np.arange(cut, cut + length), n_pixels)


def hidden_patch(row: int, column: int, size: int, rows: int, columns: int) -> np.ndarray:
    """Flat indices of the size x size patch whose upper left pixel is (row, column)."""
    if size < 1 or not (0 <= row <= rows - size and 0 <= column <= columns - size):
        raise ValueError(
            f"a patch of {size} x {size} at row {row}, column {column} does not lie inside "
            f"the image of {rows} x {columns}"
        )
    offsets = np.arange(size)
    flat = (row + offsets)[:, None] * columns + column + offsets
    return check_hidden(flat, rows * columns)


def choose_images(available: int, images: int, seed: int) -> np.ndarray:
    """The places of ``images`` different images out of ``available``, int64.

    With seed 0, 10,000 available and 100 wanted this is the report's own choice; hence NumPy's
    older generator (an instance, no global state).
    """
    if not 1 <= images <= available:
        raise ValueError(f"images is {images}; the set has {available}, so allowed: 1 to that")
    if not 0 <= seed < 2**32:
        raise ValueError(f"seed is {seed}; allowed: 0 to {2**32 - 1}")
    return np.random.RandomState(seed).choice(available, images, replace=False).astype(np.int64)


def draw_patches(
    pixel_set: PixelSet, size: int, *, images: int, mean: float, sd: float, seed: int
) -> Hidden:
    """One hidden size x size patch in each of ``images`` images, the same ones for each size.

    Row and column of its upper left pixel are normal with ``mean`` and ``sd``, rounded, and moved
    inside the image where they fell outside. The draw depends on ``seed`` and ``size`` alone.
    """
    rows, columns = pixel_set.description["rows"], pixel_set.description["columns"]
    if not 1 <= size <= min(rows, columns):
        raise ValueError(
            f"a patch of {size} x {size} does not fit the image of {rows} x {columns}; "
            f"allowed: 1 to {min(rows, columns)} pixels a side"
        )
    if not (np.isfinite(mean) and np.isfinite(sd) and sd >= 0):
        raise ValueError(f"mean is {mean} and sd is {sd}; allowed: finite numbers, sd 0 and above")
    indices = choose_images(len(pixel_set.pixels), images, seed)
    generator = np.random.Generator(np.random.Philox(np.random.SeedSequence((seed, size))))
    drawn = np.rint(generator.normal(mean, sd, (images, 2)))
    corners = np.clip(drawn, 0, [rows - size, columns - size]).astype(int)
    patches = [hidden_patch(row, column, size, rows, columns) for row, column in corners]
    return Hidden(indices, np.stack(patches))


def save_hidden_runs(
    path: Path, pixel_set: PixelSet, *, images: int, seed: int, cut: int, runs: Sequence[int]
) -> None:
    """Writes the images to complete: pixels [N, T], labels, indices; runs in the description."""
    if not runs:
        raise ValueError("runs is empty; name at least one number of hidden pixels")
    n_pixels = pixel_set.pixels.shape[1]
    for run in runs:
        hidden_run(cut, run, n_pixels)
    indices = choose_images(len(pixel_set.pixels), images, seed)
    save_arrays(
        path,
        pixel_set.description | {"cut": cut, "hidden_runs": sorted(set(runs))},
        pixels=pixel_set.pixels[indices],
        labels=pixel_set.labels[indices],
        indices=indices,
    )


def save_hidden(path: Path, pixel_set: PixelSet, chosen: Hidden) -> None:
    """Writes chosen images and what is hidden of each: hidden, pixels (true), labels, indices."""
    save_arrays(
        path,
        pixel_set.description,
        hidden=chosen.hidden,
        pixels=pixel_set.pixels[chosen.indices],
        labels=pixel_set.labels[chosen.indices],
        indices=chosen.indices,
    )


def save_hidden_patches(folder: Path, name: str, pixel_set: PixelSet, patches: Hidden) -> None:
    """Writes ``<name>.npz`` (see ``save_hidden``) and ``hidden_<name>.npy``.

    The latter has the assignment's form: int8 [2, N, T], first the images with -1 where a pixel is
    hidden, then the truth.
    """
    save_hidden(folder / f"{name}.npz", pixel_set, patches)
    truth = pixel_set.pixels[patches.indices]
    both = np.stack([truth, truth]).astype(np.int8)
    np.put_along_axis(both[0], patches.hidden, -1, axis=1)
    np.save(folder / f"hidden_{name}.npy", both, allow_pickle=False)


def patch_size(hole: str) -> int:
    """The side of a square hole named like 2x2; ValueError for another name."""
    height, _, width = hole.partition("x")
    if height != width or not height.isdecimal() or int(height) < 1:
        raise ValueError(f"a hole is {hole!r}; allowed: squares, named 1x1, 2x2 and so on")
    return int(height)
