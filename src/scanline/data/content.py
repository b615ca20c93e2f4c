"""The content of a file that a person brought or a place gave, uncompressed."""

import gzip
import zlib
from pathlib import Path

import numpy as np

from scanline.data.sources import LARGEST

GZIP = b"\x1f\x8b"


def raw_content(path: Path) -> bytes:
    """A file's content, uncompressed where it is gzip; ValueError where it cannot be data."""
    with open(path, "rb") as file:
        head = file.read(64)
    if head.lstrip().startswith(b"<"):
        raise ValueError(
            f"{path.name} is an HTML or XML page, not data: it starts with {head[:15]!r}"
        )
    if head[:2] != GZIP:
        if path.suffix == ".gz":
            raise ValueError(f"{path.name} is not gzip data: it starts with {head[:15]!r}")
        if path.stat().st_size > LARGEST:
            raise ValueError(f"{path.name} holds more than {LARGEST:,} bytes")
        return path.read_bytes()
    try:
        with gzip.open(path) as file:
            content = file.read(LARGEST + 1)
    except EOFError as error:
        size = path.stat().st_size
        raise ValueError(f"{path.name} is gzip data cut short ({size:,} bytes)") from error
    except (gzip.BadGzipFile, zlib.error) as error:
        raise ValueError(f"{path.name} is damaged gzip data ({error})") from error
    if len(content) > LARGEST:
        raise ValueError(f"{path.name} holds more than {LARGEST:,} bytes")
    return content


def arrays_of(path: Path) -> dict[str, np.ndarray]:
    """The arrays of a NumPy file by name, that of an .npy file as "images".

    Nothing in it is executed. Raises ValueError, naming the file, where it is damaged.
    """
    try:
        with open(path, "rb") as file:
            held = np.load(file, allow_pickle=False)
            return {"images": held} if isinstance(held, np.ndarray) else dict(held)
    except FileNotFoundError:
        raise
    except Exception as error:  # NumPy and zipfile raise many kinds for a damaged file
        raise ValueError(f"{path} is not a readable NumPy file of arrays ({error})") from error


def first_bytes(path: Path, count: int) -> bytes:
    """The first bytes of ``raw_content``, without reading the rest."""
    with open(path, "rb") as file:
        packed = file.read(2) == GZIP
    with gzip.open(path) if packed else open(path, "rb") as file:
        return file.read(count)
