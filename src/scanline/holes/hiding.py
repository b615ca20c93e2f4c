"""Which pixels of which images are hidden: runs, patches and named holes, and the files of them.

Hidden pixels are named by their flat indices in raster order, ascending: row * columns + column.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from scanline.data.pixels import PixelSet, check_predictable
from scanline.files import save_arrays
from scanline.holes.named import hidden_patch, hidden_run, hidden_sets


class Hidden(NamedTuple):
    """Chosen images and what is hidden of each."""

    indices: np.ndarray  # int64 [N], the images' places in their pixel set
    hidden: np.ndarray  # int32 [N, k], flat indices, ascending


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
    pixel_set: PixelSet,
    sides: tuple[int, int],
    *,
    images: int,
    mean: float,
    sd: float,
    seed: int,
) -> Hidden:
    """One hidden patch of so many rows and columns in each of ``images`` images, always the same.

    Row and column of its upper left pixel are normal with ``mean`` and ``sd``, rounded, and moved
    inside the image where they fell outside. Both are pixels or, below 1, shares of the image's
    rows and columns. The draw depends only on ``seed`` and ``sides``.
    """
    rows, columns = pixel_set.description["rows"], pixel_set.description["columns"]
    high, wide = sides
    if not (1 <= high <= rows and 1 <= wide <= columns):
        raise ValueError(
            f"a patch of {high} x {wide} does not fit the image of {rows} x {columns}; "
            f"allowed: 1 x 1 to {rows} x {columns}"
        )
    if not (np.isfinite(mean) and np.isfinite(sd) and sd >= 0):
        raise ValueError(f"mean is {mean} and sd is {sd}; allowed: finite numbers, sd 0 and above")
    indices = _chosen(pixel_set, images, seed)
    entropy = (seed, high) if high == wide else (seed, high, wide)
    generator = np.random.Generator(np.random.Philox(np.random.SeedSequence(entropy)))
    centre, spread = (
        np.array([rows, columns]) * number if 0 < number < 1 else number for number in (mean, sd)
    )
    drawn = np.rint(generator.normal(centre, spread, (images, 2)))
    corners = np.clip(drawn, 0, [rows - high, columns - wide]).astype(int)
    patches = [hidden_patch(row, column, sides, rows, columns) for row, column in corners]
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
    indices = _chosen(pixel_set, images, seed)
    chosen = pixel_set.chosen(indices)
    save_arrays(
        path,
        pixel_set.description | {"cut": cut, "hidden_runs": sorted(set(runs))},
        pixels=chosen.pixels,
        labels=chosen.labels,
        indices=indices,
    )


def save_hidden(path: Path, pixel_set: PixelSet, chosen: Hidden) -> None:
    """Writes chosen images and what is hidden of each: hidden, pixels (true), labels, indices."""
    images = pixel_set.chosen(chosen.indices)
    save_arrays(
        path,
        pixel_set.description,
        hidden=chosen.hidden,
        pixels=images.pixels,
        labels=images.labels,
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


def hide(pixel_set: PixelSet, hole: str, *, images: int, cut: int, seed: int) -> Hidden:
    """``images`` of the set with the ``hole`` in each, the same images for every hole.

    With fewer images they are the first of those that more would be. ``seed`` decides on the
    images, and with a random hole on the pixels; ``cut`` is where a run begins. Raises ValueError
    for a hole that has no such name or does not fit the images.
    """
    rows, columns = pixel_set.description["rows"], pixel_set.description["columns"]
    indices = _chosen(pixel_set, images, seed)
    return Hidden(indices, hidden_sets(hole, rows, columns, images=images, cut=cut, seed=seed))


def _chosen(pixel_set: PixelSet, images: int, seed: int) -> np.ndarray:
    """The places of so many images of a set, of which a next-pixel model can be."""
    check_predictable(pixel_set.description)
    return choose_images(len(pixel_set), images, seed)
