"""Makes pixels, in three splits, from the files of a source."""

from pathlib import Path

from scanline.data.binarise import PixelSettings, binarise_files
from scanline.data.pixels import save_pixels
from scanline.provenance.stage import main


def binarise(*, files: tuple[Path, ...], settings: PixelSettings, out: Path) -> dict:
    """Make pixels from grey images: train.npz, validation.npz and test.npz.

    The record names the classes by number, where the source has names for them.

    Args:
        files: images and labels, or a folder of images; docs/data.md has the formats
        settings: how the images become pixels
        out: folder for the three files
    """
    sets = binarise_files(files, settings)
    for name, pixel_set in sets.items():
        save_pixels(out / f"{name}.npz", pixel_set)
        ink = pixel_set.pixels.mean() / pixel_set.full
        print(f"{name}: {len(pixel_set):,} images, {100 * ink:.2f} % ink")
    names = sets["train"].description.get("class_names", ())
    return {"class_names": dict(enumerate(names))} if names else {}


if __name__ == "__main__":
    main(binarise)
