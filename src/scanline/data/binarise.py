"""From grey images to pixels: by a threshold, by one Bernoulli draw for each, or left grey."""

import hashlib
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np

from scanline.data.content import raw_content
from scanline.data.formats import read_files
from scanline.data.order import RASTER, Order
from scanline.data.pixels import FULL_GREY, GREY, POLARITY, PixelSet, is_grey
from scanline.data.raw import LabelColumn, Part, Raw
from scanline.data.values import Ink, check_ink, full_scale, grey_levels, with_bright_ink
from scanline.files import sha256_of

Method = Literal["threshold", "bernoulli", "none"]
Redraw = Literal["epoch"]
TRAINING_FILES, TEST_FILES = 0, 1  # streams of the Bernoulli draw
MOST_CLASSES = 65_536
DRAWN_AT_ONCE = 4096  # images; bounds the memory


@dataclass(frozen=True)
class PixelSettings:
    """How a source's images become pixels: a data set's keys in config.yaml.

    Attributes:
        data: name of this set in config.yaml
        source: where the files come from, the name of a published data set or a path
        method: threshold (ink where value / full scale is above it), bernoulli (one draw), or none
            (grey, in 256 levels; for classifiers)
        threshold: fraction of full scale, 0 to 1; only the method threshold needs it
        seed: what the draw depends on; only the method bernoulli needs it
        redraw: epoch: training draws its images anew in each epoch; only with the method bernoulli
        order: in which a classifier reads the pixels: raster, or permuted, a fixed random order
        validation_images: so many of the first training images are the validation split; not
            needed where the source has such a split
        test_fraction: share of the last images that is the test split, where the source has none
        scale: value of a full pixel; by default 1, 255 or 65535, told by the values
        ink: whether ink is light, as in MNIST, or dark
        transpose: rows are stored as columns, as in EMNIST
        classes: number of classes, where not every class occurs; then labels count from 0
        labels: which column of a table holds the labels, where the table does not tell
    """

    data: str
    source: str
    method: Method
    threshold: float | None = None
    seed: int | None = None
    redraw: Redraw | None = None
    order: Order = RASTER
    validation_images: int | None = None
    test_fraction: float | None = None
    scale: float | None = None
    ink: Ink = "light"
    transpose: bool = False
    classes: int | None = None
    labels: LabelColumn | None = None


def binarise_files(files: Sequence[Path], settings: PixelSettings) -> dict[str, PixelSet]:
    """The sets "train", "validation" and "test" of a source's ``files`` (``data.formats``).

    Labels are numbered from 0, or from 1 where no image has 0 and ``classes`` is not stated.
    """
    raw = read_files(tuple(files), settings.labels)
    parts = _splits(raw, files, settings)
    if settings.transpose:
        parts = {
            name: Part(part.images.transpose(0, 2, 1), part.labels) for name, part in parts.items()
        }
    sizes = {part.images.shape[1:] for part in parts.values()}
    if len(sizes) > 1:
        told = ", ".join(
            f"{name} {' x '.join(map(str, part.images.shape[1:]))}" for name, part in parts.items()
        )
        raise ValueError(
            f"{settings.source}: the images are of several sizes ({told}); scale all to one"
        )
    (rows, columns) = sizes.pop()
    labels, n_classes = _numbered(
        {name: part.labels for name, part in parts.items()},
        settings.classes or len(raw.class_names) or None,
    )
    drawn, grey = _drawn(parts, settings)
    description = {
        "data": settings.data,
        "source": settings.source,
        "binarise": settings.method,
        "threshold": settings.threshold if settings.method == "threshold" else None,
        "seed": settings.seed if settings.method == "bernoulli" else None,
        "polarity": POLARITY,
        "rows": rows,
        "columns": columns,
        "classes": n_classes,
        "sha256": {_plain_name(path): _sha256(path) for path in files},
    }
    if settings.order != RASTER:
        description["order"] = settings.order
    if raw.class_names:
        description["class_names"] = list(raw.class_names)
    sets = {
        name: PixelSet(
            drawn[name].reshape(-1, rows * columns), labels[name], description | {"split": name}
        )
        for name in ("train", "validation", "test")
    }
    if grey is not None:
        train = sets["train"]
        described = train.description | {"redraw": settings.redraw}
        sets["train"] = replace(train, description=described, grey=grey.reshape(train.pixels.shape))
    return sets


