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
    lstm: tuple[str, ...] = (),
    gru: tuple[str, ...] = (),
    palette: tuple[str, ...],
    out: Path,
) -> None:
    """Draws loss and accuracy against training steps, a figure a task, cell and quantity.

    Where a variant was trained with several seeds, the first one given is drawn.

    Args:
        curves: curve_by_epoch.csv files, in {task}/{variant}/seed-{seed}/train/
        lstm: variants of LSTM cells
        gru: variants of GRU cells
        palette: all variants; the place gives the colour
        out: folder for figure-{number}-{task}-{cell}-{loss|accuracy}.png and .pdf
    """
    by_task: dict[str, dict[str, pd.DataFrame]] = {}
    for path in curves:
        task, variant = path.parts[-5:-3]
        by_task.setdefault(task, {}).setdefault(variant, pd.read_csv(path))
    for task, tables in by_task.items():
        for cell, variants in (("lstm", lstm), ("gru", gru)):
            shown = {name: table for name, table in tables.items() if name in variants}
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
