"""Figures of images that a model drew from nothing, beside the training images nearest to them."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from scanline.figures.completions import mosaic
from scanline.figures.pictures import FILLED_INK, INK, PAPER, aspect, draw_rows, show
from scanline.figures.style import COLOURS

ACROSS = 10  # pairs in a row, or images of one class
SHOWN = 100  # images


def draw_sampled(images: np.ndarray, nearest: np.ndarray, columns: int) -> Figure:
    """Samples [N, T] in orange, each with its nearest training image [N, T] on its right."""
    drawn = np.where(images[:SHOWN] > 0, FILLED_INK, PAPER)
    trained = np.where(nearest[:SHOWN] > 0, INK, PAPER)
    pairs = np.stack([drawn, trained], axis=1).reshape(-1, images.shape[1])
    rows = -(-len(drawn) // ACROSS)
    height = 0.45 * rows * aspect(images, columns) + 0.3
    figure, axes = plt.subplots(figsize=(0.9 * ACROSS, height), layout="constrained")
    show(axes, mosaic(pairs, columns, 2 * ACROSS))
    return figure


def draw_by_class(
    images: np.ndarray, labels: np.ndarray, names: Sequence[str], columns: int
) -> Figure:
    """Samples [N, T] in orange, a row for each class of the ``labels`` [N], all of one length.

    ``names`` are the classes', by label.
    """
    shown, counts = np.unique(labels, return_counts=True)
    across = min(ACROSS, counts.min())
    drawn = np.where(images > 0, FILLED_INK, PAPER)
    rows = {names[label]: drawn[labels == label][:across] for label in shown}
    return draw_rows(rows, [""] * across, columns)


def draw_distances(tables: Mapping[str, pd.DataFrame]) -> Figure:
    """In how many pixels the nearest training image differs: one panel for each model.

    ``tables``: distances.csv by model. Samples are a line, test images are filled.
    """
    figure, panels = plt.subplots(
        1, len(tables), figsize=(3.4 * len(tables) + 0.6, 2.8), squeeze=False, sharey=True,
        layout="constrained",
    )  # fmt: skip
    everything = pd.concat(tables.values())["pixels_that_differ"]
    most = max(table["of"].value_counts().max() for table in tables.values())
    bins = np.linspace(0, everything.max() + 1, min(30, 2 * int(np.ceil(np.sqrt(most)))) + 1)
    for axes, (model, table) in zip(panels[0], tables.items(), strict=True):
        for of, kind, colour in (
            ("test images", "stepfilled", COLOURS[6]),
            ("samples", "step", COLOURS[1]),
        ):
            values = table.loc[table["of"] == of, "pixels_that_differ"]
            axes.hist(
                values,
                bins=bins.tolist(),
                histtype=kind,
                color=colour,
                alpha=0.4 if kind == "stepfilled" else 1,
                lw=1.3,
                label=of,
            )
        axes.set_title(model, fontsize=9)
        axes.set_xlabel("pixels that differ")
    panels[0, 0].set_ylabel("images")
    panels[0, 0].yaxis.set_major_locator(MaxNLocator(nbins=6, integer=True))
    figure.legend(*panels[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
    return figure
