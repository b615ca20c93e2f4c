"""Images from a person's files: .png, .npy, .npz, or idx (also as .gz)."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from scanline.data.binarise import binarised_as
from scanline.data.fetch import raw_content
from scanline.data.given import as_pixels
from scanline.data.idx import parse_idx
from scanline.data.pixels import KINSHIP, load_pixels, same_pixels
from scanline.data.png import read_intensities

NAMES = ("images", "pixels")  # which array of several is read


def read_pixels(path: Path, pixels: Mapping) -> np.ndarray:
    """The images of a file for a model of such ``pixels``: uint8 [N, T] in {0, 1}.

    A PNG is grey; what others hold is told by their values (``data.given``). Raises ValueError,
    naming the file, where it is unsound, of another size, or says that its pixels are of another
    kind than the model's.
    """
    if path.suffix == ".png":
        grey = read_intensities(path, pixels["rows"], pixels["columns"])
        return binarised_as(dict(pixels), grey).reshape(1, -1)
    try:
        images = _array_of(path, pixels) if path.suffix in (".npy", ".npz") else _idx(path)
        return np.atleast_2d(as_pixels(images, pixels))
    except ValueError as error:
        told = str(error)
        raise ValueError(told if str(path) in told else f"{path}: {told}") from error


def _idx(path: Path) -> np.ndarray:
    try:
        return parse_idx(raw_content(path))
    except ValueError as error:
        raise ValueError(
            f"{path} is not a sound idx file: {error}. Images are read from .png, .npy, .npz, and "
            f"idx files (other endings)"
        ) from error


def _array_of(path: Path, pixels: Mapping) -> np.ndarray:
    """The images of a NumPy file; nothing in it is executed."""
    try:
        with open(path, "rb") as file:
            held = np.load(file, allow_pickle=False)
            arrays = {"images": held} if isinstance(held, np.ndarray) else dict(held)
    except FileNotFoundError:
        raise
    except Exception as error:  # NumPy and zipfile raise many kinds for a damaged file
        raise ValueError(f"{path} is not a readable NumPy file of arrays ({error})") from error
    if "pixels" in arrays and "description" in arrays:
        of_study = load_pixels(path)
        kept = {key: of_study.description[key] for key in KINSHIP}
        same_pixels(dict(pixels), kept, "the model")
        return of_study.pixels
    named = [name for name in NAMES if name in arrays] or list(arrays)
    if len(named) != 1:
        raise ValueError(
            f"{path} holds {', '.join(arrays) or 'no array'}; name the array of images 'images'"
        )
    return arrays[named[0]]
