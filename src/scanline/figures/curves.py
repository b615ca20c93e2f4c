"""Learning curves against training steps, raw and smoothed."""

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from scanline.figures.style import colour_of

FEW = 8  # a curve of fewer points is not smoothed: its first point would outweigh the others
SMOOTHING = 0.5  # the share of the last smoothed value in the next one, as in the report


def smoothed(values: np.ndarray, smoothing: float = SMOOTHING) -> np.ndarray:
    """Exponential smoothing: s[0] = v[0], s[i] = smoothing s[i - 1] + (1 - smoothing) v[i]."""
    return pd.Series(values, dtype=float).ewm(alpha=1 - smoothing, adjust=False).mean().to_numpy()


def draw_learning_curves(
    curves: dict[str, pd.DataFrame], quantity: str, label: str, palette: Sequence[str]
) -> Figure:
    """One quantity against training steps, by variant, on training and held-out images.

    ``curves``: curve_by_epoch tables by variant. Training is dashed, held-out solid. Raw values are
    faint, smoothed ones strong; a curve of few points shows its raw values only, as marked points.
    """
    figure, axes = plt.subplots(figsize=(6.2, 3.8))
    shown: set[str] = set()
    for variant, curve in curves.items():
        colour = colour_of(variant, palette)
        for split, points in curve[curve["quantity"] == quantity].groupby("split"):
            shown.add(str(split))
            style = "--" if split == "train" else "-"
            steps, values = points["step"].to_numpy(), points["value"].to_numpy()
            if len(steps) < FEW:
                face = "white" if split == "train" else colour
                axes.plot(steps, values, f"o{style}", color=colour, lw=1.5, ms=4, mfc=face)
                continue
            axes.plot(steps, values, style, color=colour, alpha=0.25, lw=1)
            axes.plot(steps, smoothed(values), style, color=colour, lw=1.5)
        axes.plot([], [], "-", color=colour, label=variant)
    few = all(len(curve["step"].unique()) < FEW for curve in curves.values())
    marker = "o" if few else None
    for split in sorted(shown, key="train".__eq__):
        words, style, face = split.replace("_", " "), "-", "grey"
        if split == "train":
            words, style, face = "training", "--", "white"
        axes.plot([], [], style, color="grey", label=words, marker=marker, ms=4, mfc=face)
    axes.set_xlim(left=0)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=6, integer=True))
    axes.ticklabel_format(axis="y", useOffset=False)
    axes.set_xlabel("training step")
    axes.set_ylabel(label)
    axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
    return figure
