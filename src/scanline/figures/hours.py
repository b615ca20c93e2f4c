"""What likelihood costs: nats of the published next-pixel models against CPU-hours of training."""

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator

from scanline.evaluation.literature import over_seeds
from scanline.figures.style import COLOURS

MARKERS = "osD^v"  # so that models are told apart without colours, too


def draw_hours(numbers: pd.DataFrame) -> Figure:
    """One panel for each data set: nats per image on its test split, and 95 % intervals.

    ``numbers``: published ones, as docs/results/figures.csv has them. Of several seeds it is their
    mean, against the CPU-hours of one.
    """
    ours = over_seeds(numbers)
    shown = ours[ours["task"] == "predict"]
    by_data = dict(list(shown.groupby("data")))
    palette = sorted(set(shown["model"]))
    figure, panels = plt.subplots(
        1, len(by_data), figsize=(2.2 * len(by_data) + 2, 2.9), squeeze=False, sharex=True,
        layout="constrained",
    )  # fmt: skip
    for axes, (data, lines) in zip(panels[0], by_data.items(), strict=True):
        for line in lines.to_dict("records"):
            place = palette.index(line["model"])
            axes.errorbar(
                line["cpu_hours"],
                line["measured"],
                yerr=[[line["measured"] - line["low"]], [line["high"] - line["measured"]]],
                fmt=MARKERS[place % len(MARKERS)],
                ms=5,
                capsize=2,
                color=COLOURS[place % len(COLOURS)],
                label=line["model"],
            )
        axes.margins(y=0.15)
        axes.set_title(data, fontsize=9)
        axes.set_xlabel("CPU-hours of training")
    hours = shown["cpu_hours"]
    axes = panels[0, 0]
    axes.set_xscale("log")
    axes.set_xlim(hours.min() / 1.5, hours.max() * 1.5)
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter("{x:g}")
    axes.xaxis.set_minor_formatter("")
    axes.set_ylabel("nats per image, test")
    named = {
        name: handle
        for each in panels[0]
        for handle, name in zip(*each.get_legend_handles_labels(), strict=True)
    }
    names = sorted(named)
    figure.legend([named[name] for name in names], names, loc="outside right center", fontsize=8)
    return figure
