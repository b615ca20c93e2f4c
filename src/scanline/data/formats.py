"""The formats that images may come in; to add one: its entry in FORMATS."""

from collections.abc import Sequence
from pathlib import Path

from scanline.data.idx_files import IDX
from scanline.data.image_folder import IMAGES
from scanline.data.npz_file import NPZ
from scanline.data.parquet_files import PARQUET
from scanline.data.published import SOURCES
from scanline.data.raw import Found, LabelColumn, Raw, Shape
from scanline.data.text_tables import TEXT
from scanline.files import is_hidden

FORMATS = (IDX, NPZ, TEXT, PARQUET, IMAGES)
WANTED = "; or ".join(each.looks for each in FORMATS)


def found_in(source: str | Path) -> Found:
    """The files of a source: a file, a folder, or a folder and how the names of its files begin.

    Where a folder holds no such files but one other folder, those in that one.

    Raises ValueError, one line that says what is there and what is wanted, where none is.
    """
    path = Path(source)
    if path.is_dir():
        inside = sorted(each for each in path.iterdir() if not is_hidden(each.name))
        candidates = [*(each for each in inside if each.is_file()), path]
    elif path.is_file():
        inside = candidates = [path]
    elif path.parent.is_dir():
        begun = path.parent.glob(f"{path.name}*")
        inside = candidates = sorted(each for each in begun if not is_hidden(each.name))
    else:
        inside = candidates = []
    if found := _found(candidates):
        return found
    folders = [each for each in inside if each.is_dir()]
    if path.is_dir() and len(folders) == 1:
        return found_in(folders[0])
    held = ", ".join(each.name for each in inside[:6]) + (", …" if len(inside) > 6 else "")
    there = f"holds {held}" if held else ("is empty" if path.is_dir() else "does not exist")
    raise ValueError(f"{path} {there}; wanted: {WANTED}")


def shape_of(source: str) -> Shape:
    """What a plan needs to know of a source's images: as published, or by its files' headers."""
    return SOURCES[source].shape if source in SOURCES else found_in(source).shape()


def read_files(files: tuple[Path, ...], labels: LabelColumn | None = None) -> Raw:
    """All images of files that ``found_in`` gave; ``labels`` states a table's column of labels."""
    found, named = _found(files), ", ".join(map(str, files))
    if found is None:
        raise ValueError(f"{named}: wanted: {WANTED}")
    if labels is None:
        return found.read()
    if found.read_with is None:
        raise ValueError(f"labels is {labels!r}, and {named} is no table of numbers; drop labels")
    return found.read_with(labels)


def _found(paths: Sequence[Path]) -> Found | None:
    """What the first format that knows them finds among ``paths``."""
    return next((found for each in FORMATS if (found := each.find(paths))), None)