def at_threshold(images: np.ndarray, threshold: float, full: float = 255) -> np.ndarray:
    """uint8 pixels: 1 where value / ``full`` > ``threshold``."""
    if not 0 <= threshold <= 1:
        raise ValueError(f"threshold is {threshold}; allowed: 0 to 1 (a fraction of full scale)")
    if images.dtype == np.uint8:
        ink = (np.arange(256) / full > threshold).astype(np.uint8)
        return ink[images]
    return (images / full > threshold).astype(np.uint8)


def bernoulli_draw(images: np.ndarray, seed: int, stream: int = 0, full: float = 255) -> np.ndarray:
    """uint8 pixels, each 1 with probability value / ``full``, for ``images`` [N, ...].

    The draw of an image depends only on ``seed``, ``stream`` and the image's index, so more images
    change no earlier draw.
    """
    if seed < 0:
        raise ValueError(f"seed is {seed}; allowed: 0 and above")
    whole, rest = (
        np.random.Generator(np.random.Philox(np.random.SeedSequence((seed, *more))))
        for more in ((stream,), (stream, 1))
    )
    # A uniform integer in 0..254 lies below a value of 0..255 with exactly that probability.
    uniform = whole.integers(0, 255, images.shape, dtype=np.uint8)
    if images.dtype == np.uint8 and full == 255:
        return (uniform < images).astype(np.uint8)
    # Other values need the digits behind the point, too.
    drawn = np.empty(images.shape, np.uint8)
    for first in range(0, len(images), DRAWN_AT_ONCE):
        part = slice(first, first + DRAWN_AT_ONCE)
        fractions = rest.random(images[part].shape)
        drawn[part] = uniform[part] + fractions < images[part] * (255 / full)
    return drawn


def made_alike(pixels: Mapping, grey: np.ndarray, full: float = 255) -> np.ndarray:
    """uint8 pixels made of ``grey``, 0 to ``full``, as those that a model's ``pixels`` describe."""
    if is_grey(pixels):
        return grey_levels(grey, full)
    if pixels["binarise"] == "threshold":
        ink = at_threshold(grey, pixels["threshold"], full)
    else:
        ink = bernoulli_draw(grey, pixels["seed"], full=full)
    return ink if pixels["polarity"] == POLARITY else 1 - ink


def _splits(raw: Raw, files: Sequence[Path], settings: PixelSettings) -> dict[str, Part]:
    """The three parts, cut from those that the source has."""
    validation_images, test_fraction = settings.validation_images, settings.test_fraction
    named = ", ".join(map(str, files))
    training, test = raw.training, raw.test
    if test is None:
        if test_fraction is None:
            raise ValueError(
                f"{named}: the source has no test split; state test_fraction, the share of its "
                f"last images that are for testing"
            )
        count = round(test_fraction * len(training.images))
        if not 0 < count < len(training.images):
            raise ValueError(
                f"test_fraction is {test_fraction} of {len(training.images)} images; allowed is a "
                f"share between 0 and 1 that leaves images for both splits"
            )
        training, test = _cut(training, len(training.images) - count)
    if raw.validation is not None and not validation_images:
        return {"train": training, "validation": raw.validation, "test": test}
    if validation_images is None or not 0 < validation_images < len(training.images):
        raise ValueError(
            f"validation_images is {validation_images}; {named} has {len(training.images)} "
            f"training images, so allowed: 1 to {len(training.images) - 1}"
        )
    validation, training = _cut(training, validation_images)
    return {"train": training, "validation": validation, "test": test}


