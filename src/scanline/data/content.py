"""The content of a file that a person brought or a place gave, uncompressed."""

import gzip
import zlib
from pathlib import Path

import numpy as np

from scanline.data.sources import LARGEST

GZIP = b"\x1f\x8b"


def raw_content(path: Path) -> bytes:
    """A file's content, uncompressed where it is gzip; ValueError where it cannot be data."""
    packed = _is_gzip(path)
    content = _unpacked(path, LARGEST + 1) if packed else b""
    if len(content) > LARGEST or path.stat().st_size > LARGEST:
        raise ValueError(f"{path.name} holds more than {LARGEST:,} bytes")
    return content if packed else path.read_bytes()


def first_bytes(path: Path, count: int) -> bytes:
    """The first bytes of ``raw_content``, without reading the rest; ValueError as there."""
    if _is_gzip(path):
        return _unpacked(path, count)
    with open(path, "rb") as file:
        return file.read(count)


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


def _is_gzip(path: Path) -> bool:
    with open(path, "rb") as file:
        head = file.read(64)
    if head.lstrip().startswith(b"<"):
        raise ValueError(
            f"{path.name} is an HTML or XML page, not data: it starts with {head[:15]!r}"
        )
    if head[:2] != GZIP and path.suffix == ".gz":
        raise ValueError(f"{path.name} is not gzip data: it starts with {head[:15]!r}")
    return head[:2] == GZIP


def _unpacked(path: Path, count: int) -> bytes:
    """The first bytes that a gzip file's content has."""
    try:
        with gzip.open(path) as file:
            return file.read(count)
    except EOFError as error:
        size = path.stat().st_size
        raise ValueError(f"{path.name} is gzip data cut short ({size:,} bytes)") from error
    except (gzip.BadGzipFile, zlib.error) as error:
        raise ValueError(f"{path.name} is damaged gzip data ({error})") from error
