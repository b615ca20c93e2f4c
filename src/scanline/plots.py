"""How the figures look: one style, one colour a variant in every figure, .png and .pdf."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

matplotlib.use("Agg")
matplotlib.rcParams.update(
    {
        "figure.dpi": 100,
        "savefig.dpi": 200,
        "font.size": 9,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.grid": True,
        "grid.alpha": 0.25,
        "legend.frameon": False,
        "pdf.fonttype": 42,  # text stays text
        "svg.hashsalt": "scanline",
    }
)
# Told apart with every common colour blindness (Okabe and Ito 2008), then darker shades of them.
COLOURS = (
    *("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000", "#8C564B"),
    *("#004C77", "#8E3F00", "#00694D", "#884F6F"),
)
SMOOTHING = 0.5  # share of the last smoothed value in the next, as in the report's figures


def colour_of(variant: str, palette: Sequence[str]) -> str:
    """The colour of a variant: its place in ``palette``, the names of all variants."""
    return COLOURS[list(palette).index(variant) % len(COLOURS)]


def save(figure: Figure, folder: Path, name: str) -> None:
    """Writes {name}.png and {name}.pdf, the same bytes for the same figure, and closes it."""
    figure.savefig(folder / f"{name}.png", bbox_inches="tight")
    figure.savefig(folder / f"{name}.pdf", bbox_inches="tight", metadata={"CreationDate": None})
    plt.close(figure)


def smoothed(values: np.ndarray, smoothing: float = SMOOTHING) -> np.ndarray:
    """Exponential smoothing: s[0] = v[0], s[i] = smoothing s[i - 1] + (1 - smoothing) v[i]."""
    result = np.array(values, float)
    for i in range(1, len(result)):
        result[i] = smoothing * result[i - 1] + (1 - smoothing) * result[i]
    return result


def draw_learning_curves(
    curves: dict[str, pd.DataFrame], quantity: str, label: str, palette: Sequence[str]
) -> Figure:
    """One quantity against training steps: by variant, training and held-out, raw and smoothed.

    ``curves``: curve_by_epoch tables by variant. Training is dashed, held-out solid; the raw values
    are faint.
    """
    figure, axes = plt.subplots(figsize=(6.2, 3.8))
    held_out = ""
    for variant, curve in curves.items():
        colour = colour_of(variant, palette)
        for split, points in curve[curve["quantity"] == quantity].groupby("split"):
            held_out = held_out if split == "train" else str(split)
            style = "--" if split == "train" else "-"
            steps, values = points["step"].to_numpy(), points["value"].to_numpy()
            marker = "o" if len(steps) == 1 else None
            axes.plot(steps, values, style, color=colour, alpha=0.25, lw=1)
            axes.plot(steps, smoothed(values), style, color=colour, lw=1.5, marker=marker, ms=4)
        axes.plot([], [], "-", color=colour, label=variant)
    axes.plot([], [], "-", color="grey", label=held_out.replace("_", " "))
    axes.plot([], [], "--", color="grey", label="training")
    axes.set_xlabel("training step")
    axes.set_ylabel(label)
    axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
    return figure


def draw_bulk_and_tail(
    values: dict[str, np.ndarray], label: str, colours: dict[str, str]
) -> Figure:
    """Histograms of ``values`` by name: all up to the 95th percentile, and all on a log axis."""
    figure, (bulk, tail) = plt.subplots(1, 2, figsize=(7.6, 3.0), layout="constrained")
    everything = np.concatenate(list(values.values()))
    low, high = float(everything.min()), float(everything.max())
    end = float(np.quantile(everything, 0.95))
    end = end if end > low else high
    for axes, top in ((bulk, end), (tail, high)):
        top = top if top > low else low + 1e-6
        for name, numbers in values.items():
            axes.hist(
                numbers,
                bins=np.linspace(low, top, 41),
                histtype="step",
                lw=1.3,
                color=colours[name],
                label=name,
            )
        axes.set_xlabel(label)
        axes.set_ylabel("images")
    bulk.set_title("bulk, up to the 95th percentile", fontsize=9)
    tail.set_title("all, logarithmic", fontsize=9)
    tail.set_yscale("log")
    if len(values) > 1:
        tail.legend()
    return figure


def draw_demonstration(table: pd.DataFrame) -> Figure:
    """Section 1.1: the error of each demonstration against the size of the gate bias."""
    titles = {
        "keep": "a state kept over the sequence",
        "copy": "output of the current input alone",
        "imitate": "nearest LSTM to the report's GRU",
    }
    shown = [name for name in titles if name in set(table["demonstration"])]
    figure, panels = plt.subplots(
        1, len(shown), figsize=(3.1 * len(shown), 2.9), layout="constrained", squeeze=False
    )
    colours = {"lstm": COLOURS[1], "gru": COLOURS[0]}
    for axes, name in zip(panels[0], shown, strict=True):
        _demonstration_panel(axes, table[table["demonstration"] == name], colours)
        axes.set_title(titles[name], fontsize=9)
    return figure


def _demonstration_panel(axes: Axes, table: pd.DataFrame, colours: dict[str, str]) -> None:
    for cell, points in table.groupby("cell"):
        points = points.sort_values("gate_bias")
        name = str(cell).upper()
        positive = points["error"].clip(lower=1e-9)  # a log axis has no 0
        axes.semilogy(
            points["gate_bias"], positive, "o-", ms=3, color=colours[str(cell)], label=name
        )
        if points["bound"].notna().any():
            axes.semilogy(
                points["gate_bias"],
                points["bound"],
                ":",
                color=colours[str(cell)],
                label=f"{name}, proven bound",
            )
    axes.set_xlabel("size of the gate bias")
    axes.set_ylabel("largest error")
    axes.legend(fontsize=7)
