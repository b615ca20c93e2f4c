"""A person's own images and holes, from PNG files."""

import warnings
from pathlib import Path

import numpy as np
from PIL import Image


def read_intensities(path: Path, rows: int, columns: int) -> np.ndarray:
    """The grey values of a PNG of ``rows`` x ``columns`` pixels: uint8 [rows, columns], white 255.

    Values of 1, 2, 4 and 16 bits are scaled to 0..255. Raises ValueError, naming the file, where it
    is no such PNG, in colour or partly transparent.
    """
    try:
        # Its size is told by the header, and refused before any pixel is unpacked.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            opened = Image.open(path, formats=["PNG"])
        with opened as image:
            size = image.height, image.width
            colours = _colours(image) if size == (rows, columns) else None
            # A transparent grey, by its number, which Pillow misses in files of 2 and 4 bits.
            see_through = isinstance(image.info.get("transparency"), int)
    except FileNotFoundError:
        raise
    except Exception as error:  # Pillow raises many kinds for a damaged file
        reason = " ".join(str(error).split())[:200]
        raise ValueError(f"{path} is not a readable PNG image ({reason})") from error
    if colours is None:
        raise ValueError(
            f"{path} is {size[0]} x {size[1]} pixels; the model's images are "
            f"{rows} x {columns}: crop or scale it to that"
        )
    if see_through or (colours[:, :, 3] < 255).any():
        raise ValueError(f"{path} is transparent in places; save it without transparency")
    if (colours[:, :, :3] != colours[:, :, :1]).any():
        raise ValueError(f"{path} is in colour; allowed: grey, or black and white")
    return colours[:, :, 0]


def read_mask(path: Path, rows: int, columns: int) -> np.ndarray:
    """Which pixels of a black and white PNG are white: bool [rows, columns].

    Raises ValueError, naming the file, where it has other colours.
    """
    values = read_intensities(path, rows, columns)
    grey = values[(values > 0) & (values < 255)]
    if grey.size:
        raise ValueError(
            f"{path} has a pixel of grey {grey[0]}; allowed: white (255, hidden), black (0)"
        )
    return values > 0


def _colours(image: Image.Image) -> np.ndarray:
    """Red, green, blue and opacity of each pixel, uint8 [rows, columns, 4]."""
    if image.mode.startswith("I"):  # 16 bits of grey, which Pillow would clip, not scale
        image = Image.fromarray(np.rint(np.asarray(image) / 257).astype(np.uint8))
    return np.asarray(image.convert("RGBA"))
