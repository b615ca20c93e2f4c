"""Chooses the test images to in-paint, and the patch hidden in each."""

from pathlib import Path

from scanline.data.pixels import load_pixels
from scanline.holes.hiding import draw_patches, save_hidden_patches
from scanline.holes.named import sides_of
from scanline.provenance.stage import main


def hide_patches(
    *,
    test: Path,
    holes: tuple[str, ...],
    images: int,
    mean: float,
    sd: float,
    seed: int,
    out: Path,
) -> None:
    """Hide one small patch in each of many test images: {hole}.npz and hidden_{hole}.npy.

    Args:
        test: Pixels of the test images.
        holes: Sizes of the patches, rows x columns: 1x1, 2x2 and so on; below 1, shares.
        images: How many images for each size.
        mean: Mean row and mean column of a patch's corner, its upper left pixel; about normal.
            Pixels or, below 1, a share of the rows and of the columns.
        sd: Their standard deviation, in the same way.
        seed: What the choice of images and patches depends on.
        out: Folder for the files.
    """
    pixel_set = load_pixels(test)
    size = pixel_set.description["rows"], pixel_set.description["columns"]
    for hole in holes:
        sides = sides_of(hole, *size)
        patches = draw_patches(pixel_set, sides, images=images, mean=mean, sd=sd, seed=seed)
        save_hidden_patches(out, hole, pixel_set, patches)


if __name__ == "__main__":
    main(hide_patches)
