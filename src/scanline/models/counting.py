"""How large a .keras file's model is, counted without TensorFlow."""

import io
import math
import zipfile
from pathlib import Path

import h5py


def n_parameters_in(path: Path) -> int:
    """How many numbers of the model are trained; as ``loading.n_parameters`` of it, loaded."""
    with zipfile.ZipFile(path) as file:
        weights = file.read("model.weights.h5")
    counts: list[int] = []

    def count(name: str, item: h5py.Group | h5py.Dataset) -> None:
        # Of batch norm's four arrays, the last two are running averages.
        averages = "/batch_normalization" in name and name.endswith(("/2", "/3"))
        if isinstance(item, h5py.Dataset) and not averages:
            counts.append(math.prod(item.shape))

    with h5py.File(io.BytesIO(weights), "r") as opened:
        opened.visititems(count)
    return sum(counts)
