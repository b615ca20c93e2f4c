"""Fetches the files of a published data set from one of several places, and checks their content.

A file that does not match its published sha256 is never written.
"""

import hashlib
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from scanline.data.content import raw_content
from scanline.data.idx import parse_idx
from scanline.data.published import SOURCES, Source
from scanline.data.sources import Folder, Origin, Unavailable
from scanline.files import sha256_of


def source_of(name: str) -> Source:
    """The published source of that name; ValueError for another name."""
    if name not in SOURCES:
        raise ValueError(f"source is {name!r}; allowed: {', '.join(SOURCES)}")
    return SOURCES[name]


def fetch_files(source: Source, into: Path, folder: Path | None = None) -> None:
    """Writes the source's files, uncompressed, to the empty folder ``into``.

    ``folder``, if given, is looked into before the source's places, and what it holds must be
    right: a wrong file there is an error. A wrong file from a place is refused with a warning, and
    the next place is asked. Raises ValueError, naming all that was tried, where a file is missing.
    """
    if folder is not None and not folder.is_dir():
        raise ValueError(f"folder is {str(folder)!r}, which is not an existing folder")
    first: list[Origin] = [] if folder is None else [Folder(folder)]
    missing, tried = list(source.sha256), []
    for place in (*first, *source.places):
        try:
            _take(source, place, missing, into)
        except Unavailable as error:
            print(f"{place}: {error}", file=sys.stderr)
            tried.append(f"{place} ({error})")
        except ValueError as error:
            if isinstance(place, Folder):
                raise
            print(f"refused: {error}", file=sys.stderr)
            tried.append(f"{place} (refused: {error})")
        missing = [name for name in source.sha256 if not (into / name).exists()]
        if not missing:
            return
    raise ValueError(
        f"{source.name}: no place gave {', '.join(missing)}. Tried: {'; '.join(tried)}. "
        f"Put the files, raw or as .gz, into a folder and pass it with --folder"
    )


def _take(source: Source, place: Origin, names: Sequence[str], into: Path) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        for name, path in place.files(names, Path(scratch)):
            content = raw_content(path)
            sha256 = hashlib.sha256(content).hexdigest()
            wanted = source.sha256[name]
            if wanted is None:
                try:
                    parse_idx(content)
                except ValueError as error:
                    raise ValueError(f"{path} is not a sound idx file: {error}") from error
            elif wanted not in (sha256, sha256_of(path)):
                raise ValueError(f"{name} from {place} has sha256 {sha256}; wanted {wanted}")
            (into / name).write_bytes(content)
            print(f"{name}: {len(content):,} bytes from {place}, sha256 {sha256}")
