"""Draws sampled images beside the training images nearest to them."""

from pathlib import Path

import pandas as pd

from scanline.figures import names as figure_names
from scanline.figures import style
from scanline.figures.sampled import draw_distances, draw_sampled
from scanline.files import load_arrays
from scanline.layout import Place
from scanline.provenance.stage import main


def draw_images(*, images: tuple[Path, ...], distances: tuple[Path, ...], out: Path) -> None:
    """Draws each model's samples with their nearest training images, and all distances.

    Args:
        images: images.npz of the models, where the stage writes it
        distances: distances.csv of the models, in the same order
        out: folder for the figures that figures.names.sampled names, .png and .pdf
    """
    style.use()
    for path in images:
        arrays, description = load_arrays(path, "images", "nearest")
        figure = draw_sampled(arrays["images"], arrays["nearest"], description["columns"])
        style.save(figure, out, figure_names.sampled(Place.of(path).variant))
    tables = {Place.of(path).variant: pd.read_csv(path) for path in distances}
    style.save(draw_distances(tables), out, figure_names.DISTANCES)


if __name__ == "__main__":
    main(draw_images)
