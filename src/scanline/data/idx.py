"""The idx format, in which MNIST and similar data sets are published, read strictly.

A file is a header (two zero bytes, a type code, the number of dimensions, each dimension as a
big-endian 32-bit integer) and the values in row-major order. Only unsigned bytes (code 8) occur
here: images [N, rows, columns] and labels [N].
"""

import math
import struct
from pathlib import Path

import numpy as np

UNSIGNED_BYTE = 0x08
OTHER_TYPES = {0x09: "int8", 0x0B: "int16", 0x0C: "int32", 0x0D: "float32", 0x0E: "float64"}
HOLDS = {1: "labels", 3: "images"}


def read_idx(path: Path, dimensions: int) -> np.ndarray:
    """The uint8 array of an uncompressed idx file of so many ``dimensions`` (1 labels, 3 images).

    Raises ValueError, naming the file, unless header and length are exactly right.
    """
    try:
        array = parse_idx(path.read_bytes())
    except ValueError as error:
        raise ValueError(f"{path} is not a sound idx file: {error}") from error
    if array.ndim != dimensions:
        raise ValueError(
            f"{path} holds an array of {_dimensions(array.ndim)}; "
            f"expected {_dimensions(dimensions)}. Are the images and labels files swapped?"
        )
    return array


def parse_idx(content: bytes) -> np.ndarray:
    """The uint8 array that an idx file's ``content`` describes; ValueError where it is unsound."""
    if content[:2] == b"\x1f\x8b":
        raise ValueError("it is gzip-compressed; unzip it, or pass its folder to src/fetch.py")
    if len(content) < 4:
        raise ValueError(f"it has {len(content)} bytes, too few for a header; it is truncated")
    if content[:2] != b"\0\0":
        raise ValueError(f"it starts with {content[:4]!r}, not with two zero bytes")
    code, dimensions = content[2], content[3]
    if code != UNSIGNED_BYTE:
        found = OTHER_TYPES.get(code, "unknown")
        raise ValueError(f"its type code is {code:#04x} ({found}); only 0x08 (uint8) is read here")
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
    wanted, held = start + math.prod(shape), len(content)
    if held != wanted:
        fault = "it is truncated" if held < wanted else f"{held - wanted} bytes too many"
        raise ValueError(
            f"its header says {_shape(shape)}, {wanted} bytes in all, "
            f"and the file has {held}; {fault}"
        )
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape)


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


def _dimensions(count: int) -> str:
    plural = "" if count == 1 else "s"
    return f"{count} dimension{plural}" + (f" ({HOLDS[count]})" if count in HOLDS else "")


def _shape(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape))
