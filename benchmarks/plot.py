"""Draws the benchmark's tables: python benchmarks/plot.py --folder results/bench."""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import tyro
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator
from work import NAMES

from scanline.figures.style import COLOURS, save, use

COLOUR_OF = dict(zip(("scanline", "keras", "torch", "before"), COLOURS, strict=False))
TITLES = {
    "training": "training step",
    "loop": "training loop, MNIST",
    "scoring": "scoring, MNIST",
    "likelihood": "likelihood",
    "sampling": "sampling, 300 pixels",
    "inpainting": "in-painting, 2x2 pixels",
}
AXES = {"units": "units", "batch": "batch (images)", "steps": "steps (pixels)"} | {
    "threads": "threads"
}
PLAIN = FuncFormatter(lambda value, _: f"{value:g}")


def draw_bars(table: pd.DataFrame) -> Figure:
    """Images/s in the better arrangement, one panel for each task."""
    tasks = list(dict.fromkeys(table["task"]))
    keys = ["task", "variant", "implementation", "precision"]
    best = table.groupby(keys)["images_per_second"].max()
    width = 7.6 if len(tasks) == 1 else 2.7 * len(tasks)
    figure, panels = plt.subplots(
        1, len(tasks), figsize=(width, 3.4), layout="constrained", squeeze=False
    )
    for axes, task in zip(panels[0], tasks, strict=True):
        rows = table[table["task"] == task]
        variants = list(dict.fromkeys(rows["variant"]))
        series = dict.fromkeys(zip(rows["implementation"], rows["precision"], strict=True))
        bars(axes, variants, list(series), best[task])
        axes.set_title(TITLES[task], fontsize=9)
    panels[0][0].set_ylabel("images/s")
    handles, labels = panels[0][0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels))
    return figure


def bars(axes: Axes, variants: list[str], series: list[tuple[str, str]], best: pd.Series) -> None:
    """A bar for each variant and (implementation, precision); bfloat16's are paler."""
    wide = 0.8 / len(series)
    for i, (name, precision) in enumerate(series):
        heights = [best.get((variant, name, precision), np.nan) for variant in variants]
        places = np.arange(len(variants)) + (i - (len(series) - 1) / 2) * wide
        pale = precision == "bfloat16"
        label = NAMES[name] + (", bfloat16" if pale else "")
        colour = (COLOUR_OF[name], 0.5 if pale else 1.0)
        drawn = axes.bar(places, heights, wide, color=colour, label=label)
        texts = [f"{height:.3g}" if height < 100 else f"{height:.0f}" for height in heights]
        axes.bar_label(drawn, texts, fontsize=6, padding=1)
    axes.set_yscale("log")
    # From a whole power of ten below the lowest bar, so that it is seen, and room for its number.
    axes.set_ylim(10 ** np.floor(np.log10(best.min() / 1.5)), best.max() * 2)
    axes.yaxis.set_major_formatter(PLAIN)
    axes.grid(axis="x", visible=False)
    axes.set_xticks(range(len(variants)), variants)


def draw_growth(table: pd.DataFrame) -> Figure:
    """Images/s above, peak memory below, against each number that was varied."""
    varied = list(dict.fromkeys(table["varied"]))
    figure, panels = plt.subplots(
        2, len(varied), figsize=(9.6, 4.6), layout="constrained", sharex="col", sharey="row"
    )
    quantities = {"images_per_second": "images/s", "peak_rss_mib": "peak memory (MiB)"}
    for row, (quantity, label) in zip(panels, quantities.items(), strict=True):
        for axes, name in zip(row, varied, strict=True):
            points = table[table["varied"] == name]
            axes.loglog(points["value"], points[quantity], "o-", ms=3.5, color=COLOURS[0])
            axes.xaxis.set_major_locator(FixedLocator(points["value"].tolist()))
            axes.xaxis.set_minor_locator(NullLocator())
            axes.xaxis.set_major_formatter(PLAIN)
            axes.tick_params(axis="x", labelsize=7)
        low, high = table[quantity].min(), table[quantity].max()
        ticks = [m * 10**e for e in range(6) for m in (1, 2, 5) if low / 2.5 < m * 10**e < high * 2]
        row[0].yaxis.set_major_locator(FixedLocator(ticks))
        row[0].yaxis.set_minor_locator(NullLocator())
        row[0].yaxis.set_major_formatter(PLAIN)
        row[0].set_ylabel(label)
    for axes, name in zip(panels[1], varied, strict=True):
        axes.set_xlabel(AXES[name])
    figure.suptitle("training step of gru-64, 256 images, 784 steps, one of them varied", size=9)
    return figure


def main(*, folder: Path) -> None:
    """Draws each table that the folder holds, as .png and .pdf beside it.

    Args:
        folder: the benchmark's tables, {training|loop|inference|growth}.csv
    """
    use()
    drawings = dict.fromkeys(("training", "loop", "inference"), draw_bars) | {"growth": draw_growth}
    for name, draw in drawings.items():
        if (folder / f"{name}.csv").exists():
            save(draw(pd.read_csv(folder / f"{name}.csv")), folder, name)
            print(folder / f"{name}.png")


if __name__ == "__main__":
    tyro.cli(main, prog="plot.py", description=__doc__)
