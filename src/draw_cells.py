"""Draws what the cells keep, copy and imitate (section 1.1)."""

from pathlib import Path

import pandas as pd

from scanline.figures import style
from scanline.figures.demonstration import draw_demonstration
from scanline.figures.names import CELLS
from scanline.provenance.stage import main


def draw_cells(*, demonstration: Path, out: Path) -> None:
    """Draws the errors against the size of the gate bias.

    Args:
        demonstration: demonstration.csv
        out: folder for figure-cells.png and .pdf
    """
    style.use()
    style.save(draw_demonstration(pd.read_csv(demonstration)), out, CELLS)


if __name__ == "__main__":
    main(draw_cells)
