"""Draws how well holes are filled."""

from pathlib import Path

import pandas as pd

from scanline.figures import names as figure_names
from scanline.figures.posterior import draw_examples, draw_nats, draw_reliability
from scanline.figures.style import save
from scanline.files import load_arrays
from scanline.inference.forecast import load_forecasts
from scanline.provenance.stage import main


def draw_posterior(
    *,
    table: Path,
    hidden: tuple[Path, ...],
    reliability: tuple[Path, ...],
    forecasts: tuple[Path, ...],
    out: Path,
) -> None:
    """Draws nats by hole, and for each model reliability diagrams and an image a hole.

    Args:
        table: posterior.csv
        hidden: {hole}.npz of the images and what is hidden of them
        reliability: reliability.csv, in {variant}/seed-{seed}/{stage}/ each
        forecasts: {hole}.npz of the models, in {variant}/seed-{seed}/{stage}/ each
        out: folder for the figures that figures.names.posterior names, .png and .pdf
    """
    save(draw_nats(pd.read_csv(table)), out, figure_names.POSTERIOR)
    images = {}
    for path in hidden:
        arrays, _ = load_arrays(path, "pixels", "hidden")
        images[path.stem] = arrays["pixels"], arrays["hidden"]
    for path in reliability:
        names = figure_names.posterior(path.parts[-4])
        save(draw_reliability(pd.read_csv(path)), out, names["reliability"])
        model = path.parents[1]
        found = {each.stem: load_forecasts(each)[0] for each in forecasts if model in each.parents}
        save(draw_examples(images, found), out, names["examples"])


if __name__ == "__main__":
    main(draw_posterior)
