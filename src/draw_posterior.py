"""Draws how well holes are filled."""

from pathlib import Path

import pandas as pd

from scanline.figures import names as figure_names
from scanline.figures import style
from scanline.figures.posterior import draw_examples, draw_nats, draw_reliability
from scanline.files import load_arrays
from scanline.inference.forecast import load_forecasts
from scanline.layout import Place
from scanline.provenance.stage import main


def draw_posterior(
    *,
    table: Path,
    hidden: tuple[Path, ...],
    reliability: tuple[Path, ...],
    forecasts: tuple[Path, ...],
    out: Path,
) -> None:
    """Draws nats by hole and, for each model, reliability diagrams and one image for each hole.

    Args:
        table: posterior.csv
        hidden: {hole}.npz of the images and what is hidden of them
        reliability: reliability.csv of the models, where the stage writes it
        forecasts: {hole}.npz of the models, where the stage writes them
        out: folder for the figures that figures.names.posterior names, .png and .pdf
    """
    style.use()
    style.save(draw_nats(pd.read_csv(table)), out, figure_names.POSTERIOR)
    images = {}
    for path in hidden:
        arrays, description = load_arrays(path, "pixels", "hidden")
        images[path.stem] = arrays["pixels"], arrays["hidden"]
    for path in reliability:
        place = Place.of(path)
        names = figure_names.posterior(place.variant)
        style.save(draw_reliability(pd.read_csv(path)), out, names["reliability"])
        mine = [each for each in forecasts if Place.of(each) == place]
        found = {each.stem: load_forecasts(each)[0] for each in mine}
        style.save(draw_examples(images, found, description["columns"]), out, names["examples"])


if __name__ == "__main__":
    main(draw_posterior)
