"""A person's own images and holes, from PNG files."""

from pathlib import Path

import numpy as np
from matplotlib.image import imread


def read_intensities(path: Path, rows: int, columns: int) -> np.ndarray:
    """The grey values of a PNG of ``rows`` x ``columns`` pixels: uint8 [rows, columns], white 255.

    Raises ValueError, naming the file, where it is no such PNG, in colour or partly transparent.
    """
    try:
        with open(path, "rb") as file:
            values = np.asarray(imread(file, format="png"), np.float64)
    except FileNotFoundError:
        raise
    except Exception as error:  # Pillow raises many kinds for a damaged file
        reason = " ".join(str(error).split())[:200]
        raise ValueError(f"{path} is not a readable PNG image ({reason})") from error
    if values.shape[:2] != (rows, columns):
        raise ValueError(
            f"{path} is {values.shape[0]} x {values.shape[1]} pixels; the model's images are "
            f"{rows} x {columns}: crop or scale it to that"
        )
    if values.ndim == 3:  # red, green, blue, and opacity where there is some
        if (values[:, :, 3:] < 1).any():
            raise ValueError(f"{path} is transparent in places; save it without transparency")
        if (values[:, :, :3] != values[:, :, :1]).any():
            raise ValueError(f"{path} is in colour; allowed: grey, or black and white")
        values = values[:, :, 0]
    return np.rint(values * 255).astype(np.uint8)


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
