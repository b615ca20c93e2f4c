"""How large a stranger's .keras file may be, told from its headers before memory is taken."""

import io
import json
import math
import zipfile
from pathlib import Path

import h5py

LARGEST = 1 << 28  # bytes, of all parts and of all weights: a hundred times this study's largest
NUMBERS = {"units": 4096, "layers": 64, "radius": 64, "rows": 1024, "columns": 1024}
NUMBERS |= {"predictor_units": 4096, "meeting_units": 4096, "row_units": 1024, "features": 64}
NUMBERS |= {"readout_units": 4096}


def check_size(path: Path) -> None:
    """Raises ValueError where a .keras file would take more memory than a model of this study."""
    with zipfile.ZipFile(path) as file:
        size = sum(info.file_size for info in file.infolist())
        if size > LARGEST:
            raise ValueError(f"it unpacks to {size:,} bytes; allowed: {LARGEST:,}")
        described = json.loads(file.read("config.json"))
        _check_numbers(described, "")
        config = described["config"]
        if isinstance(config.get("units"), int):
            size = 16 * config["units"] ** 2 * config.get("layers", 1)  # four gates of four bytes
            if size > LARGEST:
                raise ValueError(f"its description needs {size:,} bytes; allowed: {LARGEST:,}")
        with h5py.File(io.BytesIO(file.read("model.weights.h5")), "r") as weights:
            size = _bytes_of(weights)
    if size > LARGEST:
        raise ValueError(f"its weights are {size:,} bytes; allowed: {LARGEST:,}")


def _check_numbers(value: object, key: str) -> None:
    if isinstance(value, dict):
        for name, item in value.items():
            _check_numbers(item, name)
    elif isinstance(value, list):
        for item in value:
            _check_numbers(item, key)
    elif isinstance(value, int | float) and key in NUMBERS and not 0 <= value <= NUMBERS[key]:
        raise ValueError(f"{key} is {value:,}; allowed: 0 to {NUMBERS[key]:,}")


def _bytes_of(group: h5py.Group) -> int:
    """The bytes of all arrays below, as their headers say; ValueError where there is a link."""
    size = 0
    for name in group:
        if isinstance(group.get(name, getlink=True), h5py.ExternalLink | h5py.SoftLink):
            raise ValueError(f"its weights have the link {name!r}")
        item = group[name]
        if isinstance(item, h5py.Group):
            size += _bytes_of(item)
        else:
            size += math.prod(item.shape) * item.dtype.itemsize
    return size
