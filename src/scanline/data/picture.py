"""Pictures of any kind that Pillow reads, as grey values: paper bright, black 0."""

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import IO

import numpy as np
from PIL import Image, ImageOps

from scanline.data.values import full_scale

ENDINGS = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".pgm")
LARGEST = 50_000_000  # pixels


def read_grey(source: Path | IO[bytes], name: str | None = None) -> np.ndarray:
    """The grey values of a picture, upright: [rows, columns].

    Palettes, colours and 1 to 8 bits are read alike, as uint8 with full white 255; what is
    transparent shows white paper. Grey of 16 bits (uint16) and 32 (int32 or float32) has the values
    that are stored, as their scale is not told by the file (``data.values``). A photo is turned as
    its camera says. Raises ValueError, with the file or its ``name``, where Pillow cannot read it
    or it is larger than 50 megapixels.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            opened = Image.open(source)
        with opened as image:
            # Its size is told by the header, and refused before any pixel is unpacked.
            if image.width * image.height > LARGEST:
                size = f"{image.height:,} x {image.width:,}"
                raise ValueError(f"{size} pixels are more than {LARGEST:,}; scale it down")
            return _grey(ImageOps.exif_transpose(image))
    except FileNotFoundError:
        raise
    except Exception as error:  # Pillow raises many kinds for a damaged file
        reason = " ".join(str(error).replace(repr(source), "").split())[:200]
        raise ValueError(f"{name or source} is not a readable picture ({reason})") from error


def read_mask(path: Path, rows: int, columns: int) -> np.ndarray:
    """Which pixels of a black and white picture are white: bool [rows, columns].

    Raises ValueError, naming the file, where it has another size or other colours.
    """
    values = read_grey(path)
    if values.shape != (rows, columns):
        raise ValueError(
            f"{path} is {values.shape[0]} x {values.shape[1]} pixels; the model's images are "
            f"{rows} x {columns}: crop or scale it to that"
        )
    full = full_scale([values], what=str(path))
    grey = values[(values > 0) & (values < full)]
    if grey.size:
        raise ValueError(
            f"{path} has a pixel of grey {grey[0]}; allowed: white ({full:g}, hidden), black (0)"
        )
    return values > 0


def of_one_depth(pictures: Sequence[np.ndarray], names: Sequence[str]) -> list[np.ndarray]:
    """The pictures by one scale: those of 8 bits among others of 16 become of 16, too.

    Many tools store each picture with as few bits as it needs. Raises ValueError, which names two,
    where some have 32 bits and others not.
    """
    depths = {picture.dtype: name for picture, name in zip(pictures, names, strict=True)}
    if set(depths) == {np.dtype(np.uint8), np.dtype(np.uint16)}:
        return [
            each if each.dtype == np.uint16 else each.astype(np.uint16) * np.uint16(257)
            for each in pictures
        ]
    if len(depths) > 1:
        (one, first), (other, second), *_ = depths.items()
        raise ValueError(
            f"{first} has values of {one} and {second} of {other}; store all pictures alike"
        )
    return list(pictures)


def _grey(image: Image.Image) -> np.ndarray:
    if image.mode.startswith(("I", "F")):  # which Pillow would clip to 8 bits, not scale
        values = np.asarray(image)
        return values.astype(values.dtype.newbyteorder("="))
    if image.mode in ("1", "L") and "transparency" not in image.info:
        return np.asarray(image.convert("L"))
    paper = Image.new("RGBA", image.size, "white")
    return np.asarray(Image.alpha_composite(paper, image.convert("RGBA")).convert("L"))