def _cut(part: Part, count: int) -> tuple[Part, Part]:
    """The first ``count`` images, and the others."""
    labels = part.labels
    return (
        Part(part.images[:count], None if labels is None else labels[:count]),
        Part(part.images[count:], None if labels is None else labels[count:]),
    )


def _numbered(
    labels: dict[str, np.ndarray | None], classes: int | None
) -> tuple[dict[str, np.ndarray | None], int]:
    """Labels from 0 on, by split, and the number of classes; 0 where a split has no labels."""
    known = {name: each for name, each in labels.items() if each is not None}
    if len(known) < len(labels):
        return dict.fromkeys(labels), 0
    least = min(int(each.min()) for each in known.values())
    most = max(int(each.max()) for each in known.values())
    highest = (classes or MOST_CLASSES) - 1
    if least < 0 or most > highest:
        why = "" if classes is None else f", as classes is {classes}"
        raise ValueError(f"labels go from {least} to {most}; allowed: 0 to {highest}{why}")
    first = 1 if least == 1 and classes is None else 0
    n_classes = classes or most + 1 - first
    occur = len(np.unique(np.concatenate(list(known.values()))))
    if classes is None and 2 * occur < n_classes:
        print(
            f"labels go from {least} to {most} and {occur} of {n_classes} classes have images; "
            f"are the labels numbers of classes?",
            file=sys.stderr,
        )
    kind = np.uint8 if n_classes <= 256 else np.int32
    return {name: (each - first).astype(kind) for name, each in known.items()}, n_classes


def _drawn(
    parts: dict[str, Part], settings: PixelSettings
) -> tuple[dict[str, np.ndarray], np.ndarray | None]:
    """Images of pixels by split, and what training images are redrawn from: uint8, 0 to 255.

    Training and validation images are drawn as one row of images.
    """
    if settings.redraw and settings.method != "bernoulli":
        raise ValueError(
            f"redraw is {settings.redraw} and method is {settings.method}, which draws nothing; "
            f"drop redraw, or choose the method bernoulli"
        )
    # One scale for all splits, which may be of other types and have other largest values.
    full = full_scale([part.images for part in parts.values()], settings.scale)
    together = np.concatenate([parts["validation"].images, parts["train"].images])
    count = len(parts["validation"].images)
    drawn, grey = [], None
    for images, what, stream in (
        (together, "training images", TRAINING_FILES),
        (parts["test"].images, "test images", TEST_FILES),
    ):
        bright = with_bright_ink(images, full, settings.ink)
        if settings.method == GREY:
            pixels = grey_levels(bright, full)
        elif settings.method == "threshold":
            if settings.threshold is None:
                raise ValueError("method is threshold and no threshold is given; give one, 0 to 1")
            pixels = at_threshold(bright, settings.threshold, full)
        else:
            if settings.seed is None:
                raise ValueError("method is bernoulli and no seed is given; give one, 0 or above")
            pixels = bernoulli_draw(bright, settings.seed, stream, full)
        ink = float(pixels.mean()) / (FULL_GREY if settings.method == GREY else 1)
        check_ink(ink, float(images.max()), what, settings.ink)
        drawn.append(pixels)
        if settings.redraw and stream == TRAINING_FILES:
            grey = grey_levels(bright[count:], full)
    sets = {"validation": drawn[0][:count], "train": drawn[0][count:], "test": drawn[1]}
    return sets, grey


def _plain_name(path: Path) -> str:
    """A file's name as MNIST's are, so that the same content is known under other names."""
    return path.name.removesuffix(".gz").replace(".idx", "-idx")


def _sha256(path: Path) -> str:
    """Of the uncompressed content."""
    if path.is_dir():
        return sha256_of(path)
    return hashlib.sha256(raw_content(path)).hexdigest()
