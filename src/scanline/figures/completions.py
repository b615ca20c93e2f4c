"""Figures of completed digits: three that are chosen by rule, and mosaics of all."""

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from scanline.figures.pictures import GAP, aspect, draw_rows, show
from scanline.figures.sheet import side_by_side


def choose_digits(by_image: Sequence[pd.DataFrame], run: int) -> dict[str, int]:
    """Three images for a hidden run, chosen by a rule from the models' by_image.csv tables.

    The models complete A best (their samples' mean accuracy is highest) and B worst; of all others,
    C has the samples that differ most (highest diversity). The lower image wins a tie. Images
    without ink to complete are trivially right, so they are left out if three others remain.
    """
    tables = [table[table["hidden_run"] == run].set_index("image") for table in by_image]
    accuracy = pd.concat([table["accuracy"] for table in tables], axis=1).mean(axis=1)
    diversity = pd.concat([table["diversity"] for table in tables], axis=1).mean(axis=1)
    with_ink = diversity.index[diversity > 0.02]  # about one sampled pixel in fifty differs
    if len(with_ink) >= 3:
        accuracy, diversity = accuracy[with_ink], diversity[with_ink]
    images = accuracy.index.to_numpy()
    best, worst = int(images[accuracy.argmax()]), int(images[accuracy.argmin()])
    rest = diversity.drop([best, worst], errors="ignore")
    varied = int(rest.index.to_numpy()[rest.argmax()]) if len(rest) else best
    return {"a": best, "b": worst, "c": varied}


def draw_completions(
    rows: dict[str, np.ndarray], truth: np.ndarray, hidden: np.ndarray, columns: int
) -> Figure:
    """One digit, in a row for each model: the original, what is hidden, and the model's samples.

    ``rows``: pictures [S, T] by model; ``truth`` and ``hidden`` are pictures [T]; ``columns`` are
    those of an image.
    """
    samples = len(next(iter(rows.values())))
    titles = ["original", "hidden", *(f"sample {i + 1}" for i in range(samples))]
    return draw_rows(
        {model: np.stack([truth, hidden, *pictures]) for model, pictures in rows.items()},
        titles,
        columns,
    )


def draw_mosaics(mosaics: dict[str, np.ndarray], columns: int, across: int = 10) -> Figure:
    """Panels of many pictures [N, T] each, by title, with ``across`` pictures in a row.

    ``columns`` are those of an image.
    """
    beside = min(2, len(mosaics))
    rows = -(-len(mosaics) // beside)
    height = 4.4 * rows * aspect(next(iter(mosaics.values())), columns)
    figure, panels = plt.subplots(
        rows, beside, figsize=(4.2 * beside, height), squeeze=False, layout="constrained"
    )
    for axes in panels.flat[len(mosaics) :]:
        axes.set_axis_off()
    for axes, (title, pictures) in zip(panels.flat, mosaics.items(), strict=False):
        show(axes, mosaic(pictures, columns, across))
        axes.set_title(title, fontsize=9)
    return figure


def mosaic(pictures: np.ndarray, columns: int, across: int) -> np.ndarray:
    """Pictures [N, T] side by side with a gap of one pixel: one array of rows and columns."""
    return side_by_side(pictures.reshape(len(pictures), -1, columns), across, GAP)
