"""Samples whole images from a next-pixel model, and finds the training images nearest to them."""

from pathlib import Path

import pandas as pd

from scanline.data.pixels import load_pixels
from scanline.evaluation.originality import nearest
from scanline.files import save_arrays
from scanline.inference.drawn_classes import sample_in_turn
from scanline.models.predictor import load_predictor
from scanline.provenance.stage import main


def sample_images(
    *, model: Path, train: Path, test: Path, images: int, seed: int, out: Path
) -> None:
    """Draw images from nothing: images.npz and distances.csv.

    distances.csv says of each drawn image, and of as many test images, in how many pixels the
    nearest training image differs. Images that were copied would be far nearer than test images.
    A model that reads labels draws images of all classes in turn.

    Args:
        model: A trained model of the next pixel (model.keras).
        train: Pixels that it was trained on.
        test: Pixels that it has never seen.
        images: How many images to draw.
        seed: What the draws depend on.
        out: Folder for the files.
    """
    training, unseen = load_pixels(train), load_pixels(test)
    predictor = load_predictor(model, training.identity)
    drawn, labels = sample_in_turn(predictor, images, seed)
    chosen, distances = nearest(drawn, training.pixels)
    save_arrays(
        out / "images.npz",
        training.description,
        images=drawn,
        nearest=training.pixels[chosen],
        nearest_indices=chosen,
        labels=labels,
    )
    reference = nearest(unseen.pixels[:images], training.pixels)[1]
    tables = [
        pd.DataFrame({"of": of, "image": range(len(each)), "pixels_that_differ": each})
        for of, each in (("samples", distances), ("test images", reference))
    ]
    pd.concat(tables).to_csv(out / "distances.csv", index=False)
    print(
        f"in {distances.mean():.1f} pixels the nearest training image differs, on average; from "
        f"test images in {reference.mean():.1f}"
    )


if __name__ == "__main__":
    main(sample_images, gpu=True)
