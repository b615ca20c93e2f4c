"""Chooses the test images whose holes are to be filled, and hides a named hole in each."""

from pathlib import Path

from scanline.data.pixels import load_pixels
from scanline.holes.hiding import hide, save_hidden
from scanline.provenance.stage import main


def hide_holes(
    *,
    test: Path,
    holes: tuple[str, ...],
    images: tuple[int, ...],
    cut: int,
    seed: int,
    out: Path,
) -> None:
    """Hide the pixels of each hole in test images: {hole}.npz.

    Args:
        test: Pixels of the test images.
        holes: Names: run-28, 4x4 in the middle, random-0.8, anywhere-10x14 (any such numbers),
            random-half, upper-half, lower-half, left-half, right-half, upper-right,
            all-but-lower-left.
        images: How many images for each hole, in the same order.
        cut: Flat index of a run's first pixel.
        seed: What the choice of images, and of random pixels, depends on.
        out: Folder for the files.
    """
    if len(holes) != len(images):
        raise ValueError(
            f"images has {len(images)} numbers for {len(holes)} holes; give one for each hole"
        )
    pixel_set = load_pixels(test)
    for hole, count in zip(holes, images, strict=True):
        hidden = hide(pixel_set, hole, images=count, cut=cut, seed=seed)
        save_hidden(out / f"{hole}.npz", pixel_set, hidden)


if __name__ == "__main__":
    main(hide_holes)
