"""What a source of images gives, in whichever format its files are.

A source is the path of a file or a folder. ``find`` tells by the names of its files which format it
is in; ``Found.shape`` reads what a plan needs, from the files' headers, and ``Found.read`` all.
"""

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

TRAINING, VALIDATION, TEST = "training", "validation", "test"
SPLITS = {  # how a word of a file's or folder's name begins that tells its split
    VALIDATION: ("val",),
    TEST: ("test", "t10k"),
    TRAINING: ("train",),
}


class Part(NamedTuple):
    """The images of one split: [N, rows, columns], of any numeric type, and labels [N] or None."""

    images: np.ndarray
    labels: np.ndarray | None


class Raw(NamedTuple):
    """All images of a source. One without ``test`` has one part, which is split later."""

    training: Part
    validation: Part | None = None
    test: Part | None = None
    class_names: tuple[str, ...] = ()


class Shape(NamedTuple):
    """What a plan needs to know of images. Numbers are None where no header tells."""

    rows: int
    columns: int
    labelled: bool
    training: int | None = None
    test: int | None = None
    classes: int | None = None


class Found(NamedTuple):
    """The files of a source, in the order in which they are read, and how to read them."""

    files: tuple[Path, ...]
    read: Callable[[], Raw]
    shape: Callable[[], Shape]


class Format(NamedTuple):
    """A format of files: what it looks like, and how such files are found among others."""

    looks: str
    find: Callable[[Sequence[Path]], Found | None]


def split_of(name: str) -> str | None:
    """The split that the name of a file or folder tells; None where it tells none."""
    words = re.split(r"[^a-z0-9]+", name.lower())
    for split, starts in SPLITS.items():
        if any(word.startswith(starts) for word in words):
            return split
    return None


def by_split(paths: Sequence[Path], what: str) -> dict[str, Path]:
    """One path for each split that the names tell; ValueError where two have the same."""
    found: dict[str, Path] = {}
    for path in paths:
        split = split_of(path.name) or TRAINING
        if split in found:
            raise ValueError(
                f"{found[split]} and {path} are both {what} of the {split} split; keep one of "
                f"them there, or name the beginning that the wanted files share"
            )
        found[split] = path
    return found


def of_parts(parts: dict[str, Part], class_names: tuple[str, ...] = ()) -> Raw:
    """What the parts by split make; ValueError where none is for training."""
    if TRAINING not in parts:
        raise ValueError(f"only {', '.join(parts)} is there; training images are wanted")
    return Raw(parts[TRAINING], parts.get(VALIDATION), parts.get(TEST), class_names)
