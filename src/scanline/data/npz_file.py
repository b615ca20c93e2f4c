"""Images as the arrays of an .npz file.

Their keys are those of Keras' data sets (x_train, y_train, …) or of MedMNIST's (train_images,
train_labels, …).
"""

import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from scanline.data.content import arrays_of
from scanline.data.raw import (
    TEST,
    TRAINING,
    VALIDATION,
    Format,
    Found,
    Part,
    Raw,
    Shape,
    of_parts,
    whole_labels,
)

KEYS = (  # images and labels of each split
    {TRAINING: ("x_train", "y_train"), VALIDATION: ("x_val", "y_val"), TEST: ("x_test", "y_test")},
    {
        TRAINING: ("train_images", "train_labels"),
        VALIDATION: ("val_images", "val_labels"),
        TEST: ("test_images", "test_labels"),
    },
)


def find(paths: Sequence[Path]) -> Found | None:
    """The one .npz file among ``paths``; None where there is none, ValueError where several are."""
    files = [path for path in paths if path.suffix == ".npz"]
    if not files:
        return None
    if files[1:]:
        raise ValueError(
            f"{files[0]} and {files[1]} are both .npz files; name one of them as source"
        )
    return Found((files[0],), lambda: _read(files[0]), lambda: _shape(files[0]))


def _read(path: Path) -> Raw:
    held, parts = arrays_of(path), {}
    for split, (images, labels) in _keys_of(path, held).items():
        if images in held:
            array = held[images].reshape(_size(path, images, held[images].shape))
            parts[split] = Part(array, _labels(path, labels, held.get(labels), len(array)))
    return of_parts(parts)


def _size(path: Path, name: str, shape: tuple[int, ...]) -> tuple[int, ...]:
    """Images, rows and columns of an array of that ``shape``; a single channel is no dimension."""
    size = shape[:3] if shape[3:] == (1,) else shape
    if len(size) != 3 or 0 in size:
        raise ValueError(f"{path}: {name} has shape {shape}; allowed: [N, rows, columns]")
    return size


def _labels(path: Path, name: str, labels: np.ndarray | None, count: int) -> np.ndarray | None:
    if labels is None:
        return None
    column = labels[:, 0] if labels.ndim == 2 and labels.shape[1] == 1 else labels
    return whole_labels(column, count, f"{path}: the labels {name}")


def _keys_of(path: Path, held) -> dict[str, tuple[str, str]]:
    for keys in KEYS:
        if keys[TRAINING][0] in held:
            return keys
    wanted = " or ".join(keys[TRAINING][0] for keys in KEYS)
    raise ValueError(f"{path} holds {', '.join(held) or 'no array'}; wanted is {wanted}")


def _shape(path: Path) -> Shape:
    """From the headers of the arrays."""
    try:
        with zipfile.ZipFile(path) as archive:
            shapes = {}
            for name in archive.namelist():
                with archive.open(name) as file:
                    version = np.lib.format.read_magic(file)
                    header = getattr(np.lib.format, f"read_array_header_{version[0]}_0")(file)
                    shapes[name.removesuffix(".npy")] = header[0]
    except Exception as error:
        raise ValueError(f"{path} is not a readable NumPy file of arrays ({error})") from error
    keys = _keys_of(path, shapes)
    there = {split: names for split, names in keys.items() if names[0] in shapes}
    sizes = {split: _size(path, name, shapes[name]) for split, (name, _) in there.items()}
    count, rows, columns = sizes[TRAINING]
    labelled = all(labels in shapes for _, labels in there.values())
    return Shape(rows, columns, labelled, count, sizes[TEST][0] if TEST in sizes else None)


NPZ = Format("an .npz file of x_train, y_train, … or train_images, train_labels, …", find)
