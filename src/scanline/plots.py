"""How the figures look: one style, one colour a variant in every figure, .png and .pdf."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator

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
FEW = 8  # points of a curve, below which smoothing shows the first of them more than the course
EPSILON = "float32 epsilon"
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
    are faint. A curve of few points is drawn raw alone, its points marked.
    """
    figure, axes = plt.subplots(figsize=(6.2, 3.8))
    held_out = ""
    for variant, curve in curves.items():
        colour = colour_of(variant, palette)
        for split, points in curve[curve["quantity"] == quantity].groupby("split"):
            held_out = held_out if split == "train" else str(split)
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
    axes.plot([], [], "-", color="grey", label=held_out.replace("_", " "), marker=marker, ms=4)
    axes.plot([], [], "--", color="grey", label="training", marker=marker, ms=4, mfc="white")
    axes.set_xlim(left=0)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=6, integer=True))
    axes.ticklabel_format(axis="y", useOffset=False)
    axes.set_xlabel("training step")
    axes.set_ylabel(label)
    axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
    return figure


def draw_bulk_and_tail(
    values: dict[str, np.ndarray], label: str, colours: dict[str, str]
) -> Figure:
    """Histograms of ``values`` by name: all up to the 95th percentile, and all on a log axis.

    The first name is filled, so that a second one that hardly differs leaves it in sight.
    """
    figure, (bulk, tail) = plt.subplots(1, 2, figsize=(7.6, 3.0), layout="constrained")
    everything = np.concatenate(list(values.values()))
    low, high = float(everything.min()), float(everything.max())
    end = float(np.quantile(everything, 0.95))
    end = end if end > low else high
    bins = min(40, 2 * int(np.ceil(np.sqrt(max(len(each) for each in values.values())))))
    for axes, top in ((bulk, end), (tail, high)):
        top = top if top > low else low + max(0.01 * abs(low), 1e-4)
        for i, (name, numbers) in enumerate(values.items()):
            filled = i == 0 and len(values) > 1
            axes.hist(
                numbers,
                bins=np.linspace(low, top, bins + 1).tolist(),
                histtype="stepfilled" if filled else "step",
                lw=1.3,
                color=colours[name],
                alpha=0.3 if filled else 1,
                label=name,
            )
        axes.set_xlabel(label)
        axes.set_ylabel("images")
        axes.xaxis.set_major_locator(MaxNLocator(nbins=5, min_n_ticks=3))
        axes.ticklabel_format(axis="x", useOffset=False)
    bulk.set_title("bulk, up to the 95th percentile", fontsize=9)
    bulk.yaxis.set_major_locator(MaxNLocator(nbins=6, integer=True))
    tail.set_title("all, logarithmic", fontsize=9)
    tail.set_yscale("log")
    tail.set_ylim(bottom=0.7)  # one image is to be seen
    tail.yaxis.set_major_formatter(FuncFormatter(lambda count, _: f"{count:g}"))
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
        1, len(shown), figsize=(3.1 * len(shown), 3.3), layout="constrained", squeeze=False
    )
    for axes, name in zip(panels[0], shown, strict=True):
        _demonstration_panel(axes, table[table["demonstration"] == name])
        axes.set_title(titles[name], fontsize=9)
    entries: dict[str, Artist] = {}
    for axes in panels[0]:
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True):
            entries.setdefault(label, handle)
    labels = sorted(entries, key=lambda label: (label == EPSILON, label.partition(", ")[2], label))
    figure.legend([entries[label] for label in labels], labels, loc="outside lower center", ncols=4)
    return figure


def _demonstration_panel(axes: Axes, table: pd.DataFrame) -> None:
    # Bounds that coincide show both colours: the dots of one lie in the gaps of the other.
    styles = {"lstm": (COLOURS[1], (2, (1, 3))), "gru": (COLOURS[0], (0, (1, 3)))}
    bounded = table["bound"].notna().any()
    for cell, points in table.groupby("cell"):
        points = points.sort_values("gate_bias")
        (colour, dots), name = styles[str(cell)], str(cell).upper()
        biases, errors = points["gate_bias"], points["error"]
        positive = errors.where(errors > 0)  # a log axis has no 0
        axes.semilogy(biases, positive, "o-", ms=3, color=colour, label=name)
        exact = biases[errors == 0]
        if len(exact):  # at the axis' lower end
            at_end, place = np.full(len(exact), 0.03), axes.get_xaxis_transform()
            label = f"{name}, error 0"
            axes.plot(
                exact, at_end, "v", color=colour, ms=4, mfc="white", transform=place, label=label
            )
        if bounded:
            label = f"{name}, proven bound"
            axes.semilogy(biases, points["bound"], linestyle=dots, color=colour, label=label)
    if bounded:
        epsilon = float(np.finfo(np.float32).eps)
        axes.axhline(epsilon, color="grey", lw=0.7, label=EPSILON)
    axes.yaxis.set_major_locator(LogLocator(numticks=6))
    axes.set_xlabel("size of the gate bias")
    axes.set_ylabel("largest absolute error")
