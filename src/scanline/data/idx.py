"""The idx format, in which MNIST and similar data sets are published, read strictly.

A file is a header (two zero bytes, a type code, the number of dimensions, each dimension as a
big-endian 32-bit integer) and the values in row-major order, big-endian. It may be compressed by
gzip.
"""

import math
import struct
from pathlib import Path

import numpy as np

from scanline.data.content import first_bytes, raw_content

TYPES: dict[int, np.dtype] = {
    0x08: np.dtype(np.uint8),
    0x09: np.dtype(np.int8),
    0x0B: np.dtype(">i2"),
    0x0C: np.dtype(">i4"),
    0x0D: np.dtype(">f4"),
    0x0E: np.dtype(">f8"),
}
UNSIGNED_BYTE = 0x08
HOLDS = {1: "labels", 2: "labels in columns", 3: "images"}


def read_images(path: Path) -> np.ndarray:
    """The images [N, rows, columns] of an idx file; ValueError, naming it, where it is unsound."""
    array = _read(path)
    if array.ndim != 3:
        raise _swapped(path, array, "3 dimensions (images)")
    return array


def read_labels(path: Path) -> np.ndarray:
    """The labels [N] of an idx file, or the first column of [N, K], as QMNIST has them."""
    array = _read(path)
    if array.ndim not in (1, 2):
        raise _swapped(path, array, "1 dimension (labels)")
    return array if array.ndim == 1 else array[:, 0]


def read_shape(path: Path) -> tuple[int, ...]:
    """The dimensions that a file's header names; ValueError, naming it, where it has none."""
    try:
        return _header(first_bytes(path, 4 + 4 * 255))[1]
    except ValueError as error:
        raise ValueError(f"{path} is not a sound idx file: {error}") from error


def parse_idx(content: bytes) -> np.ndarray:
    """The array that an idx file's ``content`` describes; ValueError where it is unsound."""
    kind, shape, start = _header(content)
    wanted, held = start + math.prod(shape) * kind.itemsize, len(content)
    if held != wanted:
        fault = "it is truncated" if held < wanted else f"{held - wanted} bytes too many"
        raise ValueError(
            f"its header says {_shape(shape)}, {wanted} bytes in all, "
            f"and the file has {held}; {fault}"
        )
    array = np.frombuffer(content, kind, offset=start).reshape(shape)
    return array.astype(kind.newbyteorder("="), copy=False)


def write_idx(path: Path, array: np.ndarray) -> None:
    """Writes a non-empty uint8 ``array`` as an idx file, for example your own images.

    Raises ValueError for another type, and for an array that a reader would refuse.
    """
    if array.dtype != np.uint8:
        raise ValueError(f"array has type {array.dtype}; an idx file here holds uint8, 0 to 255")
    if array.ndim == 0 or array.size == 0:
        raise ValueError(f"array has shape {array.shape}; an idx file needs at least one value")
    header = struct.pack(f">2xBB{array.ndim}I", UNSIGNED_BYTE, array.ndim, *array.shape)
    path.write_bytes(header + np.ascontiguousarray(array).tobytes())


def _read(path: Path) -> np.ndarray:
    try:
        return parse_idx(raw_content(path))
    except ValueError as error:
        raise ValueError(f"{path} is not a sound idx file: {error}") from error


def _header(content: bytes) -> tuple[np.dtype, tuple[int, ...], int]:
    """The values' type, the dimensions, and where the values begin."""
    if len(content) < 4:
        raise ValueError(f"it has {len(content)} bytes, too few for a header; it is truncated")
    if content[:2] != b"\0\0":
        raise ValueError(f"it starts with {content[:4]!r}, not with two zero bytes")
    code, dimensions = content[2], content[3]
    if code not in TYPES:
        allowed = ", ".join(f"{known:#04x} ({kind.name})" for known, kind in TYPES.items())
        raise ValueError(f"its type code is {code:#04x}; allowed: {allowed}")
    if dimensions == 0:
        raise ValueError("its header names no dimensions")
    start = 4 + 4 * dimensions
    if len(content) < start:
        raise ValueError(
            f"its header needs {start} bytes and the file has {len(content)}; it is truncated"
        )
    shape = struct.unpack(f">{dimensions}I", content[4:start])
    if 0 in shape:
        raise ValueError(f"its header says {_shape(shape)}, so it is empty")
    return TYPES[code], shape, start


def _swapped(path: Path, array: np.ndarray, expected: str) -> ValueError:
    return ValueError(
        f"{path} holds an array of {_dimensions(array.ndim)}; expected {expected}. "
        f"Are the images and labels files swapped?"
    )


def _dimensions(count: int) -> str:
    plural = "" if count == 1 else "s"
    return f"{count} dimension{plural}" + (f" ({HOLDS[count]})" if count in HOLDS else "")


def _shape(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape))
