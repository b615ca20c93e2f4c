"""The formats that images may come in; to add one: its entry in FORMATS."""

from collections.abc import Sequence
from pathlib import Path

from scanline.data.idx_files import IDX
from scanline.data.image_folder import IMAGES
from scanline.data.published import SOURCES
from scanline.data.raw import Found, Raw, Shape
from scanline.data.tables import NPZ, PARQUET, TEXT

FORMATS = (IDX, NPZ, TEXT, PARQUET, IMAGES)
WANTED = "; or ".join(each.looks for each in FORMATS)


def found_in(source: str | Path) -> Found:
    """The files of a source: a file, a folder, or a folder and how the names of its files begin.

    Raises ValueError, one line that says what is there and what is wanted, where none is.
    """
    path = Path(source)
    if path.is_dir():
        inside = sorted(each for each in path.iterdir() if not each.name.startswith("."))
        candidates = [*(each for each in inside if each.is_file()), path]
    elif path.is_file():
        inside = candidates = [path]
    elif path.parent.is_dir():
        inside = candidates = sorted(path.parent.glob(f"{path.name}*"))
    else:
        inside = candidates = []
    if found := _found(candidates):
        return found
    held = ", ".join(each.name for each in inside[:6]) + (", …" if len(inside) > 6 else "")
    there = f"holds {held}" if held else ("is empty" if path.is_dir() else "does not exist")
    raise ValueError(f"{path} {there}; wanted: {WANTED}")


def shape_of(source: str) -> Shape:
    """What a plan needs to know of a source's images: as published, or by its files' headers."""
    return SOURCES[source].shape if source in SOURCES else found_in(source).shape()


def read_files(files: tuple[Path, ...]) -> Raw:
    """All images of files that ``found_in`` gave."""
    if found := _found(files):
        return found.read()
    raise ValueError(f"{', '.join(map(str, files))}: wanted: {WANTED}")


def _found(paths: Sequence[Path]) -> Found | None:
    """What the first format that knows them finds among ``paths``."""
    return next((found for each in FORMATS if (found := each.find(paths))), None)
