"""Images as rows of a table, or as arrays: .npz, .amat and .csv, Parquet.

.npz files have the keys of Keras' data sets (x_train, y_train, …) or of MedMNIST's (train_images,
train_labels, …). A line of an .amat or .csv file has the values of a square image, and may end in
its label. Parquet files have a column of encoded images, as dataset hubs ship them, and may have
one of labels.
"""

import io
import math
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from scanline.data.content import arrays_of, first_bytes, raw_content
from scanline.data.picture import of_one_depth, read_grey
from scanline.data.raw import (
    TEST,
    TRAINING,
    VALIDATION,
    Format,
    Found,
    Part,
    Raw,
    Shape,
    by_split,
    of_parts,
    split_of,
)

NPZ_KEYS = (  # images and labels of each split
    {TRAINING: ("x_train", "y_train"), VALIDATION: ("x_val", "y_val"), TEST: ("x_test", "y_test")},
    {
        TRAINING: ("train_images", "train_labels"),
        VALIDATION: ("val_images", "val_labels"),
        TEST: ("test_images", "test_labels"),
    },
)
IMAGE_COLUMNS, LABEL_COLUMNS = ("image", "img"), ("label", "labels", "character", "fine_label")


def find_npz(paths: Sequence[Path]) -> Found | None:
    files = [path for path in paths if path.suffix == ".npz"]
    if len(files) != 1:
        return None
    return Found((files[0],), lambda: _read_npz(files[0]), lambda: _npz_shape(files[0]))


def _read_npz(path: Path) -> Raw:
    held, parts = arrays_of(path), {}
    for split, (images, labels) in _keys_of(path, held).items():
        if images in held:
            array = held[images]
            if array.ndim == 4 and array.shape[3] == 1:
                array = array[..., 0]
            if array.ndim != 3:
                raise ValueError(
                    f"{path}: {images} has shape {array.shape}; allowed: [N, rows, columns]"
                )
            parts[split] = Part(array, _labels(path, labels, held.get(labels), len(array)))
    return of_parts(parts)


def _keys_of(path: Path, held) -> dict[str, tuple[str, str]]:
    for keys in NPZ_KEYS:
        if keys[TRAINING][0] in held:
            return keys
    wanted = " or ".join(keys[TRAINING][0] for keys in NPZ_KEYS)
    raise ValueError(f"{path} holds {', '.join(held) or 'no array'}; wanted is {wanted}")


def _npz_shape(path: Path) -> Shape:
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
    (count, rows, columns, *_), test = shapes[keys[TRAINING][0]], shapes.get(keys[TEST][0])
    labelled = all(labels in shapes for images, labels in keys.values() if images in shapes)
    return Shape(rows, columns, labelled, count, test[0] if test else None)


def _labels(path: Path, name: str, labels: np.ndarray | None, count: int) -> np.ndarray | None:
    if labels is None:
        return None
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.shape != (count,) or not np.equal(np.mod(labels, 1), 0).all():
        raise ValueError(
            f"{path}: {name} has shape {labels.shape} and type {labels.dtype}; allowed is one "
            f"whole number for each of {count} images"
        )
    return labels.astype(np.int64)


def find_text(paths: Sequence[Path]) -> Found | None:
    endings = (".amat", ".csv", ".amat.gz", ".csv.gz")
    files = [path for path in paths if path.name.endswith(endings)]
    if not files:
        return None
    splits = by_split(files, "tables")
    return Found(
        tuple(splits.values()),
        lambda: of_parts({split: _read_text(path) for split, path in splits.items()}),
        lambda: _text_shape(splits[TRAINING]),
    )


def _read_text(path: Path) -> Part:
    content = raw_content(path)
    try:
        table = pd.read_csv(
            io.BytesIO(content), sep=_separator(path), header=None, skipinitialspace=True
        ).dropna(axis=1, how="all")
        values = table.to_numpy(np.float32)
    except (ValueError, pd.errors.ParserError) as error:
        raise ValueError(f"{path} is no table of numbers ({error})") from error
    side, labelled = _side(path, values.shape[1])
    images = values[:, : side**2].reshape(-1, side, side)
    if (images == np.rint(images)).all() and images.min() >= 0 and images.max() <= 255:
        images = images.astype(np.uint8)
    return Part(images, values[:, -1].astype(np.int64) if labelled else None)


