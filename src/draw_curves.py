"""Draws the learning curves (figures 1 to 6)."""

from pathlib import Path

import pandas as pd

from scanline.figures.curves import draw_learning_curves
from scanline.figures.names import curves as names
from scanline.figures.style import save
from scanline.provenance.stage import main

LABELS = {"nats": "cross-entropy (nats)", "nats_per_pixel": "cross-entropy (nats per pixel)"}


def draw_curves(
    *,
    curves: tuple[Path, ...],
    palette: tuple[str, ...],
    cells: tuple[str, ...],
    out: Path,
) -> None:
    """Draws loss and accuracy against training steps, a figure a task, cell and quantity.

    Where a variant was trained with several seeds, the first one given is drawn.

    Args:
        curves: curve_by_epoch.csv files, in {task}/{variant}/seed-{seed}/train/
        palette: all variants; the place gives the colour
        cells: the cell of each
        out: folder for figure-{number}-{task}-{cell}-{loss|accuracy}.png and .pdf
    """
    by_task: dict[str, dict[str, pd.DataFrame]] = {}
    for path in curves:
        task, variant = path.parts[-5:-3]
        by_task.setdefault(task, {}).setdefault(variant, pd.read_csv(path))
    for task, tables in by_task.items():
        for cell in sorted(set(cells)):
            of_cell = {name for name, its in zip(palette, cells, strict=True) if its == cell}
            shown = {name: table for name, table in tables.items() if name in of_cell}
            if not shown:
                continue
            loss = next(q for q in LABELS if q in set(next(iter(shown.values()))["quantity"]))
            quantities = {
                "loss": (loss, LABELS[loss]),
                "accuracy": ("accuracy", "accuracy (fraction)"),
            }
            for kind, name in names(task, cell).items():
                save(draw_learning_curves(shown, *quantities[kind], palette), out, name)


if __name__ == "__main__":
    main(draw_curves)
