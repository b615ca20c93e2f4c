"""A folder of images by class: ``train/A/1.png`` and ``test/A/2.png``, or ``A/1.png`` alone.

The names of the folders are the classes, in alphabetical order. Images in no folder of a class have
no labels. Folders that hold all others are passed through. Images are read in the order of a hash
of their names, so that the first of them are of all classes.
"""

import hashlib
import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from scanline.data.picture import ENDINGS, of_one_depth, read_grey
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
)
from scanline.files import files_below


class Image(NamedTuple):
    """A picture's file, and what the folders that it lies in say of it."""

    path: Path
    split: str
    name: str | None  # of its class


def find(paths: Sequence[Path]) -> Found | None:
    """The images below one of ``paths`` that is a folder; None where there are none.

    Raises ValueError, naming an image, where it is not clear which split or class its folders tell.
    """
    folders = [path for path in paths if path.is_dir()]
    if len(folders) != 1:
        return None
    folder = folders[0]
    files = [path for path in files_below(folder) if path.suffix.lower() in ENDINGS]
    if not files:
        return None
    images = _placed(files, _top(folder, files))
    return Found((folder,), lambda: _read(images), lambda: _shape(images))


def _top(folder: Path, files: Sequence[Path]) -> Path:
    """The folder in which splits or classes lie side by side."""
    common = Path(os.path.commonpath([path.parent for path in files]))
    for part in [*reversed(common.parents), common]:
        if part.is_relative_to(folder) and part != folder and split_of(part.name):
            return part.parent
    return common


def _placed(files: Sequence[Path], top: Path) -> list[Image]:
    """The images in the order in which they are read."""
    inner = {path: path.relative_to(top) for path in files}
    by_name = sorted(files, key=lambda path: _hash(inner[path].as_posix()))
    folders = {path: inner[path].parts[:-1] for path in by_name}
    splits = {parts[0] for parts in folders.values() if parts and split_of(parts[0])}
    images = []
    for path, parts in folders.items():
        split, classes = TRAINING, parts
        if splits:
            if not parts or parts[0] not in splits:
                raise ValueError(
                    f"{path} lies beside the folders of splits ({', '.join(sorted(splits))}); "
                    f"move it into one, or rename them where they are classes"
                )
            split, classes = str(split_of(parts[0])), parts[1:]
        if len(classes) > 1:
            raise ValueError(
                f"{path} lies too deep in {top}; allowed: split/class/image, class/image or "
                f"split/image. Name the folder that holds these as source"
            )
        images.append(Image(path, split, classes[0] if classes else None))
    unnamed = [image for image in images if image.name is None]
    if 0 < len(unnamed) < len(images):
        raise ValueError(
            f"{unnamed[0].path} lies in no folder of a class, and others do; "
            f"put all images into folders of classes, or none"
        )
    check_training(Counter(image.split for image in images), top)
    return images


def _read(images: Sequence[Image]) -> Raw:
    names = sorted({image.name for image in images if image.name is not None})
    read = of_one_depth(
        [read_grey(image.path) for image in images], [str(image.path) for image in images]
    )
    by_split: dict[str, list[tuple[Image, np.ndarray]]] = {}
    for image, picture in zip(images, read, strict=True):
        by_split.setdefault(image.split, []).append((image, picture))
    return of_parts({split: _part(each, names) for split, each in by_split.items()}, tuple(names))


def _part(of_split: Sequence[tuple[Image, np.ndarray]], names: Sequence[str]) -> Part:
    images, pictures = zip(*of_split, strict=True)
    for image, picture in of_split:
        if picture.shape != pictures[0].shape:
            sizes = [" x ".join(map(str, each.shape)) for each in (pictures[0], picture)]
            raise ValueError(
                f"{images[0].path} is {sizes[0]} pixels and {image.path} {sizes[1]}; scale all to "
                f"one size"
            )
    numbers = {name: number for number, name in enumerate(names)}
    labels = np.array([numbers[image.name] for image in images if image.name is not None])
    return Part(np.stack(pictures), labels if names else None)


def _shape(images: Sequence[Image]) -> Shape:
    counts = Counter(image.split for image in images)
    rows, columns = read_grey(images[0].path).shape
    labelled = images[0].name is not None
    classes = len({image.name for image in images}) if labelled else None
    return Shape(rows, columns, labelled, counts[TRAINING], counts[TEST] or None, classes)


def _hash(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()


IMAGES = Format("a folder of images by class, as train/A/1.png and test/A/2.png", find)
