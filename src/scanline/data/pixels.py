"""Pixels in raster order: made from grey images, split, saved with what they are.

Two ways from an intensity in 0..255 to a binary pixel: 1 (ink) where intensity / 255 > threshold,
or one Bernoulli draw with probability intensity / 255. Grey pixels keep their intensity, for
classifiers, which read it / 255. Likelihoods of differently binarised images do not compare, and a
model of one kind says nothing of the other, so a set of pixels carries a description of its making
wherever it goes, and ``same_pixels`` refuses to mix two kinds.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from scanline.data.order import RASTER, order_of
from scanline.data.orientation import Orientation
from scanline.files import load_arrays, save_arrays

GREY = "none"  # the binarisation of grey pixels
FULL_GREY = 255  # the level of a full grey pixel
POLARITY = "ink is 1"
CLASSES = 10  # of descriptions that do not name their number, which are MNIST's
# What two sets must have in common before a model of one may score the other: how they were made,
# and, unless it is said that they are other data, what of.
MAKING = ("binarise", "threshold", "polarity", "order", "rows", "columns")
ORIGIN = ("source", "sha256", "seed")
KINSHIP = (*MAKING, *ORIGIN)


@dataclass(frozen=True)
class PixelSet:
    """Images of one split: ``pixels`` uint8 [N, T] in {0, 1}, ``labels`` [N] or None.

    Pixels that are not binarised are grey levels, 0 to 255. Labels are integers in 0..K-1.
    ``description`` says how the images were made: data, source, binarise, threshold or seed,
    polarity, split, rows, columns (T = rows * columns), classes (K; 0 without labels), class_names
    where the source has them, the order in which a model reads the pixels where it is not raster,
    and the sha256 of the files that they come from. Training images that are drawn anew say so
    (redraw), and have the values that they are drawn from: ``grey`` uint8 [N, T], 0 to 255, of
    which ``pixels`` are one draw.
    """

    pixels: np.ndarray
    labels: np.ndarray | None
    description: dict
    grey: np.ndarray | None = None

    def __post_init__(self):
        rows, columns = self.description["rows"], self.description["columns"]
        if self.pixels.ndim != 2 or self.pixels.shape[1] != rows * columns:
            raise ValueError(
                f"pixels have shape {self.pixels.shape}; images of {rows} x {columns} "
                f"need [N, {rows * columns}]"
            )
        if self.pixels.dtype != np.uint8 or self.pixels.max(initial=0) > self.full:
            raise ValueError(
                f"pixels are {self.pixels.dtype} up to {self.pixels.max()}; allowed: uint8 0 "
                f"{'to 255' if is_grey(self.description) else 'and 1'}"
            )
        if self.grey is not None and (self.grey.shape, self.grey.dtype) != (
            self.pixels.shape,
            np.uint8,
        ):
            raise ValueError(
                f"grey is {self.grey.dtype} of shape {self.grey.shape}; pixels need uint8 of shape "
                f"{self.pixels.shape}"
            )
        if self.labels is None:
            return
        if self.labels.shape != self.pixels.shape[:1]:
            raise ValueError(
                f"{len(self.pixels)} images have labels of shape {self.labels.shape}; "
                f"each needs one label"
            )
        classes = classes_of(self.description)
        if self.labels.max(initial=0) >= classes:
            raise ValueError(
                f"a label is {self.labels.max()}; allowed: 0 to {classes - 1}, one for each class"
            )

    def __len__(self) -> int:
        return len(self.pixels)

    @property
    def full(self) -> int:
        """The value of a full pixel: 1, or 255 of grey ones."""
        return FULL_GREY if is_grey(self.description) else 1

    @property
    def labels_or_zeros(self) -> np.ndarray:
        """The labels, or zeros in their place: for what hands labels on and may not read them."""
        return np.zeros(len(self), np.uint8) if self.labels is None else self.labels

    def first(self, count: int) -> "PixelSet":
        """The first ``count`` images, all of them for 0; ValueError where there are fewer."""
        if not 0 <= count <= len(self):
            raise ValueError(
                f"{count} images are asked for; {self.description['split']} has {len(self)}"
            )
        return self.chosen(slice(count or len(self)))

    def chosen(self, places: slice | np.ndarray) -> "PixelSet":
        """The images at those places."""
        labels, grey = (None if each is None else each[places] for each in (self.labels, self.grey))
        return PixelSet(self.pixels[places], labels, self.description, grey)

    def turned(self, way: str) -> "PixelSet":
        """The images in the order in which a model of that orientation reads them."""
        rows, columns = self.description["rows"], self.description["columns"]
        orientation = Orientation(way, rows, columns)
        shape = dict(zip(("rows", "columns"), orientation.shape, strict=True))
        return replace(
            self,
            pixels=orientation.turned(self.pixels),
            grey=None if self.grey is None else orientation.turned(self.grey),
            description=self.description | shape,
        )

    @property
    def identity(self) -> dict:
        """The description without what differs between splits of one set."""
        return {k: v for k, v in self.description.items() if k not in ("split", "data")}


def is_grey(pixels: Mapping) -> bool:
    """Whether pixels that are described so, or by a data set's config, are grey levels."""
    return pixels.get("binarise") == GREY


