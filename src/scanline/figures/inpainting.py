"""Figures of exact in-painting: histograms of cross-entropies, and examples."""

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import FuncFormatter, MaxNLocator

from scanline.figures.pictures import HIDDEN, draw_rows, shaped

FRAME = "#0072B2"
AROUND = 3  # pixels around a hole that are seen close up


def draw_bulk_and_tail(
    values: dict[str, np.ndarray], label: str, colours: dict[str, str]
) -> Figure:
    """Histograms of ``values`` by name, up to the 95th percentile and, on a log axis, of all.

    The first is filled and the second an outline, so that both are seen where they hardly differ.
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
    tail.set_ylim(bottom=0.7)  # so that a single image can be seen
    tail.yaxis.set_major_formatter(FuncFormatter(lambda count, _: f"{count:g}"))
    if len(values) > 1:
        tail.legend()
    return figure


def draw_inpaintings(
    truth: np.ndarray,
    hidden: np.ndarray,
    filled: np.ndarray,
    titles: Sequence[str],
    columns: int,
) -> Figure:
    """Figure 18: the image with its hole, and the truth and the in-painting there, close up.

    Images [N, T] stand side by side. A frame shows which part of the image is seen close up.
    """
    rows = {"image": hidden, "truth": truth, "in-painting": filled}
    figure = draw_rows(rows, titles, columns)
    for i, axes in enumerate(figure.axes):
        down, right = np.nonzero(shaped(hidden[i % len(hidden)], columns) == HIDDEN)
        left, top = float(right.min()) - AROUND - 0.5, float(down.min()) - AROUND - 0.5
        width, height = (float(np.ptp(each)) + 2 * AROUND + 1 for each in (right, down))
        if i < len(hidden):
            axes.add_patch(Rectangle((left, top), width, height, fill=False, ec=FRAME, lw=0.9))
        else:
            axes.set_xlim(left, left + width)
            axes.set_ylim(top + height, top)
    return figure
