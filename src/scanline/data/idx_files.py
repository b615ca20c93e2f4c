"""Pairs of idx files, images and labels of a training and a test split, as MNIST's are.

The names are those of MNIST, with dots for dashes as some tools unpack them, and those of EMNIST
and QMNIST: a word for the split (train, test or t10k) and one for what is in it (images, labels),
raw or compressed (.gz). Labels may be missing.
"""

from collections.abc import Sequence
from pathlib import Path

from scanline.data.idx import read_images, read_labels, read_shape
from scanline.data.raw import (
    TEST,
    TRAINING,
    Format,
    Found,
    Part,
    Raw,
    Shape,
    by_split,
    whole_labels,
)

KINDS = ("images", "labels")


def find(paths: Sequence[Path]) -> Found | None:
    """The idx files among ``paths``; None where there are none."""
    named = [path for path in paths if "idx" in path.name or "ubyte" in path.name]
    named = [path for path in named if not (path.suffix == ".gz" and path.with_suffix("") in named)]
    images, labels = (
        by_split([path for path in named if kind in path.name], f"idx files of {kind}")
        for kind in KINDS
    )
    if TRAINING not in images:
        return None
    pairs = [(split, each) for split in (TRAINING, TEST) for each in (images, labels)]
    files = [each[split] for split, each in pairs if split in each]

    def read() -> Raw:
        parts = {split: _part(images[split], labels.get(split)) for split in images}
        return Raw(parts[TRAINING], test=parts.get(TEST))

    def shape() -> Shape:
        header = read_shape(images[TRAINING])
        if len(header) != 3:
            raise ValueError(f"{images[TRAINING]} has {len(header)} dimensions; images have 3")
        count = read_shape(images[TEST])[0] if TEST in images else None
        labelled = all(split in labels for split in (TRAINING, TEST) if split in images)
        return Shape(*header[1:], labelled, header[0], count)

    return Found(tuple(files), read, shape)


def _part(images_file: Path, labels_file: Path | None) -> Part:
    images = read_images(images_file)
    if labels_file is None:
        return Part(images, None)
    labels = read_labels(labels_file)
    if len(images) != len(labels):
        raise ValueError(
            f"{images_file} holds {len(images)} images and {labels_file} {len(labels)} labels; "
            f"each image needs one label"
        )
    return Part(images, whole_labels(labels, len(images), f"{labels_file}: its labels"))


IDX = Format("idx files named train-images…, train-labels…, t10k-images…, t10k-labels…", find)
