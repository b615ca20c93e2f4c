"""Images as lines of numbers: .amat and .csv files.

A line has the values of a square image, and may have its label. In an .amat file the label is the
last number. In a .csv file a header names its column. Without a header, the label is the first or
the last number, whichever is not the same in all lines: the corners of images often are. Where
neither is, ``labels`` must be stated.
"""

import io
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from scanline.data.content import first_bytes, raw_content
from scanline.data.raw import (
    TRAINING,
    Format,
    Found,
    LabelColumn,
    Part,
    Raw,
    Shape,
    by_split,
    check_training,
    of_parts,
    whole_labels,
)

LABELS = ("label", "labels", "class", "target", "y")  # what a header calls the labels' column
FIRST_LINE = 1 << 20  # bytes that a first line may have


class Layout(NamedTuple):
    """How the lines of a table are built, as its first line tells."""

    separator: str | None  # None: white space
    names: tuple[str, ...]  # of the columns; empty without a header
    columns: int
    side: int  # of the square image
    labelled: bool


def find(paths: Sequence[Path]) -> Found | None:
    """The tables among ``paths``; None where there are none."""
    endings = (".amat", ".csv", ".amat.gz", ".csv.gz")
    files = [path for path in paths if path.name.endswith(endings)]
    if not files:
        return None
    splits = by_split(files, "tables")
    check_training(splits, files[0].parent)
    return Found(
        tuple(splits.values()),
        lambda: _read(splits, None),
        lambda: _shape(splits),
        lambda labels: _read(splits, labels),
    )


def _shape(splits: Mapping[str, Path]) -> Shape:
    layouts = {split: _layout(path) for split, path in splits.items()}
    side = layouts[TRAINING].side
    return Shape(side, side, all(layout.labelled for layout in layouts.values()))


def _read(splits: Mapping[str, Path], stated: LabelColumn | None) -> Raw:
    tables = {split: _Table(path) for split, path in splits.items()}
    training = tables[TRAINING]
    for table in tables.values():
        labelled = table.layout.labelled
        if table.layout.side != training.layout.side or (
            labelled and table.layout.names != training.layout.names
        ):
            raise ValueError(
                f"the lines of {training.path} and {table.path} have other columns; give all "
                f"splits the same"
            )
    # One column for all splits: the first or last pixels of a small one may be alike by chance.
    column = training.label_column(stated)
    return of_parts(
        {
            split: table.part(column if table.layout.labelled else None)
            for split, table in tables.items()
        }
    )


class _Table:
    """The numbers of a table, [lines, columns]."""

    def __init__(self, path: Path):
        self.path, self.layout = path, _layout(path)
        self.content = raw_content(path)
        try:
            read = pd.read_csv(
                io.BytesIO(self.content),
                sep=self.layout.separator or r"\s+",
                header=None,
                skiprows=1 if self.layout.names else 0,
                skipinitialspace=True,
            )
            with np.errstate(over="ignore"):  # it is refused below
                self.values = read.dropna(axis=1, how="all").to_numpy(np.float32)
            if self.values.shape[1:] != (self.layout.columns,):
                raise ValueError(f"{self.values.shape[1]} columns")
            if not np.isfinite(self.values).all():
                raise ValueError("values beyond float32")
        except ValueError as error:  # pandas' errors of parsing, too
            self._refuse_first_fault()
            raise ValueError(f"{path} is no table of numbers ({error})") from error

    def label_column(self, stated: LabelColumn | None) -> int | None:
        """The place of the labels in a line; ValueError where it is not clear."""
        layout, path = self.layout, self.path
        if not layout.labelled:
            if stated:
                raise ValueError(
                    f"labels is {stated!r} and {path} has {layout.columns} numbers in a line, "
                    f"all of them an image's; drop labels"
                )
            return None
        named = [place for place, name in enumerate(layout.names) if name in LABELS]
        last = layout.columns - 1
        if stated:
            place = 0 if stated == "first" else last
            if named and named != [place]:
                raise ValueError(
                    f"labels is {stated!r} and the header of {path} names column "
                    f"{named[0] + 1} {layout.names[named[0]]!r}; drop labels"
                )
            return place
        if len(named) == 1:
            return named[0]
        if path.name.removesuffix(".gz").endswith(".amat"):
            return last
        ends = [place for place in (0, last) if np.ptp(self.values[:, place])]
        if layout.names or len(ends) != 1:
            header = "; its header does not say" if layout.names else ""
            raise ValueError(
                f"{path} has {layout.columns} columns, and the label may be the first or the "
                f"last{header}; state labels: first, or labels: last"
            )
        return ends[0]

    def part(self, column: int | None) -> Part:
        side = self.layout.side
        images = self.values if column is None else np.delete(self.values, column, axis=1)
        images = images.reshape(-1, side, side)
        if (images == np.rint(images)).all() and images.min() >= 0 and images.max() <= 255:
            images = images.astype(np.uint8)
        if column is None:
            return Part(images, None)
        return Part(images, self._labels(column))

    def _labels(self, column: int) -> np.ndarray:
        labels = self.values[:, column]
        try:
            return whole_labels(labels, len(labels), f"{self.path}: its labels")
        except ValueError as error:
            row = int((np.mod(labels, 1) != 0).argmax())
            line = [number for number, _ in self._lines()][row]
            raise ValueError(f"{self.path}, line {line} has no whole number as label") from error

    def _lines(self) -> Iterator[tuple[int, str]]:
        """The lines of numbers, with their place in the file."""
        for number, line in enumerate(self.content.decode(errors="replace").splitlines(), 1):
            if line.strip() and not (number == 1 and self.layout.names):
                yield number, line

    def _refuse_first_fault(self) -> None:
        for number, line in self._lines():
            fields = _fields(line, self.layout.separator)
            if len(fields) != self.layout.columns:
                raise ValueError(
                    f"{self.path}, line {number} has {len(fields)} numbers; the first has "
                    f"{self.layout.columns}"
                )
            wrong = next((field for field in fields if not _is_number(field)), None)
            if wrong is not None:
                raise ValueError(f"{self.path}, line {number} holds {wrong!r}, which is no number")


def _layout(path: Path) -> Layout:
    line = first_bytes(path, FIRST_LINE).split(b"\n")[0].decode("utf-8-sig", errors="replace")
    separator = next((each for each in ";," if each in line), None)
    fields = _fields(line, separator)
    headed = any(not _is_number(field) for field in fields)
    names = tuple(field.lower() for field in fields) if headed else ()
    for labelled in (True,) if set(names) & set(LABELS) else (False, True):
        side = math.isqrt(max(0, len(fields) - labelled))
        if side > 1 and side**2 == len(fields) - labelled:
            return Layout(separator, names, len(fields), side, labelled)
    raise ValueError(
        f"{path} has {len(fields)} columns; allowed are the numbers of a square image, and its "
        f"label. Bring other images as .npz"
    )


def _fields(line: str, separator: str | None) -> list[str]:
    if separator:
        line = line.strip().removesuffix(separator)
    return [field.strip().strip('"') for field in line.split(separator)]


def _is_number(field: str) -> bool:
    try:
        return math.isfinite(float(field))
    except ValueError:
        return False


TEXT = Format("tables of numbers (.amat, .csv), an image on each line", find)
