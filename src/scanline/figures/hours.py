"""What likelihood costs: nats of the published next-pixel models against the hours of training."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator

from scanline.evaluation.literature import over_seeds
from scanline.figures.style import COLOURS


def draw_hours(numbers: pd.DataFrame) -> Figure:
    """One panel for each data set: nats per image on its test split, and 95 % intervals.

    ``numbers``: published ones, as docs/results/figures.csv has them. Of several seeds it is their
    mean, against the hours of one.
    """
    ours = over_seeds(numbers)
    shown = ours[ours["task"] == "predict"]
    by_data = dict(list(shown.groupby("data")))
    figure, panels = plt.subplots(
        1, len(by_data), figsize=(2.6 * len(by_data) + 0.4, 2.9), squeeze=False, sharex=True,
        layout="constrained",
    )  # fmt: skip
    for axes, (data, lines) in zip(panels[0], by_data.items(), strict=True):
        hours, nats = lines["training_hours"], lines["measured"]
        axes.errorbar(
            hours,
            nats,
            yerr=np.abs(lines[["low", "high"]].to_numpy() - nats.to_numpy()[:, None]).T,
            fmt="o",
            ms=4,
            capsize=2,
            color=COLOURS[0],
        )
        for place, line in enumerate(lines.sort_values("training_hours").itertuples()):
            below = place % 2  # so that neighbours' names do not meet
            axes.annotate(
                line.model,
                (line.training_hours, line.measured),
                xytext=(4, -10 if below else 4),
                textcoords="offset points",
                fontsize=7,
            )
        axes.margins(y=0.15)
        axes.set_title(data, fontsize=9)
        axes.set_xlabel("hours of training")
    hours = shown["training_hours"]
    axes = panels[0, 0]
    axes.set_xscale("log")
    axes.set_xlim(hours.min() / 1.5, hours.max() * 5)  # names stand on the right
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter("{x:g}")
    axes.xaxis.set_minor_formatter("")
    axes.set_ylabel("nats per image, test")
    return figure
