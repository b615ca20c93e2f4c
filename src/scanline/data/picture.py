"""Pictures of any kind that Pillow reads, as grey values: white paper 255, black 0."""

import warnings
from pathlib import Path
from typing import IO

import numpy as np
from PIL import Image

ENDINGS = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".pgm")
LARGEST = 50_000_000  # pixels


def read_grey(source: Path | IO[bytes]) -> np.ndarray:
    """The grey values of a picture: uint8 [rows, columns], full white 255.

    Palettes, colours and 1 to 16 bits are read alike; what is transparent shows white paper. Raises
    ValueError, naming the file, where Pillow cannot read it or it is larger than 50 megapixels.
    """
    name = source if isinstance(source, Path) else "the picture"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            opened = Image.open(source)
        with opened as image:
            # Its size is told by the header, and refused before any pixel is unpacked.
            if image.width * image.height > LARGEST:
                size = f"{image.height:,} x {image.width:,}"
                raise ValueError(f"{size} pixels are more than {LARGEST:,}; scale it down")
            return _grey(image)
    except FileNotFoundError:
        raise
    except Exception as error:  # Pillow raises many kinds for a damaged file
        reason = " ".join(str(error).split())[:200]
        raise ValueError(f"{name} is not a readable picture ({reason})") from error


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
    grey = values[(values > 0) & (values < 255)]
    if grey.size:
        raise ValueError(
            f"{path} has a pixel of grey {grey[0]}; allowed: white (255, hidden), black (0)"
        )
    return values > 0


def _grey(image: Image.Image) -> np.ndarray:
    if image.mode.startswith("I"):  # 16 bits of grey, which Pillow would clip, not scale
        return np.rint(np.asarray(image) / 257).astype(np.uint8)
    if image.mode in ("1", "L") and "transparency" not in image.info:
        return np.asarray(image.convert("L"))
    paper = Image.new("RGBA", image.size, "white")
    return np.asarray(Image.alpha_composite(paper, image.convert("RGBA")).convert("L"))
