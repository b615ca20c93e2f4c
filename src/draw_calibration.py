"""Draws how far sequential Monte Carlo can be believed."""

from pathlib import Path

import pandas as pd

from scanline.figures import names as figure_names
from scanline.figures import style
from scanline.figures.calibration import draw_errors, draw_ranks, draw_sizes
from scanline.provenance.stage import main


def draw_calibration(*, ranks: Path, errors: Path, sizes: Path, model: str, out: Path) -> None:
    """Draws ranks of the truth, errors against particles and time, effective sample sizes.

    Args:
        ranks: ranks.csv
        errors: errors.csv
        sizes: effective_sample_size.csv
        model: name of the variant
        out: folder for the figures that figures.names.calibration names, .png and .pdf
    """
    style.use()
    names = figure_names.calibration(model)
    style.save(draw_ranks(pd.read_csv(ranks)), out, names["ranks"])
    style.save(draw_errors(pd.read_csv(errors)), out, names["errors"])
    style.save(draw_sizes(pd.read_csv(sizes)), out, names["sizes"])


if __name__ == "__main__":
    main(draw_calibration)
