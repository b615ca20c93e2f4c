"""What a source of images gives, in whichever format its files are.

A source is the path of a file or a folder. ``find`` tells by the names of its files which format it
is in; ``Found.shape`` reads what a plan needs, from the files' headers, and ``Found.read`` all.
"""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np

TRAINING, VALIDATION, TEST = "training", "validation", "test"
SPLITS = {  # the words of a file's or folder's name that tell its split
    TRAINING: r"train(ing|val|set|data)?\d*",
    VALIDATION: r"val(id|idation|set|data)?\d*|dev",
    TEST: r"test(ing|set|data)?\d*|t10k",
}
LabelColumn = Literal["first", "last"]


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
    """The files of a source, in the order in which they are read, and how to read them.

    ``read_with`` is for tables alone: their labels are in the stated column.
    """

    files: tuple[Path, ...]
    read: Callable[[], Raw]
    shape: Callable[[], Shape]
    read_with: Callable[[LabelColumn], Raw] | None = None


class Format(NamedTuple):
    """A format of files: what it looks like, and how such files are found among others."""

    looks: str
    find: Callable[[Sequence[Path]], Found | None]


def split_of(name: str) -> str | None:
    """The split that the name of a file or folder tells; None where it tells none, or several.

    A name of training and validation images together is a training split's.
    """
    words = re.split(r"[^a-z0-9]+", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).lower())
    told = {split for split, form in SPLITS.items() if any(re.fullmatch(form, w) for w in words)}
    if told == {TRAINING, VALIDATION}:
        return TRAINING
    return told.pop() if len(told) == 1 else None


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


def check_training(splits: Collection[str], where: Path) -> None:
    """Raises ValueError where no split ``where`` the files lie is for training."""
    if TRAINING not in splits:
        raise ValueError(f"{where} holds {' and '.join(splits)} images alone; training are wanted")


def of_parts(parts: Mapping[str, Part], class_names: tuple[str, ...] = ()) -> Raw:
    """What the parts by split make, one of which is for training."""
    return Raw(parts[TRAINING], parts.get(VALIDATION), parts.get(TEST), class_names)


def whole_labels(labels: np.ndarray, count: int, name: str) -> np.ndarray:
    """``labels`` as int64 [``count``]; ValueError, with their ``name``, where they are other."""
    allowed = f"allowed: one whole number for each of {count} images"
    if labels.shape != (count,):
        raise ValueError(f"{name} have shape {labels.shape}; {allowed}")
    if labels.dtype.kind in "biuf":
        fault = ~np.isfinite(labels) | (np.mod(labels, 1) != 0)
    else:  # words, or numbers of which some are missing
        fault = np.array([not isinstance(each, int | float) for each in labels.tolist()])
    if fault.any():
        place = int(fault.argmax())
        raise ValueError(f"{name}: that of image {place + 1} is {labels[place]!s}; {allowed}")
    return labels.astype(np.int64)
