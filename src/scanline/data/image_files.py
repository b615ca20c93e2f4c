"""Images from your own files: pictures, .npy, .npz, or idx (also as .gz)."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from scanline.data.binarise import binarised_as
from scanline.data.content import arrays_of, raw_content
from scanline.data.fitting import Ink, fitted
from scanline.data.given import as_pixels
from scanline.data.idx import parse_idx
from scanline.data.picture import ENDINGS, read_grey
from scanline.data.pixels import KINSHIP, load_pixels, same_classes, same_pixels

NAMES = ("images", "pixels")  # which array of several is read


def read_pixels(
    path: Path, pixels: Mapping, other_data: bool = False, classes: bool = False
) -> np.ndarray:
    """The images of a file for a model of such ``pixels``: uint8 [N, T] in {0, 1}.

    A picture is grey (``read_picture``); what other files hold is told by their values
    (``data.given``). Raises ValueError, naming the file, where it is unsound, of another size, or
    says that its pixels are of another kind than the model's (see ``same_pixels``) or, where
    ``classes`` count, of other classes.
    """
    if path.suffix.lower() in ENDINGS:
        return binarised_as(dict(pixels), read_picture(path, pixels)).reshape(1, -1)
    try:
        if path.suffix in (".npy", ".npz"):
            images = _array_of(path, pixels, other_data, classes)
        else:
            images = _idx(path)
        return np.atleast_2d(as_pixels(images, pixels))
    except ValueError as error:
        told = str(error)
        raise ValueError(told if str(path) in told else f"{path}: {told}") from error


def read_picture(path: Path, pixels: Mapping, ink: Ink = "auto") -> np.ndarray:
    """A picture as a grey image of the model's size, ink bright: uint8 [rows, columns].

    One of that size is taken as it is, its ink light unless ``ink`` is dark. Another one is
    understood as a photo or drawing of one figure (``data.fitting``). Raises ValueError, naming the
    file, where it cannot be read or shows no figure.
    """
    grey, size = read_grey(path), (pixels["rows"], pixels["columns"])
    if grey.shape == size:
        return 255 - grey if ink == "dark" else grey
    try:
        return fitted(grey, *size, ink)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def _idx(path: Path) -> np.ndarray:
    try:
        return parse_idx(raw_content(path))
    except ValueError as error:
        raise ValueError(
            f"{path} is not a sound idx file: {error}. Images are read from pictures "
            f"({', '.join(ENDINGS)}), .npy, .npz, and idx files (other endings)"
        ) from error


def _array_of(path: Path, pixels: Mapping, other_data: bool, classes: bool) -> np.ndarray:
    """The images of a NumPy file."""
    arrays = arrays_of(path)
    if "pixels" in arrays and "description" in arrays:
        of_study = load_pixels(path)
        kept = {key: of_study.description[key] for key in KINSHIP}
        same_pixels(dict(pixels), kept, "the model", other_data)
        if classes:
            same_classes(pixels, of_study.description, "the model")
        return of_study.pixels
    named = [name for name in NAMES if name in arrays] or list(arrays)
    if len(named) != 1:
        raise ValueError(
            f"{path} holds {', '.join(arrays) or 'no array'}; name the array of images 'images'"
        )
    return arrays[named[0]]
