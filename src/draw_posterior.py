"""Draws how well holes are filled."""

from pathlib import Path

import pandas as pd

from scanline import figure_names
from scanline.command import main
from scanline.files import load_arrays
from scanline.plots import save
from scanline.posterior_plots import draw_examples, draw_nats, draw_reliability

ARRAYS = ("best", "marginals", "samples")


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
        forecasts: {hole}.npz of the models, beside their reliability.csv
        out: folder for the figures that scanline.figure_names.posterior names, .png and .pdf
    """
    save(draw_nats(pd.read_csv(table)), out, figure_names.POSTERIOR)
    images = {}
    for path in hidden:
        arrays, _ = load_arrays(path, "pixels", "hidden")
        images[path.stem] = arrays["pixels"], arrays["hidden"]
    for path in reliability:
        names = figure_names.posterior(path.parts[-4])
        save(draw_reliability(pd.read_csv(path)), out, names["reliability"])
        found = {}
        for each in forecasts:
            if each.parent == path.parent:
                _, description = load_arrays(each)
                wanted = [f"{way}_{name}" for way in description["methods"] for name in ARRAYS]
                found[each.stem] = load_arrays(each, *wanted)[0]
        save(draw_examples(images, found), out, names["examples"])


if __name__ == "__main__":
    main(draw_posterior)
