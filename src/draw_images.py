"""Draws sampled images beside the training images nearest to them."""

from pathlib import Path

import pandas as pd

from scanline.data.pixels import classes_of
from scanline.figures import names as figure_names
from scanline.figures import style
from scanline.figures.sampled import draw_by_class, draw_distances, draw_sampled
from scanline.files import load_arrays
from scanline.layout import Place
from scanline.provenance.stage import main


def draw_images(*, images: tuple[Path, ...], distances: tuple[Path, ...], out: Path) -> None:
    """Draws each model's samples with their nearest training images, and all distances.

    Samples of a model that reads labels are drawn by class, too.

    Args:
        images: images.npz of the models, where the stage writes it
        distances: distances.csv of the models, in the same order
        out: folder for the figures that figures.names.sampled and by_class name, .png and .pdf
    """
    style.use()
    for path in images:
        arrays, description = load_arrays(path, "images", "nearest", optional=("labels",))
        drawn, columns, variant = arrays["images"], description["columns"], Place.of(path).variant
        figure = draw_sampled(drawn, arrays["nearest"], columns)
        style.save(figure, out, figure_names.sampled(variant))
        if "labels" in arrays:
            names = description.get("class_names") or list(map(str, range(classes_of(description))))
            figure = draw_by_class(drawn, arrays["labels"], names, columns)
            style.save(figure, out, figure_names.by_class(variant))
    tables = {Place.of(path).variant: pd.read_csv(path) for path in distances}
    style.save(draw_distances(tables), out, figure_names.DISTANCES)


if __name__ == "__main__":
    main(draw_images)
