"""Makes binary pixels, in three splits, from four idx files."""

from pathlib import Path

from scanline.data.binarise import Method, binarise_files
from scanline.data.pixels import save_pixels
from scanline.provenance.stage import main


def binarise(
    *,
    train_images: Path,
    train_labels: Path,
    test_images: Path,
    test_labels: Path,
    data: str,
    source: str,
    method: Method,
    threshold: float | None = None,
    seed: int | None = None,
    validation_images: int,
    out: Path,
) -> None:
    """Make binary pixels from grey images: train.npz, validation.npz and test.npz.

    Args:
        train_images: idx file of the training images (validation images among them).
        train_labels: idx file of their labels.
        test_images: idx file of the test images.
        test_labels: idx file of their labels.
        data: The name of this set in config.yaml.
        source: Where the files come from: mnist, fashion-mnist, or a folder.
        method: threshold (ink where intensity / 255 is above it) or bernoulli (one draw).
        threshold: A fraction of full scale, 0 to 1; needed by the method threshold alone.
        seed: What the draw depends on; needed by the method bernoulli alone.
        validation_images: How many of the first training images are the validation split.
        out: Folder for the three files.
    """
    sets = binarise_files(
        (train_images, train_labels),
        (test_images, test_labels),
        data=data,
        source=source,
        method=method,
        threshold=threshold,
        seed=seed,
        validation_images=validation_images,
    )
    for name, pixel_set in sets.items():
        save_pixels(out / f"{name}.npz", pixel_set)
        images, ink = len(pixel_set.pixels), pixel_set.pixels.mean()
        print(f"{name}: {images:,} images, {ink:.4f} of the pixels are ink")


if __name__ == "__main__":
    main(binarise)