def in_words(pixels: Mapping) -> str:
    """How pixels that are described so were made, and how they are read."""
    made = ("grey" if is_grey(pixels) else pixels.get("binarise"), pixels.get("threshold"))
    told = [" ".join(str(part) for part in made if part is not None), pixels.get("polarity")]
    if order_of(pixels) != RASTER:
        told.append(f"order {order_of(pixels)}")
    return ", ".join(filter(None, told))


def only_classified(pixels: Mapping) -> str:
    """Why only classifiers read pixels that are described so, or by a data set's config; or ""."""
    if is_grey(pixels):
        return "the pixels are grey (binarise: none), and only classifiers read such"
    if order_of(pixels) != RASTER:
        return f"only classifiers read pixels in another order (order: {order_of(pixels)})"
    return ""


def check_predictable(pixels: Mapping) -> None:
    """Raises ValueError where no next-pixel model can be of pixels that are described so."""
    if why := only_classified(pixels):
        raise ValueError(
            f"{why}; use a data set with binarise: threshold or bernoulli and order: raster"
        )


def classes_of(description: Mapping) -> int:
    """The number of classes of images that are described so; 0 where they have no labels."""
    return int(description.get("classes", CLASSES))


def same_classes(expected: Mapping, given: Mapping, what: str) -> None:
    """Raises ValueError unless labelled images of ``given`` have the classes of ``expected``.

    Names of classes count where both descriptions have them (``class_names``).
    """
    there, here = classes_of(expected), classes_of(given)
    if here and there != here:
        raise ValueError(
            f"{what} tells {there} classes apart and these images have {here}; use a model of "
            f"theirs, or state classes in datasets where only some classes occur"
        )
    names = [each.get("class_names") for each in (expected, given)]
    if all(names) and names[0] != names[1]:
        differ = next(pair for pair in zip(*names, strict=True) if pair[0] != pair[1])
        raise ValueError(
            f"{what} knows other classes than these images have: {differ[0]!r} there is "
            f"{differ[1]!r} here; use a model of theirs"
        )


def load_pixels(path: Path) -> PixelSet:
    """The pixel set of a file; ValueError, naming it, where it is not a sound one."""
    arrays, description = load_arrays(path, "pixels", optional=("labels", "grey"))
    missing = [key for key in KINSHIP if key not in {"order": RASTER, **description}]
    if missing:
        raise ValueError(f"{path} does not say its {', '.join(missing)}; is it a pixels file?")
    try:
        return PixelSet(arrays["pixels"], arrays.get("labels"), description, arrays.get("grey"))
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def save_pixels(path: Path, pixel_set: PixelSet) -> None:
    """Writes a pixel set to an .npz file."""
    arrays = {name: getattr(pixel_set, name) for name in ("pixels", "labels", "grey")}
    save_arrays(path, pixel_set.description, **arrays)


def same_pixels(expected: dict, given: dict, what: str, other_data: bool | None = None) -> None:
    """Raises ValueError, naming what differs, unless two descriptions are of one kind of pixels.

    ``expected`` describes the pixels that ``what`` (a model, say) belongs to, ``given`` those that
    it meets. The split may differ; with ``other_data`` also what the images are, not how they were
    made. It is None where a person cannot ask for that.
    """
    compared = MAKING if other_data else KINSHIP
    expected, given = ({"order": RASTER, **each} for each in (expected, given))
    differ = [key for key in compared if expected.get(key) != given.get(key)]
    if not differ:
        return
    faults = [
        f"{key} is {expected.get(key)!r} there and {given.get(key)!r} here"
        for key in differ
        if key != "sha256"
    ]
    if "sha256" in differ:
        there, here = expected.get("sha256") or {}, given.get("sha256") or {}
        files = sorted(n for n in there.keys() | here.keys() if there.get(n) != here.get(n))
        faults.append(f"the content of {', '.join(files)} differs")
    if other_data is False and set(differ) <= set(ORIGIN):
        way_out = "They are made alike: --other-data takes them all the same"
    elif set(differ) <= set(ORIGIN):
        way_out = "Use pixels of the same data, or train on these"
    else:
        way_out = "Use pixels made alike, or train on these"
    raise ValueError(f"{what} belongs to other pixels than these: {'; '.join(faults)}. {way_out}")
