"""The figure of what the cells can do: error against the size of the gate bias."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator

from scanline.figures.style import COLOURS
from scanline.models.cells import CELLS

EPSILON = "float32 epsilon"


def draw_demonstration(table: pd.DataFrame) -> Figure:
    """Section 1.1: the error of each demonstration against the size of the gate bias."""
    titles = {
        "keep": "a state kept over the sequence",
        "copy": "output of only the current input",
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
    styles = {cell: (COLOURS[i], (2 * i, (1, 3))) for i, cell in enumerate(CELLS)}
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
