"""Makes binary pixels, in three splits, from the files of a source."""

from pathlib import Path

from scanline.data.binarise import Method, binarise_files
from scanline.data.pixels import save_pixels
from scanline.data.values import Ink
from scanline.provenance.stage import main


def binarise(
    *,
    files: tuple[Path, ...],
    data: str,
    source: str,
    method: Method,
    threshold: float | None = None,
    seed: int | None = None,
    validation_images: int | None = None,
    test_fraction: float | None = None,
    scale: float | None = None,
    ink: Ink = "light",
    transpose: bool = False,
    classes: int | None = None,
    out: Path,
) -> None:
    """Make binary pixels from grey images: train.npz, validation.npz and test.npz.

    Args:
        files: The images and labels, or a folder of images; docs/data.md has the formats.
        data: The name of this set in config.yaml.
        source: Where the files come from: the name of a published data set, or a path.
        method: threshold (ink where intensity / full scale is above it) or bernoulli (one draw).
        threshold: A fraction of full scale, 0 to 1; only the method threshold needs it.
        seed: What the draw depends on; only the method bernoulli needs it.
        validation_images: How many of the first training images are the validation split; not
            needed where the source has such a split.
        test_fraction: The share of the last images that are the test split, where the source has
            none.
        scale: The value of a full pixel; by default 1, 255 or 65535 by the values.
        ink: Whether ink is light, as in MNIST, or dark.
        transpose: Rows are stored as columns, as in EMNIST.
        classes: The number of classes; by default by the labels.
        out: Folder for the three files.
    """
    sets = binarise_files(
        files,
        data=data,
        source=source,
        method=method,
        threshold=threshold,
        seed=seed,
        validation_images=validation_images,
        test_fraction=test_fraction,
        scale=scale,
        ink=ink,
        transpose=transpose,
        classes=classes,
    )
    for name, pixel_set in sets.items():
        save_pixels(out / f"{name}.npz", pixel_set)
        images, ink_share = len(pixel_set), pixel_set.pixels.mean()
        print(f"{name}: {images:,} images, {ink_share:.4f} of the pixels are ink")


if __name__ == "__main__":
    main(binarise)
