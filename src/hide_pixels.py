"""Chooses the test images to complete, and where they are cut."""

from pathlib import Path

from scanline.data.pixels import load_pixels
from scanline.holes.hiding import save_hidden_runs
from scanline.provenance.stage import main


def hide_pixels(
    *,
    test: Path,
    images: int,
    seed: int,
    cut: int,
    runs: tuple[int, ...],
    out: Path,
) -> None:
    """Choose test images and the runs of pixels to hide in them: hidden.npz.

    Args:
        test: Pixels of the test images.
        images: How many images.
        seed: What the choice of images depends on; 0 gives the report's 100.
        cut: Flat index (row * columns + column) of the first hidden pixel.
        runs: Numbers of pixels hidden from the cut on.
        out: Folder for the file.
    """
    save_hidden_runs(
        out / "hidden.npz", load_pixels(test), images=images, seed=seed, cut=cut, runs=runs
    )


if __name__ == "__main__":
    main(hide_pixels)
