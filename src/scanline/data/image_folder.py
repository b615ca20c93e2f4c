"""A folder of images by class: ``train/A/1.png`` and ``test/A/2.png``, or ``A/1.png`` alone.

The names of the innermost folders are the classes, in alphabetical order. Images that lie in no
folder of a class have no labels. They are read in the order of a hash of their names, so that the
first of them are of all classes.
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from scanline.data.picture import ENDINGS, read_grey
from scanline.data.raw import Format, Found, Part, Raw, Shape, of_parts, split_of


def find(paths: Sequence[Path]) -> Found | None:
    """The images below one of ``paths`` that is a folder; None where there are none."""
    folders = [path for path in paths if path.is_dir()]
    if len(folders) != 1:
        return None
    folder = folders[0]
    images = sorted(
        (path for path in folder.rglob("*") if path.suffix.lower() in ENDINGS and path.is_file()),
        key=lambda path: _hash(path.relative_to(folder).as_posix()),
    )
    if not images:
        return None
    return Found((folder,), lambda: _read(folder, images), lambda: _shape(folder, images))


def _read(folder: Path, images: list[Path]) -> Raw:
    names = sorted({name for path in images if (name := _class_of(folder, path))})
    by_split: dict[str, list[Path]] = {}
    for path in images:
        by_split.setdefault(_split(folder, path), []).append(path)
    parts = {split: _part(folder, paths, names) for split, paths in by_split.items()}
    return of_parts(parts, tuple(names))


def _part(folder: Path, paths: list[Path], names: list[str]) -> Part:
    pictures = [read_grey(path) for path in paths]
    for path, picture in zip(paths, pictures, strict=True):
        if picture.shape != pictures[0].shape:
            sizes = [" x ".join(map(str, each.shape)) for each in (pictures[0], picture)]
            raise ValueError(
                f"{paths[0]} is {sizes[0]} pixels and {path} {sizes[1]}; scale all to one size"
            )
    classes = [_class_of(folder, path) for path in paths]
    if not names:
        return Part(np.stack(pictures), None)
    if None in classes:
        raise ValueError(
            f"{paths[classes.index(None)]} lies in no folder of a class, and others do; "
            f"put all images into folders of classes, or none"
        )
    return Part(np.stack(pictures), np.array([names.index(str(name)) for name in classes]))


def _shape(folder: Path, images: list[Path]) -> Shape:
    splits = [_split(folder, path) for path in images]
    tests = splits.count("test")
    labelled = _class_of(folder, images[0]) is not None
    classes = len({_class_of(folder, path) for path in images}) if labelled else None
    rows, columns = read_grey(images[0]).shape
    return Shape(rows, columns, labelled, splits.count("training"), tests or None, classes)


def _split(folder: Path, path: Path) -> str:
    first = path.relative_to(folder).parts[0]
    return (split_of(first) if (folder / first).is_dir() else None) or "training"


def _class_of(folder: Path, path: Path) -> str | None:
    """The name of an image's innermost folder, where that is no split's."""
    inner = path.relative_to(folder).parent
    is_split = len(inner.parts) == 1 and split_of(inner.name)
    return None if not inner.parts or is_split else inner.name


def _hash(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()


IMAGES = Format("a folder of images by class, as train/A/1.png and test/A/2.png", find)
