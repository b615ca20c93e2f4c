"""Images from your own files: pictures, .npy, .npz, or idx (also as .gz)."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np

from scanline.data.binarise import made_alike
from scanline.data.content import arrays_of, raw_content
from scanline.data.fitting import Ink, fitted
from scanline.data.given import as_pixels
from scanline.data.idx import parse_idx
from scanline.data.picture import ENDINGS, read_grey
from scanline.data.pixels import load_pixels, same_classes, same_pixels
from scanline.data.values import check_not_blank, full_scale, grey_levels

NAMES = ("images", "pixels")  # which array of several is read


class Read(NamedTuple):
    """The images of a file."""

    pixels: np.ndarray  # uint8 [N, T] in {0, 1}, of a grey model 0 to 255
    fitted: bool  # whether they are one photo or drawing, which was cropped, scaled and centred


def read_pixels(
    path: Path,
    pixels: Mapping,
    ink: Ink = "auto",
    other_data: bool = False,
    classes: bool = False,
) -> Read:
    """The images of a file for a model of such ``pixels``.

    A picture of the model's size is taken as it is, another one for a photo or drawing of one
    figure (``data.fitting``). What values mean is told by all of a file (``data.values``); ink is
    light unless it is said to be dark, and in a photo or drawing auto finds out. Raises ValueError,
    naming the file, where it is unsound, of another size, without ink or all ink, or says that its
    pixels are of another kind than the model's (see ``same_pixels``) or, where ``classes`` count,
    of other classes.
    """
    is_picture = path.suffix.lower() in ENDINGS
    try:
        images = (
            read_grey(path) if is_picture else _array_of(path, pixels, ink, other_data, classes)
        )
        if is_picture and images.shape != (pixels["rows"], pixels["columns"]):
            return Read(_figure_of(images, pixels, ink), True)
        read = as_pixels(images, pixels, ink="dark" if ink == "dark" else "light")
        check_not_blank(read, float(images.max()), "the images")
        return Read(np.atleast_2d(read), False)
    except ValueError as error:
        told = str(error)
        raise ValueError(told if str(path) in told else f"{path}: {told}") from error


def _figure_of(grey: np.ndarray, pixels: Mapping, ink: Ink) -> np.ndarray:
    """The figure of a photo or drawing of any scale: [1, T]."""
    whole = grey_levels(grey, full_scale([grey]))
    figure = fitted(whole, pixels["rows"], pixels["columns"], ink).reshape(1, -1)
    made = made_alike(pixels, figure)
    check_not_blank(made, float(grey.max()), "the figure")
    return made


def _array_of(path: Path, pixels: Mapping, ink: Ink, other_data: bool, classes: bool) -> np.ndarray:
    """The images of a file that is no picture."""
    if path.suffix not in (".npy", ".npz"):
        return _idx(path)
    arrays = arrays_of(path)
    if "pixels" in arrays and "description" in arrays:
        of_study = load_pixels(path)
        same_pixels(dict(pixels), of_study.description, "the model", other_data)
        if classes:
            same_classes(pixels, of_study.description, "the model")
        if ink == "dark":
            raise ValueError("these are a study's pixels, in which ink is 1; leave ink out")
        return of_study.pixels
    named = [name for name in NAMES if name in arrays] or list(arrays)
    if len(named) != 1:
        raise ValueError(
            f"{path} holds {', '.join(arrays) or 'no array'}; name the array of images 'images'"
        )
    return arrays[named[0]]


def _idx(path: Path) -> np.ndarray:
    try:
        return parse_idx(raw_content(path))
    except ValueError as error:
        raise ValueError(
            f"{path} is not a sound idx file: {error}. Images are read from pictures "
            f"({', '.join(ENDINGS)}), .npy, .npz, and idx files (other endings)"
        ) from error