def _separator(path: Path) -> str:
    line = first_bytes(path, 1 << 16).split(b"\n")[0]
    return "," if b"," in line else r"\s+"


def _side(path: Path, columns: int) -> tuple[int, bool]:
    """The side of the square image in a line of so many numbers, and whether a label follows."""
    for labelled in (False, True):
        side = math.isqrt(columns - labelled)
        if side > 1 and side**2 == columns - labelled:
            return side, labelled
    raise ValueError(
        f"{path} has {columns} numbers in a line; allowed are those of a square image, and its "
        f"label. Bring other images as .npz"
    )


def _text_shape(path: Path) -> Shape:
    line = first_bytes(path, 1 << 20).split(b"\n")[0].decode(errors="replace")
    separator = _separator(path)
    side, labelled = _side(path, len(line.strip().split("," if separator == "," else None)))
    return Shape(side, side, labelled)


def find_parquet(paths: Sequence[Path]) -> Found | None:
    files = sorted(path for path in paths if path.suffix == ".parquet")
    if not files:
        folders = [path for path in paths if path.is_dir()]
        files = sorted(path for folder in folders for path in folder.glob("*.parquet"))
    if not files:
        return None
    return Found(tuple(files), lambda: _read_parquet(files), lambda: _parquet_shape(files))


def _read_parquet(files: Sequence[Path]) -> Raw:
    import pyarrow.parquet

    splits: list[str] = []
    pictures: list[np.ndarray] = []
    labels: dict[str, list] = {}
    for path in files:
        table = pyarrow.parquet.read_table(path)
        split = split_of(path.name) or TRAINING
        image, label = _columns(path, table.column_names)
        pictures.extend(map(_decoded, table[image].to_pylist()))
        splits.extend([split] * table.num_rows)
        if label:
            labels.setdefault(split, []).extend(table[label].to_pylist())
    alike = of_one_depth(pictures, [f"image {i + 1}" for i in range(len(pictures))])
    images: dict[str, list] = {}
    for split, picture in zip(splits, alike, strict=True):
        images.setdefault(split, []).append(picture)
    return of_parts(
        {
            split: Part(np.stack(each), np.array(labels[split]) if split in labels else None)
            for split, each in images.items()
        }
    )


def _parquet_shape(files: Sequence[Path]) -> Shape:
    import pyarrow.parquet

    counts: dict[str, int] = {}
    for path in files:
        rows = pyarrow.parquet.read_metadata(path).num_rows
        split = split_of(path.name) or TRAINING
        counts[split] = counts.get(split, 0) + rows
    first = pyarrow.parquet.ParquetFile(files[0])
    image, label = _columns(files[0], first.schema_arrow.names)
    batch = next(first.iter_batches(batch_size=1, columns=[image]))
    rows, columns = _decoded(batch.column(0)[0].as_py()).shape
    return Shape(rows, columns, label is not None, counts.get(TRAINING), counts.get(TEST))


def _columns(path: Path, names: Sequence[str]) -> tuple[str, str | None]:
    image = next((name for name in names if name in IMAGE_COLUMNS), None)
    if image is None:
        wanted = " or ".join(IMAGE_COLUMNS)
        raise ValueError(f"{path} has the columns {', '.join(names)}; wanted is {wanted}")
    return image, next((name for name in names if name in LABEL_COLUMNS), None)


def _decoded(image) -> np.ndarray:
    """A picture that is stored as its file's bytes, alone or with its path."""
    return read_grey(io.BytesIO(image["bytes"] if isinstance(image, dict) else image))


NPZ = Format("an .npz file of x_train, y_train, … or train_images, train_labels, …", find_npz)
TEXT = Format("tables of numbers (.amat, .csv), one image a line", find_text)
PARQUET = Format("Parquet files with a column image", find_parquet)
