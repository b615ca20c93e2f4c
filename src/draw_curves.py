"""Draws the learning curves (figures 1 to 6)."""

from pathlib import Path

import pandas as pd

from scanline.evaluation.words import QUANTITIES
from scanline.figures import style
from scanline.figures.curves import draw_learning_curves
from scanline.figures.names import curves as names
from scanline.layout import Place
from scanline.provenance.stage import main

LOSSES = ("nats", "nats_per_pixel")  # of classifiers, of next-pixel models and look-aheads


def draw_curves(
    *,
    curves: tuple[Path, ...],
    palette: tuple[str, ...],
    cells: tuple[str, ...],
    out: Path,
) -> None:
    """Draws loss and accuracy against training steps, one figure for each task and cell.

    Of a variant that was trained with several seeds, the first one given is drawn.

    Args:
        curves: curve_by_epoch.csv of the models, where training writes them
        palette: all variants; a variant's place gives its colour
        cells: the cell of each
        out: folder for figure-{number}-{task}-{cell}-{loss|accuracy}.png and .pdf
    """
    style.use()
    by_task: dict[str, dict[str, pd.DataFrame]] = {}
    for path in curves:
        place = Place.of(path)
        by_task.setdefault(place.task, {}).setdefault(place.variant, pd.read_csv(path))
    for task, tables in by_task.items():
        for cell in sorted(set(cells)):
            of_cell = {name for name, its in zip(palette, cells, strict=True) if its == cell}
            shown = {name: table for name, table in tables.items() if name in of_cell}
            if not shown:
                continue
            measured = set(next(iter(shown.values()))["quantity"])
            loss = next(quantity for quantity in LOSSES if quantity in measured)
            for kind, name in names(task, cell).items():
                quantity = loss if kind == "loss" else kind
                label = QUANTITIES[quantity].axis
                style.save(draw_learning_curves(shown, quantity, label, palette), out, name)


if __name__ == "__main__":
    main(draw_curves)
