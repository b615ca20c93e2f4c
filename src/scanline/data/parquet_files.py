"""Parquet files, as dataset hubs ship them: a column of encoded images, and one of labels.

A split may lie in several files, ``train-00000-of-00003.parquet`` and so on. Labels are numbers, or
names, of which the classes are in alphabetical order.
"""

import io
import json
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from scanline.data.picture import of_one_depth, read_grey
from scanline.data.raw import (
    TEST,
    TRAINING,
    Format,
    Found,
    Part,
    Raw,
    Shape,
    check_training,
    of_parts,
    split_of,
    whole_labels,
)

if TYPE_CHECKING:
    from pyarrow.parquet import ParquetFile

IMAGE_COLUMNS, LABEL_COLUMNS = ("image", "img"), ("label", "labels", "character", "fine_label")
SHARD = re.compile(r"(.*-)(\d+)-of-(\d+)(-[0-9a-f]+)?\.parquet")


def find(paths: Sequence[Path]) -> Found | None:
    """The Parquet files among ``paths``; None where there are none.

    Raises ValueError where a part of a split is missing.
    """
    files = sorted(path for path in paths if path.suffix == ".parquet")
    if not files:
        return None
    _whole(files)
    check_training({_split(path): None for path in files}, files[0].parent)
    return Found(tuple(files), lambda: _read(files), lambda: _shape(files))


def _split(path: Path) -> str:
    return split_of(path.name) or TRAINING


def _whole(files: Sequence[Path]) -> None:
    """Raises ValueError where the files of a split are not all there, or of several makings."""
    there: dict[str, list[re.Match]] = {}
    for path in files:
        if shard := SHARD.fullmatch(path.name):
            there.setdefault(shard[1], []).append(shard)
    for shards in there.values():
        first = shards[0]
        wanted = [f"{n:0{len(first[2])}}" for n in range(int(first[3]))]
        held = sorted(shard[2] for shard in shards)
        missing = [number for number in wanted if number not in held]
        if missing:
            name = f"{first[1]}{missing[0]}-of-{first[3]}.parquet"
            others = f" and {len(missing) - 1} more" if missing[1:] else ""
            raise ValueError(f"{files[0].parent} lacks {name}{others}; download the whole set")
        if held != wanted:
            raise ValueError(
                f"{files[0].parent} holds {shards[0][0]}, {shards[1][0]}, … of several makings of "
                f"one split; keep one"
            )


def _read(files: Sequence[Path]) -> Raw:
    images: dict[str, list] = {}
    labels: dict[str, list] = {}
    names: tuple[str, ...] = ()
    for path in files:
        split = _split(path)
        with _opened(path) as file:
            image, label = _columns(path, file.schema_arrow.names)
            table = file.read([each for each in (image, label) if each])
        read = (_decoded(path, *each) for each in enumerate(table[image].to_pylist(), 1))
        images.setdefault(split, []).extend(read)
        labels.setdefault(split, []).extend(table[label].to_pylist() if label else ())
        names = names or _class_names(table.schema.metadata, label)
    decoded = [image for of_split in images.values() for image in of_split]
    alike = iter(of_one_depth(decoded, [f"image {i + 1}" for i in range(len(decoded))]))
    images = {split: [next(alike) for _ in of_split] for split, of_split in images.items()}
    words = {each for split in labels.values() for each in split if isinstance(each, str)}
    if words:
        names = tuple(sorted(words))
        numbers = {name: number for number, name in enumerate(names)}
        labels = {split: [numbers.get(each, each) for each in of] for split, of in labels.items()}
    return of_parts(
        {split: _part(files[0], images[split], labels[split]) for split in images}, names
    )


def _part(path: Path, images: list[np.ndarray], labels: list) -> Part:
    sizes = {image.shape for image in images}
    if len(sizes) > 1:
        told = " and ".join(f"{rows} x {columns}" for rows, columns in sorted(sizes)[:2])
        raise ValueError(f"{path.parent}: images are {told} pixels; scale all to one size")
    known = None
    if labels:
        known = whole_labels(np.array(labels), len(images), f"{path.parent}: the labels")
    return Part(np.stack(images), known)


def _class_names(metadata: dict[bytes, bytes] | None, label: str | None) -> tuple[str, ...]:
    """The names of a ClassLabel feature, which the files of the library datasets have."""
    told = json.loads((metadata or {}).get(b"huggingface", b"{}"))
    feature = told.get("info", {}).get("features", {}).get(label, {})
    return tuple(feature.get("names", ())) if feature.get("_type") == "ClassLabel" else ()


def _shape(files: Sequence[Path]) -> Shape:
    counts: dict[str, int] = {}
    for path in files:
        split = _split(path)
        with _opened(path) as file:
            counts[split] = counts.get(split, 0) + file.metadata.num_rows
    with _opened(files[0]) as file:
        image, label = _columns(files[0], file.schema_arrow.names)
        batch = next(file.iter_batches(batch_size=1, columns=[image]), None)
    if batch is None:
        raise ValueError(f"{files[0]} holds no image")
    rows, columns = _decoded(files[0], 1, batch.column(0)[0].as_py()).shape
    return Shape(rows, columns, label is not None, counts.get(TRAINING), counts.get(TEST))


def _columns(path: Path, names: Sequence[str]) -> tuple[str, str | None]:
    image = next((name for name in names if name in IMAGE_COLUMNS), None)
    if image is None:
        wanted = " or ".join(IMAGE_COLUMNS)
        raise ValueError(f"{path} has the columns {', '.join(names)}; wanted is {wanted}")
    return image, next((name for name in names if name in LABEL_COLUMNS), None)


@contextmanager
def _opened(path: Path) -> Iterator["ParquetFile"]:
    """Yields the file; ValueError, naming it, where it cannot be read."""
    from pyarrow.lib import ArrowException
    from pyarrow.parquet import ParquetFile

    try:
        with ParquetFile(path) as file:
            yield file
    except (ArrowException, OSError) as error:
        reason = " ".join(str(error).split())
        raise ValueError(f"{path} is not a readable Parquet file ({reason})") from error


def _decoded(path: Path, number: int, image: object) -> np.ndarray:
    """A picture that is stored as its file's bytes, alone or with its path."""
    content = image.get("bytes") if isinstance(image, dict) else image
    if not isinstance(content, bytes):
        held = "no picture" if content is None else f"a {type(content).__name__}"
        raise ValueError(
            f"{path}: image {number} is {held}; wanted is a picture, as its file has it"
        )
    return read_grey(io.BytesIO(content), f"{path}: image {number}")


PARQUET = Format("Parquet files with a column image", find)
